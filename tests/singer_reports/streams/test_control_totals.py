"""``control_totals``: a record per report, day, currency and reading, behind the rows it sums."""

from __future__ import annotations

import copy
import datetime
import gzip
import json
import signal
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator

from sandbox.faults import Fault
from singer_reports.output.stdout import SignalExit
from singer_reports.streams.control_totals import ControlTotals
from tests.support import RunResult, select

if TYPE_CHECKING:
    from tests.support import Adcloud, Adsterra, Message, Runner

TOTALS = "control_totals"
OWN = {"name": "own", "group_by": ["country"]}
DAILY = {"name": "a_daily_one", "group_by": ["domain", "placement", "country"]}
ANTARCTICA = {"name": "none", "group_by": ["date"], "country": "AQ"}
#: The fields that are added up, by tap.
FIELDS = {
    "adsterra": ("impression", "clicks", "revenue"),
    "adcloud": ("ad_impressions", "clicks", "costs"),
}
#: The reports of each tap.
REPORTS = {
    "adsterra": ["stats", "stats_by_country", "own", "a_daily_one", "none"],
    "adcloud": ["advertiser_report"],
}
SETTINGS: dict[str, dict[str, Any]] = {
    "adsterra": {"window_days": 3, "start_date": "2024-04-20", "reports": [OWN, DAILY, ANTARCTICA]},
    "adcloud": {},
}


@pytest.fixture(params=FIELDS)
def tap(request: pytest.FixtureRequest) -> str:
    """Name the tap."""
    return str(request.param)


@pytest.fixture
def runner(request: pytest.FixtureRequest, tap: str) -> Runner[Any]:
    """The tap against the sandbox."""
    runner: Runner[Any] = request.getfixturevalue(tap)
    return runner


def expected_totals(tap: str, rows: list[tuple[str, dict[str, Any]]]) -> dict[Any, Any]:
    """Add up rows by report, day, currency and reading."""
    found: dict[Any, list[Any]] = defaultdict(lambda: [0, 0, 0, Decimal()])
    for report, row in rows:
        currency = "USD" if tap == "adsterra" else row["currency"] or "-"
        sums = found[report, row["date"], currency, row["extracted_at"]]
        sums[0] += 1
        for index, name in enumerate(FIELDS[tap], 1):
            sums[index] += row[name]
    return dict(found)


def as_sums(totals: list[dict[str, Any]]) -> dict[Any, Any]:
    """Return control totals by key, without those of days without rows."""
    return {
        (each["report"], each["date"], each["currency"], each["extracted_at"]): [
            each[name] for name in ("row_count", "impressions", "clicks", "amount")
        ]
        for each in totals
        if each["row_count"]
    }


def rows_of(run: RunResult, tap: str) -> list[tuple[str, dict[str, Any]]]:
    return [(report, row) for report in REPORTS[tap] for row in run.records(report)]


def read(runner: Runner[Any], tap: str, **options: Any) -> RunResult:
    """Read all reports and their control totals."""
    options = {**SETTINGS[tap], **options}
    if "catalog" not in options:
        catalog = runner.tap(**SETTINGS[tap]).catalog_dict
        options["catalog"] = select(catalog, [*REPORTS[tap], TOTALS])
    run = runner.run(**options)
    assert run.error is None
    return run


def test_the_totals_are_the_sums_of_the_rows(runner: Runner[Any], tap: str) -> None:
    run = read(runner, tap)
    totals = run.records(TOTALS)
    assert as_sums(totals) == expected_totals(tap, rows_of(run, tap))
    assert all(isinstance(each["row_count"], int) for each in totals)
    keys = [
        tuple(each[name] for name in run.of_type("SCHEMA", TOTALS)[0]["key_properties"])
        for each in totals
    ]
    assert len(set(keys)) == len(keys)


def test_every_day_that_was_read_has_a_total(runner: Runner[Any], tap: str) -> None:
    run = read(runner, tap)
    first, last = (20, 31) if tap == "adsterra" else (24, 30)
    days = {
        str(datetime.date(2024, 4, 1) + datetime.timedelta(n - 1)) for n in range(first, last + 1)
    }
    for report in REPORTS[tap]:
        found = [each for each in run.records(TOTALS) if each["report"] == report]
        assert {each["date"] for each in found} == days
        for each in found:
            assert each["complete"] == (each["date"] < "2024-05-01")
            if not each["row_count"]:
                assert each["currency"] == ("USD" if tap == "adsterra" else "-")
                assert (each["impressions"], each["clicks"], each["amount"]) == (0, 0, 0)
            if tap == "adsterra":
                assert each["db_last_update_time"] == "2024-05-01 12:00:00"
    if tap == "adsterra":
        empty = [each["row_count"] for each in run.records(TOTALS) if each["report"] == "none"]
        assert empty == [0] * 12


def check_order(messages: list[Message], reports: list[str]) -> None:
    """Check that no state covers a day before its rows and totals, and no total its rows."""
    schemas: set[str] = set()
    proven: dict[str, set[str]] = defaultdict(set)
    for message in messages:
        kind = message["type"]
        if kind == "SCHEMA":
            assert message["stream"] not in schemas, "once per run"
            schemas.add(message["stream"])
        elif kind == "RECORD":
            assert message["stream"] in schemas
            record = message["record"]
            if message["stream"] == TOTALS:
                proven[record["report"]].add(record["date"])
                assert message["time_extracted"].rstrip("Z")[:19] == record["extracted_at"][:19]
            elif message["stream"] in reports:
                assert record["date"] not in proven[message["stream"]]
        elif kind == "STATE":
            for report in reports:
                bookmark = message["value"]["bookmarks"].get(report, {})
                if last := bookmark.get("replication_key_value"):
                    assert last in proven[report]


def test_totals_say_how_many_there_are_for_their_day(runner: Runner[Any], tap: str) -> None:
    totals = read(runner, tap).records(TOTALS)
    found = Counter((each["report"], each["date"], each["extracted_at"]) for each in totals)
    assert max(found.values()) == (1 if tap == "adsterra" else 2)
    for each in totals:
        assert each["currency_count"] == found[each["report"], each["date"], each["extracted_at"]]


def test_totals_come_behind_their_rows_and_before_the_state(runner: Runner[Any], tap: str) -> None:
    run = read(runner, tap)
    check_order(run.messages, REPORTS[tap])
    assert run.messages[-1]["type"] == "STATE"


def test_records_fit_their_schema(runner: Runner[Any], tap: str) -> None:
    run = read(runner, tap)
    (schema,) = run.of_type("SCHEMA", TOTALS)
    assert schema["key_properties"] == ["report", "date", "currency", "extracted_at"]
    validator = Draft202012Validator(schema["schema"])
    for record in run.records(TOTALS):
        validator.validate(json.loads(json.dumps(record, default=float)))
        assert set(record) == set(schema["schema"]["properties"])
    assert all(field["description"] for field in schema["schema"]["properties"].values())


def test_each_reading_adds_totals_and_changes_none(runner: Runner[Any], tap: str) -> None:
    first = read(runner, tap)
    runner.sandbox.clock.advance(datetime.timedelta(days=1))
    second = read(runner, tap, state=first.state)
    assert not as_sums(first.records(TOTALS)).keys() & as_sums(second.records(TOTALS)).keys()
    assert as_sums(second.records(TOTALS)) == expected_totals(tap, rows_of(second, tap))


def test_it_is_selected_by_default(runner: Runner[Any]) -> None:
    run = runner.run()
    assert run.error is None
    assert run.records(TOTALS)


def test_deselected_it_is_not_written(runner: Runner[Any], tap: str) -> None:
    catalog = select(runner.tap(**SETTINGS[tap]).catalog_dict, REPORTS[tap])
    run = read(runner, tap, catalog=catalog)
    assert not run.of_type("SCHEMA", TOTALS)
    assert run.records(REPORTS[tap][0])
    whole = read(runner, tap)
    others = [each for each in whole.without_times() if each.get("stream") != TOTALS]
    assert [each for each in run.without_times() if each["type"] != "STATE"] == [
        each for each in others if each["type"] != "STATE"
    ]


def test_a_catalog_without_it_does_not_select_it(runner: Runner[Any], tap: str) -> None:
    catalog = select(runner.tap(**SETTINGS[tap]).catalog_dict, REPORTS[tap])
    catalog["streams"] = [each for each in catalog["streams"] if each["stream"] != TOTALS]
    assert not read(runner, tap, catalog=catalog).of_type("SCHEMA", TOTALS)


def test_without_a_report_only_its_schema_is_written(runner: Runner[Any]) -> None:
    run = runner.run(TOTALS)
    assert run.error is None
    assert [each["type"] for each in run.messages] == ["SCHEMA"]
    assert runner.sandbox.requests == []


def test_a_full_table_keeps_earlier_readings(runner: Runner[Any], tap: str) -> None:
    catalog = select(runner.tap(**SETTINGS[tap]).catalog_dict, [*REPORTS[tap], TOTALS])
    for entry in catalog["streams"]:
        entry["replication_method"] = "FULL_TABLE"
    run = read(runner, tap, catalog=catalog, emit_activate_version_messages=True)
    assert not run.of_type("ACTIVATE_VERSION", TOTALS)
    assert as_sums(run.records(TOTALS)) == expected_totals(tap, rows_of(run, tap))


def test_a_connection_test_has_none(
    runner: Runner[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert runner.tap().run_connection_test()
    output = RunResult(capsys.readouterr().out.encode())
    assert output.records(TOTALS) == []


def test_stream_maps_and_deselected_fields_count(runner: Runner[Any], tap: str) -> None:
    catalog = select(runner.tap(**SETTINGS[tap]).catalog_dict, [*REPORTS[tap], TOTALS])
    left_out = {TOTALS: "clicks", REPORTS[tap][0]: FIELDS[tap][2]}
    for entry in catalog["streams"]:
        for item in entry["metadata"]:
            if item["breadcrumb"] == ["properties", left_out.get(entry["stream"])]:
                item["metadata"]["selected"] = False
    plain = read(runner, tap)
    maps = {TOTALS: {"__alias__": "proof", "account": "'north'"}}
    run = read(runner, tap, catalog=catalog, stream_maps=maps)
    check_order(run.messages, [])
    proofs = run.records("proof")
    assert {each.pop("account") for each in proofs} == {"north"}
    expected = copy.deepcopy(plain.records(TOTALS))
    for record in (*proofs, *expected):
        record.pop("clicks", None)
        del record["extracted_at"]
    assert proofs == expected
    assert FIELDS[tap][2] not in run.records(REPORTS[tap][0])[0]


@pytest.mark.parametrize("chosen", ["only the money", "all but the time", "as hidden before"])
def test_the_time_of_the_reading_cannot_be_deselected(
    runner: Runner[Any], tap: str, chosen: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Without it, no row would belong to the last reading of its day."""
    report, money = REPORTS[tap][0], FIELDS[tap][2]
    catalog = select(runner.tap().catalog_dict, [report, TOTALS])
    (entry,) = [each for each in catalog["streams"] if each["stream"] == report]
    for item in entry["metadata"]:
        if item["breadcrumb"] == ["properties", "extracted_at"]:
            assert item["metadata"]["inclusion"] == "automatic"
            if chosen == "as hidden before":
                item["metadata"] = {"inclusion": "available", "selected": False}
            elif chosen == "all but the time":
                item["metadata"]["selected"] = False
        elif item["breadcrumb"] and chosen == "only the money":
            item["metadata"]["selected"] = item["breadcrumb"][-1] == money
    run = runner.run(catalog=catalog)
    assert run.error is None
    rows = run.records(report)
    assert {row["extracted_at"] for row in rows} <= {
        each["extracted_at"] for each in run.records(TOTALS)
    }
    kept = set(run.of_type("SCHEMA", report)[0]["key_properties"]) | {money, "extracted_at"}
    assert (set(rows[0]) == kept) == (chosen == "only the money")
    is_completed = f"completed: {report} (extracted_at)" in caplog.text
    assert is_completed == (chosen == "as hidden before")


def test_flattening_changes_nothing(runner: Runner[Any], tap: str) -> None:
    run = read(runner, tap, flattening_enabled=True, flattening_max_depth=2)
    check_order(run.messages, [])
    expected = copy.deepcopy(read(runner, tap).records(TOTALS))
    found = copy.deepcopy(run.records(TOTALS))
    for record in (*found, *expected):
        del record["extracted_at"]
    assert found == expected


def test_it_is_discovered_with_key_and_replication_key(runner: Runner[Any]) -> None:
    catalog = runner.tap().catalog_dict
    (entry,) = [each for each in catalog["streams"] if each["stream"] == TOTALS]
    assert list(entry["key_properties"]) == ["report", "date", "currency", "extracted_at"]
    assert entry["replication_method"] == "INCREMENTAL"
    assert entry["replication_key"] == "extracted_at"


def test_batches_have_totals_before_their_state(
    runner: Runner[Any], tap: str, tmp_path: Path
) -> None:
    batches = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": tmp_path.as_uri()},
        "batch_size": 40,
    }
    run = read(runner, tap, batch_config=batches)
    found: list[Message] = []
    for message in run.messages:
        if message["type"] != "BATCH":
            found.append(message)
            continue
        for manifest in message["manifest"]:
            for line in gzip.decompress(Path(urlsplit(manifest).path).read_bytes()).splitlines():
                record = json.loads(line, parse_float=Decimal)
                time = record["extracted_at"]
                found.append(
                    {
                        "type": "RECORD",
                        "stream": message["stream"],
                        "record": record,
                        "time_extracted": time,
                    }
                )
    run.messages = found
    assert as_sums(run.records(TOTALS)) == expected_totals(tap, rows_of(run, tap))
    proven: dict[str, set[str]] = defaultdict(set)
    for message in found:
        if message["type"] == "RECORD" and message["stream"] == TOTALS:
            proven[message["record"]["report"]].add(message["record"]["date"])
        elif message["type"] == "STATE":
            for report in REPORTS[tap]:
                bookmark = message["value"]["bookmarks"].get(report, {})
                if last := bookmark.get("replication_key_value"):
                    assert last in proven[report]


def test_a_program_gets_the_totals_of_what_it_has_read(runner: Runner[Any], tap: str) -> None:
    reading = runner.tap(**SETTINGS[tap])
    assert list(reading.records(TOTALS)) == []
    rows = [(report, row) for report in REPORTS[tap] for row in reading.records(report)]
    assert as_sums(list(reading.records(TOTALS))) == expected_totals(tap, rows)
    assert list(reading.records(TOTALS)) == []


def test_rows_of_another_day_are_not_counted(adcloud: Adcloud) -> None:
    query = {"filter[date]": "2024-04-26"}
    adcloud.sandbox.faults.add(Fault("foreign_row", path="reports", query=query))
    run = adcloud.run("advertiser_report", TOTALS)
    if run.error is None:
        expected = expected_totals("adcloud", rows_of(run, "adcloud"))
        assert as_sums(run.records(TOTALS)) == expected


def test_a_slice_that_fails_has_none(adsterra: Adsterra) -> None:
    fault = Fault("lost_row", path="stats", query={"start_date": "2024-04-21"})
    adsterra.sandbox.faults.add(fault)
    run = adsterra.run("stats", TOTALS, window_days=10)
    assert as_sums(run.records(TOTALS)) == expected_totals("adsterra", rows_of(run, "adsterra"))
    check_order(run.messages, ["stats"])


def test_a_signal_leaves_all_totals_of_a_reading_or_none(
    runner: Runner[Any], tap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings: list[tuple[str, str]] = []

    def interrupted(stream: ControlTotals, record: Any) -> Any:
        readings.append((record["report"], record["extracted_at"]))
        # After the first totals of a later reading.
        if len(readings) > 6 and readings[-1] == readings[-2]:
            raise SignalExit(signal.SIGTERM)
        return generate(stream, record)

    generate = ControlTotals._generate_record_messages
    monkeypatch.setattr(ControlTotals, "_generate_record_messages", interrupted)
    catalog = select(runner.tap(**SETTINGS[tap]).catalog_dict, [*REPORTS[tap], TOTALS])
    run = runner.run(catalog=catalog, **SETTINGS[tap])
    assert isinstance(run.error, SignalExit)
    found = {(each["report"], each["extracted_at"]) for each in run.records(TOTALS)}
    assert found == set(readings[:-2])

"""``read``: the records of the tap, states per stream, and how far each stream is."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.faults import Fault

if TYPE_CHECKING:
    import pytest

    from tests.airbyte_sources.support import Output, SourceRunner
    from tests.support import Adcloud

TIME = re.compile(rb'"extracted_at":"[^"]*"')
SUMS = {
    "stats": ("impression", "clicks", "revenue"),
    "stats_by_country": ("impression", "clicks", "revenue"),
    "stats_by_sub_id": ("impression", "clicks", "revenue"),
    "advertiser_report": ("ad_impressions", "clicks", "costs"),
}


def bytes_of_records(output: bytes, pattern: str) -> list[tuple[bytes, bytes]]:
    """Return stream and JSON of each record as it was written, but for the times of reading."""
    found = [re.fullmatch(pattern.encode(), line) for line in output.split(b"\n")]
    return sorted((each[1], TIME.sub(b"", each[2])) for each in found if each)


def test_records_are_the_bytes_of_the_tap(source: SourceRunner) -> None:
    run = source.read()
    assert (run.error, run.whole) == (None, True)
    singer = source.runner.run(*(each["name"] for each in source.streams()))
    wrapped = bytes_of_records(
        run.output,
        r'\{"type":"RECORD","record":\{"stream":"(\w+)","data":(.*),"emitted_at":\d+\}\}',
    )
    plain = bytes_of_records(
        singer.output,
        r'\{"type":"RECORD","stream":"(\w+)","record":(.*),"time_extracted":"[^"]*"\}',
    )
    assert wrapped == plain
    assert len(wrapped) == len(run.of_type("RECORD"))


def test_numbers_keep_every_digit(source_adcloud: SourceRunner) -> None:
    run = source_adcloud.read("advertiser_report", "control_totals")
    costs = sum(row["costs"] for row in run.records("advertiser_report"))
    assert isinstance(costs, Decimal)
    assert costs == sum(row["amount"] for row in run.records("control_totals"))
    # Digits that a double would lose.
    assert re.search(rb'"amount":\d+\.\d*0[,}]', run.output)


def test_emitted_at_is_the_time_of_reading(source_adsterra: SourceRunner) -> None:
    for record in source_adsterra.read("stats").of_type("RECORD"):
        time = datetime.datetime.fromisoformat(record["data"]["extracted_at"])
        assert record["emitted_at"] == int(time.timestamp() * 1000)


def test_only_what_is_configured_is_read(source_adsterra: SourceRunner) -> None:
    run = source_adsterra.read("domains")
    assert {record["stream"] for record in run.of_type("RECORD")} == {"domains"}
    assert {request.path.rpartition("/")[2] for request in source_adsterra.sandbox.requests} == {
        "domains.json"
    }


def test_each_stream_is_started_running_and_complete(source: SourceRunner) -> None:
    run = source.read()
    for stream in source.streams():
        assert run.statuses(stream["name"]) == ["STARTED", "RUNNING", "COMPLETE"]
    # Control totals are written to the end.
    last = run.traces("STREAM_STATUS")[-1]
    assert last["stream_descriptor"]["name"] == "control_totals"


def test_a_stream_without_records_is_never_running(source_adsterra: SourceRunner) -> None:
    report = {"name": "none", "group_by": ["date"], "country": "AQ"}
    run = source_adsterra.read("none", reports=[report])
    assert run.statuses("none") == ["STARTED", "COMPLETE"]
    assert run.bookmark("none") == "2024-04-30"


def check_states(run: Output) -> None:
    """Check that states count all records, and follow the last record of each stream."""
    written: dict[str, int] = {}
    for message in run.messages:
        if message["type"] == "RECORD":
            name = message["record"]["stream"]
            written[name] = written.get(name, 0) + 1
        elif message["type"] == "STATE":
            state = message["state"]
            assert state["type"] == "STREAM"
            name = state["stream"]["stream_descriptor"]["name"]
            assert state["sourceStats"]["recordCount"] == written.pop(name, 0)
    assert written == {}


def test_states_count_the_records_before_them(source: SourceRunner) -> None:
    check_states(source.read())


def test_states_come_where_the_tap_writes_them(source_adsterra: SourceRunner) -> None:
    options: dict[str, Any] = {"window_days": 3}
    run = source_adsterra.read("stats", "control_totals", **options)
    singer = source_adsterra.runner.run("stats", "control_totals", **options)
    days = [
        each["stream"]["stream_state"].get("replication_key_value")
        for each in run.of_type("STATE")
        if each["stream"]["stream_descriptor"]["name"] == "stats"
    ]
    bookmarks = (state["bookmarks"].get("stats", {}) for state in singer.states)
    expected = [each.get("replication_key_value") for each in bookmarks if each]
    assert days == expected
    assert len(days) > 10


def test_control_totals_come_before_the_state_that_covers_them(
    source_adsterra: SourceRunner,
) -> None:
    run = source_adsterra.read("stats", "control_totals", window_days=3)
    proven: set[str] = set()
    for message in run.messages:
        if message["type"] == "RECORD" and message["record"]["stream"] == "control_totals":
            proven.add(message["record"]["data"]["date"])
        elif message["type"] == "STATE":
            day = message["state"]["stream"]["stream_state"].get("replication_key_value")
            assert day is None or day in proven


def test_control_totals_are_the_sums_of_the_rows(source: SourceRunner) -> None:
    run = source.read()
    found: dict[tuple[str, str, str], list[Any]] = {}
    for report, fields in SUMS.items():
        for row in run.records(report):
            key = (report, row["date"], row.get("currency", "USD"))
            sums = found.setdefault(key, [0, 0, 0, Decimal()])
            sums[0] += 1
            for number, name in enumerate(fields, start=1):
                sums[number] += row[name]
    totals = {
        (each["report"], each["date"], each["currency"]): [
            each[name] for name in ("row_count", "impressions", "clicks", "amount")
        ]
        for each in run.records("control_totals")
        if each["row_count"]
    }
    assert totals == found


def test_the_next_sync_reads_what_may_have_changed(source_adsterra: SourceRunner) -> None:
    first = source_adsterra.read("stats")
    source_adsterra.sandbox.clock.advance(datetime.timedelta(days=1))
    second = source_adsterra.read("stats", state=first.state)
    # A week is read again, the default of lookback_days; the network has corrected it.
    assert min(row["date"] for row in second.records("stats")) == "2024-04-24"
    assert second.bookmark("stats") == "2024-05-01"
    before = {(row["date"], row["placement"]): row["revenue"] for row in first.records("stats")}
    changed = [
        row
        for row in second.records("stats")
        if before.get((row["date"], row["placement"])) not in (None, row["revenue"])
    ]
    assert changed


def test_the_times_of_readings_never_go_back(source_adsterra: SourceRunner) -> None:
    first = source_adsterra.read("stats")
    source_adsterra.sandbox.clock.advance(datetime.timedelta(days=-1))
    second = source_adsterra.read("stats", state=first.state)
    assert max(row["extracted_at"] for row in first.records("stats")) < min(
        row["extracted_at"] for row in second.records("stats")
    )


def test_a_full_refresh_reads_everything_whatever_the_state(source_adsterra: SourceRunner) -> None:
    first = source_adsterra.read("stats")
    again = source_adsterra.read("stats", state=first.state, mode="full_refresh")
    assert again.rows("stats") == first.rows("stats")
    check_states(again)
    assert again.statuses("stats") == ["STARTED", "RUNNING", "COMPLETE"]


def test_a_list_is_read_completely_whatever_the_mode(source_adsterra: SourceRunner) -> None:
    """PyAirbyte wants every stream read incrementally."""
    first = source_adsterra.read("domains", mode="incremental")
    again = source_adsterra.read("domains", mode="incremental", state=first.state)
    assert first.records("domains") == again.records("domains") != []


def test_rows_are_estimated_from_the_plan(source_adcloud: SourceRunner) -> None:
    run = source_adcloud.read("advertiser_report", start_date="2024-04-01")
    estimates = [each["row_estimate"] for each in run.traces("ESTIMATE")]
    assert len(estimates) >= 3
    assert estimates[-1] / len(run.records("advertiser_report")) < 2
    assert all(each["type"] == "STREAM" for each in run.traces("ESTIMATE"))


def test_a_failed_stream_keeps_the_finished_days_and_the_next_sync_goes_on(
    source_adcloud: SourceRunner, adcloud: Adcloud
) -> None:
    source_adcloud.sandbox.adcloud.rows_per_day = 30
    query = {"filter[date]": "2024-04-27"}
    fault = source_adcloud.sandbox.faults.add(Fault("status", status=403, query=query))
    run = source_adcloud.read("advertiser_report", "topics", "control_totals", lookback_days=0)
    assert fault.triggered
    assert run.whole is False
    assert run.bookmark("advertiser_report") == "2024-04-26"
    assert run.statuses("advertiser_report") == ["STARTED", "RUNNING", "INCOMPLETE"]
    assert run.statuses("topics") == ["STARTED", "RUNNING", "COMPLETE"]
    assert run.statuses("control_totals") == ["STARTED", "RUNNING", "INCOMPLETE"]
    (error,) = run.traces("ERROR")
    assert error["stream_descriptor"] == {"name": "advertiser_report"}
    assert error["message"].startswith("advertiser_report 2024-04-27")

    source_adcloud.sandbox.faults.clear()
    rest = source_adcloud.read("advertiser_report", state=run.state, lookback_days=0)
    rows = run.rows("advertiser_report") + rest.rows("advertiser_report")
    assert rows == adcloud.expected_rows()


def test_a_refused_token_is_renewed(source_adcloud: SourceRunner, adcloud: Adcloud) -> None:
    fault = source_adcloud.sandbox.faults.add(Fault("dead_token", path="reports", times=1))
    run = source_adcloud.read("advertiser_report")
    assert fault.triggered == 1
    assert run.rows("advertiser_report") == adcloud.expected_rows()


def test_a_refused_credential_ends_the_sync_at_once(
    source_adsterra: SourceRunner, caplog: pytest.LogCaptureFixture
) -> None:
    run = source_adsterra.read(api_token="gone-away")  # noqa: S106
    assert run.whole is False
    (error,) = run.traces("ERROR")
    assert error["failure_type"] == "config_error"
    assert "api_token" in error["message"]
    assert run.of_type("RECORD") == []
    assert "gone-away" not in run.output.decode() + caplog.text
    assert run.statuses("domains") == ["STARTED", "INCOMPLETE"]
    assert run.statuses("stats") == []

"""A tap as a Python program uses it: records, nothing on standard output, state and errors."""

from __future__ import annotations

import copy
import json
import logging
import signal
import subprocess
import sys
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from sandbox.adsterra import DEMO_TOKEN
from sandbox.faults import Fault
from singer_reports.http.errors import RequestError
from tap_adcloud import TapAdcloud
from tap_adsterra import TapAdsterra
from tests.reliability.secret_scan import leaks
from tests.support import RunResult, select, state_without_times

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support import Adcloud, Adsterra

STREAMS = [
    (tap.__name__, stream)
    for tap in (TapAdsterra, TapAdcloud)
    for stream in tap(config={}, validate_config=False).streams
    if stream != "control_totals"
]


@pytest.fixture(autouse=True)
def silence(capfd: pytest.CaptureFixture[str]) -> Iterable[None]:
    """Nothing is written to standard output in any of these tests."""
    yield
    assert capfd.readouterr().out == ""


def without_times(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in record.items() if name != "extracted_at"}
        for record in records
    ]


@pytest.mark.parametrize(("tap", "stream"), STREAMS)
def test_the_records_and_the_state_are_those_of_a_run(
    adsterra: Adsterra, adcloud: Adcloud, tap: str, stream: str
) -> None:
    runner = adsterra if tap == "TapAdsterra" else adcloud
    run: RunResult = runner.run(stream)
    assert run.error is None
    # A new tap, in which the stream is selected only if it is by default.
    reading = runner.tap()
    records = list(reading.records(stream))
    assert without_times(records) == run.rows(stream)
    assert records
    values = [value for record in records for value in record.values()]
    assert not [value for value in values if isinstance(value, float)]
    state, expected = map(state_without_times, (reading.state, run.state))
    assert state.get("bookmarks", {}).get(stream) == expected["bookmarks"].get(stream)


def test_the_numbers_are_exact(adsterra: Adsterra) -> None:
    (first, *_) = adsterra.tap().records("stats")
    assert isinstance(first["revenue"], Decimal)
    assert isinstance(first["clicks"], int)


def test_the_state_covers_the_days_whose_records_have_been_taken(adcloud: Adcloud) -> None:
    tap = adcloud.tap(lookback_days=0)
    records = tap.records("advertiser_report")
    taken = []
    for record in records:
        taken.append(record)
        if record["date"] == "2024-04-27":
            break
    state = json.loads(json.dumps(tap.state))
    assert state["bookmarks"]["advertiser_report"]["replication_key_value"] == "2024-04-26"
    rest = list(adcloud.tap(state=state, lookback_days=0).records("advertiser_report"))
    # The last record was read before its day was complete, so its day is read again.
    assert without_times(taken[:-1] + rest) == adcloud.expected_rows()


def test_a_second_reading_continues_where_the_first_one_ended(adsterra: Adsterra) -> None:
    tap = adsterra.tap(lookback_days=0, include_today=False)
    assert list(tap.records("stats"))
    assert list(tap.records("stats")) == []


def test_errors_are_raised_with_their_sentence(adcloud: Adcloud) -> None:
    query = {"filter[date]": "2024-04-27"}
    adcloud.sandbox.faults.add(Fault("status", path="reports", query=query, status=500))
    tap = adcloud.tap()
    taken: list[dict[str, Any]] = []
    with pytest.raises(RequestError, match=r"^advertiser_report 2024-04-27: .* try 6 of 6: run"):
        taken.extend(tap.records("advertiser_report"))
    assert without_times(taken) == adcloud.expected_rows(last="2024-04-26")
    bookmark = tap.state["bookmarks"]["advertiser_report"]["replication_key_value"]
    assert bookmark == "2024-04-26"


def test_an_error_holds_no_secret(adsterra: Adsterra) -> None:
    fault = Fault("status", path="domains", status=422, message=f"You sent {DEMO_TOKEN}")
    adsterra.sandbox.faults.add(fault)
    with pytest.raises(RequestError) as caught:
        list(adsterra.tap(auth_method="path").records("domains"))
    error: BaseException | None = caught.value
    while error is not None:
        assert leaks(repr(error), [DEMO_TOKEN]) == []
        error = error.__cause__ or error.__context__


def test_an_unexpected_error_holds_no_secret_either(
    adsterra: Adsterra, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        message = f"no row of {DEMO_TOKEN}"
        raise RuntimeError(message)

    tap = adsterra.tap()
    monkeypatch.setattr(tap.streams["domains"], "post_process_rows", fail)
    with pytest.raises(RuntimeError, match=r"^no row of \*\*\*$"):
        list(tap.records("domains"))


def test_all_wrong_settings_are_reported_together() -> None:
    with pytest.raises(ConfigValidationError) as caught:
        TapAdcloud(config={"client_id": "me", "start_date": "soon", "page_size": 1000})
    message = str(caught.value)
    assert all(problem in message for problem in caught.value.errors)
    for name in ("client_secret", "start_date", "page_size"):
        assert name in message


def test_a_stream_that_is_not_there_is_named_with_those_that_are(adsterra: Adsterra) -> None:
    with pytest.raises(ValueError, match=r"There is no stream 'stat'\. There are: .*placements.*"):
        adsterra.tap().records("stat")


def test_the_settings_given_are_not_changed(
    adsterra: Adsterra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAP_ADSTERRA_API_TOKEN", DEMO_TOKEN)
    settings = {"api_url": adsterra.sandbox.adsterra_url}
    tap = TapAdsterra(config=settings, parse_env_config=True)
    assert tap.config["api_token"] == DEMO_TOKEN
    assert settings == {"api_url": adsterra.sandbox.adsterra_url}


def test_fields_that_are_not_selected_and_stream_maps_count(adsterra: Adsterra) -> None:
    catalog = select(adsterra.tap().catalog_dict, ["stats"])
    (entry,) = [entry for entry in catalog["streams"] if entry["tap_stream_id"] == "stats"]
    for metadata in entry["metadata"]:
        if metadata["breadcrumb"] == ["properties", "ctr"]:
            metadata["metadata"]["selected"] = False
    # The stream map makes a second stream of the same rows.
    maps = {"stats": {"cpm": "__NULL__"}, "copy": {"__source__": "stats", "clicks": "0"}}
    tap = adsterra.tap(catalog=catalog, stream_maps=maps)
    records = list(tap.records("stats"))
    whole = adsterra.run("stats").rows("stats")
    for record in whole:
        del record["ctr"], record["cpm"]
    assert without_times(records) == whole


def test_batches_are_for_the_command(adsterra: Adsterra, tmp_path: Any) -> None:
    storage = {"root": f"file://{tmp_path}"}
    batches = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": storage}
    whole = adsterra.run("domains").records("domains")
    assert list(adsterra.tap(batch_config=batches).records("domains")) == whole
    assert list(tmp_path.iterdir()) == []


def test_the_signal_handlers_of_the_program_are_kept(adsterra: Adsterra) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = [signal.getsignal(number) for number in numbers]
    list(adsterra.tap().records("domains"))
    assert [signal.getsignal(number) for number in numbers] == handlers


def test_any_thread_can_read(adsterra: Adsterra) -> None:
    found: list[Any] = []
    reading = threading.Thread(target=lambda: found.extend(adsterra.tap().records("domains")))
    reading.start()
    reading.join(60)
    assert found == adsterra.run("domains").records("domains")


def test_the_logging_of_the_program_is_not_changed(adsterra: Adsterra) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    list(adsterra.tap().records("domains"))
    assert (root.level, list(root.handlers)) == before


@pytest.mark.parametrize(
    ("module", "name"), [("tap_adsterra", "TapAdsterra"), ("tap_adcloud", "TapAdcloud")]
)
def test_the_package_loads_the_tap_on_access(module: str, name: str) -> None:
    program = f"""
import sys
before = set(sys.modules)
import {module}
assert set(sys.modules) - before == {{"{module}"}}, set(sys.modules) - before
from {module} import {name}
assert {name} is sys.modules["{module}.tap"].{name}
assert "{name}" in {module}.__all__
try:
    {module}.Tap
except AttributeError as error:
    assert "{module}" in str(error)
else:
    raise SystemExit(1)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    "markers",
    [
        {"replication_key": "date"},
        {"replication_key": "date", "replication_key_value": "2031-01-01"},
        {"Note": "Progress is not resumable if interrupted."},
    ],
)
def test_progress_of_runs_that_never_ended_is_forgotten(
    adsterra: Adsterra, markers: dict[str, str]
) -> None:
    """As by the command; the SDK would write it into the bookmark of a stream that is read."""
    bookmark = {"replication_key": "date", "replication_key_value": "2024-04-28"}
    state = {"bookmarks": {"stats": {**bookmark, "progress_markers": markers}}}
    before = copy.deepcopy(state)
    tap = TapAdsterra(config=adsterra.settings(), state=state)
    assert list(tap.records("stats"))
    assert state == before
    after = tap.state["bookmarks"]["stats"]
    assert after["replication_key_value"] == "2024-04-30"
    assert "progress_markers" not in after

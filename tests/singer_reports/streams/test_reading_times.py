"""``extracted_at``: all rows of a reading have the same, and each reading has a later one."""

from __future__ import annotations

import datetime
import logging
import threading
from typing import TYPE_CHECKING, Any, Literal

import pytest
from singer_sdk.exceptions import ConfigValidationError

from sandbox.faults import Fault
from singer_reports.reading_times import ReadingClock, format_time, parse_time
from tests.support import NOW, RunResult, sync

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support import Adcloud, Adsterra, Runner

ONE_DAY = datetime.timedelta(days=1)
OWN = {"name": "own", "group_by": ["country"]}
DAILY = {"name": "daily", "group_by": ["domain", "placement", "country"]}
STREAMS = {
    "stats": "adsterra",
    "stats_by_country": "adsterra",
    "own": "adsterra",
    "daily": "adsterra",
    "advertiser_report": "adcloud",
}


@pytest.fixture
def runner(request: pytest.FixtureRequest, stream: str) -> Runner[Any]:
    """The tap of a stream."""
    runner: Runner[Any] = request.getfixturevalue(STREAMS[stream])
    return runner


def options(stream: str) -> dict[str, Any]:
    """Return the settings with which a stream is read in several slices."""
    if STREAMS[stream] == "adcloud":
        return {}
    return {"window_days": 3, "start_date": "2024-04-20", "reports": [OWN, DAILY]}


def times(run: RunResult, stream: str) -> list[str]:
    """Return the different times in the order written, and check that they are the messages'."""
    found = []
    for message in run.of_type("RECORD", stream):
        time = message["record"]["extracted_at"]
        assert parse_time(message["time_extracted"]) == parse_time(time)
        found.append(time)
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("stream", STREAMS)
def test_a_reading_of_a_day_has_one_time_and_each_slice_a_later_one(
    runner: Runner[Any], stream: str
) -> None:
    first = runner.run(stream, **options(stream))
    days: dict[str, set[str]] = {}
    for record in first.records(stream):
        days.setdefault(record["date"], set()).add(record["extracted_at"])
    assert all(len(found) == 1 for found in days.values())
    found = times(first, stream)
    assert len(found) > 3
    assert found == sorted(found)
    assert all(len(time) == len("2024-05-01T12:00:00.000000Z") for time in found)
    # An hour earlier by the clock: the next run's times are later all the same.
    runner.sandbox.clock.advance(datetime.timedelta(hours=-1))
    second = runner.run(stream, state=first.state, **options(stream))
    assert times(second, stream)[0] > found[-1]
    assert second.state["bookmarks"][stream]["extracted_at"] >= times(second, stream)[-1]


@pytest.mark.parametrize("kind", ["lost_row", "wrong_total"])
def test_a_slice_that_is_read_again_has_a_later_time_than_all_before(
    adcloud: Adcloud, kind: Literal["lost_row", "wrong_total"]
) -> None:
    query = {"filter[date]": "2024-04-26"}
    adcloud.sandbox.faults.add(Fault(kind, path="reports", query=query, times=1))
    run = adcloud.report(max_concurrency=4)
    assert run.error is None
    by_day = {row["date"]: row["extracted_at"] for row in run.records("advertiser_report")}
    assert by_day["2024-04-26"] > max(time for day, time in by_day.items() if day < "2024-04-26")
    assert by_day["2024-04-26"] > by_day["2024-04-27"]
    assert len(set(by_day.values())) == len(by_day)
    assert run.state["bookmarks"]["advertiser_report"]["extracted_at"] >= max(by_day.values())


@pytest.mark.parametrize("stream", ["stats", "advertiser_report"])
def test_no_row_is_written_before_its_time_is_in_a_state(runner: Runner[Any], stream: str) -> None:
    """A run that dies at any line is followed by one with later times, even if the clock is not."""
    run = runner.run(stream, **options(stream))
    saved = ""
    for message in run.messages:
        if message["type"] == "STATE":
            saved = message["value"]["bookmarks"][stream]["extracted_at"]
        elif message["type"] == "RECORD":
            assert message["record"]["extracted_at"] <= saved


@pytest.mark.parametrize("stream", ["stats", "advertiser_report"])
@pytest.mark.parametrize("method", ["INCREMENTAL", "FULL_TABLE"])
@pytest.mark.parametrize(
    "saved",
    [
        "2031-01-01T00:00:00.000000Z",
        "2031-01-01T01:00:00+01:00",
        "2031-01-01T00:00:00",
        "9998-12-31T23:59:59.000000Z",
    ],
)
def test_times_go_on_from_a_clock_that_was_ahead(
    runner: Runner[Any],
    stream: str,
    method: str,
    saved: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    catalog = runner.tap(stream, **options(stream)).catalog_dict
    for entry in catalog["streams"]:
        if entry["tap_stream_id"] == stream:
            entry["replication_method"] = method
    bookmark = {
        "replication_key": "date",
        "replication_key_value": "2024-04-29",
        "extracted_at": saved,
    }
    run = runner.run(catalog=catalog, state={"bookmarks": {stream: bookmark}}, **options(stream))
    assert run.error is None
    found = times(run, stream)
    assert parse_time(found[0]) > parse_time(saved)
    assert found == sorted(found)
    assert [line for line in caplog.messages if "which is still to come" in line]
    again = runner.run(catalog=catalog, state=run.state, **options(stream))
    assert times(again, stream)[0] > found[-1]


@pytest.mark.parametrize("stream", ["stats", "advertiser_report"])
@pytest.mark.parametrize(
    "saved",
    ["yesterday", "", 5, ["2024"], "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999Z"],
)
@pytest.mark.parametrize("method", ["INCREMENTAL", "FULL_TABLE"])
def test_what_is_no_time_is_refused(
    runner: Runner[Any], stream: str, saved: Any, method: str
) -> None:
    catalog = runner.tap(stream).catalog_dict
    for entry in catalog["streams"]:
        if entry["tap_stream_id"] == stream:
            entry["replication_method"] = method
    with pytest.raises(ConfigValidationError) as caught:
        runner.tap(catalog=catalog, state={"bookmarks": {stream: {"extracted_at": saved}}})
    (problem,) = caught.value.errors
    assert f"bookmarks.{stream}.extracted_at" in problem
    assert runner.sandbox.requests == []


def test_a_full_table_keeps_the_time_too(adsterra: Adsterra) -> None:
    catalog = adsterra.tap("stats").catalog_dict
    for entry in catalog["streams"]:
        entry["replication_method"] = "FULL_TABLE"
    first = adsterra.run(catalog=catalog)
    adsterra.sandbox.clock.advance(-ONE_DAY)
    second = adsterra.run(catalog=catalog, state=first.state)
    assert times(second, "stats")[0] > times(first, "stats")[-1]


def test_a_program_that_reads_again_gets_later_times(adcloud: Adcloud) -> None:
    tap = adcloud.tap()
    first = list(tap.records("advertiser_report"))
    second = list(tap.records("advertiser_report"))
    last = max(record["extracted_at"] for record in first)
    assert min(record["extracted_at"] for record in second) > last
    adcloud.sandbox.clock.advance(-ONE_DAY)
    third = list(adcloud.tap(state=dict(tap.state)).records("advertiser_report"))
    last = max(record["extracted_at"] for record in second)
    assert min(record["extracted_at"] for record in third) > last


def test_a_connection_test_saves_no_time(adsterra: Adsterra) -> None:
    tap = adsterra.tap("stats")
    assert tap.run_connection_test()
    assert tap.state["bookmarks"].get("stats") == {}


def test_a_file_in_batches_has_the_times_of_its_state(adsterra: Adsterra, tmp_path: Any) -> None:
    batches = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": tmp_path.as_uri()},
    }
    first = adsterra.run("stats", batch_config=batches)
    saved = parse_time(first.state["bookmarks"]["stats"]["extracted_at"])
    adsterra.sandbox.clock.advance(-ONE_DAY)
    second = sync(adsterra.tap("stats", state=first.state))
    assert parse_time(times(second, "stats")[0]) > saved


def test_the_clock_gives_each_time_once_in_any_number_of_threads() -> None:
    now = iter([NOW, NOW - ONE_DAY, *[NOW] * 1_000])
    clock = ReadingClock(lambda: next(now))
    found: list[datetime.datetime] = []

    def read() -> None:
        found.extend(clock.next() for _ in range(100))

    threads = [threading.Thread(target=read) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 500
    assert max(found) == clock.last == NOW + datetime.timedelta(microseconds=499)


def test_texts_are_ordered_as_times() -> None:
    def moments() -> Iterator[datetime.datetime]:
        for seconds in (0, 1e-6, 0.5, 1, 59, 3_600, 86_400, 1e9):
            yield NOW + datetime.timedelta(seconds=seconds)

    texts = list(map(format_time, moments()))
    assert texts == sorted(texts)
    assert list(map(parse_time, texts)) == list(moments())

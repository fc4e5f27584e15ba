"""Bookmarks: which days are read again, and that none is skipped."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from sandbox.adsterra import DEMO, expected_rows
from sandbox.faults import Fault
from tests.support import NOW, RunResult, day, state_without_times, sync

if TYPE_CHECKING:
    from tests.support import Adsterra

ONE_DAY = datetime.timedelta(days=1)


def state_at(bookmark: str, stream: str = "stats") -> dict[str, Any]:
    return {"bookmarks": {stream: {"replication_key": "date", "replication_key_value": bookmark}}}


def days_of(run: RunResult, stream: str = "stats") -> list[str]:
    return sorted({record["date"] for record in run.rows(stream)})


def test_the_bookmark_is_yesterday_although_today_was_read(adsterra: Adsterra) -> None:
    run = adsterra.run("stats")
    assert days_of(run)[-1] == "2024-05-01"
    assert run.bookmark("stats") == "2024-04-30"


def test_today_can_be_left_out(adsterra: Adsterra) -> None:
    run = adsterra.run("stats", include_today=False)
    assert days_of(run)[-1] == "2024-04-30"
    assert run.bookmark("stats") == "2024-04-30"


def test_the_first_run_reads_from_the_start_date_without_lookback(adsterra: Adsterra) -> None:
    adsterra.run("stats", start_date="2024-04-20", lookback_days=30)
    assert adsterra.windows() == ["2024-04-20..2024-05-01"]


def test_the_next_run_reads_the_lookback_again(adsterra: Adsterra) -> None:
    first = adsterra.run("stats")
    adsterra.sandbox.requests.clear()
    adsterra.sandbox.clock.advance(ONE_DAY)
    second = adsterra.run("stats", state=first.state, lookback_days=3)
    assert adsterra.windows() == ["2024-04-28..2024-05-02"]
    assert second.bookmark("stats") == "2024-05-01"


def test_without_lookback_the_next_run_reads_the_day_after_the_bookmark(
    adsterra: Adsterra,
) -> None:
    adsterra.run("stats", state=state_at("2024-04-10"), lookback_days=0)
    assert adsterra.windows() == ["2024-04-11..2024-05-01"]


def test_the_lookback_never_reads_before_the_start_date(adsterra: Adsterra) -> None:
    adsterra.run("stats", start_date="2024-04-28", state=state_at("2024-04-29"))
    assert adsterra.windows() == ["2024-04-28..2024-05-01"]


def test_a_later_start_date_wins_over_the_bookmark(adsterra: Adsterra) -> None:
    run = adsterra.run("stats", start_date="2024-04-25", state=state_at("2024-04-01"))
    assert adsterra.windows() == ["2024-04-25..2024-05-01"]
    assert run.bookmark("stats") == "2024-04-30"


def test_restated_days_are_read_again(adsterra: Adsterra) -> None:
    first = adsterra.run("stats")
    adsterra.sandbox.clock.advance(3 * ONE_DAY)
    second = adsterra.run("stats", state=first.state)
    account = DEMO
    dimensions = ("date", "domain", "placement")
    now = adsterra.sandbox.clock.now
    now_true = expected_rows(account, dimensions, day("2024-04-24"), day("2024-05-04"), now)
    then_true = expected_rows(account, dimensions, day("2024-04-24"), day("2024-05-01"), NOW)
    assert now_true[: len(then_true)] != then_true
    updated = {"db_last_update_time": "2024-05-04 12:00:00"}
    assert second.rows("stats") == [{**row, **updated} for row in now_true]


def test_state_is_written_after_every_window(adsterra: Adsterra) -> None:
    run = adsterra.run("stats", window_days=10)
    marks, written = [], []
    for message in run.messages:
        if message["type"] == "RECORD":
            written.append(message["record"]["date"])
        if message["type"] == "STATE":
            mark = message["value"]["bookmarks"]["stats"].get("replication_key_value", "")
            marks.append(mark)
            # All days up to the bookmark have been written, and after them only today.
            today = "2024-05-01" if mark == "2024-04-30" else mark
            assert max(written, default="") <= today
            assert min({*days_of(run)} - {*written}, default="9") > mark
    # The first state has the time of the reading, and no days yet.
    assert marks == ["", "2024-04-10", "2024-04-20", "2024-04-30", "2024-04-30"]


def test_the_state_comes_behind_the_last_record_even_if_nothing_changed(
    adsterra: Adsterra,
) -> None:
    """Some targets drop a state when records follow it."""
    first = adsterra.run()
    again = adsterra.run(state=first.state, lookback_days=0)
    assert {row["date"] for row in again.rows("stats")} == {"2024-05-01"}
    assert again.messages[-1]["type"] == "STATE"
    assert state_without_times(again.state) == state_without_times(first.state)


def test_a_state_holds_what_is_covered_and_of_which_report(adsterra: Adsterra) -> None:
    run = adsterra.run("stats")
    last = max(record["extracted_at"] for record in run.records("stats"))
    assert run.state == {
        "bookmarks": {
            "stats": {
                "replication_key": "date",
                "replication_key_value": "2024-04-30",
                "first_day": "2024-04-01",
                "definition": {"dimensions": ["date", "domain", "placement"], "filters": []},
                "extracted_at": last,
            }
        }
    }


def test_days_without_rows_move_the_bookmark(adsterra: Adsterra) -> None:
    run = adsterra.run(
        "none",
        reports=[{"name": "none", "group_by": ["date"], "country": "AQ"}],
    )
    assert run.rows("none") == []
    assert run.bookmark("none") == "2024-04-30"


def test_a_failed_window_does_not_move_the_bookmark(adsterra: Adsterra) -> None:
    fault = Fault("status", path="stats", query={"start_date": "2024-04-21"}, status=403)
    adsterra.sandbox.faults.add(fault)
    run = adsterra.run("stats", window_days=10)
    assert run.error is not None
    assert run.bookmark("stats") == "2024-04-20"
    assert run.rows("stats")
    assert days_of(run)[-1] <= "2024-04-20"


def test_a_killed_run_and_the_next_one_read_what_an_undisturbed_run_reads(
    adsterra: Adsterra,
) -> None:
    whole = adsterra.run("stats", window_days=10)
    fault = Fault("status", path="stats", query={"start_date": "2024-04-21"}, status=403, times=1)
    adsterra.sandbox.faults.add(fault)
    died = adsterra.run("stats", window_days=10)
    resumed = adsterra.run("stats", window_days=10, lookback_days=0, state=died.state)
    assert resumed.error is None
    assert days_of(resumed)[0] > "2024-04-20"
    assert [*died.rows("stats"), *resumed.rows("stats")] == whole.rows("stats")
    assert resumed.bookmark("stats") == whole.bookmark("stats")


def test_the_bookmark_never_goes_back(adsterra: Adsterra) -> None:
    fault = Fault("status", path="stats", query={"start_date": "2024-04-16"}, status=403)
    adsterra.sandbox.faults.add(fault)
    run = adsterra.run("stats", state=state_at("2024-04-20"), lookback_days=10, window_days=5)
    assert run.error is not None
    assert days_of(run) == ["2024-04-11", "2024-04-12", "2024-04-13", "2024-04-14", "2024-04-15"]
    assert run.bookmark("stats") == "2024-04-20"


def test_a_bookmark_from_a_wrong_clock_is_corrected(
    adsterra: Adsterra,
) -> None:
    run = adsterra.run("stats", state=state_at("2031-01-01"))
    assert adsterra.windows() == ["2024-04-24..2024-05-01"]
    assert run.bookmark("stats") == "2024-04-30"


@pytest.mark.parametrize("bookmark", ["2024-04-20T00:00:00Z", "2024-04-20T00:00:00+00:00"])
def test_a_bookmark_that_is_a_date_time_is_understood(adsterra: Adsterra, bookmark: str) -> None:
    adsterra.run("stats", state=state_at(bookmark), lookback_days=0)
    assert adsterra.windows() == ["2024-04-21..2024-05-01"]


@pytest.mark.parametrize("bookmark", ["last week", 20240420, ["2024-04-20"]])
def test_a_bookmark_that_is_no_day_is_refused(adsterra: Adsterra, bookmark: Any) -> None:
    with pytest.raises(ConfigValidationError) as caught:
        adsterra.tap("stats", state=state_at(bookmark))
    (problem,) = caught.value.errors
    assert "not a day" in problem
    assert adsterra.sandbox.requests == []


@pytest.mark.parametrize("bookmark", ["last week", 20240420])
def test_a_bookmark_of_a_deselected_stream_is_not_checked(
    adsterra: Adsterra, bookmark: Any
) -> None:
    state = state_at(bookmark, "stats_by_country")
    state["bookmarks"]["of_another_tap"] = {"cursor": ["a", 1]}
    run = adsterra.run("stats", state=state)
    assert run.error is None
    kept = run.state["bookmarks"]
    assert kept["stats_by_country"]["replication_key_value"] == bookmark
    assert kept["of_another_tap"] == {"cursor": ["a", 1]}


def test_an_end_date_is_inclusive(adsterra: Adsterra) -> None:
    run = adsterra.run("stats", end_date="2024-04-10")
    assert adsterra.windows() == ["2024-04-01..2024-04-10"]
    assert run.bookmark("stats") == "2024-04-10"


def test_an_end_date_in_the_future_stops_at_today(adsterra: Adsterra) -> None:
    run = adsterra.run("stats", end_date="2030-01-01")
    assert days_of(run)[-1] == "2024-05-01"
    assert run.bookmark("stats") == "2024-04-30"


def test_without_days_to_read_there_is_no_request_and_no_change(adsterra: Adsterra) -> None:
    run = adsterra.run("stats", end_date="2024-04-10", state=state_at("2024-04-20"))
    assert run.error is None
    assert adsterra.windows() == []
    assert run.state == state_at("2024-04-20")


def test_every_stream_has_its_own_bookmark(adsterra: Adsterra) -> None:
    run = adsterra.run("stats", "stats_by_country", state=state_at("2024-04-20"))
    assert run.bookmark("stats") == run.bookmark("stats_by_country") == "2024-04-30"
    assert "2024-04-01..2024-04-30" in adsterra.windows()


def test_full_table_replication_reads_everything_and_keeps_no_bookmark(
    adsterra: Adsterra,
) -> None:
    catalog = adsterra.tap("stats").catalog_dict
    for entry in catalog["streams"]:
        entry["replication_method"] = "FULL_TABLE"
    run = adsterra.run(catalog=catalog, state=state_at("2024-04-20"))
    assert adsterra.windows() == ["2024-04-01..2024-04-30", "2024-05-01..2024-05-01"]
    assert run.bookmark("stats") == "2024-04-20"


def test_the_clock_is_read_once_per_run(adsterra: Adsterra) -> None:
    """Midnight passes while the first window is read: the windows do not change."""
    tap = adsterra.tap("stats", window_days=10)
    adsterra.sandbox.clock.advance(ONE_DAY)
    assert sync(tap).bookmark("stats") == "2024-04-30"


def test_a_bookmark_survives_a_stream_that_is_not_selected(adsterra: Adsterra) -> None:
    run = adsterra.run("domains", state=state_at("2024-04-20"))
    assert run.bookmark("stats") == "2024-04-20"

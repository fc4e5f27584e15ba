"""Which days are read. The bookmarks that both taps share are tested with Adsterra."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.faults import Fault

if TYPE_CHECKING:
    from tests.support import Adcloud

REPORT = "advertiser_report"
ONE_DAY = datetime.timedelta(days=1)


def state_at(bookmark: str) -> dict[str, Any]:
    return {"bookmarks": {REPORT: {"replication_key": "date", "replication_key_value": bookmark}}}


@pytest.mark.parametrize(
    ("now", "timezone", "yesterday"),
    [
        # Summer: Berlin is two hours ahead of UTC.
        ("2024-04-30T21:59:00+00:00", None, "2024-04-29"),
        ("2024-04-30T22:00:00+00:00", None, "2024-04-30"),
        ("2024-04-30T23:30:00+00:00", None, "2024-04-30"),
        ("2024-04-30T23:30:00+00:00", "Europe/Berlin", "2024-04-30"),
        ("2024-04-30T23:30:00+00:00", "UTC", "2024-04-29"),
        ("2024-05-01T03:30:00+00:00", "America/New_York", "2024-04-29"),
        ("2024-04-30T23:30:00+00:00", "Pacific/Kiritimati", "2024-04-30"),
        # Winter: one hour.
        ("2024-01-14T22:59:00+00:00", None, "2024-01-13"),
        ("2024-01-14T23:00:00+00:00", None, "2024-01-14"),
    ],
)
def test_the_time_zone_decides_what_yesterday_is(
    adcloud: Adcloud, now: str, timezone: str | None, yesterday: str
) -> None:
    adcloud.sandbox.clock.now = datetime.datetime.fromisoformat(now)
    adcloud.sandbox.adcloud.rows_per_day = 10
    settings = {"timezone": timezone} if timezone else {}
    run = adcloud.report(start_date="2024-01-12", state=state_at(yesterday), **settings)
    assert adcloud.days()[-1] == yesterday
    assert run.bookmark(REPORT) == yesterday


def test_today_is_left_out_by_default(adcloud: Adcloud) -> None:
    adcloud.report()
    assert adcloud.days()[-1] == "2024-04-30"
    run = adcloud.report(include_today=True)
    assert adcloud.days()[-1] == "2024-05-01"
    assert run.rows(REPORT) == adcloud.expected_rows(last="2024-05-01")
    assert run.rows(REPORT)[-1]["date"] == "2024-05-01"
    # Today is not complete, so the bookmark is not today.
    assert run.bookmark(REPORT) == "2024-04-30"


def test_the_lookback_is_30_days(adcloud: Adcloud) -> None:
    adcloud.sandbox.adcloud.rows_per_day = 10
    adcloud.report(start_date="2024-01-01", state=state_at("2024-04-29"))
    assert adcloud.days()[0] == "2024-03-31"
    assert len(adcloud.days()) == 30 + 1


def test_the_first_run_has_no_lookback(adcloud: Adcloud) -> None:
    adcloud.report(start_date="2024-04-28")
    assert adcloud.days() == ["2024-04-28", "2024-04-29", "2024-04-30"]


@pytest.mark.parametrize(
    ("settings", "days"),
    [
        ({"lookback_days": 0}, ["2024-04-29", "2024-04-30"]),
        ({"lookback_days": 2}, ["2024-04-27", "2024-04-28", "2024-04-29", "2024-04-30"]),
        ({"start_date": "2024-04-30"}, ["2024-04-30"]),
        ({"start_date": "2024-04-27", "end_date": "2024-04-28"}, ["2024-04-27", "2024-04-28"]),
    ],
)
def test_the_bookmark_and_the_settings_decide_which_days_are_read(
    adcloud: Adcloud, settings: dict[str, Any], days: list[str]
) -> None:
    adcloud.report(state=state_at("2024-04-28"), **settings)
    assert adcloud.days() == days


def test_each_day_is_requested_once(adcloud: Adcloud) -> None:
    adcloud.report()
    first_pages = [page for page in adcloud.pages() if page.endswith(" 1")]
    assert sorted(first_pages) == [f"2024-04-{number} 1" for number in range(24, 31)]
    assert len(set(adcloud.pages())) == len(adcloud.pages())


def test_a_date_time_is_taken_to_its_day_in_the_time_zone(adcloud: Adcloud) -> None:
    adcloud.report(start_date="2024-04-27T23:30:00Z", end_date="2024-04-29T00:00:00.1")
    assert adcloud.days() == ["2024-04-28", "2024-04-29"]


def test_state_is_written_after_every_day(adcloud: Adcloud) -> None:
    """Days without rows, such as the 25th and the 30th, advance the bookmark too."""
    run = adcloud.report()
    marks = []
    written: list[str] = []
    for message in run.messages:
        if message["type"] == "RECORD":
            written.append(message["record"]["date"])
        if message["type"] == "STATE":
            bookmark = message["value"]["bookmarks"][REPORT]
            if "replication_key_value" not in bookmark:
                # The first state has the time of the reading, and no days yet.
                assert not written
                continue
            marks.append(bookmark["replication_key_value"])
            assert len(written) == sum(row["date"] <= marks[-1] for row in run.records(REPORT))
            assert all(date <= marks[-1] for date in written)
    assert marks[:7] == [f"2024-04-{number}" for number in range(24, 31)]
    assert set(marks[7:]) <= {"2024-04-30"}
    assert run.bookmark(REPORT) == "2024-04-30"
    assert run.state["bookmarks"][REPORT]["first_day"] == "2024-04-24"


def test_restated_days_are_read_again(adcloud: Adcloud) -> None:
    first = adcloud.report()
    then = adcloud.expected_rows()
    adcloud.sandbox.clock.advance(3 * ONE_DAY)
    second = adcloud.report(state=first.state)
    now = adcloud.expected_rows(last="2024-05-03")
    assert [row for row in now if row["date"] <= "2024-04-30"] != then
    assert second.rows(REPORT) == now
    assert second.bookmark(REPORT) == "2024-05-03"


@pytest.mark.parametrize("page", ["1", "2"])
@pytest.mark.parametrize("lost", ["2024-04-24", "2024-04-27", "2024-04-29"])
def test_a_run_that_failed_and_the_next_one_read_what_an_undisturbed_run_reads(
    adcloud: Adcloud, lost: str, page: str
) -> None:
    undisturbed = adcloud.report()
    query = {"filter[date]": lost, "page": page}
    adcloud.sandbox.faults.add(Fault("status", path="reports", query=query, status=500))
    failed = adcloud.report()
    assert str(failed.error).startswith(f"advertiser_report {lost}")
    before = datetime.date.fromisoformat(lost) - ONE_DAY
    assert failed.bookmark(REPORT) == (None if lost == "2024-04-24" else str(before))
    assert all(row["date"] < lost for row in failed.rows(REPORT))
    adcloud.sandbox.faults.clear()
    adcloud.sandbox.requests.clear()
    resumed = adcloud.report(state=failed.state, lookback_days=0)
    assert adcloud.days()[0] == lost
    assert failed.rows(REPORT) + resumed.rows(REPORT) == undisturbed.rows(REPORT)
    assert resumed.untimed_state == undisturbed.untimed_state


def test_midnight_during_a_run_changes_nothing(adcloud: Adcloud) -> None:
    tap = adcloud.tap(REPORT)
    adcloud.sandbox.clock.advance(ONE_DAY)
    assert [str(window) for window in _report(tap).slices()][-1] == "2024-04-30"


def _report(tap: Any) -> Any:
    return tap.streams[REPORT]


def test_the_plan_is_logged_first(adcloud: Adcloud, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    adcloud.run(REPORT, "customers", "campaign_performance")
    assert "advertiser_report: 2024-04-24..2024-04-30, at least 7 requests" in caplog.messages
    assert "customers: the whole list" in caplog.messages
    assert "campaign_performance: 230 campaigns, 3 requests" in caplog.messages

"""Windows, bookmarks and days."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singer_reports import dates
from singer_reports.dates import ONE_DAY, Window
from tests.support import day

if TYPE_CHECKING:
    from tests.support import CountCases

DAYS = st.dates(day("2010-01-01"), day("2040-12-31"))
LENGTHS = st.integers(1, 400)


@given(first=DAYS, count=st.integers(-5, 800), length=LENGTHS)
def test_windows_cover_every_day_once_in_order(
    first: datetime.date, count: int, length: int, count_cases: CountCases
) -> None:
    last = first + ONE_DAY * (count - 1)
    windows = list(dates.windows(first, last, length))
    covered = [w.first + ONE_DAY * number for w in windows for number in range(w.days)]
    assert covered == [first + ONE_DAY * number for number in range(max(count, 0))]
    assert all(window.days == length for window in windows[:-1])
    assert all(1 <= window.days <= length for window in windows)
    count_cases("windows", 1)


@given(first=DAYS, count=st.integers(2, 400))
def test_halves_cover_the_window_and_nothing_else(
    first: datetime.date, count: int, count_cases: CountCases
) -> None:
    window = Window(first, first + ONE_DAY * (count - 1))
    early, late = window.split()
    assert (early.first, late.last) == (window.first, window.last)
    assert late.first - early.last == ONE_DAY
    assert min(early.days, late.days) >= 1
    assert abs(early.days - late.days) <= 1
    count_cases("windows", 1)


def test_a_single_day_has_no_halves() -> None:
    with pytest.raises(ValueError, match="2024-01-01"):
        Window(day("2024-01-01"), day("2024-01-01")).split()


@given(first=DAYS, count=st.integers(-5, 800), length=LENGTHS)
def test_earlier_windows_cover_every_day_once_from_the_last_one_back(
    first: datetime.date, count: int, length: int, count_cases: CountCases
) -> None:
    last = first + ONE_DAY * (count - 1)
    windows = list(dates.earlier_windows(first, last, length))
    covered = [w.last - ONE_DAY * number for w in windows for number in range(w.days)]
    assert covered == [last - ONE_DAY * number for number in range(max(count, 0))]
    assert all(window.days == length for window in windows[:-1])
    assert all(1 <= window.days <= length for window in windows)
    count_cases("windows", 1)


def test_an_earlier_window_is_cut_with_its_later_half_first() -> None:
    (window,) = dates.earlier_windows(day("2024-01-01"), day("2024-01-05"), 9)
    later, early = window.split()
    assert [str(later), str(early)] == ["2024-01-03..2024-01-05", "2024-01-01..2024-01-02"]
    assert [str(half) for half in later.split()] == ["2024-01-04..2024-01-05", "2024-01-03"]


@given(start=DAYS, lookback=st.integers(0, 365))
def test_the_first_run_starts_at_the_start_date_without_lookback(
    start: datetime.date, lookback: int
) -> None:
    assert dates.first_day(start, None, lookback) == start


@given(start=DAYS, first=DAYS, count=st.integers(1, 400), lookback=st.integers(0, 365))
def test_later_runs_look_back_from_the_last_day_covered_and_never_before_the_start_date(
    start: datetime.date, first: datetime.date, count: int, lookback: int
) -> None:
    covered = Window(first, first + ONE_DAY * (count - 1))
    begin = dates.first_day(start, covered, lookback)
    assert begin >= start
    # No day after those covered is skipped, whatever the lookback.
    assert begin <= max(start, covered.last + ONE_DAY)
    if begin > start:
        assert begin == max(covered.last + ONE_DAY * (1 - lookback), covered.first)


def test_the_first_day_there_is_can_be_covered() -> None:
    covered = Window(day("0001-01-01"), day("0001-01-01"))
    assert dates.first_day(day("2024-01-01"), covered, 365) == day("2024-01-01")


@given(today=DAYS, end=st.none() | DAYS, include_today=st.booleans())
def test_the_last_day_is_never_in_the_future_and_never_past_the_end_date(
    today: datetime.date, end: datetime.date | None, *, include_today: bool
) -> None:
    last = dates.last_day(end, today, include_today=include_today)
    assert last <= (today if include_today else today - ONE_DAY)
    assert end is None or last <= end


@given(
    before=st.none() | st.tuples(st.integers(-120, -60), st.integers(1, 60)),
    first=st.integers(-180, 60),
    count=st.integers(1, 60),
)
def test_what_is_covered_is_one_interval_of_complete_days_that_have_been_read(
    before: tuple[int, int] | None, first: int, count: int, count_cases: CountCases
) -> None:
    yesterday = day("2024-03-01")

    def window(start: int, length: int) -> Window:
        return Window(yesterday + ONE_DAY * start, yesterday + ONE_DAY * (start + length - 1))

    def days(covered: Window | None) -> set[datetime.date]:
        if covered is None:
            return set()
        return {covered.first + ONE_DAY * number for number in range(covered.days)}

    covered, read = before and window(*before), window(first, count)
    after = dates.extend(covered, read, yesterday)
    complete = {each for each in days(read) if each <= yesterday}
    assert days(after) <= days(covered) | complete
    assert after == covered or max(days(after)) <= yesterday
    if covered is None:
        assert days(after) == complete
    elif read.first <= covered.last + ONE_DAY and read.last >= covered.first - ONE_DAY:
        assert days(after) == days(covered) | complete
    elif complete and read.first > covered.last:
        assert days(after) == complete
    else:
        assert after == covered
    count_cases("bookmark", 1)


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2024-01-31", datetime.UTC, "2024-01-31"),
        ("2024-01-31T23:30:00", datetime.UTC, "2024-01-31"),
        ("2026-05-22T04:15:56.738076", datetime.UTC, "2026-05-22"),
        ("2024-01-31T23:30:00Z", datetime.UTC, "2024-01-31"),
        ("2024-01-31T23:30:00-05:00", datetime.UTC, "2024-02-01"),
        ("2024-01-31T23:30:00Z", ZoneInfo("Europe/Berlin"), "2024-02-01"),
        ("2024-01-31T23:30:00", ZoneInfo("Europe/Berlin"), "2024-01-31"),
    ],
)
def test_days_are_read_from_dates_and_date_times(
    text: str, zone: ZoneInfo | datetime.timezone, expected: str
) -> None:
    assert dates.parse_day(text, zone) == day(expected)


@pytest.mark.parametrize("text", ["2026-13-77", "30 days ago", "", "yesterday", "01/02/2024"])
def test_what_is_not_a_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        dates.parse_day(text, datetime.UTC)


def test_today_depends_on_the_zone() -> None:
    now = datetime.datetime(2024, 5, 1, 22, 30, tzinfo=datetime.UTC)
    assert dates.today(now, datetime.UTC) == day("2024-05-01")
    assert dates.today(now, ZoneInfo("Europe/Berlin")) == day("2024-05-02")

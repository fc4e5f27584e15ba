"""Which days are read: pure functions over days, with no clock and no network.

A *day* is a ``datetime.date`` in the API's own time zone. A *window* is a closed interval of days.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

ONE_DAY = datetime.timedelta(days=1)


class Window(NamedTuple):
    """A closed interval of days: both ends are read.

    >>> str(Window(datetime.date(2024, 1, 1), datetime.date(2024, 1, 30)))
    '2024-01-01..2024-01-30'
    """

    first: datetime.date
    last: datetime.date

    @property
    def days(self) -> int:
        """How many days the window holds, at least 1."""
        return (self.last - self.first).days + 1

    def split(self) -> tuple[Self, Self]:
        """Cut the window in two that cover it, the earlier one first.

        Raises:
            ValueError: If the window holds a single day.
        """
        if self.days == 1:
            message = f"The single day {self.first} cannot be cut in two."
            raise ValueError(message)
        middle = self.first + ONE_DAY * (self.days // 2 - 1)
        return self._replace(last=middle), self._replace(first=middle + ONE_DAY)

    def __str__(self) -> str:
        """Write the window as its two days, or as its one day."""
        return str(self.first) if self.first == self.last else f"{self.first}..{self.last}"


def windows(first: datetime.date, last: datetime.date, length: int) -> Iterator[Window]:
    """Cover the days from ``first`` to ``last`` with windows: disjoint, in order, none left out.

    >>> days = datetime.date(2024, 1, 1), datetime.date(2024, 1, 5)
    >>> [str(window) for window in windows(*days, length=2)]
    ['2024-01-01..2024-01-02', '2024-01-03..2024-01-04', '2024-01-05']

    Args:
        first: The first day to cover.
        last: The last day to cover; no window comes out when it is before ``first``.
        length: The most days a window may hold, at least 1.

    Yields:
        The windows, earliest first; only the last may be shorter than ``length``.
    """
    while first <= last:
        end = min(first + ONE_DAY * (length - 1), last)
        yield Window(first, end)
        first = end + ONE_DAY


class EarlierWindow(Window):
    """A window before the days that are covered already: read from its end to its start."""

    def split(self) -> tuple[Self, Self]:
        """Cut the window in two that cover it, the later one first.

        Raises:
            ValueError: If the window holds a single day.
        """
        early, late = super().split()
        return late, early


def earlier_windows(
    first: datetime.date, last: datetime.date, length: int
) -> Iterator[EarlierWindow]:
    """Cover the days from ``first`` to ``last`` with windows, the latest one first.

    Each window ends the day before the one that came out before it, so that what is covered grows
    backwards day by day and stays one interval.

    >>> days = datetime.date(2024, 1, 1), datetime.date(2024, 1, 5)
    >>> [str(window) for window in earlier_windows(*days, length=2)]
    ['2024-01-04..2024-01-05', '2024-01-02..2024-01-03', '2024-01-01']

    Args:
        first: The first day to cover.
        last: The last day to cover; no window comes out when it is before ``first``.
        length: The most days a window may hold, at least 1.

    Yields:
        The windows, latest first; only the last may be shorter than ``length``.
    """
    while first <= last:
        start = max(first, last - ONE_DAY * (length - 1))
        yield EarlierWindow(start, last)
        last = start - ONE_DAY


def first_day(start: datetime.date, covered: Window | None, lookback_days: int) -> datetime.date:
    """Say where a run begins to read.

    >>> day = datetime.date.fromisoformat
    >>> covered = Window(day("2024-01-01"), day("2024-03-10"))
    >>> str(first_day(day("2024-01-01"), covered, 7))
    '2024-03-04'

    Args:
        start: The first day the user wants at all; nothing before it is ever read.
        covered: The complete days that earlier runs have read; ``None`` on the first run.
        lookback_days: How many of them are read again, from the last one back, for late
            corrections.

    Returns:
        The day after the last one covered less the lookback, but no day before ``start`` or before
        the first one covered: what is earlier is read by ``earlier_windows``.
    """
    if covered is None:
        return start
    following = covered.last + ONE_DAY
    # Not farther back than covered: a day before the first one there is would be an error.
    lookback = min(lookback_days, (following - covered.first).days)
    return max(start, following - ONE_DAY * lookback)


def last_day(
    end: datetime.date | None, today: datetime.date, *, include_today: bool
) -> datetime.date:
    """Say where a run stops to read.

    Args:
        end: The last day the user wants, inclusive, if there is one.
        today: The current day in the API's time zone.
        include_today: Whether today's unfinished day is read.

    Returns:
        The last day to read, which is never in the future.
    """
    last = today if include_today else today - ONE_DAY
    return last if end is None else min(end, last)


def extend(covered: Window | None, window: Window, yesterday: datetime.date) -> Window | None:
    """Say which days are covered once ``window`` has been read whole.

    What is covered is one interval. It grows at its end and, by the windows of ``earlier_windows``,
    at its start.

    Args:
        covered: The complete days that have been read so far, none of them past yesterday.
        window: The window that has just been read and written.
        yesterday: The last complete day.

    Returns:
        What was covered and the window's complete days, where these touch. A window behind a gap
        begins a new interval, and one before a gap changes nothing. The last day never goes back.
    """
    complete = min(window.last, yesterday)
    if complete < window.first:
        return covered
    read = Window(window.first, complete)
    if covered is None or read.first - ONE_DAY > covered.last:
        return read
    if read.last + ONE_DAY < covered.first:
        return covered
    return Window(min(covered.first, read.first), max(covered.last, read.last))


def parse_day(text: str, zone: ZoneInfo | datetime.timezone) -> datetime.date:
    """Read a day from a date or a date-time in ISO 8601.

    Meltano renders ``30 days ago`` as a date-time without a zone; such a one is taken to be in the
    API's zone already.

    Args:
        text: For example ``2024-01-31``, ``2024-01-31T12:00:00`` or ``2024-01-31T23:00:00Z``.
        zone: The API's time zone, into which a date-time with an offset is converted.

    Returns:
        The day.

    Raises:
        ValueError: If the text is neither.
    """
    moment = datetime.datetime.fromisoformat(text)
    return (moment.astimezone(zone) if moment.tzinfo else moment).date()


def today(now: datetime.datetime, zone: ZoneInfo | datetime.timezone) -> datetime.date:
    """Name the day it is in ``zone`` at the moment ``now``, which carries its own zone."""
    return now.astimezone(zone).date()

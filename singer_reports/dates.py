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

    def halves(self) -> tuple[Self, Self]:
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


def first_day(
    start: datetime.date,
    bookmark: datetime.date | None,
    lookback_days: int,
    yesterday: datetime.date,
) -> datetime.date:
    """Say where a run begins to read.

    >>> day = datetime.date.fromisoformat
    >>> str(first_day(day("2024-01-01"), day("2024-03-10"), 7, day("2024-03-20")))
    '2024-03-04'

    Args:
        start: The first day the user wants at all; nothing before it is ever read.
        bookmark: The last complete day an earlier run has read; none on the first run.
        lookback_days: How many days up to the bookmark are read again, for late corrections.
        yesterday: The last complete day. A bookmark beyond it was written under a wrong clock and
            counts as yesterday, or the days since would never be read again.

    Returns:
        The later of ``start`` and the day after the bookmark less the lookback.
    """
    if bookmark is None:
        return start
    return max(start, min(bookmark, yesterday) + ONE_DAY - ONE_DAY * lookback_days)


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


def bookmark_after(
    bookmark: datetime.date | None, window: Window, yesterday: datetime.date
) -> datetime.date | None:
    """Say what the bookmark is once ``window`` has been read whole.

    Args:
        bookmark: The bookmark so far.
        window: The window that has just been read and written.
        yesterday: The last complete day.

    Returns:
        The window's last complete day, or the bookmark so far where that is later or where the
        window holds no complete day. A bookmark never goes back, but for one that is past
        yesterday: a clock was wrong when it was made, and what is before it may not have been read.
    """
    complete = min(window.last, yesterday)
    if complete < window.first:
        return bookmark
    if bookmark is None or bookmark > yesterday:
        return complete
    return max(bookmark, complete)


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

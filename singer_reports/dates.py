"""Computes which days are read: pure functions, without a clock or network.

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
    """A closed interval of days: both ends are included.

    >>> str(Window(datetime.date(2024, 1, 1), datetime.date(2024, 1, 30)))
    '2024-01-01..2024-01-30'
    """

    first: datetime.date
    last: datetime.date

    @property
    def days(self) -> int:
        """The number of days in the window, at least 1."""
        return (self.last - self.first).days + 1

    def split(self) -> tuple[Self, Self]:
        """Split the window into two halves, the earlier one first.

        Raises:
            ValueError: If the window holds a single day.
        """
        if self.days == 1:
            message = f"The single day {self.first} cannot be cut in two."
            raise ValueError(message)
        middle = self.first + ONE_DAY * (self.days // 2 - 1)
        return self._replace(last=middle), self._replace(first=middle + ONE_DAY)

    def __str__(self) -> str:
        """Return the first and the last day, or the only day."""
        return str(self.first) if self.first == self.last else f"{self.first}..{self.last}"


def windows(first: datetime.date, last: datetime.date, length: int) -> Iterator[Window]:
    """Split the days from ``first`` to ``last`` into consecutive windows.

    >>> days = datetime.date(2024, 1, 1), datetime.date(2024, 1, 5)
    >>> [str(window) for window in windows(*days, length=2)]
    ['2024-01-01..2024-01-02', '2024-01-03..2024-01-04', '2024-01-05']

    Args:
        first: The first day to cover.
        last: The last day to cover; there are no windows if it is before ``first``.
        length: The maximum number of days per window, at least 1.

    Yields:
        The windows, earliest first; only the last may be shorter than ``length``.
    """
    while first <= last:
        end = min(first + ONE_DAY * (length - 1), last)
        yield Window(first, end)
        first = end + ONE_DAY


class EarlierWindow(Window):
    """A window before the days already covered; its later half is read first."""

    def split(self) -> tuple[Self, Self]:
        """Split the window into two halves, the later one first.

        Raises:
            ValueError: If the window holds a single day.
        """
        early, late = super().split()
        return late, early


def earlier_windows(
    first: datetime.date, last: datetime.date, length: int
) -> Iterator[EarlierWindow]:
    """Split the days from ``first`` to ``last`` into consecutive windows, the latest one first.

    Each window ends on the day before the previous window begins, so the covered days grow
    backwards without a gap.

    >>> days = datetime.date(2024, 1, 1), datetime.date(2024, 1, 5)
    >>> [str(window) for window in earlier_windows(*days, length=2)]
    ['2024-01-04..2024-01-05', '2024-01-02..2024-01-03', '2024-01-01']

    Args:
        first: The first day to cover.
        last: The last day to cover; there are no windows if it is before ``first``.
        length: The maximum number of days per window, at least 1.

    Yields:
        The windows, latest first; only the last may be shorter than ``length``.
    """
    while first <= last:
        start = max(first, last - ONE_DAY * (length - 1))
        yield EarlierWindow(start, last)
        last = start - ONE_DAY


def first_day(start: datetime.date, covered: Window | None, lookback_days: int) -> datetime.date:
    """Return the first day that a run reads.

    >>> day = datetime.date.fromisoformat
    >>> covered = Window(day("2024-01-01"), day("2024-03-10"))
    >>> str(first_day(day("2024-01-01"), covered, 7))
    '2024-03-04'

    Args:
        start: The setting ``start_date``; no earlier day is ever read.
        covered: The complete days that earlier runs have read; ``None`` on the first run.
        lookback_days: How many of the last covered days are read again, for late corrections.

    Returns:
        The day after the last covered one, minus the lookback; not before ``start``, and not before
        the first covered day, as ``earlier_windows`` returns the days before that.
    """
    if covered is None:
        return start
    following = covered.last + ONE_DAY
    # At most all covered days: going further back could leave the range of datetime.date.
    lookback = min(lookback_days, (following - covered.first).days)
    return max(start, following - ONE_DAY * lookback)


def last_day(
    end: datetime.date | None, today: datetime.date, *, include_today: bool
) -> datetime.date:
    """Return the last day that a run reads.

    Args:
        end: The setting ``end_date``, inclusive; ``None`` if it is not set.
        today: The current day in the API's time zone.
        include_today: Whether the current, unfinished day is read.

    Returns:
        The last day to read, which is never in the future.
    """
    last = today if include_today else today - ONE_DAY
    return last if end is None else min(end, last)


def extend(covered: Window | None, window: Window, yesterday: datetime.date) -> Window | None:
    """Return the days that are covered once ``window`` has been read completely.

    The covered days are one interval. It grows at its end and, with the windows of
    ``earlier_windows``, at its start.

    Args:
        covered: The complete days that have been read so far, none of them past yesterday.
        window: The window that has just been read and written.
        yesterday: The last complete day.

    Returns:
        The covered days joined with the window's complete days, if they touch. A window after a
        gap starts a new interval; one before a gap changes nothing. The last day never moves back.
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
    """Parse a day from an ISO 8601 date or date-time.

    Meltano renders ``30 days ago`` as a date-time without a zone; it is taken to be in the API's
    zone already.

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
    """Return the date in ``zone`` at the moment ``now``, which has a zone of its own."""
    return now.astimezone(zone).date()

"""Days grouped into weeks, months and the periods that readers look at first. Pure functions."""

from __future__ import annotations

import calendar
import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from decimal import Decimal

DAY = datetime.timedelta(days=1)
#: The most days with a bar per day, and with a bar per week; longer charts have bars per month.
_MAX_DAYS, _MAX_DAYS_OF_WEEKS = 100, 800

Row = dict[str, Any]


class Span(NamedTuple):
    """Consecutive days.

    Attributes:
        first: The first day.
        last: The last day, included.
    """

    first: datetime.date
    last: datetime.date

    @property
    def days(self) -> int:
        """The number of days."""
        return (self.last - self.first).days + 1


class Totals(NamedTuple):
    """Sums over days, and the ratios of these sums.

    Attributes:
        days: The number of days with rows.
        amount: The money.
        impressions: The impressions.
        clicks: The clicks.
    """

    days: int
    amount: Decimal
    impressions: int
    clicks: int

    @property
    def ctr_percent(self) -> float | None:
        """Clicks per impression, in percent."""
        return 100 * self.clicks / self.impressions if self.impressions else None

    @property
    def cpm(self) -> float | None:
        """Money per 1,000 impressions."""
        return float(1000 * self.amount / self.impressions) if self.impressions else None


class Period(NamedTuple):
    """A period, and the one it is compared with.

    Attributes:
        name: Its name on the page.
        span: Its days.
        totals: Its sums.
        before: The days it is compared with; ``None`` if there are no rows that old.
        change_percent: The change of the money from the days before, in percent.
    """

    name: str
    span: Span
    totals: Totals
    before: Span | None
    change_percent: float | None


class Bucket(NamedTuple):
    """A day, a week from Monday on, or a month.

    Attributes:
        span: Its days.
        whole: Whether all of its days are over and were read.
        rows: The rows of its days.
    """

    span: Span
    whole: bool
    rows: list[Row]


def add_up(rows: Iterable[Row], span: Span | None = None) -> Totals:
    """Return the sums over days.

    Args:
        rows: The rows, one per day.
        span: The days to include; ``None`` for all.
    """
    counted = [row for row in rows if span is None or span.first <= row["date"] <= span.last]
    amount, impressions, clicks = (
        sum(row[column] for row in counted) for column in ("amount", "impressions", "clicks")
    )
    return Totals(len(counted), amount, impressions, clicks)


def unit_for(span: Span) -> str:
    """Return the unit of a chart's bars: a ``day``, a ``week`` or a ``month``."""
    if span.days <= _MAX_DAYS:
        return "day"
    return "week" if span.days <= _MAX_DAYS_OF_WEEKS else "month"


def buckets(rows: Sequence[Row], unit: str, whole: Callable[[Span], bool]) -> list[Bucket]:
    """Group the rows of days by day, week or month.

    Args:
        rows: The rows, in the order of their ``date``.
        unit: The unit: a ``day``, a ``week`` or a ``month``.
        whole: Returns whether all days of a bucket are over and were read.
    """
    found = groupby(rows, lambda row: span_of(row["date"], unit))
    return [Bucket(span, whole(span), list(group)) for span, group in found]


def span_of(date: datetime.date, unit: str) -> Span:
    """Return the days of the day, week or month that a day belongs to.

    >>> span_of(datetime.date(2024, 2, 15), "month")[1]
    datetime.date(2024, 2, 29)
    >>> span_of(datetime.date(2024, 5, 5), "week")[0]
    datetime.date(2024, 4, 29)
    """
    if unit == "day":
        return Span(date, date)
    if unit == "week":
        first = date - date.weekday() * DAY
        return Span(first, first + 6 * DAY)
    _, days = calendar.monthrange(date.year, date.month)
    return Span(date.replace(day=1), date.replace(day=days))


def key_periods(rows: Sequence[Row], today: datetime.date) -> list[Period]:
    """Return the periods that readers look at first: yesterday, the last days, this and last month.

    Only days that are over count. A period is compared with as many days before it, a day with the
    same day of the week before, and this month with as many days of the last one.

    Args:
        rows: The rows, one per day, in the order of their ``date``.
        today: The first day that is not over.
    """
    yesterday = today - DAY
    this_month = Span(today.replace(day=1), yesterday)
    last_month = span_of(this_month.first - DAY, "month")
    same_days = min(last_month.first + (this_month.days - 1) * DAY, last_month.last)
    periods = [
        ("Yesterday", Span(yesterday, yesterday), _days_before(today - 7 * DAY, 1)),
        ("Last 7 days", _days_before(today, 7), _days_before(today - 7 * DAY, 7)),
        ("Last 30 days", _days_before(today, 30), _days_before(today - 30 * DAY, 30)),
        ("This month", this_month, Span(last_month.first, same_days)),
        ("Last month", last_month, span_of(last_month.first - DAY, "month")),
    ]
    return [
        _compared(name, span, before, rows)
        for name, span, before in periods
        if span.days and span.last >= rows[0]["date"]
    ]


def _days_before(date: datetime.date, days: int) -> Span:
    """Return a number of days before a day."""
    return Span(date - days * DAY, date - DAY)


def _compared(name: str, span: Span, before: Span, rows: Sequence[Row]) -> Period:
    """Return a period with its sums.

    It is compared with the days before it if it has rows and there are rows that old.
    """
    first = rows[0]["date"]
    totals = add_up(rows, span)
    earlier = add_up(rows, before)
    if before.first < first or not earlier.amount or not totals.days:
        return Period(name, Span(max(span.first, first), span.last), totals, None, None)
    return Period(name, span, totals, before, float(100 * totals.amount / earlier.amount - 100))

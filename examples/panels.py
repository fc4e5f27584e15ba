"""Panels of the page: the money of each network, each currency separately."""

from __future__ import annotations

import datetime
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from examples import text
from examples.charts import Bar, bars
from examples.database import QUERIES, Database, MissingReportError
from examples.periods import DAY, Bucket, Span, add_up, buckets, key_periods, span_of, unit_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from examples.periods import Row

#: How many days before the last one are shown separately.
_RECENT_DAYS = 90
#: Common names for the columns that both networks have.
_SHARED = {"revenue_usd": "amount", "cpm_usd": "cpm", "costs": "amount"}


def run_query(database: Database, query: str, since: datetime.date | None = None) -> list[Row]:
    """Run a query of the folder ``queries``.

    Args:
        database: The database.
        query: The name of the file, without its suffix.
        since: The first day to read; ``None`` for all days.

    Returns:
        The rows, by column; empty if the database has none of the reports.
    """
    try:
        result = database.run(QUERIES / f"{query}.sql", since)
    except MissingReportError:
        return []
    names = [_SHARED.get(name, name) for name in result.columns]
    return [{"currency": "USD", **dict(zip(names, row, strict=True))} for row in result.rows]


def groups(rows: Iterable[Row], column: str) -> list[tuple[Any, list[Row]]]:
    """Group consecutive rows that have the same value in a column."""
    return [(value, list(found)) for value, found in groupby(rows, itemgetter(column))]


class Network(NamedTuple):
    """What the page shows of a network.

    Attributes:
        name: Its name.
        kind: Whether money is ``earned`` there or ``spent``.
        rows: Its days, by currency.
        span: The first and the last day.
        recent: The days that are shown separately.
        today: The day of the last reading: the first day that is not over.
        read_at: The time of the last reading; ``None`` if the rows do not contain it.
    """

    name: str
    kind: str
    rows: list[Row]
    span: Span
    recent: Span
    today: datetime.date
    read_at: str | None

    def is_whole(self, days: Span) -> bool:
        """Return whether all of these days are over and none is before the first day read."""
        return self.span.first <= days.first and days.last < self.today


def network(database: Database, name: str, kind: str) -> Network | None:
    """Read the days of a network.

    Args:
        database: The database.
        name: The name of the network.
        kind: Whether money is ``earned`` there or ``spent``.

    Returns:
        The network; ``None`` if it has no days.
    """
    rows = run_query(database, f"{name.lower()}_daily")
    if not rows:
        return None
    dates = [row["date"] for row in rows]
    span = Span(min(dates), max(dates))
    recent = Span(max(span.first, span.last - _RECENT_DAYS * DAY), span.last)
    read_at = max((row["read_at"] for row in rows if row["read_at"]), default=None)
    today = datetime.date.fromisoformat(read_at[:10]) if read_at else span.last
    return Network(name, kind, rows, span, recent, today, read_at)


def panels(shown: Network) -> list[dict[str, Any]]:
    """Return a panel for each currency of a network."""
    return [_panel(shown, rows) for _, rows in groups(shown.rows, "currency")]


def _panel(shown: Network, rows: Sequence[Row]) -> dict[str, Any]:
    """Return what the page shows of a network's money in one currency."""
    days = [row for row in rows if row["date"] >= shown.recent.first]
    charts = [_chart(shown, days, "day", shown.recent)]
    if shown.span != shown.recent:
        charts.append(_chart(shown, rows, unit_for(shown.span), shown.span))
    months = buckets(rows, "month", shown.is_whole)
    return {
        "network": shown,
        "currency": rows[0]["currency"],
        "total": add_up(rows),
        "periods": key_periods(rows, shown.today),
        "charts": charts,
        "days": days,
        "months": [(month, add_up(month.rows)) for month in reversed(months)],
    }


def _chart(shown: Network, rows: Sequence[Row], unit: str, span: Span) -> dict[str, Any]:
    """Return a chart of the money, with a bar per day, week or month."""
    heading = f"By {unit}, {text.days(span)}"
    drawn = bars(
        [_bar(bucket, unit, shown.kind) for bucket in buckets(rows, unit, shown.is_whole)],
        Span(span_of(span.first, unit).first, span_of(span.last, unit).last),
        name=f"{shown.name} {shown.kind} in {rows[0]['currency'] if rows else '?'}: {heading}",
        color=f"--{shown.kind}",
    )
    return {"heading": heading, "drawn": drawn}


def _bar(bucket: Bucket, unit: str, kind: str) -> Bar:
    """Return the bar for the money of a day, a week or a month."""
    totals, currency = add_up(bucket.rows), bucket.rows[0]["currency"]
    facts = {
        **text.bucket(bucket, unit),
        kind.capitalize(): text.money(totals.amount, currency),
        "Impressions": text.number(totals.impressions),
        "Clicks": text.number(totals.clicks),
        "CTR": f"{text.decimal(totals.ctr_percent)} %",
        "CPM": text.money(totals.cpm, currency),
    }
    return Bar(bucket.span, float(totals.amount), bucket.whole, facts)

"""What the page shows of the control totals: days that are proven, and numbers that moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from examples import text
from examples.charts import Bar, bars
from examples.panels import groups, run_query
from examples.periods import DAY, Span

if TYPE_CHECKING:
    import datetime
    from collections.abc import Sequence

    from examples.database import Database
    from examples.periods import Row

#: How many weeks of corrected days are shown.
WEEKS = 8


def proofs(database: Database) -> dict[str, dict[str, Any]]:
    """Return the numbers of proven and other days by report, and the days that differ."""
    differing = {
        report: sorted({row["date"] for row in rows})
        for report, rows in groups(run_query(database, "unproven_days"), "report")
    }
    return {
        row["report"]: {**row, "differing_days": _spans(differing.get(row["report"], []))}
        for row in run_query(database, "proven_days")
    }


def _spans(dates: Sequence[datetime.date]) -> list[Span]:
    """Join consecutive days."""
    spans: list[Span] = []
    for date in dates:
        if spans and spans[-1].last + DAY == date:
            spans[-1] = Span(spans[-1].first, date)
        else:
            spans.append(Span(date, date))
    return spans


def corrections(database: Database) -> list[dict[str, Any]]:
    """Return what the network has changed of each report, by currency, in the last weeks."""
    ages = dict(groups(run_query(database, "restatements"), "report"))
    found = run_query(database, "restated_days")
    return [
        _correction(report, currency, rows, ages[report])
        for report, of_report in groups(found, "report")
        for currency, rows in groups(sorted(of_report, key=_by_currency), "currency")
    ]


def _by_currency(row: Row) -> tuple[str, datetime.date]:
    return row["currency"], row["date"]


def _correction(
    report: str, currency: str, restated: Sequence[Row], ages: Sequence[Row]
) -> dict[str, Any]:
    """Return what the page shows of a report in one currency, from the days read again."""
    kind = "spent" if report == "advertiser_report" else "earned"
    last = max(row["date"] for row in restated)
    span = Span(max(restated[0]["date"], last - (7 * WEEKS - 1) * DAY), last)
    recent = [row for row in restated if row["date"] >= span.first]
    first, now = (sum(row[name] for row in recent) for name in ("first_amount", "amount"))
    changed = [row for row in recent if row["last_change_days"] is not None]
    moved = [_bar(row, currency) for row in recent if row["change_percent"]]
    return {
        "report": report,
        "currency": currency,
        "kind": kind,
        "span": span,
        "restated": len(recent),
        "changed": changed,
        "change": now - first,
        "change_percent": float(100 * (now - first) / first) if first else None,
        "lookback": lookback(ages),
        "chart": bars(
            moved,
            span,
            name=f"Change of {report} in {currency} since first read, in percent, by day",
            color=f"--{kind}",
        )
        if moved
        else None,
    }


def _bar(row: Row, currency: str) -> Bar:
    facts = {
        "Day": text.weekday(row["date"]),
        "First read": text.money(row["first_amount"], currency),
        "Now": text.money(row["amount"], currency),
        "Change": text.change(float(row["change_percent"])),
    }
    day = Span(row["date"], row["date"])
    return Bar(day, float(row["change_percent"]), whole=True, facts=facts)


def lookback(ages: Sequence[Row]) -> str:
    """Return which ``lookback_days`` would have sufficed, from the changes by age.

    Args:
        ages: The rows of the query ``restatements`` about a report.
    """
    oldest = max(row["age_days"] for row in ages)
    changed = max((row["age_days"] for row in ages if row["changed"]), default=0)
    if changed == oldest:
        return (
            f"not known: days still changed at an age of {text.count(oldest, 'day')},"
            " the oldest that was read again. Raise lookback_days to find out."
        )
    what = "no day changed once it was over" if not changed else "nothing changed later"
    later = sum(row["readings"] for row in ages if row["age_days"] > changed)
    return (
        f"{text.count(changed, 'day')} would have sufficed: {what},"
        f" in {text.count(later, 'reading')} up to an age of {text.count(oldest, 'day')}."
    )

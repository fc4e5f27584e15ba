"""The page at the end of ``make demo``: what the rows in a DuckDB file say.

Every number on it comes from one of the queries in the folder ``queries``, which run as they stand
there. The page is one file, and asks no network for anything.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
import webbrowser
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import jinja2
import vl_convert

from examples import text
from examples.charts import Bar, Span, bars

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

FOLDER = Path(__file__).parent
#: What the networks' columns have in common, under one name.
SHARED = {"revenue_usd": "amount", "cpm_usd": "cpm", "costs": "amount"}

Row = dict[str, Any]


class Database:
    """A DuckDB file with rows of the taps."""

    def __init__(self, path: Path) -> None:
        """Open it, to read only.

        Args:
            path: Where it is.
        """
        self.connection = duckdb.connect(str(path), read_only=True)
        self.absent: list[str] = []

    def ask(self, query: str) -> list[Row]:
        """Run a query of the folder, and remember it where a table it needs is not there.

        Args:
            query: The name of the file, without its ending.

        Returns:
            The rows of the answer; none if a table is not there.
        """
        try:
            answer = self.connection.sql((FOLDER / "queries" / f"{query}.sql").read_text())
        except duckdb.CatalogException as error:
            self.absent.append(f"{query}.sql: {str(error).splitlines()[0]}")
            return []
        names = [SHARED.get(name, name) for name in answer.columns]
        return [
            {"currency": "USD", **dict(zip(names, row, strict=True))} for row in answer.fetchall()
        ]


def groups(rows: Iterable[Row], column: str) -> list[tuple[Any, list[Row]]]:
    """Put rows together that follow one another and have the same value in a column."""
    return [(value, list(found)) for value, found in groupby(rows, itemgetter(column))]


def money_per_day(title: str, kind: str, rows: Sequence[Row], span: Span) -> dict[str, Any]:
    """Put together what the page shows of the days of one network in one currency.

    Args:
        title: What the money is.
        kind: Whether it is ``earned`` or ``spent``.
        rows: The days.
        span: The days that all charts go over.

    Returns:
        The total, the days and their chart.
    """
    currency = rows[0]["currency"]
    total, impressions, clicks = (
        sum(row[column] for row in rows) for column in ("amount", "impressions", "clicks")
    )
    chart = bars(
        [
            Bar(
                row["date"],
                float(row["amount"]),
                row["finished"],
                {
                    "Day": text.weekday(row["date"]) + ("" if row["finished"] else " (so far)"),
                    kind.capitalize(): text.money(row["amount"], currency),
                    "Impressions": text.number(row["impressions"]),
                    "Clicks": text.number(row["clicks"]),
                    "CTR": f"{text.decimal(row['ctr_percent'])} %",
                    "CPM": text.money(row["cpm"], currency),
                },
            )
            for row in rows
        ],
        span,
        name=f"{title} in {currency}: a bar a day, {text.days(span)}",
        color=f"--{kind}",
    )
    return {
        "title": title,
        "kind": kind,
        "currency": currency,
        "total": total,
        "ctr": 100 * clicks / impressions if impressions else None,
        "cpm": 1000 * total / impressions if impressions else None,
        "rows": rows,
        "unfinished": [row for row in rows if not row["finished"]],
        "chart": chart,
    }


def completeness(database: Database) -> list[dict[str, Any]]:
    """Put together what the page shows of each stream.

    Args:
        database: Where the rows are.

    Returns:
        The streams; those with days have a chart of their rows.
    """
    streams = database.ask("freshness")
    gaps = database.ask("missing_days")
    counts = database.ask("rows_per_day")
    per_day = dict(groups(counts, "stream"))
    dates = [row["date"] for row in counts] + [gap["last_day"] for gap in gaps]
    span = Span(min(dates, default=datetime.date.min), max(dates, default=datetime.date.min))
    for stream in streams:
        name = stream["stream"]
        stream["gaps"] = [
            Span(gap["first_day"], gap["last_day"]) for gap in gaps if gap["stream"] == name
        ]
        if stream["first_day"]:
            stream["chart"] = bars(
                [
                    Bar(
                        row["date"],
                        row["rows"],
                        True,  # noqa: FBT003 - rows are there or not.
                        {"Day": text.weekday(row["date"]), "Rows": text.number(row["rows"])},
                    )
                    for row in per_day[name]
                ],
                span,
                name=f"Rows of {name}: a bar a day, {text.days(span)}",
                color="--rows",
                gaps=stream["gaps"],
                scale=False,
            )
    return streams


def contents(database: Database) -> dict[str, Any]:
    """Ask everything the page shows.

    Args:
        database: Where the rows are.

    Returns:
        The variables of the template.
    """
    earned, spent = database.ask("adsterra_daily"), database.ask("adcloud_daily")
    dates = [row["date"] for row in [*earned, *spent]]
    span = Span(min(dates, default=datetime.date.min), max(dates, default=datetime.date.min))
    networks = [("Adsterra revenue", "earned", earned), ("Adcloud cost", "spent", spent)]
    return {
        "panels": [
            money_per_day(title, kind, days, span)
            for title, kind, rows in networks
            for _, days in groups(rows, "currency")
        ],
        "span": span,
        "sites": groups(database.ask("adsterra_by_placement"), "domain_id"),
        "countries_earned": database.ask("adsterra_by_country"),
        "countries_spent": groups(database.ask("adcloud_by_country"), "currency"),
        "websites": groups(database.ask("adcloud_by_website"), "currency"),
        "campaigns": groups(database.ask("adcloud_by_campaign"), "currency"),
        "streams": completeness(database),
    }


def render(path: Path, note: str = "") -> str:
    """Make the page.

    Args:
        path: The DuckDB file.
        note: What readers should know about the rows, if anything.

    Returns:
        The page in HTML.
    """
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    filters: dict[str, Callable[..., str]] = {
        function.__name__: function
        for function in (
            *(text.country, text.day, text.days, text.decimal, text.minute, text.money),
            *(text.number, text.weekday),
        )
    }
    templates.filters.update(filters)
    database = Database(path)
    return templates.get_template("page.html").render(
        contents(database),
        absent=database.absent,
        file=path.name,
        made=datetime.datetime.now(datetime.UTC),
        note=note,
        # Vega, Vega-Lite and what embeds them: about 0.9 MB.
        vega=vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"),
    )


def can_open() -> bool:
    """Whether somebody sits at a screen: at a terminal, on a desktop, not in a pipe."""
    desktop = sys.platform in {"darwin", "win32"} or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    return desktop and sys.stdout.isatty() and "CI" not in os.environ


def main() -> None:
    """Write the page, say where it is, and open it where somebody can see it."""
    parser = argparse.ArgumentParser(prog="python -m examples.page", description=__doc__)
    parser.add_argument("database", type=Path, help="the DuckDB file")
    parser.add_argument("page", type=Path, help="the file to write")
    parser.add_argument("--note", default="", help="what readers should know about the rows")
    arguments = parser.parse_args()
    page = arguments.page.resolve()
    page.write_text(render(arguments.database, arguments.note), encoding="utf-8")
    print(page)
    if can_open():
        webbrowser.open(page.as_uri())


if __name__ == "__main__":
    main()

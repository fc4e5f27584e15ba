"""A page of the money in a DuckDB file: ``make page`` writes it, and ``make demo`` at its end.

Every number on it comes from one of the queries in the folder ``queries``, which run as they stand
there, or is a sum of their days. The page is one file, and asks no network for anything.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import os
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import vl_convert

from examples import text
from examples.charts import Bar, bars
from examples.corrections import WEEKS, corrections, proofs
from examples.database import FOLDER, Database, DatabaseError
from examples.panels import groups, network, panels, run_query
from examples.periods import Span, buckets, span_of, unit_for

if TYPE_CHECKING:
    from collections.abc import Callable

#: The folder of ``make demo``, whose pages must say that their numbers are made up.
DEMO = FOLDER.parent / "output" / "demo"
DEMO_NOTE = "Made-up numbers: the sandbox of this project"


def completeness(database: Database) -> list[dict[str, Any]]:
    """Return what the page shows of each stream; those with days have a chart of their rows."""
    streams = run_query(database, "freshness")
    proven = proofs(database)
    named = {stream["stream"] for stream in streams}
    # A report whose rows have all been lost still has control totals.
    streams += [
        {"stream": name, "rows": 0, "first_day": None}
        for name, proof in proven.items()
        if proof["differing"] and name not in named and name in database.tables
    ]
    gaps = run_query(database, "missing_days")
    counts = run_query(database, "rows_per_day")
    per_day = dict(groups(counts, "stream"))
    dates = [row["date"] for row in counts] + [gap["last_day"] for gap in gaps]
    for stream in streams:
        name = stream["stream"]
        stream["proof"] = proven.get(name)
        if stream["first_day"] is None:
            continue
        unit = unit_for(Span(min(dates), max(dates)))
        span = Span(span_of(min(dates), unit).first, span_of(max(dates), unit).last)
        without_rows = [
            (Span(gap["first_day"], gap["last_day"]), gap["was_read"])
            for gap in gaps
            if gap["stream"] == name
        ]
        stream["without_rows"] = without_rows
        found = [
            (bucket, sum(row["rows"] for row in bucket.rows))
            for bucket in buckets(per_day[name], unit, lambda _: True)
        ]
        stream["chart"] = bars(
            [
                Bar(
                    bucket.span,
                    count,
                    bucket.whole,
                    {**text.bucket(bucket, unit), "Rows": text.number(count)},
                )
                for bucket, count in found
            ],
            span,
            name=f"Rows of {name} by {unit}, {text.days(span)}",
            color="--rows",
            gaps=[days for days, was_read in without_rows if not was_read],
            scale=False,
        )
    return streams


def contents(database: Database) -> dict[str, Any]:
    """Run all queries of the page and return the variables of its template."""
    adsterra = network(database, "Adsterra", "earned")
    adcloud = network(database, "Adcloud", "spent")
    earned_since = adsterra and adsterra.recent.first
    spent_since = adcloud and adcloud.recent.first
    return {
        "adsterra": adsterra,
        "adcloud": adcloud,
        "panels": [panel for shown in (adsterra, adcloud) if shown for panel in panels(shown)],
        "sites": groups(run_query(database, "adsterra_by_placement", earned_since), "domain_id"),
        "countries_earned": run_query(database, "adsterra_by_country", earned_since),
        "countries_spent": groups(
            run_query(database, "adcloud_by_country", spent_since), "currency"
        ),
        "websites": groups(run_query(database, "adcloud_by_website", spent_since), "currency"),
        "campaigns": groups(run_query(database, "adcloud_by_campaign", spent_since), "currency"),
        "streams": completeness(database),
        "corrections": corrections(database),
        "weeks": WEEKS,
    }


def render(path: Path, note: str = "", schema: str = "main") -> str:
    """Return the page in HTML.

    Args:
        path: The DuckDB file.
        note: A remark about the rows, for the top of the page.
        schema: The schema with the tables.

    Raises:
        DatabaseError: The file cannot be read.
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
            *(
                text.change,
                text.count,
                text.country,
                text.day,
                text.days,
                text.decimal,
                text.minute,
            ),
            *(text.money, text.month, text.number, text.weekday),
        )
    }
    templates.filters.update(filters)
    return templates.get_template("page.html").render(
        contents(Database(path, schema)),
        file=path.name,
        made=datetime.datetime.now(datetime.UTC),
        note=note,
        vega=_vega(),
    )


@functools.cache
def _vega() -> str:
    """Return JavaScript with Vega, Vega-Lite and vega-embed: about 0.9 MB."""
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")


def can_open() -> bool:
    """Return whether a browser can be opened: on a desktop, in a terminal, not in a pipe."""
    desktop = sys.platform in {"darwin", "win32"} or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    return desktop and sys.stdout.isatty() and "CI" not in os.environ


def main() -> None:
    """Write the page beside the file, print its path, and open it if there is a desktop."""
    parser = argparse.ArgumentParser(prog="python -m examples.page", description=__doc__)
    parser.add_argument("database", type=Path, help="the DuckDB file")
    parser.add_argument("--schema", default="main", help="the schema with the tables")
    arguments = parser.parse_args()
    database, schema = arguments.database, arguments.schema
    note = DEMO_NOTE if database.resolve().is_relative_to(DEMO) else ""
    name = database.stem if schema == "main" else f"{database.stem}-{schema}"
    page = database.absolute().with_name(f"{name}.html")
    try:
        page.write_text(render(database, note, schema), encoding="utf-8")
    except DatabaseError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{page} cannot be written: {error.strerror}.")
    print(page)
    if can_open():
        webbrowser.open(page.as_uri())


if __name__ == "__main__":
    main()

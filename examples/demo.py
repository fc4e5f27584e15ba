"""What a run of ``make demo`` has read into DuckDB, and how much is there in all."""

from __future__ import annotations

import argparse
import datetime
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from examples.database import QUERIES, TOTALS, Database, QueryResult
from examples.periods import Span
from examples.query import table

_RUN = re.compile(r"Running job with name '\w+:[\w-]+-to-(?P<loader>[\w-]+)'")
#: The log line of a tap with the days of a report that it will read, or a single day.
_DAYS = re.compile(
    r" (?P<stream>\w+): (?P<first>\d{4}-\d\d-\d\d)(\.\.(?P<last>\d{4}-\d\d-\d\d))?, "
)
_ROWS = re.compile(r"""Loading (?P<rows>\d+) rows into '.*"(?P<stream>\w+)"'""")


class Read(NamedTuple):
    """What a run has read.

    Attributes:
        days: The first and the last day of each report.
        rows: The number of rows of each stream.
    """

    days: dict[str, Span]
    rows: Counter[str]


def parse_log(log: str) -> Read:
    """Return what was read into DuckDB, from Meltano's log."""
    read = Read({}, Counter())
    counts = False
    for line in log.splitlines():
        if run := _RUN.search(line):
            counts = run["loader"] == "target-duckdb"
        if counts and (rows := _ROWS.search(line)):
            read.rows[rows["stream"]] += int(rows["rows"])
        if counts and (days := _DAYS.search(line)):
            first = datetime.date.fromisoformat(days["first"])
            last = datetime.date.fromisoformat(days["last"] or days["first"])
            before = read.days.get(days["stream"], Span(first, last))
            read.days[days["stream"]] = Span(min(first, before.first), max(last, before.last))
    return read


def summary(read: Read, database: Database) -> str:
    """Return a table of what was read, beside the number of rows in the database."""
    freshness = database.run(QUERIES / "freshness.sql")
    place = freshness.columns.index("rows")
    stored = {row[0]: row[place] for row in freshness.rows}
    rows = [
        (stream, *days, days.days, read.rows[stream], stored.get(stream))
        for stream, days in read.days.items()
    ]
    columns = ["stream", "first_day", "last_day", "days_read", "rows_read", "rows_in_all"]
    others = read.rows.keys() - read.days.keys() - {TOTALS}
    count = sum(read.rows[stream] for stream in others)
    return (
        f"{table(QueryResult(columns, rows, []))}\n{read.rows[TOTALS]:,} control totals,"
        f" and {count:,} rows of {len(others)} lists"
    )


def main() -> None:
    """Print what a run has read."""
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description=__doc__)
    parser.add_argument("log", type=Path, help="Meltano's log")
    parser.add_argument("database", type=Path, help="the DuckDB file")
    arguments = parser.parse_args()
    read = parse_log(arguments.log.read_text(encoding="utf-8"))
    print("This run has read into DuckDB:\n")
    print(summary(read, Database(arguments.database)))


if __name__ == "__main__":
    main()

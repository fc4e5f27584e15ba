"""Run a query of the folder ``queries`` on the rows in a DuckDB file, and print the response.

Money, and every other number with a fraction, has three decimals. Days are written 2024-05-01, and
times 2024-05-01 12:00:00, in UTC.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from examples.database import QUERIES, Database, DatabaseError, QueryResult


def written(value: Any, column: str) -> str:  # noqa: ANN401 - a value of any type.
    """Return a value as text.

    Args:
        value: The value.
        column: The name of its column, which identifies ids and times of reading.
    """
    if column.endswith("read_at") and isinstance(value, str):
        value = datetime.datetime.fromisoformat(value)
    match value:
        case None:
            text = "NULL"
        case bool():
            text = "yes" if value else "no"
        case int():
            text = str(value) if column.endswith("_id") else f"{value:,}"
        case float() | Decimal():
            text = f"{value:,.3f}"
        case datetime.datetime():
            # Times without a zone, such as Adsterra's, are in UTC.
            zoned = value if value.tzinfo else value.replace(tzinfo=datetime.UTC)
            text = f"{zoned.astimezone(datetime.UTC):%Y-%m-%d %H:%M:%S}"
        case _:
            # A name may contain line breaks or control characters of terminals.
            text = "".join(sign if sign.isprintable() else " " for sign in str(value))
    return text


def table(result: QueryResult) -> str:
    """Return a result as lines of columns: numbers aligned right, everything else left."""
    cells = [
        [written(value, column) for value, column in zip(row, result.columns, strict=True)]
        for row in result.rows
    ]
    widths = [max(map(len, column)) for column in zip(result.columns, *cells, strict=True)]
    numbers = [
        any(type(row[place]) in (int, float, Decimal) for row in result.rows)
        for place in range(len(result.columns))
    ]

    def line(row: list[str]) -> str:
        places = zip(row, widths, numbers, strict=True)
        texts = (text.rjust(width) if right else text.ljust(width) for text, width, right in places)
        return "  ".join(texts).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(result.columns), rule, *map(line, cells)])


def described() -> str:
    """Return a list of the queries, each with the first sentence of its comment."""
    files = sorted(QUERIES.glob("*.sql"))
    width = max(len(file.stem) for file in files)
    lines = []
    for file in files:
        comment = file.read_text(encoding="utf-8").split("\n--\n")[0]
        sentence = " ".join(line.removeprefix("-- ") for line in comment.splitlines())
        lines.append(f"{file.stem:{width}}  {sentence}")
    return "\n".join(lines)


def file_of(query: str) -> Path:
    """Return the file of a query.

    Args:
        query: The name of a file in the folder, with or without its suffix, or a path.

    Raises:
        DatabaseError: There is no such file.
    """
    for file in (QUERIES / f"{query}.sql", QUERIES / query, Path(query)):
        if file.is_file():
            return file
    message = f"There is no query {query}. There are:\n{described()}"
    raise DatabaseError(message)


def main() -> None:
    """Print the result of a query, or the list of queries."""
    parser = argparse.ArgumentParser(prog="python -m examples.query", description=__doc__)
    parser.add_argument("query", nargs="?", help="a file of examples/queries; without it, a list")
    parser.add_argument("--database", type=Path, default=Path("output/ads.duckdb"))
    parser.add_argument("--schema", default="main", help="the schema with the tables")
    arguments = parser.parse_args()
    if not arguments.query:
        print(described())
        return
    try:
        file = file_of(arguments.query)
        result = Database(arguments.database, arguments.schema).run(file)
    except DatabaseError as error:
        sys.exit(str(error))
    count = len(result.rows)
    try:
        print(f"{table(result)}\n{count:,} row{'' if count == 1 else 's'}", flush=True)
    except BrokenPipeError:
        # The reader, such as `head`, has closed the pipe. Python would write to it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if result.absent:
        print(f"Without {', '.join(result.absent)}: not in {arguments.database}.", file=sys.stderr)


if __name__ == "__main__":
    main()

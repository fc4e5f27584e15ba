"""DuckDB files with rows of the taps, and how to run the queries in the folder ``queries`` on them.

A query may name streams that are not selected and so have no table. They are replaced by empty
tables, so that the query returns rows of the other streams.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb

if TYPE_CHECKING:
    import datetime

FOLDER = Path(__file__).parent
QUERIES = FOLDER / "queries"
#: The streams with rows per day; a query needs one of those that it names.
REPORTS = ("stats", "stats_by_country", "stats_by_sub_id", "advertiser_report")
#: The schema of each stream. All of Adsterra's reports have fields of the schema ``stats``.
_SCHEMAS = {file.stem: file for file in (FOLDER.parent / "schemas").glob("*/*.json")}
_SCHEMAS |= dict.fromkeys(REPORTS[1:3], _SCHEMAS["stats"])
#: The column types of target-duckdb, by JSON type; all other types become text.
_TYPES = {"integer": "bigint", "number": "double", "boolean": "boolean"}


class DatabaseError(Exception):
    """Rows are missing or cannot be read; the message says what to do."""


class MissingReportError(DatabaseError):
    """The database has none of the reports that a query names."""


class QueryResult(NamedTuple):
    """Result of a query.

    Attributes:
        columns: The names of the columns.
        rows: The rows.
        absent: The streams that the query names and the database does not have.
    """

    columns: list[str]
    rows: list[tuple[Any, ...]]
    absent: list[str]


class Database:
    """The tables in one schema of a DuckDB file."""

    def __init__(self, path: Path, schema: str = "main") -> None:
        """Open the file, read-only.

        Args:
            path: The file.
            schema: The schema.

        Raises:
            DatabaseError: There is no such file or schema, or the file cannot be read now.
        """
        if not path.is_file():
            message = (
                f"There is no file {path}. `meltano run tap-adsterra target-duckdb` makes"
                " output/ads.duckdb; DATABASE=path names another."
            )
            raise DatabaseError(message)
        self.path = path
        self._connection = duckdb.connect()
        file = _quoted(str(path), mark="'")
        try:
            self._connection.execute(f"attach {file} as source (read_only)")
        except duckdb.Error as error:
            raise DatabaseError(_why_unreadable(path, error)) from error
        found = self._connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'source'"
        ).fetchall()
        self.tables = {table for name, table in found if name == schema}
        if not self.tables:
            others = ", ".join(sorted({name for name, _ in found}))
            message = f"{path} has no tables in its schema {schema}."
            message += f" SCHEMA=name names another: {others}." if others else ""
            raise DatabaseError(message)
        self._schema = f"source.{_quoted(schema)}"
        self._connection.execute(f"use {self._schema}")

    def run(self, query: Path, since: datetime.date | None = None) -> QueryResult:
        """Run a query.

        Args:
            query: The file with the query.
            since: The first day to read from the reports; ``None`` for all days.

        Returns:
            The result, without rows about absent streams.

        Raises:
            MissingReportError: The database has none of the reports that the query names.
            DatabaseError: The query cannot be run.
        """
        text = query.read_text(encoding="utf-8")
        named = _SCHEMAS.keys() & _words(text)
        absent = sorted(named - self.tables)
        needed = sorted(named.intersection(REPORTS) or named)
        if needed and not self.tables.intersection(needed):
            tap = f"tap-{_SCHEMAS[needed[0]].parent.name}"
            message = (
                f"{query.stem} needs the table {needed[0]}, which is not in {self.path}."
                f" Select the stream {needed[0]} of {tap}, and run {tap} into this file."
            )
            raise MissingReportError(message)
        # DuckDB prefers temporary views to tables of the same names.
        for stream in named:
            source = self._rows(stream, since) if stream in self.tables else _no_rows(stream)
            self._connection.execute(f"create or replace temp view {stream} as {source}")
        try:
            result = self._connection.sql(text)
            columns, rows = result.columns, result.fetchall()
        except duckdb.Error as error:
            # The first line is the message; the others show the query.
            message = f"{query.stem} cannot be run on {self.path}: {str(error).splitlines()[0]}"
            raise DatabaseError(message) from error
        if "stream" in columns:
            place = columns.index("stream")
            rows = [row for row in rows if row[place] not in absent]
        return QueryResult(columns, rows, absent)

    def _rows(self, stream: str, since: datetime.date | None) -> str:
        """Return a query for the rows of a stream, from a day on."""
        days = f" where cast(date as date) >= date '{since}'" if since and stream in REPORTS else ""
        return f"select * from {self._schema}.{stream}{days}"  # noqa: S608 - a stream's name.


def _no_rows(stream: str) -> str:
    """Return a query that has the columns of a stream and no rows."""
    fields = json.loads(_SCHEMAS[stream].read_text(encoding="utf-8"))["properties"]
    types = {
        name: next((_TYPES[kind] for kind in _TYPES if kind in field["type"]), "varchar")
        for name, field in fields.items()
    }
    columns = ", ".join(f"cast(null as {kind}) as {_quoted(name)}" for name, kind in types.items())
    return f"select {columns} limit 0"


def _words(text: str) -> set[str]:
    """Return the words of a query outside of its comments and string literals."""
    return set(re.findall(r"\w+", re.sub(r"--.*|'[^']*'", "", text)))


def _quoted(name: str, mark: str = '"') -> str:
    """Quote an identifier, or with another mark a string literal, as SQL does."""
    return mark + name.replace(mark, mark * 2) + mark


def _why_unreadable(path: Path, error: duckdb.Error) -> str:
    """Return why a file cannot be opened, and what to do."""
    if "Could not set lock" in str(error):
        return f"{path} is in use: another program is writing to it. Try again when it has ended."
    return f"{path} cannot be read: {str(error).splitlines()[0]}"

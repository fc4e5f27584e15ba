"""DuckDB files with rows of the taps, and how to run the queries in the folder ``queries`` on them.

The file is not changed: the views of ``views.sql`` are temporary. A query may name streams that are
not selected and so have no table. They are replaced by empty tables, so that the query returns rows
of the other streams. Reports of a version without ``extracted_at`` get that field, without values.
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
VIEWS = FOLDER / "views.sql"
#: The streams with rows per day; a query needs one of those that it names.
REPORTS = ("stats", "stats_by_country", "stats_by_sub_id", "advertiser_report")
#: The sums of each reading of the reports, in both taps.
TOTALS = "control_totals"
#: The streams that are read from a day on, if the caller wants that.
_DATED = (*REPORTS, TOTALS)
_VIEWS_TEXT = VIEWS.read_text(encoding="utf-8")
#: The query of each view, in an order in which they can be created.
_VIEWS = dict(
    re.findall(r"create or replace view (\w+) as\n(.*?);\n", _VIEWS_TEXT, flags=re.DOTALL)
)
#: The schema of each stream. All of Adsterra's reports have fields of the schema ``stats``.
_FILES = sorted((FOLDER.parent / "schemas").glob("*/*.json"))
_SCHEMAS = {file.stem: file for file in _FILES}
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
            "select schema_name, table_name, list(column_name) from duckdb_columns()"
            " where database_name = 'source' group by schema_name, table_name"
        ).fetchall()
        #: The columns of each table.
        self.tables = {table: set(columns) for name, table, columns in found if name == schema}
        if not self.tables:
            others = ", ".join(sorted({name for name, _, _ in found}))
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
        named = _streams(text)
        # All views need the control totals, if only to know which rows count.
        used = named | {TOTALS} if _words(text) & _VIEWS.keys() else named
        absent = sorted(used - self.tables.keys())
        needed = sorted(named.intersection(REPORTS) or named)
        if needed and not self.tables.keys() & needed:
            raise MissingReportError(self._what_is_missing(query.stem, needed[0]))
        # DuckDB prefers temporary views to tables of the same names.
        for stream in _SCHEMAS.keys() & _words(text + _VIEWS_TEXT):
            source = self._rows(stream, since) if stream in self.tables else _no_rows(stream)
            self._connection.execute(f"create or replace temp view {stream} as {source}")
        try:
            for name, view in _VIEWS.items():
                self._connection.execute(f"create or replace temp view {name} as {view}")
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

    def _what_is_missing(self, query: str, stream: str) -> str:
        """Return why a query cannot be run without a stream, and what to do."""
        taps = sorted({f"tap-{file.parent.name}" for file in _FILES if file.stem == stream})
        tap = " or ".join(taps) or f"tap-{_SCHEMAS[stream].parent.name}"
        return (
            f"{query} needs the table {stream}, which is not in {self.path}."
            f" Select the stream {stream} of {tap}, and run {tap} into this file."
        )

    def _rows(self, stream: str, since: datetime.date | None) -> str:
        """Return a query for the rows of a stream, from a day on."""
        days = f" where cast(date as date) >= date '{since}'" if since and stream in _DATED else ""
        columns = "*"
        if stream in REPORTS and "extracted_at" not in self.tables[stream]:
            columns += ", cast(null as varchar) as extracted_at"
        return f"select {columns} from {self._schema}.{stream}{days}"  # noqa: S608 - a stream's name.


def _no_rows(stream: str) -> str:
    """Return a query that has the columns of a stream and no rows."""
    fields = json.loads(_SCHEMAS[stream].read_text(encoding="utf-8"))["properties"]
    types = {
        name: next((_TYPES[kind] for kind in _TYPES if kind in field["type"]), "varchar")
        for name, field in fields.items()
    }
    columns = ", ".join(f"cast(null as {kind}) as {_quoted(name)}" for name, kind in types.items())
    return f"select {columns} limit 0"


def _streams(text: str) -> set[str]:
    """Return the streams that a query names, itself or by its views.

    Of a view that names streams, the views it names in turn do not count: they only help.
    """
    words = _words(text)
    streams = words & _SCHEMAS.keys()
    for view in words & _VIEWS.keys():
        streams |= _words(_VIEWS[view]) & _SCHEMAS.keys() or _streams(_VIEWS[view])
    return streams


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

"""The databases of the tests that kill runs: their targets, and their contents."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import duckdb
import psycopg

from benchmarks.postgresql import USER
from tests.paths import BIN

#: Small, so that rows are written during a run and not only at its end.
ROWS_A_BATCH = 300

Row = dict[str, Any]
Tables = dict[str, list[Row]]


class Database(Protocol):
    """A database that a chain of runs writes to."""

    target: tuple[str, ...]
    settings: dict[str, Any]

    def tables(self) -> Tables:
        """Return all rows of all tables, with the times of reading."""


class DuckDB:
    """A file, written by ``target-duckdb``."""

    target: tuple[str, ...] = (str(BIN / "target-duckdb"),)

    def __init__(self, file: Path) -> None:
        self.file = file
        self.settings = {
            "path": str(file),
            "default_target_schema": "main",
            "flush_all_streams": True,
            "batch_size_rows": ROWS_A_BATCH,
        }

    def tables(self) -> Tables:
        with duckdb.connect(str(self.file)) as database:
            names = [name for (name,) in database.sql("show tables").fetchall()]
            # The target's own table for a batch; a killed target leaves it behind.
            kept = [name for name in names if not name.startswith("tmp_")]
            return {name: self._rows(database, name) for name in kept}

    def _rows(self, database: duckdb.DuckDBPyConnection, name: str) -> list[Row]:
        found = database.sql(f'select * from "{name}"')  # noqa: S608
        return comparable(found.columns, found.fetchall())


class SQLite:
    """A file, written by this folder's own target."""

    target: tuple[str, ...] = (sys.executable, str(Path(__file__).with_name("sqlite_target.py")))

    def __init__(self, file: Path) -> None:
        self.file = file
        self.settings = {"path": str(file), "batch_size_rows": ROWS_A_BATCH}

    def tables(self) -> Tables:
        with contextlib.closing(sqlite3.connect(self.file)) as database:
            names = database.execute("select name from sqlite_master where type = 'table'")
            return {name: self._rows(database, name) for (name,) in names.fetchall()}

    def _rows(self, database: sqlite3.Connection, name: str) -> list[Row]:
        found = database.execute(f'select * from "{name}"')  # noqa: S608
        return comparable([column[0] for column in found.description], found.fetchall())


class PostgreSQL:
    """A schema of a server, written by ``target-postgres``."""

    target: tuple[str, ...] = (str(BIN / "target-postgres"),)

    def __init__(self, port: int, schema: str) -> None:
        self.schema = schema
        self.server = {"host": "127.0.0.1", "port": port, "user": USER, "password": "unused"}
        self.settings = {
            **self.server,
            "database": "postgres",
            "default_target_schema": schema,
            "batch_size_rows": ROWS_A_BATCH,
        }

    def tables(self) -> Tables:
        with psycopg.connect(dbname="postgres", **self.server) as database:  # type: ignore[arg-type]
            query = "select tablename from pg_tables where schemaname = %s"
            names = database.execute(query, [self.schema]).fetchall()
            return {name: self._rows(database, name) for (name,) in names}

    def _rows(self, database: psycopg.Connection[Any], name: str) -> list[Row]:
        table = psycopg.sql.Identifier(self.schema, name)
        found = database.execute(psycopg.sql.SQL("select * from {}").format(table))
        assert found.description is not None
        return comparable([column.name for column in found.description], found.fetchall())


def comparable(columns: list[str], rows: list[tuple[Any, ...]]) -> list[Row]:
    """Make the rows of two runs comparable: sorted, without times of writing.

    Numbers become exact decimals: a double is written with the digits of the API, as long as there
    are at most 15.
    """
    left_out = {name for name in columns if name.startswith("_sdc_")}
    found = [
        {
            name: Decimal(str(value)) if isinstance(value, float) else value
            for name, value in zip(columns, row, strict=True)
            if name not in left_out
        }
        for row in rows
    ]
    return sorted(found, key=str)

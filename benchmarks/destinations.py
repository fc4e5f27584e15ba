"""Where the pipelines write: the targets with the settings of ``meltano.yml``, and dlt's own."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb
import msgspec
import psycopg
import yaml

from benchmarks.checking import RowsDifferError
from benchmarks.contestants import BIN, PROJECT, write_settings
from benchmarks.postgresql import USER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.data import Dataset

TABLE = "advertiser_report"
#: The schema of the tables, of both tools.
SCHEMA = "benchmark"
#: By how much a sum of binary floating point numbers may differ from the exact one, as a share.
_TOLERANCE = Decimal("1e-9")


class Totals(NamedTuple):
    """What is compared of the rows in a destination."""

    rows: int
    #: The number of different keys.
    keys: int
    #: The sums of the fields with numbers.
    sums: list[Decimal]


@cache
def summed_fields() -> list[str]:
    """Return the fields of the report with numbers, ids included."""
    schema = json.loads((PROJECT / "schemas" / "adcloud" / f"{TABLE}.json").read_text("utf-8"))
    return [
        name
        for name, field in schema["properties"].items()
        if any(kind in field["type"] for kind in ("integer", "number"))
    ]


def expected_totals(data: Dataset) -> Totals:
    """Return the totals of prepared rows, whose days all have rows of their own."""
    decode = msgspec.json.Decoder(float_hook=Decimal).decode
    rows = [decode(row) for template in data.templates for row in template]
    keys = {tuple(row[name] for name in ("date", *data.key)) for row in rows}
    sums = [sum((Decimal(row[name] or 0) for row in rows), Decimal()) for name in summed_fields()]
    return Totals(len(rows), len(keys), sums)


def compare(found: Totals, expected: Totals) -> None:
    """Compare the totals of a destination with those of the prepared rows.

    Raises:
        RowsDifferError: Rows are missing, there are too many, or a sum differs.
    """
    if found[:2] != expected[:2]:
        message = f"{found.rows:,} rows with {found.keys:,} keys, not {expected.rows:,}"
        raise RowsDifferError(message)
    for name, value, exact in zip(summed_fields(), found.sums, expected.sums, strict=True):
        if abs(value - exact) > abs(exact) * _TOLERANCE:
            message = f"{name} adds up to {value}, not {exact}"
            raise RowsDifferError(message)


def _query(table: str, key: Sequence[str]) -> str:
    sums = ", ".join(f'sum("{name}")' for name in summed_fields())
    return f"select count(*), count(distinct (date, {', '.join(key)})), {sums} from {table}"  # noqa: S608


def _totals(row: Sequence[Any]) -> Totals:
    rows, keys, *sums = row
    return Totals(rows, keys, [Decimal(str(value or 0)) for value in sums])


class Destination(ABC):
    """A place for rows, new for every run."""

    #: Its name on the command line and for dlt.
    name: str
    #: Its title in the tables.
    title: str
    #: The target that writes to it, as ``meltano.yml`` names it.
    loader: str

    @property
    def is_installed(self) -> bool:
        """Whether there is one on this machine."""
        return True

    @property
    def dlt_settings(self) -> dict[str, Any]:
        """Settings for ``peers.dlt_source``."""
        return {"destination": self.name}

    @abstractmethod
    def target_settings(self, folder: Path) -> dict[str, Any]:
        """Return the target's settings beside those of ``meltano.yml``."""

    def clear(self) -> None:
        """Remove the rows of the run before, if they are not in that run's folder."""
        return

    @abstractmethod
    def totals(self, folder: Path, key: Sequence[str]) -> Totals:
        """Return the totals of the rows that a run with this folder has written."""


class CsvFiles(Destination):
    """CSV files, to which rows are only added."""

    name, title, loader = "csv", "CSV files", "target-csv"

    def target_settings(self, folder: Path) -> dict[str, Any]:
        """Return the folder of the files."""
        return {"output_path": str(folder / "rows")}

    def totals(self, folder: Path, key: Sequence[str]) -> Totals:
        """Return the totals of all files."""
        files = f"read_csv('{folder}/rows/**/{TABLE}/*.csv', union_by_name=true, sample_size=-1)"
        with duckdb.connect() as database:
            return _totals(database.sql(_query(files, key)).fetchall()[0])


class DuckDBFile(Destination):
    """A DuckDB file, in which rows are updated by key."""

    name, title, loader = "duckdb", "DuckDB", "target-duckdb"

    def target_settings(self, folder: Path) -> dict[str, Any]:
        """Return the path of the file, and the schema."""
        return {"path": str(folder / "rows.duckdb"), "default_target_schema": SCHEMA}

    def totals(self, folder: Path, key: Sequence[str]) -> Totals:
        """Return the totals of the table."""
        with duckdb.connect(str(folder / "rows.duckdb"), read_only=True) as database:
            return _totals(database.sql(_query(f"{SCHEMA}.{TABLE}", key)).fetchall()[0])


class PostgreSQLTable(Destination):
    """A table of a PostgreSQL server, in which rows are updated by key."""

    name, title, loader = "postgres", "PostgreSQL", "target-postgres"

    def __init__(self, port: int | None) -> None:
        """Use the server at a port of 127.0.0.1; with ``None``, PostgreSQL is not installed."""
        self._port = port
        self._address = f"postgresql://{USER}:unused@127.0.0.1:{port}/postgres"

    @property
    def is_installed(self) -> bool:
        """Whether there is a server."""
        return self._port is not None

    @property
    def dlt_settings(self) -> dict[str, Any]:
        """The name, and the address of the server."""
        return {"destination": self.name, "credentials": self._address}

    def target_settings(self, folder: Path) -> dict[str, Any]:  # noqa: ARG002 - nothing is in it
        """Return the server, the database and the schema."""
        return {
            "host": "127.0.0.1",
            "port": self._port,
            "user": USER,
            "password": "unused",
            "database": "postgres",
            "default_target_schema": SCHEMA,
        }

    def clear(self) -> None:
        """Remove the tables, and those in which dlt prepares the rows."""
        with psycopg.connect(self._address) as database:
            for schema in (SCHEMA, f"{SCHEMA}_staging"):
                database.execute(f"drop schema if exists {schema} cascade".encode())

    def totals(self, folder: Path, key: Sequence[str]) -> Totals:  # noqa: ARG002 - nothing is in it
        """Return the totals of the table."""
        with psycopg.connect(self._address) as database:
            row = database.execute(_query(f"{SCHEMA}.{TABLE}", key).encode()).fetchone()
        return _totals(row or ())


def target_command(destination: Destination, folder: Path) -> list[str]:
    """Return the command line of a destination's target, set as in ``meltano.yml``."""
    settings = loader_settings(destination.loader) | destination.target_settings(folder)
    path = write_settings(folder / "target.json", settings)
    return [str(BIN / destination.loader), "--config", path]


def loader_settings(name: str) -> dict[str, Any]:
    """Return a loader's settings in ``meltano.yml``."""
    definition = yaml.safe_load((PROJECT / "meltano.yml").read_text("utf-8"))
    (loader,) = [found for found in definition["plugins"]["loaders"] if found["name"] == name]
    return {
        setting["name"]: setting["value"] for setting in loader["settings"] if "value" in setting
    }

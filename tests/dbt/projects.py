"""Run dbt on databases that targets have filled, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from benchmarks.postgresql import USER
from tests.paths import PROJECT

DBT = PROJECT / ".venv-dbt" / "bin" / "dbt"
PACKAGE = PROJECT / "dbt"
#: The schema of the models.
SCHEMA = "reporting"

needs_dbt = pytest.mark.skipif(not DBT.exists(), reason="dbt is not installed; make dbt does it")

Row = dict[str, Any]


@cache
def _server() -> subprocess.Popen[str]:
    """Start the process that runs dbt's commands; importing dbt takes longer than most of them."""
    return subprocess.Popen(
        [DBT.with_name("python"), Path(__file__).with_name("fork_server.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _send(command: dict[str, Any]) -> int:
    """Run a command, and return its exit code."""
    server = _server()
    assert server.stdin
    assert server.stdout
    server.stdin.write(json.dumps(command) + "\n")
    server.stdin.flush()
    return int(server.stdout.readline())


class Models:
    """The package on one database: builds the models, and queries them."""

    #: The project that is built: the package itself, or one that has installed it.
    project = PACKAGE

    def __init__(self, folder: Path, tables: str, **environment: str) -> None:
        """Keep dbt's files in a folder.

        Args:
            folder: The folder for dbt's own files.
            tables: The schema that the target has filled.
            environment: What the profile reads.
        """
        self.folder = folder
        self.tables = tables
        self.variables: Row = {"adsterra_schema": tables, "adcloud_schema": tables}
        self.environment = environment

    def dbt(self, *arguments: str, succeeds: bool = True, **variables: Any) -> str:
        """Run a command of dbt, and return what it has printed.

        Args:
            arguments: The command and its options.
            succeeds: Whether it must succeed; otherwise, it must fail.
            variables: Variables of the package.
        """
        found = {**self.variables, **variables}
        output = self.folder / "dbt.txt"
        command = {
            "arguments": [
                *("--no-use-colors", *arguments),
                *("--project-dir", str(self.project), "--profiles-dir", str(PACKAGE)),
                *("--vars", json.dumps(found)),
            ],
            "environment": {
                **{name: text for name, text in os.environ.items() if not name.startswith("DBT_")},
                "AD_TAPS_MODELS_SCHEMA": SCHEMA,
                "DBT_TARGET_PATH": str(self.folder / "target"),
                "DBT_LOG_PATH": str(self.folder / "logs"),
                **self.environment,
            },
            "folder": str(self.folder),
            "output": str(output),
        }
        code = _send(command)
        said = output.read_text()
        assert (code == 0) == succeeds, said
        return said

    def build(self, *arguments: str, **variables: Any) -> str:
        """Build and test all models."""
        return self.dbt("build", *arguments, **variables)

    def results(self) -> dict[str, str]:
        """Return how each node of the last command ended, by the name of the node."""
        written = json.loads((self.folder / "target" / "run_results.json").read_text())
        return {
            result["unique_id"].split(".")[2]: result["status"] for result in written["results"]
        }

    def execute(self, sql: str) -> list[Row]:
        """Run SQL in the database."""
        raise NotImplementedError

    def rows(self, model: str) -> list[Row]:
        """Return the rows of a model, in any order that is the same for the same rows."""
        return sorted(self.execute(f"select * from {SCHEMA}.{model}"), key=str)  # noqa: S608

    def reports(self) -> dict[str, list[Row]]:
        """Return the rows of all models of the schema."""
        found = self.execute(
            f"select table_name from information_schema.tables where table_schema = '{SCHEMA}'"  # noqa: S608
        )
        return {row["table_name"]: self.rows(row["table_name"]) for row in found}


class DuckDBModels(Models):
    """The models in a DuckDB file."""

    def __init__(self, folder: Path, file: Path, tables: str = "main") -> None:
        super().__init__(folder, tables, AD_TAPS_DUCKDB=str(file))
        self.file = file

    def execute(self, sql: str) -> list[Row]:
        with duckdb.connect(str(self.file)) as database:
            result = database.execute(sql)
            names = [column[0] for column in result.description or ()]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


class PostgreSQLModels(Models):
    """The models in a schema of a PostgreSQL server."""

    def __init__(self, folder: Path, port: int, tables: str) -> None:
        super().__init__(
            folder,
            tables,
            TARGET_POSTGRES_HOST="127.0.0.1",
            TARGET_POSTGRES_PORT=str(port),
            TARGET_POSTGRES_USER=USER,
            TARGET_POSTGRES_PASSWORD="unused",  # noqa: S106 - the server asks for none
            TARGET_POSTGRES_DATABASE="postgres",
        )
        self.port = port

    def dbt(self, *arguments: str, succeeds: bool = True, **variables: Any) -> str:
        return super().dbt(*arguments, "--target", "postgres", succeeds=succeeds, **variables)

    def execute(self, sql: str) -> list[Row]:
        address = f"host=127.0.0.1 port={self.port} user={USER} dbname=postgres"
        address += f" options=-csearch_path={self.tables}"
        with psycopg.connect(address) as connection:
            result = connection.execute(sql.encode())
            if result.description is None:
                return []
            names = [column.name for column in result.description]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

"""Snowflake and BigQuery: the SQL can be parsed, and a stand-in for Snowflake runs it."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.dbt.projects import DBT, needs_dbt
from tests.paths import PROJECT
from tests.warehouse import expected_stream_rows, filled_duckdb

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [needs_dbt, pytest.mark.timeout(400)]
#: The models that are built day by day.
INCREMENTAL = 14


def run(script: str, *arguments: str | Path) -> Any:
    """Run a script of this folder with dbt's Python; return the JSON in its last line."""
    result = subprocess.run(
        [DBT.with_name("python"), "-m", f"tests.dbt.{script}", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=390,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.parametrize("warehouse", ["snowflake", "bigquery"])
def test_the_sql_is_that_of_the_warehouse(warehouse: str, tmp_path: Path) -> None:
    later = run("compile_for", warehouse, PROJECT, tmp_path)
    first = run("compile_for", warehouse, PROJECT, tmp_path, "--full-refresh")
    assert later["parsed"] == first["parsed"] > 150
    assert (later["incremental"], first["incremental"]) == (INCREMENTAL, 0)


def test_a_stand_in_for_snowflake_gives_the_same_sums(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    found = run("run_on_fakesnow", PROJECT, tmp_path, filled_duckdb(tmp_path_factory)[0])
    expected: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in expected_stream_rows("stats"):
        expected["adsterra", "USD"] += row["revenue"]
    for row in expected_stream_rows("advertiser_report"):
        expected["adcloud", row["currency"]] += row["costs"]
    first, second = found["sums"]
    assert first == second
    sums = {(row[0], row[1]): float(row[-1]) for row in first}
    assert sums == pytest.approx({key: float(amount) for key, amount in expected.items()})
    assert found["names"] == ["renamed"]

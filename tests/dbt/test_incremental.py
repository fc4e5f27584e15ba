"""Models that are built day by day have the rows of a full refresh, whatever happens between."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.postgresql import INITDB, postgresql_server
from sandbox.server import Sandbox
from tests.dbt.projects import DuckDBModels, Models, PostgreSQLModels, Row, needs_dbt
from tests.reliability.databases import PostgreSQL
from tests.support import Adsterra, RunResult, day
from tests.warehouse import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: In these weeks, the sandbox takes one whole day back.
FIRST, TAKEN_BACK = day("2024-08-20"), "2024-08-22"
RUNS = 9
#: The runs after which the models are built.
BUILT_AFTER = (3, 4, 6)


@pytest.fixture(scope="module")
def runs() -> list[RunResult]:
    """Daily runs of Adsterra with two reports."""
    found: list[RunResult] = []
    state: Any = None
    now = datetime.datetime(2024, 8, 21, 12, tzinfo=datetime.UTC)
    with Sandbox(now=now) as sandbox, pytest.MonkeyPatch.context() as monkeypatch:
        adsterra = Adsterra(sandbox, monkeypatch)
        streams = ("domains", "placements", "stats", "stats_by_country", "control_totals")
        for _ in range(RUNS):
            run = adsterra.run(*streams, state=state, start_date=str(FIRST))
            assert run.error is None
            found.append(run)
            state = run.state
            sandbox.clock.advance(datetime.timedelta(days=1))
    return found


def cut_inside_a_window(run: RunResult) -> bytes:
    """Return the output of a run that died halfway through the rows of a report."""
    lines = run.output.splitlines(keepends=True)
    rows = [number for number, line in enumerate(lines) if b'"RECORD","stream":"stats"' in line]
    assert len(rows) > 20
    return b"".join(lines[: rows[len(rows) // 2]])


def replace_a_row(schema: str) -> str:
    """Return SQL by which a reading that never ends replaces one more row of a day."""
    of_the_day = "date = '2024-08-24' and extracted_at < '2024-08-28'"
    return (
        f"update {schema}.stats set extracted_at = '2024-08-28T00:00:00.000000Z', revenue = 1"  # noqa: S608
        f" where {of_the_day} and placement = "
        f"(select min(placement) from {schema}.stats where {of_the_day})"
    )


class Warehouse:
    """A database that runs are loaded into, and its models."""

    def __init__(self, models: Models, target: str, settings: dict[str, Any]) -> None:
        self.models = models
        self.target = target
        self.settings = settings

    def load(self, output: bytes) -> None:
        load(self.target, self.models.folder, output, **self.settings)

    def run(self, *arguments: str) -> None:
        """Build without tests: Adcloud is not read here."""
        self.models.dbt("run", *arguments, adcloud_enabled=False)


@pytest.fixture(params=["duckdb", "postgresql"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    if request.param == "duckdb":
        file = tmp_path / "ads.duckdb"
        settings: dict[str, Any] = {"path": str(file), "default_target_schema": "main"}
        yield Warehouse(DuckDBModels(tmp_path, file), "target-duckdb", settings)
        return
    if INITDB is None:
        pytest.skip("PostgreSQL is not installed")
    with postgresql_server() as port:
        settings = PostgreSQL(port, "ads").settings
        yield Warehouse(PostgreSQLModels(tmp_path, port, "ads"), "target-postgres", settings)


def readings(rows: list[Row]) -> dict[str, str]:
    """Return the reading of each day of a report."""
    return {str(row["date"]): row["reading"] for row in rows}


def check_full_refresh(warehouse: Warehouse) -> dict[str, list[Row]]:
    """Compare all models with those of a full refresh, and return them."""
    incremental = warehouse.models.reports()
    warehouse.run("--full-refresh")
    refreshed = warehouse.models.reports()
    assert incremental.keys() == refreshed.keys()
    for name, rows in refreshed.items():
        assert incremental[name] == rows, name
    return refreshed


@needs_dbt
@pytest.mark.timeout(600)
def test_days_that_are_read_again_are_built_again(
    warehouse: Warehouse, runs: list[RunResult]
) -> None:
    models = warehouse.models
    before: list[Row] = []
    for number, run in enumerate(runs[:7]):
        warehouse.load(run.output)
        if number not in BUILT_AFTER:
            continue
        warehouse.run()
        rows = models.rows("adsterra__placement_report")
        if number == BUILT_AFTER[0]:
            assert TAKEN_BACK in readings(rows)
        if number == BUILT_AFTER[1]:
            # The days that change are those that the last run has read, with the one that is new.
            changed = dict(readings(rows).items() - readings(before).items())
            totals = run.records("control_totals")
            read = {row["date"] for row in totals if row["report"] == "stats" and row["row_count"]}
            assert changed.keys() == read
            amounts = {(str(row["date"]), row["placement_id"]): row["revenue"] for row in before}
            again = {(str(row["date"]), row["placement_id"]): row["revenue"] for row in rows}
            assert any(again[key] != amounts[key] for key in again.keys() & amounts.keys())
        before = rows
    assert TAKEN_BACK not in readings(before)
    daily = models.rows("ad_reporting__daily_report")
    assert TAKEN_BACK not in {str(row["date"]) for row in daily}
    refreshed = check_full_refresh(warehouse)
    assert len(refreshed["adsterra__country_report"]) > 50


@needs_dbt
@pytest.mark.timeout(600)
def test_a_run_that_died_an_older_output_and_new_names_change_the_days_they_touch(
    warehouse: Warehouse, runs: list[RunResult]
) -> None:
    models = warehouse.models
    for run in runs[:7]:
        warehouse.load(run.output)
    warehouse.run()
    schema = models.tables
    renamed = f"update {schema}.domains set title = 'renamed'"  # noqa: S608
    gone = f"delete from {schema}.domains where id = (select min(id) from {schema}.domains)"  # noqa: S608
    unproven = f"delete from {schema}.control_totals"  # noqa: S608
    steps: dict[str, Callable[[], object]] = {
        "a reading that is on its way": lambda: models.execute(replace_a_row(schema)),
        "more of that reading": lambda: models.execute(replace_a_row(schema)),
        "a run that died": lambda: warehouse.load(cut_inside_a_window(runs[7])),
        "the next run": lambda: warehouse.load(runs[8].output),
        "an older output": lambda: warehouse.load(runs[5].output),
        "a new name": lambda: models.execute(renamed),
        "a name that is gone": lambda: models.execute(gone),
        "no control totals": lambda: models.execute(unproven),
    }
    before = models.rows("adsterra__domain_report")
    for step, take in steps.items():
        take()
        warehouse.run()
        rows = models.rows("adsterra__domain_report")
        assert rows != before, step
        before = rows
        if step != "the next run":
            check_full_refresh(warehouse)
    assert {row["domain_name"] for row in before} == {"renamed", None}
    assert not any(row["is_proven"] for row in before)

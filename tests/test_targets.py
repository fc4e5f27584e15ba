"""Real targets behind a plain pipe: the tables have the rows of the API."""

from __future__ import annotations

import csv
import datetime
import json
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from benchmarks.destinations import loader_settings
from benchmarks.postgresql import INITDB, postgresql_server
from sandbox.adsterra import DEMO, expected_rows
from sandbox.faults import Fault
from tap_adsterra.reports import ReportStream
from tap_adsterra.streams import STREAMS, Totals
from tests.paths import BIN
from tests.reliability.databases import PostgreSQL
from tests.support import NOW, day

if TYPE_CHECKING:
    from sandbox.server import Sandbox
    from tests.support import Adsterra

DIMENSIONS = ("date", "domain", "placement")


class Target:
    """A target in a folder."""

    def __init__(self, name: str, folder: Path, **settings: Any) -> None:
        self.command = [str(BIN / name), "--config", str(folder / f"{name}.json")]
        self.folder = folder
        (folder / f"{name}.json").write_text(json.dumps(settings))

    def load(self, output: bytes) -> dict[str, Any]:
        """Pipe a run's output into the target, and return the last state it confirms."""
        result = subprocess.run(
            self.command, input=output, capture_output=True, cwd=self.folder, check=False
        )
        assert result.returncode == 0, result.stderr.decode()
        states = result.stdout.decode().splitlines()
        return json.loads(states[-1]) if states else {}


@pytest.fixture
def duck(tmp_path: Path) -> Target:
    return Target(
        "target-duckdb",
        tmp_path,
        path=str(tmp_path / "ads.duckdb"),
        default_target_schema="main",
        flush_all_streams=True,
    )


def in_duckdb(folder: Path, table: str) -> list[dict[str, Any]]:
    """Return a table's rows sorted by key, with money as exact decimals."""
    with duckdb.connect(str(folder / "ads.duckdb"), read_only=True) as database:
        relation = database.sql(
            f"select * replace (revenue::decimal(38, 3) as revenue) from {table} order by all"  # noqa: S608
        )
        names = relation.columns
        rows = [dict(zip(names, row, strict=True)) for row in relation.fetchall()]
    return sorted(rows, key=lambda row: tuple(row[name] for name in DIMENSIONS))


def facts(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return the key, impressions, clicks and revenue of rows."""
    fields = (*DIMENSIONS, "impression", "clicks", "revenue")
    return [tuple(row[name] for name in fields) for row in rows]


def test_csv_files_hold_every_digit(adsterra: Adsterra, tmp_path: Path) -> None:
    target = Target(
        "target-csv",
        tmp_path,
        output_path=str(tmp_path),
        file_naming_scheme="{stream_name}.csv",
        batch_size_rows=50,
    )
    run = adsterra.run()
    state = target.load(run.output)
    assert state == run.state
    with (tmp_path / "stats.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    expected = expected_rows(DEMO, DIMENSIONS, day("2024-04-01"), day("2024-05-01"), NOW)
    assert [Decimal(row["revenue"]) for row in rows] == [row["revenue"] for row in expected]
    assert [row["date"] for row in rows] == [row["date"] for row in expected]
    lines_of_placements = (tmp_path / "placements.csv").read_text().splitlines()
    assert len(lines_of_placements) == len(DEMO.placements) + 1


def test_duckdb_holds_what_the_api_has_after_any_number_of_runs(
    adsterra: Adsterra, duck: Target
) -> None:
    """Restated days, read by daily runs with the state that the target confirms."""
    state: dict[str, Any] = {}
    clock = adsterra.sandbox.clock
    for _ in range(8):
        run = adsterra.run("stats", state=state)
        assert run.error is None
        state = duck.load(run.output)
        clock.advance(datetime.timedelta(days=1))
    now = clock.now - datetime.timedelta(days=1)
    expected = expected_rows(DEMO, DIMENSIONS, day("2024-04-01"), now.date(), now)
    stored = in_duckdb(duck.folder, "stats")
    newest: dict[str, str] = {}
    for row in stored:
        newest[row["date"]] = max(newest.get(row["date"], ""), row["db_last_update_time"])
    current = [row for row in stored if row["db_last_update_time"] == newest[row["date"]]]
    assert facts(current) == facts(expected)
    # Some rows have vanished since their first reading; the query of the README leaves them out.
    assert len(stored) > len(current)


def test_the_readmes_query_keeps_the_newest_reading(adsterra: Adsterra, duck: Target) -> None:
    readme = (Path(__file__).resolve().parent.parent / "README.md").read_text()
    section = readme.split("### Rows that vanish\n")[1]
    query = section.split("```sql\n")[1].split("```")[0]
    state = duck.load(adsterra.run("stats", "control_totals").output)
    adsterra.sandbox.clock.advance(datetime.timedelta(days=6))
    duck.load(adsterra.run("stats", "control_totals", state=state).output)
    now = adsterra.sandbox.clock.now
    with duckdb.connect(str(duck.folder / "ads.duckdb"), read_only=True) as database:
        relation = database.sql(
            f"select count(*), sum(revenue::decimal(38, 9)), sum(clicks) from ({query})"  # noqa: S608
        )
        (found,) = relation.fetchall()
    expected = expected_rows(DEMO, DIMENSIONS, day("2024-04-01"), now.date(), now)
    assert found == (
        len(expected),
        sum(row["revenue"] for row in expected),
        sum(row["clicks"] for row in expected),
    )


@pytest.mark.parametrize("first_day_lost", ["2024-04-11", "2024-04-21", "2024-05-01"])
def test_a_killed_run_and_the_next_one_leave_what_an_undisturbed_run_leaves(
    adsterra: Adsterra, duck: Target, sandbox: Sandbox, first_day_lost: str
) -> None:
    query = {"start_date": first_day_lost}
    sandbox.faults.add(Fault("status", path="stats", query=query, status=403, times=1))
    died = adsterra.run("stats", window_days=10)
    assert died.error is not None
    state = duck.load(died.output)
    assert state == died.state
    duck.load(adsterra.run("stats", window_days=10, state=state).output)
    expected = expected_rows(DEMO, DIMENSIONS, day("2024-04-01"), day("2024-05-01"), NOW)
    assert facts(in_duckdb(duck.folder, "stats")) == facts(expected)


@pytest.mark.skipif(INITDB is None, reason="PostgreSQL is not installed")
def test_postgresql_stores_what_no_column_of_text_can_hold(
    adsterra: Adsterra, tmp_path: Path
) -> None:
    """With the project's settings: PostgreSQL has no NUL, and anybody can put one into a sub id."""
    settings = loader_settings("target-postgres")
    fault = Fault("set_field", path="stats", field="placement_sub_id", value="a\0b", times=1)
    adsterra.sandbox.faults.add(fault)
    run = adsterra.run("stats_by_sub_id")
    assert run.error is None
    with postgresql_server() as port:
        database = PostgreSQL(port, "ads")
        target = Target("target-postgres", tmp_path, **(database.settings | settings))
        assert target.load(run.output) == run.state
        stored = database.tables()["stats_by_sub_id"]
    sub_ids = [row["placement_sub_id"] for row in stored]
    assert len(sub_ids) == len(run.records("stats_by_sub_id"))
    assert sub_ids.count("a\ufffdb") == 1


def test_batches_of_any_size_lose_no_row(adsterra: Adsterra, tmp_path: Path) -> None:
    """A loader that takes the first row for a header would lose one row per batch."""
    target = Target(
        "target-duckdb",
        tmp_path,
        path=str(tmp_path / "ads.duckdb"),
        default_target_schema="main",
        batch_size_rows=7,
    )
    target.load(adsterra.run().output)
    with duckdb.connect(str(tmp_path / "ads.duckdb"), read_only=True) as database:
        for stream in (stream for stream in STREAMS if not issubclass(stream, ReportStream)):
            rows = database.table(stream.name).fetchall()
            if stream is Totals:
                # The days of a month, and today.
                assert len(rows) == 31
            else:
                assert len(rows) == len(getattr(DEMO, stream.name))
    expected = expected_rows(DEMO, DIMENSIONS, day("2024-04-01"), day("2024-05-01"), NOW)
    assert facts(in_duckdb(tmp_path, "stats")) == facts(expected)

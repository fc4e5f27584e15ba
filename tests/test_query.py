"""The command that runs a query: its output, and queries of streams that were not read."""

from __future__ import annotations

import datetime
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from examples.database import QUERIES, QueryResult
from examples.query import table, written
from tap_adsterra.streams import Totals
from tests.paths import PROJECT
from tests.warehouse import DEFAULT_STREAMS, add_up, expected_stream_rows, filled_duckdb

if TYPE_CHECKING:
    from pathlib import Path

NAMES = sorted(file.stem for file in QUERIES.glob("*.sql"))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled_duckdb(tmp_path_factory)[0]


@pytest.fixture(scope="module")
def one_tap(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database after a run of tap-adsterra with its default selection."""
    file = tmp_path_factory.mktemp("one-tap") / "ads.duckdb"
    shutil.copy(database, file)
    with duckdb.connect(str(file)) as connection:
        tables = [name for (name,) in connection.sql("show tables").fetchall()]
        for name in set(tables).difference(DEFAULT_STREAMS, [Totals.name]):
            connection.sql(f"drop table {name}")
    return file


def run(database: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "examples.query", "--database", database, *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


def cells(output: str) -> list[list[str]]:
    """Split the printed rows into cells, without the heading and the count of rows."""
    lines = output.splitlines()
    return [re.split(" {2,}", line.strip()) for line in lines[2:-1]]


def test_money_is_written_as_money(database: Path) -> None:
    result = run(database, "adsterra_daily")
    assert (result.returncode, result.stderr) == (0, "")
    expected = add_up(
        expected_stream_rows("stats"), lambda row: row["date"], "impression", "clicks", "revenue"
    )
    assert [row[:4] for row in cells(result.stdout)] == [
        [date, f"{impressions:,}", f"{clicks:,}", f"{revenue:,.3f}"]
        for date, (impressions, clicks, revenue) in sorted(expected.items())
    ]
    heads, rule, *_, count = result.stdout.splitlines()
    assert heads.split() == [
        *("date", "impressions", "clicks", "revenue_usd", "ctr_percent", "cpm_usd"),
        *("read_at", "finished"),
    ]
    assert set(rule) == {"-", " "}
    assert count == f"{len(expected)} rows"


@pytest.mark.parametrize("name", NAMES)
def test_all_values_of_a_column_have_the_same_form(database: Path, name: str) -> None:
    result = run(database, name)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[-1] == f"{len(lines) - 3:,} rows"
    text = "\n".join(lines[2:-1])
    assert not re.search(r"None|Decimal|datetime|True|False|T\d\d:|\+00", text)
    for number in re.findall(r"(?<![\w.-])[\d,]+\.\d+(?![\w.-])", text):
        assert re.fullmatch(r"\d{1,3}(,\d{3})*\.\d{3}", number)
    if "read_at" in lines[0] and len(lines) > 3:
        assert re.search(r"\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\b", text)


@pytest.mark.parametrize(
    ("value", "column", "text"),
    [
        (None, "cpc", "NULL"),
        (Decimal("1234567.8905"), "costs", "1,234,567.890"),
        (-0.5, "cpm", "-0.500"),
        (1385226, "impressions", "1,385,226"),
        (1385226, "domain_id", "1385226"),
        (True, "finished", "yes"),
        (False, "finished", "no"),
        (datetime.date(2024, 5, 1), "date", "2024-05-01"),
        ("2024-05-01 11:58:03", "read_at", "2024-05-01 11:58:03"),
        ("2024-05-01T14:00:00.123+02:00", "read_at", "2024-05-01 12:00:00"),
        (datetime.datetime(2024, 5, 1, 12, tzinfo=datetime.UTC), "time", "2024-05-01 12:00:00"),
        ("a\nname\x1b[31m", "domain", "a name [31m"),
    ],
)
def test_a_value_is_written(value: Any, column: str, text: str) -> None:
    assert written(value, column) == text


def test_numbers_stand_to_the_right() -> None:
    answer = QueryResult(["name", "rows", "whole"], [("a", 1_000, True), ("bcdefg", 5, None)], [])
    assert table(answer).splitlines() == [
        "name     rows  whole",
        "------  -----  -----",
        "a       1,000  yes",
        "bcdefg      5  NULL",
    ]
    assert table(QueryResult(["name"], [], [])).splitlines() == ["name", "----"]


def test_without_a_query_they_are_listed(database: Path) -> None:
    result = run(database)
    assert result.returncode == 0
    listed = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert list(listed) == NAMES
    assert all(text.endswith(".") and len(text) < 150 for text in listed.values())
    unknown = run(database, "adsterra_dayly")
    assert unknown.returncode == 1
    assert unknown.stderr == f"There is no query adsterra_dayly. There are:\n{result.stdout}"


def test_a_query_reads_the_streams_that_are_there(one_tap: Path) -> None:
    for name in ("freshness", "missing_days", "rows_per_day"):
        result = run(one_tap, name)
        assert result.returncode == 0
        streams = {row[0] for row in cells(result.stdout)}
        assert streams == (set(DEFAULT_STREAMS) if name == "freshness" else {"stats"})
        assert re.fullmatch(r"Without advertise.*stats_by_country.*\n", result.stderr)
    for name in ("adsterra_daily", "adsterra_by_placement", "adsterra_newest_reading"):
        result = run(one_tap, name)
        assert (result.returncode, result.stderr) == (0, "")
    for name in [name for name in NAMES if name.startswith("adcloud") or name.endswith("country")]:
        result = run(one_tap, name)
        stream = "advertiser_report" if name.startswith("adcloud") else "stats_by_country"
        tap = "tap-adcloud" if name.startswith("adcloud") else "tap-adsterra"
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr == (
            f"{name} needs the table {stream}, which is not in {one_tap}."
            f" Select the stream {stream} of {tap}, and run {tap} into this file.\n"
        )


def without_totals(database: Path, folder: Path, *changes: str) -> Path:
    """Return a copy of a database without control totals."""
    file = folder / "ads.duckdb"
    shutil.copy(database, file)
    with duckdb.connect(str(file)) as connection:
        for change in ("drop table control_totals", *changes):
            connection.sql(change)
    return file


@pytest.mark.parametrize("has_times", [True, False])
def test_without_control_totals_money_is_shown_and_proofs_are_refused(
    one_tap: Path,
    tmp_path: Path,
    has_times: bool,  # noqa: FBT001 - a parameter of the test.
) -> None:
    """So are the rows of a version that had no extracted_at either."""
    older = "create or replace table stats as select * exclude (extracted_at) from stats"
    changes = () if has_times else (older,)
    file = without_totals(one_tap, tmp_path, *changes)
    for name in ("unproven_days", "restatements", "restated_days", "adsterra_reconciliation"):
        result = run(file, name)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr == (
            f"{name} needs the table control_totals, which is not in {file}."
            " Select the stream control_totals of tap-adcloud or tap-adsterra,"
            " and run tap-adcloud or tap-adsterra into this file.\n"
        )
    result = run(file, "adsterra_daily")
    assert (result.returncode, result.stderr) == (0, f"Without control_totals: not in {file}.\n")
    money = {row[0]: Decimal(row[3].replace(",", "")) for row in cells(result.stdout)}
    with duckdb.connect(str(one_tap), read_only=True) as connection:
        stored = dict(
            connection.sql(
                "select date, sum(revenue::decimal(38, 3)) from stats group by date"
            ).fetchall()
        )
    if not has_times:
        # There is no telling which rows were taken back.
        assert money == stored
    else:
        assert money != stored
        assert money.keys() == stored.keys()


def test_names_are_null_where_their_list_is_not_selected(one_tap: Path, tmp_path: Path) -> None:
    file = tmp_path / "ads.duckdb"
    shutil.copy(one_tap, file)
    with duckdb.connect(str(file)) as connection:
        connection.sql("drop table placements")
    result = run(file, "adsterra_by_placement")
    assert result.returncode == 0
    assert {row[3] for row in cells(result.stdout)} == {"NULL"}
    assert result.stderr == f"Without placements: not in {file}.\n"


def test_a_query_of_ones_own_is_run(database: Path, tmp_path: Path) -> None:
    query = tmp_path / "clicks.sql"
    query.write_text("-- Clicks of 'all' days.\nselect sum(clicks) as clicks from stats\n")
    result = run(database, str(query))
    with duckdb.connect(str(database), read_only=True) as connection:
        (clicks,) = connection.sql("select sum(clicks) from stats").fetchall()[0]
    assert cells(result.stdout) == [[f"{clicks:,}"]]
    query.write_text("select * from countries")
    result = run(database, str(query))
    assert (result.returncode, result.stdout) == (1, "")
    assert "clicks cannot be run on" in result.stderr
    assert "countries does not exist" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_closed_pipe_ends_it_silently(database: Path) -> None:
    command = f"{sys.executable} -m examples.query --database {database} adcloud_newest_reading"
    result = subprocess.run(
        [str(shutil.which("bash")), "-o", "pipefail", "-c", f"{command} | head -n 1"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("date ")

"""The benchmark: every tool reads the same rows, and it fails otherwise."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.checking import Expected, RowsDifferError
from benchmarks.contestants import CONTESTANTS
from benchmarks.data import advertiser_report, statistics
from benchmarks.measuring import Run
from benchmarks.table import Results, ratio_without_start
from benchmarks.workloads import prepare
from sandbox.numbers import from_json
from tests.paths import PROJECT


def benchmark(*arguments: str) -> list[list[str]]:
    """Run the benchmark with few rows and return the cells of its table."""
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stdout.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize(
    ("workloads", "contestants", "start"),
    [
        ("A", "ours,stock,bare,raw", "start-adcloud"),
        ("B", "ours,stock,bare,raw", "start-adsterra"),
        ("C,D", "ours", "start-adcloud"),
    ],
)
def test_every_tool_reads_every_row_and_value(workloads: str, contestants: str, start: str) -> None:
    headings, _, *rows = benchmark("--rounds=0", f"--only={workloads},{contestants}")
    titles = [row[0] for row in rows if row[0].startswith("**")]
    assert [title.split("**")[1] for title in titles] == [*workloads.split(","), start]
    assert len(rows) == len(titles) * (1 + len(contestants.split(",")))
    assert {row[-1] for row in rows if row[0] not in titles} == {"exact"}
    assert {len(row) for row in rows} == {len(headings)}


def test_the_table_has_times_ratios_and_memory() -> None:
    headings, _, _, *rows = benchmark("--only=B,bare,raw")
    for row in rows[:2]:
        found = dict(zip(headings, row, strict=True))
        for name in ("to /dev/null, s", "to a pipe, s", "first record, s", "CPU, s", "peak, MB"):
            assert found[name][0].isdigit()
    assert rows[0][headings.index("of bare loop")] == "100%"


def test_startup_time_is_subtracted_from_both() -> None:
    workload = prepare(400)["A"]
    stock, ours = (
        next(each for each in CONTESTANTS if each.name == name) for name in ("stock", "ours")
    )
    seconds = {
        ("A", "stock"): [9.0, 4.0, 4.0],
        ("start-adcloud", "stock"): [1.0, 0.5, 1.0],
        ("A", "ours"): [2.0, 2.0, 7.0],
        ("start-adcloud", "ours"): [1.5],
    }
    results: Results = {
        key: {"null": [Run(value, 0, 0, None) for value in values]}
        for key, values in seconds.items()
    }
    assert ratio_without_start(results, workload, ours) == 6
    assert ratio_without_start(results, workload, stock) == 1
    del results["start-adcloud", "ours"]
    assert ratio_without_start(results, workload, ours) is None


def test_missing_duplicate_and_wrong_rows_are_detected() -> None:
    data = advertiser_report(days=3, rows_per_day=5, templates=2)
    template_of_third_day = [from_json(row) for row in data.templates[0]]
    rows = [from_json(row) for template in data.templates for row in template]
    rows += [{**row, "date": data.days[2]} for row in template_of_third_day]
    expected = Expected(data)
    expected.compare(reversed([{**row, "added": 1} for row in rows]), frozenset({"added"}))
    first, *others = rows
    less = {name: value for name, value in first.items() if name != "website"}
    wrong = [
        (others, "1 of 15 rows are missing"),
        ([*rows, first], "a row came twice"),
        ([{**first, "clicks": first["clicks"] + 1}, *others], "1 fields of a row differ: clicks"),
        ([{**first, "more": None}, *others], "1 fields of a row differ: more"),
        ([less, *others], "1 fields of a row differ: website is None"),
        ([{**first, "ad_id": 0}, *others], "a row of another key"),
        ([{**first, "date": "2023-12-31"}, *others], "a row of another day"),
    ]
    for found, message in wrong:
        with pytest.raises(RowsDifferError, match=message):
            expected.compare(found)


def test_there_are_as_many_rows_as_requested() -> None:
    assert advertiser_report(days=7, rows_per_day=500, templates=3).count == 3_500
    assert statistics(4_001).count == 4_001

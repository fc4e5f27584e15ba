"""The benchmark: every tool reads the same rows, and it fails otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks import bursty
from benchmarks.checking import Expected, RowsDifferError
from benchmarks.contestants import CONTESTANTS
from benchmarks.data import advertiser_report, large_account, statistics
from benchmarks.destinations import compare, expected_totals, summed_fields
from benchmarks.measuring import Run
from benchmarks.postgresql import INITDB
from benchmarks.responses import statistics_responses
from benchmarks.summary import BEGIN, END, replace_table
from benchmarks.table import Results, ratio_without_start
from benchmarks.workloads import prepare
from sandbox.numbers import from_json
from tests.paths import PROJECT

DESTINATIONS = ("CSV files", "DuckDB", "PostgreSQL")


def benchmark(*arguments: str) -> list[list[str]]:
    """Run the benchmark with few rows and return the cells of its first table."""
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stdout.split("\n\n")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize(
    ("workloads", "contestants", "start"),
    [
        ("A", "ours,stock,bare,raw", "start-adcloud"),
        ("B", "ours,stock,bare,raw", "start-adsterra"),
        ("C,D", "ours", "start-adcloud"),
        ("B,E,F", "ours", "start-adsterra"),
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


@pytest.mark.timeout(240)
def test_the_pipelines_store_every_row_and_are_measured() -> None:
    """Without dlt, which is in an environment of its own."""
    headings, _, *rows = benchmark("--only=csv,duckdb,postgres,bursty,ours")
    titles = [f"{name} into {into}" for into in DESTINATIONS for name in ("A", "C")]
    assert [row[0] for row in rows] == titles
    for row in rows:
        found = dict(zip(headings, row, strict=True))
        if "PostgreSQL" in row[0] and INITDB is None:
            assert row[1] == "not installed"
            continue
        assert found.pop("dlt, s") == "-"
        assert all(cell[0].isdigit() for name, cell in found.items() if name)


def test_what_a_destination_has_is_compared_with_the_rows() -> None:
    data = advertiser_report(days=2, rows_per_day=5, templates=2)
    expected = expected_totals(data)
    assert expected[:2] == (10, 10)
    costs = summed_fields().index("costs")
    rows = [from_json(row) for template in data.templates for row in template]
    assert expected.sums[costs] == sum(row["costs"] for row in rows)
    compare(expected, expected)
    first, *others = expected.sums
    wrong = [
        (expected._replace(rows=9), "9 rows with 10 keys, not 10"),
        (expected._replace(keys=9), "10 rows with 9 keys, not 10"),
        (expected._replace(sums=[first + 1, *others]), f"adds up to {first + 1}, not {first}"),
    ]
    for found, message in wrong:
        with pytest.raises(RowsDifferError, match=message):
            compare(found, expected)


def test_a_bursty_target_measures_how_long_it_waits() -> None:
    """Five rows come in two pieces, between which it waits; the next five are there already."""
    readable, writable = os.pipe()

    def write() -> None:
        with os.fdopen(writable, "wb", buffering=0) as output:
            for rows in (b'{"type":"REC', b'ORD"}\n' + b'{"type":"RECORD"}\n' * 9):
                # Not time.sleep, which the tests replace.
                threading.Event().wait(0.3)
                output.write(rows)

    with ThreadPoolExecutor() as pool:
        writing = pool.submit(write)
        first, second, end = bursty.measure_waits(readable, 5, 0.01)
        writing.result()
    os.close(readable)
    assert first > 0.5
    assert max(second, end) < 0.2


def test_any_window_of_an_account_can_be_requested() -> None:
    """The tap may divide a window whose response is large."""
    responses = statistics_responses(large_account(4, 3, "placement"))
    dimensions = "&".join(f"group_by[]={name}" for name in ("date", "domain", "placement"))
    found = responses.find(
        "/stats.json", f"start_date=2024-01-02&finish_date=2024-01-03&{dimensions}"
    )
    body = from_json(found.partition(b"\r\n\r\n")[2])
    days = [row["date"] for row in body["items"]]
    assert days == ["2024-01-02"] * 3 + ["2024-01-03"] * 3
    assert body["itemCount"] == 6


def test_the_table_of_a_page_can_be_replaced() -> None:
    page = f"before\n{BEGIN}| old |\n{END}\nafter\n"
    assert replace_table(page, "| new |") == f"before\n{BEGIN}| new |\n{END}\nafter\n"


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

"""Command line of the benchmark: checks all contestants, measures, prints tables."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import comparison, pipelines, table
from benchmarks.checking import RowsDifferError
from benchmarks.contestants import CONTESTANTS, Contestant
from benchmarks.destinations import CsvFiles, Destination, DuckDBFile, PostgreSQLTable
from benchmarks.measuring import RunFailedError, Runner
from benchmarks.pipeline_table import bursty_sentence, pipeline_notes, pipeline_table
from benchmarks.postgresql import INITDB, postgresql_server
from benchmarks.server import Server
from benchmarks.summary import replace_table, summary
from benchmarks.workloads import DIGITS, Workload, prepare

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUICK_ROWS = 400
_LETTERS = "ABCDEF"
_SUBJECTS = (*_LETTERS, *pipelines.NAMES)


@dataclass
class _Measurements:
    """All that is measured in one run of the benchmark."""

    workloads: list[Workload]
    contestants: list[Contestant]
    destinations: list[Destination]
    results: table.Results = field(default_factory=dict)
    decimals: dict[str, str] = field(default_factory=dict)
    piped: pipelines.Results = field(default_factory=pipelines.Results)
    capacity: tuple[float, float] = (0, 0)


def main() -> int:
    """Run the benchmark.

    Returns:
        The exit code: 0 if all contestants read the right rows.
    """
    options = _options()
    if options.rounds is None:
        options.rounds = 1 if options.quick else 5
    every = prepare(options.rows or (_QUICK_ROWS if options.quick else 50_000))
    subjects = [name for name in _SUBJECTS if name in options.only] or list(_SUBJECTS)
    try:
        found = _measure(options, every, subjects)
    except (RowsDifferError, RunFailedError) as error:
        print(f"The benchmark has failed: {error}", file=sys.stderr)
        return 1
    if found.workloads:
        print(table.table(found.workloads, found.contestants, found.results, found.decimals) + "\n")
    read = [every[name] for name in pipelines.WORKLOADS]
    if found.destinations:
        print(pipeline_table(found.destinations, read, found.piped))
        print(f"\n{pipeline_notes()}\n")
    if found.piped.bursts:
        print(bursty_sentence(read[-1].data.count, found.piped) + "\n")
    command = shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]])
    print(table.notes(command, options.rounds, found.contestants, found.capacity))
    made = summary(found.destinations, every, found.piped, found.results)
    print(f"\n{made}")
    if options.page:
        page = Path(options.page)
        page.write_text(replace_table(page.read_text("utf-8"), made), "utf-8")
    return 0


def _measure(
    options: argparse.Namespace, every: dict[str, Workload], subjects: list[str]
) -> _Measurements:
    """Check and measure the workloads and pipelines that ``subjects`` names."""
    digits = every[DIGITS]
    workloads = [every[letter] for letter in _LETTERS if letter in subjects]
    # A workload without timed output is not compared by time, so its start-up is not measured.
    starts = {workload.start for workload in workloads if workload.outputs}
    workloads += [every[name] for name in sorted(starts)]
    contestants = [each for each in CONTESTANTS if each.name in options.only] or [*CONTESTANTS]
    present = [contestant for contestant in contestants if contestant.installed]
    parts = {name: workload.responses for name, workload in every.items()}
    with (
        Server(parts) as server,
        tempfile.TemporaryDirectory() as folder,
        _postgresql("postgres" in subjects) as port,
    ):
        known: list[Destination] = [CsvFiles(), DuckDBFile(), PostgreSQLTable(port)]
        destinations = [each for each in known if each.name in subjects]
        found = _Measurements(workloads, contestants, destinations)
        runner = Runner(server, Path(folder) / "run")
        if workloads:
            found.decimals = {
                contestant.name: comparison.decimals(runner, contestant, digits)
                for contestant in present
            }
            found.results = comparison.check(runner, present, workloads)
            comparison.measure(runner, present, workloads, found.results, options.rounds)
        if set(subjects) & set(pipelines.NAMES):
            read = [every[name] for name in pipelines.WORKLOADS]
            measured = pipelines.Pipelines(runner, read, present, Path(folder))
            # Their rows are compared in every round, so there is at least one.
            for _ in range(max(1, options.rounds)):
                measured.measure(destinations, has_bursts="bursty" in subjects)
            found.piped = measured.results
        found.capacity = _capacity(server, every["A"])
    return found


@contextlib.contextmanager
def _postgresql(is_wanted: bool) -> Iterator[int | None]:  # noqa: FBT001
    """Run PostgreSQL during the block, if it is wanted and installed, and return its port."""
    if is_wanted and INITDB is not None:
        with postgresql_server() as port:
            yield port
    else:
        yield None


def _capacity(server: Server, workload: Workload) -> tuple[float, float]:
    """Return how many of a workload's first pages, and megabytes, the server sends a second."""
    page = "page=1&per_page=200"
    path = f"/{workload.name}/v1/reports/advertiser"
    return server.capacity([f"{path}?filter[date]={day}&{page}" for day in workload.data.days] * 50)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures the taps beside others that do the same work.",
    )
    parser.add_argument(
        "--rounds",
        type=int,
        help="how often everything is measured; with 0 the rows are only checked (5)",
    )
    parser.add_argument(
        "--rows",
        type=int,
        help="rows of A, B, C and the pipelines; D has 20 times as many, a day of E two fifths of "
        "them, a day of F half (50000)",
    )
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=[],
        metavar="NAMES",
        help=f"only these workloads (A to F), pipelines ({', '.join(pipelines.NAMES)}) and "
        f"contestants ({', '.join(contestant.name for contestant in CONTESTANTS)}), such as "
        "A,C,duckdb,ours,dlt",
    )
    parser.add_argument(
        "--quick", action="store_true", help="few rows and one round, to see that all works"
    )
    parser.add_argument(
        "--page", metavar="FILE", help="also replace the table in this file: docs/performance.md"
    )
    options = parser.parse_args()
    known = {*_SUBJECTS, *(contestant.name for contestant in CONTESTANTS)}
    if unknown := set(options.only) - known:
        parser.error(f"--only knows nothing of {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    sys.exit(main())

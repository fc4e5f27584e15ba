"""Command line of the benchmark: checks all contestants, measures, prints a table."""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from benchmarks.checking import Expected, RowsDifferError
from benchmarks.contestants import CONTESTANTS, Contestant
from benchmarks.data import ROUNDED_NUMBER, one_number
from benchmarks.measuring import RunFailedError, Runner
from benchmarks.server import Server
from benchmarks.table import Results, notes, table
from benchmarks.workloads import DIGITS, Workload, prepare

if TYPE_CHECKING:
    from collections.abc import Sequence

_QUICK_ROWS = 400
_LETTERS = "ABCD"
Named = TypeVar("Named", Contestant, Workload)


def main() -> int:
    """Run the benchmark.

    Returns:
        The exit code: 0 if all contestants read the right rows.
    """
    options = _options()
    rounds = options.rounds
    if rounds is None:
        rounds = 1 if options.quick else 5
    every = prepare(options.rows or (_QUICK_ROWS if options.quick else 50_000))
    digits = every.pop(DIGITS)
    contestants = _chosen(CONTESTANTS, options.only)
    workloads = _chosen([every[letter] for letter in _LETTERS], options.only)
    # A workload without timed output is not compared by time, so its start-up is not measured.
    starts = {workload.start for workload in workloads if workload.outputs}
    workloads += [every[name] for name in sorted(starts)]
    present = [contestant for contestant in contestants if contestant.installed]
    parts = {workload.name: workload.responses for workload in [*workloads, digits]}
    parts["capacity"] = every["A"].responses
    with Server(parts) as server, tempfile.TemporaryDirectory() as folder:
        runner = Runner(server, Path(folder) / "run")
        try:
            decimals = {
                contestant.name: _decimals(runner, contestant, digits) for contestant in present
            }
            results = _check(runner, present, workloads)
            _measure(runner, present, workloads, results, rounds)
        except (RowsDifferError, RunFailedError) as error:
            print(f"The benchmark has failed: {error}", file=sys.stderr)
            return 1
        days, page = every["A"].data.days, "page=1&per_page=200"
        path = "/capacity/v1/reports/advertiser"
        targets = [f"{path}?filter[date]={day}&{page}" for day in days] * 50
        capacity = server.capacity(targets)
    command = shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]])
    print(table(workloads, contestants, results, decimals))
    print(f"\n{notes(command, rounds, contestants, capacity)}")
    return 0


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
        "--rows", type=int, help="rows of A, B and C; D has 20 times as many (50000)"
    )
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=[],
        metavar="NAMES",
        help="only these workloads (A to D) and contestants "
        f"({', '.join(contestant.name for contestant in CONTESTANTS)}), such as A,C,ours,stock",
    )
    parser.add_argument(
        "--quick", action="store_true", help="few rows and one round, to see that all works"
    )
    options = parser.parse_args()
    known = {*_LETTERS, *(contestant.name for contestant in CONTESTANTS)}
    if unknown := set(options.only) - known:
        parser.error(f"--only knows nothing of {', '.join(sorted(unknown))}")
    return options


def _chosen(every: Sequence[Named], names: list[str]) -> list[Named]:
    """Return those whose names are in ``names``, or all if there are none."""
    return [one for one in every if one.name in names] or list(every)


def _decimals(runner: Runner, contestant: Contestant, digits: Workload) -> str:
    """Return how a contestant writes a number that binary floating point cannot hold."""
    if contestant.rows_in == "nowhere":
        return ""
    try:
        runner.check(contestant, digits, Expected(digits.data))
    except RowsDifferError:
        runner.check(contestant, digits, Expected(one_number(ROUNDED_NUMBER)))
        return "binary floats"
    return "exact"


def _check(
    runner: Runner, contestants: Sequence[Contestant], workloads: Sequence[Workload]
) -> Results:
    """Compare the rows of all contestants on every workload; return these runs for peak memory."""
    expected = cache(lambda name: Expected(by_name[name].data))
    by_name = {workload.name: workload for workload in workloads}
    results: Results = {}
    for workload in workloads:
        for contestant in contestants:
            if contestant.takes_part_in(workload):
                _say(f"checking {contestant.title} on {workload.name}")
                run = runner.check(contestant, workload, expected(workload.name))
                results[workload.name, contestant.name] = {"check": [run]}
    return results


def _measure(
    runner: Runner,
    contestants: Sequence[Contestant],
    workloads: Sequence[Workload],
    results: Results,
    rounds: int,
) -> None:
    """Measure all contestants in turn, ``rounds`` times, and add the runs to ``results``."""
    for number in range(rounds):
        for workload in workloads:
            for output in workload.outputs:
                _say(f"round {number + 1} of {rounds}: {workload.name} to {output}")
                for contestant in contestants:
                    runs = results.get((workload.name, contestant.name))
                    reads = output == "null" or contestant.rows_in in ("singer", "airbyte")
                    if runs is not None and reads:
                        run = runner.measure(contestant, workload, output)
                        runs.setdefault(output, []).append(run)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""Runs all contestants on the workloads: first to compare their rows, then to measure."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING

from benchmarks.checking import Expected, RowsDifferError
from benchmarks.data import ROUNDED_NUMBER, one_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.contestants import Contestant
    from benchmarks.measuring import Runner
    from benchmarks.table import Results
    from benchmarks.workloads import Workload


def decimals(runner: Runner, contestant: Contestant, digits: Workload) -> str:
    """Return how a contestant writes a number that binary floating point cannot hold."""
    if contestant.rows_in == "nowhere":
        return ""
    try:
        runner.check(contestant, digits, Expected(digits.data))
    except RowsDifferError:
        runner.check(contestant, digits, Expected(one_number(ROUNDED_NUMBER)))
        return "binary floats"
    return "exact"


def check(
    runner: Runner, contestants: Sequence[Contestant], workloads: Sequence[Workload]
) -> Results:
    """Compare the rows of all contestants on every workload; return these runs for peak memory."""
    expected = cache(lambda name: Expected(by_name[name].data))
    by_name = {workload.name: workload for workload in workloads}
    results: Results = {}
    for workload in workloads:
        for contestant in contestants:
            if contestant.takes_part_in(workload):
                say(f"checking {contestant.title} on {workload.name}")
                run = runner.check(contestant, workload, expected(workload.name))
                results[workload.name, contestant.name] = {"check": [run]}
    return results


def measure(
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
                say(f"round {number + 1} of {rounds}: {workload.name} to {output}")
                for contestant in contestants:
                    runs = results.get((workload.name, contestant.name))
                    reads = output == "null" or contestant.rows_in in ("singer", "airbyte")
                    if runs is not None and reads:
                        run = runner.measure(contestant, workload, output)
                        runs.setdefault(output, []).append(run)


def say(text: str) -> None:
    """Say on the standard error what is measured now."""
    print(text, file=sys.stderr, flush=True)

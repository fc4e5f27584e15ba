"""The results as one Markdown table, with the notes needed to read it."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.workloads import LATENCY_SECONDS, TIMES_FOR_MEMORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.contestants import Contestant
    from benchmarks.measuring import Run
    from benchmarks.workloads import Workload

#: The runs of each workload and contestant, by their output; the run that checks rows is "check".
Results = dict[tuple[str, str], dict[str, list["Run"]]]

_HEADINGS = (
    *("", "to /dev/null, s", "x stock", "without start", "of bare loop", "to a pipe, s"),
    *("x stock", "first record, s", "CPU, s", "peak, MB", "decimals"),
)
#: A cell without a figure.
EMPTY = "-"


def table(
    workloads: Sequence[Workload],
    contestants: Sequence[Contestant],
    results: Results,
    decimals: dict[str, str],
) -> str:
    """Return the results as a Markdown table.

    Args:
        workloads: The workloads, in the order of the table.
        contestants: The contestants, including those that are not installed.
        results: The runs.
        decimals: How each contestant writes a long number.
    """
    lines = [line(_HEADINGS), line(["---", *["---:"] * (len(_HEADINGS) - 2), "---"])]
    for workload in workloads:
        title = f"**{workload.name}**: {workload.title}"
        lines.append(line([title, *[""] * (len(_HEADINGS) - 1)]))
        for contestant in contestants:
            if not contestant.takes_part_in(workload):
                continue
            runs = results.get((workload.name, contestant.name))
            if runs is None:
                blank = [""] * (len(_HEADINGS) - 2)
                lines.append(line([contestant.title, "not installed", *blank]))
                continue
            stock = results.get((workload.name, "stock"), {})
            bare = results.get((workload.name, "bare"), {})
            figures = _figures(runs, stock, bare)
            figures.insert(2, _times(ratio_without_start(results, workload, contestant)))
            kept = decimals.get(contestant.name, EMPTY)
            lines.append(line([contestant.title, *figures, kept]))
    return "\n".join(lines)


def ratio_without_start(
    results: Results, workload: Workload, contestant: Contestant
) -> float | None:
    """Return how many times as fast as the stock tap a contestant is, without the start-up times.

    ``None`` without measurements of both, and for the workloads that measure the start-up itself.
    """
    seconds = []
    for name in ("stock", contestant.name):
        whole, start = (
            results.get((of, name), {}).get("null", []) for of in (workload.name, workload.start)
        )
        if not (whole and start) or workload.name == workload.start:
            return None
        seconds.append(median(run.seconds for run in whole) - median(run.seconds for run in start))
    stock, own = seconds
    return stock / own if own > 0 else None


def line(cells: Sequence[str]) -> str:
    """Return a row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def _figures(
    runs: dict[str, list[Run]], stock: dict[str, list[Run]], bare: dict[str, list[Run]]
) -> list[str]:
    null, pipe = runs.get("null", []), runs.get("pipe", [])
    first = [run.seconds_to_first_record for run in pipe]
    known = [seconds for seconds in first if seconds is not None]
    peaks = [run.peak_bytes for of_output in runs.values() for run in of_output]
    share = _ratio(bare.get("null", []), null)
    return [
        spread([run.seconds for run in null]),
        _times(_ratio(stock.get("null", []), null)),
        EMPTY if share is None else f"{share:.0%}",
        spread([run.seconds for run in pipe]),
        _times(_ratio(stock.get("pipe", []), pipe)),
        spread(known),
        f"{median(run.cpu_seconds for run in null):.2f}" if null else EMPTY,
        f"{max(peaks) / 1e6:,.0f}",
    ]


def spread(values: Sequence[float]) -> str:
    """Return the median, the minimum and the maximum."""
    if not values:
        return EMPTY
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def _ratio(others: Sequence[Run], runs: Sequence[Run]) -> float | None:
    """Return how many times as fast as the others these runs are, by the medians."""
    if not (others and runs):
        return None
    return median(run.seconds for run in others) / median(run.seconds for run in runs)


def _times(ratio: float | None) -> str:
    return EMPTY if ratio is None else f"{ratio:.1f}"


def notes(
    command: str, rounds: int, contestants: Sequence[Contestant], capacity: tuple[float, float]
) -> str:
    """Return the notes below the table.

    Args:
        command: The command line that made it.
        rounds: How often everything was run.
        contestants: The contestants.
        capacity: What the server can send: requests and megabytes per second.
    """
    versions = [f"{name} {version(name)}" for name in ("singer-sdk", "msgspec", "requests")]
    peers = [contestant for contestant in contestants if contestant.distribution]
    versions += [f"{peer.distribution} {peer.version or 'not installed'}" for peer in peers]
    processors = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    )
    return f"""\
Made by `{command}` on {_processor()}, {processors} cores, {platform.system()}, Python \
{platform.python_version()}; {", ".join(versions)}. Whole processes, their start included, \
{rounds} rounds in turn: the median (least to most); peaks are the most of all runs. Without \
start: of both, the median for an answer without rows is taken off. Before, each contestant's \
rows were compared with the prepared ones, every value. In A and B all but these taps ask for one \
page at a time (airbyte-cdk by its own default); these taps have their default of 4, and B is one \
request in any case. In C ({LATENCY_SECONDS * 1000:.0f} ms a request) dlt reads its days in \
parallel and airbyte-cdk has the same concurrency as these taps; a stock SDK tap cannot. D has \
{TIMES_FOR_MEMORY} times the rows of A; D, E and F are read once, while the rows are compared. The \
server, a process of its own with all answers prepared, sends {capacity[0]:,.0f} of A's pages \
({capacity[1]:,.0f} MB) a second over one connection. Decimals: whether \
{"`12345678901234567.8901`"} comes out as it went in."""


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()

"""The one table of ``docs/performance.md``, made of all results."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks.pipelines import DLT, OURS, TARGET
from benchmarks.table import EMPTY, line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks import pipelines, table
    from benchmarks.destinations import Destination
    from benchmarks.workloads import Workload

BEGIN = "<!-- table: from make bench -->\n"
END = "<!-- end of table -->"
#: The contestants of the table. The limit of a pipeline is the target alone.
_COLUMNS = {
    "ours": "these taps",
    "dlt": "dlt",
    "stock": "stock SDK tap",
    "airbyte": "airbyte-cdk",
    "bare": "limit",
}
_WITH_LATENCY = "the same, 50 ms a page, 8 at a time"
_OF_MEMORY = {
    "D": "memory for {count:,} rows of 42 fields",
    "E": "memory for {per_day:,} placements a day, {days} days",
    "F": "memory for {per_day:,} sub ids a day, {days} days",
}


def summary(
    destinations: Sequence[Destination],
    workloads: Mapping[str, Workload],
    timed: pipelines.Results,
    results: table.Results,
) -> str:
    """Return the table.

    Args:
        destinations: The destinations of the pipelines that were measured.
        workloads: The workloads that were measured, by name, and A.
        timed: The runs of the pipelines.
        results: The runs of the workloads.
    """
    rows = f"{workloads['A'].data.count:,} rows"
    lines = [line(["", *_COLUMNS.values()]), line(["---", *["---:"] * len(_COLUMNS)])]
    for destination in destinations:
        for name, title in (("A", f"{rows} into {destination.title}"), ("C", _WITH_LATENCY)):
            cells = {
                OURS: _seconds(timed.seconds(destination.name, name, OURS)),
                DLT: _seconds(timed.seconds(destination.name, name, DLT)),
                "bare": _seconds(timed.seconds(destination.name, "", TARGET)),
            }
            if not destination.is_installed:
                cells = {OURS: "not installed"}
            lines.append(_line(title, cells))
    titles = {
        "A": f"{rows} into nothing",
        "C": _WITH_LATENCY,
        "B": f"{rows} of one Adsterra response into nothing",
    }
    for name, title in titles.items():
        times = {
            column: [run.seconds for run in results.get((name, column), {}).get("null", [])]
            for column in _COLUMNS
        }
        if any(times.values()):
            cells = {column: _seconds(of_column) for column, of_column in times.items()}
            lines.append(_line(title, cells))
    lines += _memory(workloads, results)
    if timed.waits:
        waited = median(waits.first + waits.later for waits in timed.waits)
        lines.append(_line("a bursty target's wait for input", {OURS: f"{waited:.1f} s"}))
    return "\n".join(lines)


def _memory(workloads: Mapping[str, Workload], results: table.Results) -> list[str]:
    lines = []
    for name, title in _OF_MEMORY.items():
        cells = {}
        for column in _COLUMNS:
            runs = results.get((name, column), {})
            if peaks := [run.peak_bytes for of_output in runs.values() for run in of_output]:
                cells[column] = f"{max(peaks) / 1e6:,.0f} MB"
        if cells:
            data = workloads[name].data
            days = len(data.days)
            shown = title.format(count=data.count, per_day=data.count // days, days=days)
            lines.append(_line(shown, cells))
    return lines


def _line(title: str, cells: Mapping[str, str]) -> str:
    return line([title, *(cells.get(column, EMPTY) for column in _COLUMNS)])


def _seconds(values: Sequence[float]) -> str:
    return f"{median(values):.1f} s" if values else EMPTY


def replace_table(page: str, made: str) -> str:
    """Return a page with its table replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{made}\n{END}{after}"

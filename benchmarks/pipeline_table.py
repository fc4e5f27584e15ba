"""The results of the pipelines as Markdown tables."""

from __future__ import annotations

from importlib.metadata import version
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.pipelines import BURSTS, BUSY_SECONDS_PER_ROW, DLT, OURS, TAP, TARGET
from benchmarks.table import EMPTY, line, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.destinations import Destination
    from benchmarks.pipelines import Results
    from benchmarks.workloads import Workload

_DISTRIBUTIONS = ("meltanolabs-target-csv", "target-duckdb", "meltanolabs-target-postgres")
_HEADINGS = ("these taps, s", "dlt, s", "target alone, s", "tap alone, s", "of limit", "tap, MB")


def pipeline_table(
    destinations: Sequence[Destination], workloads: Sequence[Workload], results: Results
) -> str:
    """Return the times into each destination, beside those of the target and the tap alone.

    Args:
        destinations: The destinations, in the order of the table.
        workloads: The workloads.
        results: The runs.
    """
    lines = [line(["", *_HEADINGS]), line(["---", *["---:"] * len(_HEADINGS)])]
    for destination in destinations:
        for workload in workloads:
            title = f"{workload.name} into {destination.title}"
            if not destination.is_installed:
                lines.append(line([title, "not installed", *[""] * (len(_HEADINGS) - 1)]))
                continue
            name = destination.name
            ours = results.seconds(name, workload.name, OURS)
            dlt = results.seconds(name, workload.name, DLT)
            target = results.seconds(name, "", TARGET)
            tap = results.seconds("", workload.name, TAP)
            peaks = [run.peak_bytes for run in results.runs.get((name, workload.name, OURS), [])]
            cells = [
                *(spread(times) for times in (ours, dlt, target, tap)),
                f"{median(ours) / max(median(target), median(tap)):.2f}" if ours else EMPTY,
                f"{max(peaks) / 1e6:,.0f}" if peaks else EMPTY,
            ]
            lines.append(line([title, *cells]))
    return "\n".join(lines)


def bursty_sentence(rows: int, results: Results) -> str:
    """Return how long a bursty target waits for input.

    Args:
        rows: The number of rows.
        results: The runs.
    """
    taken = max(1, rows // BURSTS)
    waits = [run.first + run.later for run in results.waits]
    return (
        f"A target that takes {taken:,} rows and is then busy for "
        f"{taken * BUSY_SECONDS_PER_ROW:.2g} s, {BURSTS} times, waits {spread(waits)} s for input "
        f"from C, {spread([run.later for run in results.waits])} s of it after its first "
        f"{taken:,} rows; the pipeline takes {spread([run.seconds for run in results.bursts])} s."
    )


def pipeline_notes() -> str:
    """Return what is to be known of the table of the pipelines."""
    versions = ", ".join(f"{name} {version(name)}" for name in _DISTRIBUTIONS)
    return f"""\
{versions}, with the settings of `meltano.yml`. The target alone reads the same messages from a \
file. Of limit: the time as a multiple of the target or the tap alone, whichever is slower. dlt \
merges by the same key in DuckDB and PostgreSQL, and loads PostgreSQL with COPY. After every run, \
the rows, their keys and the sum of each field with numbers were compared with the prepared ones."""

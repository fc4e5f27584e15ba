"""Pipelines: a tap and a target in one pipe, and dlt, from the server into a destination."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import bursty
from benchmarks.comparison import say
from benchmarks.contestants import Contestant, peer
from benchmarks.destinations import (
    Destination,
    Totals,
    compare,
    expected_totals,
    target_command,
)
from benchmarks.launch import PIPE_SIGN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.measuring import Run, Runner
    from benchmarks.workloads import Workload

#: The names of the pipelines, for ``--only``.
NAMES = ("csv", "duckdb", "postgres", "bursty")
#: The workloads that they read: without latency, and the same rows with it.
WORKLOADS = ("A", "C")
#: A bursty target takes a fifth of the rows at a time, and is then busy for so long per row.
BURSTS = 5
BUSY_SECONDS_PER_ROW = 1.2 / 10_000
#: What is measured into each destination; ``tap`` is measured alone, with any destination.
OURS, DLT, TARGET, TAP = "ours", "dlt", "target", "tap"


@dataclass(frozen=True)
class Waits:
    """How long a bursty target waits for input, in seconds.

    Attributes:
        first: Until it has the rows of its first burst, the start of the tap included.
        later: After its first burst.
    """

    first: float
    later: float


@dataclass
class Results:
    """The runs of the pipelines.

    Attributes:
        runs: By destination, workload and what is measured. The target alone has no workload, the
            tap alone no destination.
        bursts: The runs with a bursty target.
        waits: How long it waited in each of these.
    """

    runs: dict[tuple[str, str, str], list[Run]] = field(default_factory=dict)
    bursts: list[Run] = field(default_factory=list)
    waits: list[Waits] = field(default_factory=list)

    def seconds(self, destination: str, workload: str, what: str) -> list[float]:
        """Return the times of the runs of one kind."""
        return [run.seconds for run in self.runs.get((destination, workload, what), [])]


class Pipelines:
    """Measures the pipelines; what they write is compared with the prepared rows every time."""

    def __init__(
        self,
        runner: Runner,
        workloads: Sequence[Workload],
        contestants: Sequence[Contestant],
        folder: Path,
    ) -> None:
        """Prepare the measurements.

        Args:
            runner: Starts the commands.
            workloads: Those of ``WORKLOADS``.
            contestants: These taps and dlt, if they are to be measured.
            folder: The folder for the file with the messages.
        """
        self._runner = runner
        self._workloads = workloads
        self._by_name = {contestant.name: contestant for contestant in contestants}
        self._expected: Totals = expected_totals(workloads[0].data)
        self._key = workloads[0].data.key
        self._messages = folder / "messages"
        self.results = Results()

    def measure(self, destinations: Sequence[Destination], *, has_bursts: bool) -> None:
        """Measure everything into the destinations once, and a bursty target if asked to."""
        if OURS in self._by_name:
            self._measure_taps(has_bursts=has_bursts)
        for destination in destinations:
            if not destination.is_installed:
                continue
            if OURS in self._by_name:
                command = partial(target_command, destination)
                self._run(destination, "", TARGET, command, str(self._messages))
            for workload in self._workloads:
                if OURS in self._by_name:
                    command = partial(self._our_pipe, destination, workload)
                    self._run(destination, workload.name, OURS, command)
                if DLT in self._by_name:
                    command = partial(self._dlt, destination, workload)
                    self._run(destination, workload.name, DLT, command)

    def _measure_taps(self, *, has_bursts: bool) -> None:
        """Measure the tap alone and with a bursty target, and keep its messages in a file."""
        tap = self._by_name[OURS]
        for workload in self._workloads:
            say(f"pipelines: the tap alone on {workload.name}")
            run = self._runner.measure(tap, workload, "null")
            self._add("", workload.name, TAP, run)
        if not self._messages.exists():
            with self._messages.open("wb") as file:
                command = self._runner.command(tap, self._workloads[0])
                self._runner.run("the tap, into a file", command, output="inherit", target=file)
        if has_bursts:
            say("pipelines: a bursty target")
            run = self._runner.run("the tap, into a bursty target", self._bursty_pipe)
            self.results.bursts.append(run)
            waits = json.loads((self._runner.files / "waits.json").read_text("utf-8"))
            self.results.waits.append(Waits(**waits))

    def _run(
        self,
        destination: Destination,
        workload: str,
        what: str,
        command: Callable[[Path], list[str]],
        source: str = os.devnull,
    ) -> None:
        title = f"{what} into {destination.title}, {workload or 'from a file'}"
        say(f"pipelines: {title}")
        destination.clear()
        run = self._runner.run(title, command, source)
        compare(destination.totals(self._runner.files, self._key), self._expected)
        self._add(destination.name, workload, what, run)

    def _add(self, destination: str, workload: str, what: str, run: Run) -> None:
        self.results.runs.setdefault((destination, workload, what), []).append(run)

    def _our_pipe(self, destination: Destination, workload: Workload, folder: Path) -> list[str]:
        tap = self._runner.command(self._by_name[OURS], workload)(folder)
        return [*tap, PIPE_SIGN, *target_command(destination, folder)]

    def _bursty_pipe(self, folder: Path) -> list[str]:
        workload = self._workloads[-1]
        tap = self._runner.command(self._by_name[OURS], workload)(folder)
        rows = max(1, workload.data.count // BURSTS)
        target = [sys.executable, "-I", "-S", bursty.__file__, str(folder / "waits.json")]
        return [*tap, PIPE_SIGN, *target, str(rows), str(rows * BUSY_SECONDS_PER_ROW)]

    def _dlt(self, destination: Destination, workload: Workload, folder: Path) -> list[str]:
        settings = destination.dlt_settings | {"primary_key": ["date", *self._key]}
        return peer("dlt_source", settings)(workload, self._runner.url(workload), folder)

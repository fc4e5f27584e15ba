"""Runs of contestants: one to check the rows, then as many as requested to measure."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from typing import IO, TYPE_CHECKING

from benchmarks import launch
from benchmarks.checking import RowsDifferError, airbyte_records, file_records, singer_records
from benchmarks.contestants import PROJECT, Contestant, environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.checking import Expected
    from benchmarks.server import Server
    from benchmarks.workloads import Workload

RECORDS = {"singer": singer_records, "airbyte": airbyte_records}
_LINES_SHOWN = 20


class RunFailedError(Exception):
    """A contestant has failed."""


@dataclass(frozen=True)
class Run:
    """Measurements of one run, of the process as a whole; of a pipeline, see ``launch``.

    Attributes:
        seconds: The time from its start to its end.
        cpu_seconds: The CPU time, user and system, of the process and its children.
        peak_bytes: The peak memory.
        seconds_to_first_record: The time until its first record could be read; ``None`` if its
            output was not read.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    seconds_to_first_record: float | None


class Runner:
    """Runs contestants against the server."""

    def __init__(self, server: Server, folder: Path) -> None:
        """Use a running server.

        Args:
            server: The server.
            folder: The folder for the contestants' files; every run deletes its contents.
        """
        self._server = server
        self._folder = folder

    @property
    def files(self) -> Path:
        """The folder with what the last run has written."""
        return self._folder / "run"

    def url(self, workload: Workload) -> str:
        """Return the URL of a workload's responses."""
        return self._server.url(workload.name)

    def run(
        self,
        title: str,
        command: Callable[[Path], list[str]],
        source: str = os.devnull,
        output: str = "null",
        target: int | IO[bytes] = subprocess.DEVNULL,
    ) -> Run:
        """Run a command, or commands with ``launch.PIPE_SIGN`` between them.

        Args:
            title: What it is, for the error if it fails.
            command: Makes the command line from the folder for its files.
            source: The file that it reads.
            output: Where its output goes, see ``launch``.
            target: Where that is inherited from.
        """
        with self._start(command, output, target, source):
            pass
        return self._result(title)

    def measure(self, contestant: Contestant, workload: Workload, output: str) -> Run:
        """Run a contestant with its output to ``null`` or to a ``pipe``."""
        return self.run(
            f"{contestant.title} on {workload.name}",
            self.command(contestant, workload),
            output=output,
        )

    def command(self, contestant: Contestant, workload: Workload) -> Callable[[Path], list[str]]:
        """Return what makes a contestant's command line from the folder for its files."""
        return partial(contestant.command, workload, self.url(workload))

    def check(self, contestant: Contestant, workload: Workload, expected: Expected) -> Run:
        """Run a contestant and compare all its rows with the prepared ones.

        Raises:
            RowsDifferError: The rows differ.
            RunFailedError: The contestant has failed.
        """
        to_us = contestant.rows_in in ("singer", "airbyte")
        output = subprocess.PIPE if to_us else subprocess.DEVNULL
        differ = None
        command = self.command(contestant, workload)
        with self._start(command, "inherit", output) as process:
            if process.stdout is not None:
                find = RECORDS[contestant.rows_in]
                try:
                    expected.compare(find(process.stdout), contestant.adds)
                except RowsDifferError as error:
                    differ = error
                    for _ in process.stdout:
                        pass
        # If the contestant has failed, its own error explains the missing rows.
        run = self._result(f"{contestant.title} on {workload.name}")
        if differ is not None:
            raise differ
        if contestant.rows_in == "files":
            found = file_records(self.files / "rows", workload.stream)
            expected.compare(found, contestant.adds)
        return run

    def _start(
        self,
        command: Callable[[Path], list[str]],
        output: str,
        target: int | IO[bytes],
        source: str = os.devnull,
    ) -> subprocess.Popen[bytes]:
        shutil.rmtree(self._folder, ignore_errors=True)
        self.files.mkdir(parents=True)
        made = command(self.files)
        result = str(self._folder / "result.json")
        with (self._folder / "log").open("wb") as log:
            return subprocess.Popen(  # noqa: S603
                # Isolated and without site-packages, to keep the process small: see launch.py.
                [sys.executable, "-I", "-S", launch.__file__, result, source, output, *made],
                cwd=PROJECT,
                env=environment(self.files),
                stdout=target,
                stderr=log,
            )

    def _result(self, title: str) -> Run:
        path = self._folder / "result.json"
        measured = json.loads(path.read_text("utf-8")) if path.exists() else {"code": None}
        code = measured.pop("code")
        if code != 0:
            lines = (self._folder / "log").read_text("utf-8", "replace").splitlines()
            end = "\n".join(lines[-_LINES_SHOWN:])
            message = f"{title} ended with {code}:\n{end}"
            raise RunFailedError(message)
        return Run(**measured)

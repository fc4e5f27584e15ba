"""Run a tap and a target with a pipe between them, kill them, and keep the state."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import signal

    from tests.reliability.databases import Database

ROOT = Path(__file__).parents[2]
SECONDS_TO_END = 60
#: Compiled files: without them, loading a tap or a target takes twice as long.
LEFT_OUT = {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}

State = dict[str, Any]


@dataclass(frozen=True)
class Kill:
    """A signal, some time after the start."""

    number: signal.Signals
    seconds: float
    #: Whether the target gets it too, as from a terminal.
    whole: bool


@dataclass
class Ending:
    """The result of a run."""

    tap: int
    target: int
    #: Whether the signal was sent before that.
    sent: bool
    seconds: float
    states: bytes
    tap_log: str
    target_log: str


class Pipeline:
    """``tap | target``, in its own folder."""

    def __init__(self, folder: Path, tap: str, settings: State, catalog: State) -> None:
        folder.mkdir()
        self.folder = folder
        self.tap = [sys.executable, "-m", tap]
        self.tap += ["--config", self._write("tap.json", settings)]
        self.tap += ["--catalog", self._write("catalog.json", catalog)]

    def run(
        self,
        database: Database,
        state: State | None,
        kill: Kill | None = None,
        *,
        unbuffered: bool = False,
    ) -> Ending:
        """Run both until they end or get the signal.

        Args:
            database: The database that the target writes to.
            state: The state that the tap gets.
            kill: The signal to send, if any.
            unbuffered: Whether Python writes without a buffer, as in many container images.
        """
        tap_command = list(self.tap)
        if state is not None:
            tap_command += ["--state", self._write("state.json", state)]
        target_settings = self._write("target.json", database.settings)
        variables = environment(unbuffered=unbuffered)
        with (
            (self.folder / "tap.log").open("w+") as tap_log,
            (self.folder / "target.log").open("w+") as target_log,
            (self.folder / "states").open("w+b") as states,
        ):
            started = time.monotonic()
            with (
                subprocess.Popen(
                    tap_command,
                    stdout=subprocess.PIPE,
                    stderr=tap_log,
                    cwd=self.folder,
                    env=variables,
                    process_group=0,
                ) as tap,
                subprocess.Popen(
                    [*database.target, "--config", target_settings],
                    stdin=tap.stdout,
                    stdout=states,
                    stderr=target_log,
                    cwd=self.folder,
                    env=variables,
                    process_group=tap.pid,
                ) as target,
            ):
                assert tap.stdout is not None
                tap.stdout.close()
                sent = kill is not None and send(kill, tap, target, started)
                tap.wait(SECONDS_TO_END)
                seconds = time.monotonic() - started
                target.wait(SECONDS_TO_END)
            for file in (tap_log, target_log, states):
                file.seek(0)
            return Ending(
                tap.returncode,
                target.returncode,
                sent,
                seconds,
                states.read(),
                tap_log.read(),
                target_log.read(),
            )

    def _write(self, name: str, content: Any) -> str:
        path = self.folder / name
        path.write_text(json.dumps(content))
        return str(path)


def send(
    kill: Kill, tap: subprocess.Popen[bytes], target: subprocess.Popen[bytes], started: float
) -> bool:
    """Send the signal at its time, if the processes are still running then."""
    last = target if kill.whole else tap
    try:
        last.wait(max(0.0, started + kill.seconds - time.monotonic()))
    except subprocess.TimeoutExpired:
        if kill.whole:
            os.killpg(tap.pid, kill.number)
        else:
            tap.send_signal(kill.number)
        return True
    return False


def environment(*, unbuffered: bool = False) -> dict[str, str]:
    """Return the environment of a tap or a target."""
    variables = {name: text for name, text in os.environ.items() if name not in LEFT_OUT}
    variables["PYTHONPATH"] = str(ROOT)
    if unbuffered:
        variables["PYTHONUNBUFFERED"] = "1"
    return variables


class PlainPipe:
    """Keeps the state as ``tap | target >> states`` and ``tail -n 1 states`` do."""

    def __init__(self) -> None:
        self._states = b""

    def keep(self, states: bytes) -> None:
        """Keep the last state that a target has printed."""
        self._states += states

    @property
    def state(self) -> State | None:
        """The state for the next run; ``None`` before the first."""
        lines = self._states.splitlines()
        return json.loads(lines[-1]) if lines else None


class Meltano:
    """Keeps the state as ``meltano run`` does.

    Source: Meltano 4.4: ``BookmarkWriter`` of ``meltano.core.plugin.singer.target`` takes every
    line that is JSON and not empty; in ``MeltanoState`` of ``meltano.core.state_store.base``, a
    complete state replaces the previous one. With ``--state-strategy=merge``, each state is merged
    into the previous one, recursively.
    """

    def __init__(self, *, merge: bool) -> None:
        self._merge = merge
        self.state: State | None = None

    def keep(self, states: bytes) -> None:
        """Keep the last state that a target has printed."""
        for line in states.splitlines():
            try:
                new = json.loads(line)
            except ValueError:
                continue
            if new:
                self.state = merged(new, self.state or {}) if self._merge else new


def merged(new: State, old: State) -> State:
    """Merge a state into another one, recursively."""
    both = dict(old)
    for name, value in new.items():
        both[name] = merged(value, old.get(name, {})) if isinstance(value, dict) else value
    return both

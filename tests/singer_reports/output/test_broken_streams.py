"""A log that nobody reads ends no run, and an output that cannot be written ends it in a sentence.

Each run is a process of its own, with Python's buffers and without them.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from sandbox.faults import Fault
from tests.command_line import CommandLine
from tests.support import Adcloud, Adsterra, RunResult

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.server import Sandbox

pytestmark = pytest.mark.skipif(os.name != "posix", reason="redirections of a POSIX shell")


class Shell(NamedTuple):
    """The command of a tap in a shell."""

    runner: Adsterra | Adcloud
    command: str
    environment: dict[str, str]

    @property
    def is_adsterra(self) -> bool:
        """Which tap it is."""
        return isinstance(self.runner, Adsterra)

    def run(self, line: str = "TAP", **options: Any) -> subprocess.CompletedProcess[bytes]:
        """Run a line in which ``TAP`` stands for the command."""
        return subprocess.run(
            ["/bin/sh", "-c", line.replace("TAP", self.command)],
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
            env=self.environment,
            timeout=60,
            check=False,
        )

    def messages(self) -> list[dict[str, Any]]:
        """Return the messages of a run of which nothing is redirected."""
        return RunResult(self.run().stdout).without_times()


@pytest.fixture(params=["adsterra", "adcloud unbuffered"])
def shell(
    request: pytest.FixtureRequest,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Shell:
    """The commands of both taps."""
    sandbox.adcloud.rows_per_day = 60
    kind = Adsterra if request.param == "adsterra" else Adcloud
    runner: Any = kind(sandbox, monkeypatch)
    command_line: CommandLine[Any] = CommandLine(runner, tmp_path)
    config = command_line.write("config.json", runner.settings(start_date="2024-04-01"))
    command = shlex.join([sys.executable, "-c", command_line.command, "--config", config])
    environment = {**os.environ, "NOW": sandbox.clock.now.isoformat(), "TERM": "xterm"}
    environment["PYTHONUNBUFFERED"] = "unbuffered" if "unbuffered" in request.param else ""
    return Shell(runner, command, environment)


@contextlib.contextmanager
def unread_pipe() -> Iterator[int]:
    """A pipe whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)


def test_a_run_goes_on_without_its_log(shell: Shell) -> None:
    expected = shell.messages()
    lines = ["TAP 2>&-", "TAP <&- 2>&-"]
    if os.path.exists("/dev/full"):  # noqa: PTH110
        lines.append("TAP 2>/dev/full")
    runs = [shell.run(line) for line in lines]
    with unread_pipe() as pipe:
        runs.append(shell.run(stderr=pipe))
    for run in runs:
        assert run.returncode == 0
        assert RunResult(run.stdout).without_times() == expected


def test_a_run_goes_on_when_its_terminal_goes_away(shell: Shell) -> None:
    """As after ``disown``: the bar has been drawn, and cannot be drawn any more."""
    pty = pytest.importorskip("pty")
    expected = shell.messages()
    last_day = {"start_date": "2024-05-01"} if shell.is_adsterra else {"filter[date]": "2024-04-30"}
    hanging = shell.runner.sandbox.faults.add(Fault("hang", query=last_day))
    main, terminal = pty.openpty()
    output: list[bytes] = []
    with subprocess.Popen(
        shlex.split(shell.command), stdout=subprocess.PIPE, stderr=terminal, env=shell.environment
    ) as process:
        os.close(terminal)
        reader = threading.Thread(target=lambda: output.append(process.stdout.read()))  # type: ignore[union-attr]
        reader.start()
        shown = b""
        while b"#" not in shown:
            shown += os.read(main, 4096)
        os.close(main)
        hanging.seconds = 0
        reader.join(60)
    assert process.returncode == 0
    assert RunResult(output[0]).without_times() == expected


def assert_one_sentence(run: subprocess.CompletedProcess[bytes], reason: str) -> None:
    """Check that a run ended with the reason, and without a traceback."""
    log = run.stderr.decode()
    assert run.returncode == 1
    assert "Traceback" not in log
    assert "Exception ignored" not in log
    last = log.splitlines()[-1]
    assert f"| Standard output cannot be written to: {reason}. Correct this and run again" in last


def test_output_that_is_closed_ends_in_a_sentence(shell: Shell) -> None:
    for options in ("", "--discover"):
        assert_one_sentence(shell.run(f"TAP {options} >&-"), "it is closed")
    assert shell.runner.sandbox.requests == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")  # noqa: PTH110
@pytest.mark.parametrize("options", ["", "--discover", "--about", "--version", "--test"])
def test_output_to_a_full_disk_ends_in_a_sentence(shell: Shell, options: str) -> None:
    assert_one_sentence(shell.run(f"TAP {options} >/dev/full"), "no space left on device")


def test_a_file_that_may_not_grow_ends_in_a_sentence(shell: Shell, tmp_path: Path) -> None:
    run = shell.run("ulimit -f 16; TAP >output", cwd=tmp_path)
    assert_one_sentence(run, "file too large")


def test_a_pipe_that_does_not_wait_ends_in_a_sentence(shell: Shell) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with os.fdopen(reading, "rb"), os.fdopen(writing, "wb") as pipe:
        run = shell.run(stdout=pipe)
    assert_one_sentence(run, "it does not wait for its reader (non-blocking mode)")

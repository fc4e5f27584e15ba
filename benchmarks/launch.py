"""Run a command or a pipeline and measure it, in a small process of its own.

The kernel counts the memory of a process towards the processes it starts, so the benchmark, which
holds all rows in memory, must not start what it measures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

#: The argument between two commands of a pipeline.
PIPE_SIGN = "|"
#: Text in every RECORD message of Singer taps and Airbyte sources.
_RECORD = b'RECORD"'
_READ_BYTES = 1 << 20
# The unit of ru_maxrss is a kilobyte, on macOS a byte.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def main() -> None:
    """Run ``launch.py RESULT INPUT OUTPUT COMMAND... [| COMMAND...]``.

    The measurements go to the file RESULT: the time of the whole pipeline, CPU and memory of its
    first command. INPUT is the file that the first command reads. OUTPUT is where the last one
    writes: ``null`` to /dev/null, ``pipe`` to this process, which reads and discards it,
    ``inherit`` to the standard output of this process.
    """
    result, source, output, *arguments = sys.argv[1:]
    target = {"null": subprocess.DEVNULL, "pipe": subprocess.PIPE, "inherit": None}[output]
    first = None
    started = time.perf_counter()
    processes = _start(_commands(arguments), source, target)
    if (stdout := processes[-1].stdout) is not None:
        first = _drain(stdout.fileno(), started)
    ended = [os.wait4(process.pid, 0) for process in processes]
    seconds = time.perf_counter() - started
    codes = [os.waitstatus_to_exitcode(status) for _, status, _ in ended]
    _, _, usage = ended[0]
    measured = {
        "code": next((code for code in codes if code), 0),
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * _RSS_UNIT,
        "seconds_to_first_record": first,
    }
    with open(result, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is slow to load
        json.dump(measured, file)


def _commands(arguments: list[str]) -> list[list[str]]:
    commands: list[list[str]] = [[]]
    for argument in arguments:
        if argument == PIPE_SIGN:
            commands.append([])
        else:
            commands[-1].append(argument)
    return commands


def _start(
    commands: list[list[str]], source: str, target: int | None
) -> list[subprocess.Popen[bytes]]:
    """Start all commands of a pipeline, each reading what the one before it writes."""
    processes: list[subprocess.Popen[bytes]] = []
    stdin = open(source, "rb")  # noqa: PTH123, SIM115 - closed below, as are the pipes
    for number, command in enumerate(commands, start=1):
        stdout = target if number == len(commands) else subprocess.PIPE
        processes.append(subprocess.Popen(command, stdin=stdin, stdout=stdout))  # noqa: S603
        # With a copy of the pipe open here, a command would not notice that its reader has ended.
        stdin.close()
        if number < len(commands):
            assert processes[-1].stdout is not None  # noqa: S101
            stdin = processes[-1].stdout  # type: ignore[assignment]
    return processes


def _drain(descriptor: int, started: float) -> float | None:
    """Read to the end and return the seconds until the first record; ``None`` without one."""
    first, tail = None, b""
    while read := os.read(descriptor, _READ_BYTES):
        if first is None:
            if _RECORD in tail + read:
                first = time.perf_counter() - started
            tail = read[-len(_RECORD) :]
    return first


if __name__ == "__main__":
    main()

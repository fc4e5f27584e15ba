"""Run one command and measure it, in a small process of its own.

The kernel counts the memory of a process towards the processes it starts, so the benchmark, which
holds all rows in memory, must not start what it measures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

#: Text in every RECORD message of Singer taps and Airbyte sources.
_RECORD = b'RECORD"'
_READ_BYTES = 1 << 20
# The unit of ru_maxrss is a kilobyte, on macOS a byte.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def main() -> None:
    """Run ``launch.py RESULT OUTPUT COMMAND...`` and write the measurements to the file RESULT.

    OUTPUT is where the command writes: ``null`` to /dev/null, ``pipe`` to this process, which reads
    and discards it, ``inherit`` to the standard output of this process.
    """
    result, output, *command = sys.argv[1:]
    target = {"null": subprocess.DEVNULL, "pipe": subprocess.PIPE, "inherit": None}[output]
    first = None
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=target, stdin=subprocess.DEVNULL)  # noqa: S603
    if process.stdout is not None:
        first = _drain(process.stdout.fileno(), started)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    measured = {
        "code": os.waitstatus_to_exitcode(status),
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * _RSS_UNIT,
        "seconds_to_first_record": first,
    }
    with open(result, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is slow to load
        json.dump(measured, file)


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

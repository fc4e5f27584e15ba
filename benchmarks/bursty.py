"""A target that takes rows for a moment and is then busy: measures how long it waits for input.

``python bursty.py RESULT ROWS SECONDS`` takes ROWS rows, is busy for SECONDS, and so on.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from pathlib import Path

_RECORD = b'"RECORD"'
_READ_BYTES = 1 << 20


def main() -> None:
    """Read the standard input to its end and write the seconds of waiting to the file RESULT."""
    result, rows, seconds = sys.argv[1:]
    first, *later = measure_waits(0, int(rows), float(seconds))
    # The first burst includes the start of the tap.
    Path(result).write_text(json.dumps({"first": first, "later": sum(later)}), "utf-8")


def measure_waits(descriptor: int, rows: int, seconds: float) -> list[float]:
    """Read to the end, and return for how long each burst, and then the end, was waited for.

    Args:
        descriptor: The file to read.
        rows: The rows of a burst.
        seconds: How long it is busy after each.
    """
    waits = [0.0]
    taken, tail = 0, b""
    while True:
        started = time.perf_counter()
        select.select([descriptor], [], [])
        waits[-1] += time.perf_counter() - started
        read = os.read(descriptor, _READ_BYTES)
        if not read:
            return waits
        taken += (tail + read).count(_RECORD)
        tail = (tail + read)[1 - len(_RECORD) :]
        while taken >= rows:
            taken -= rows
            waits.append(0.0)
            time.sleep(seconds)


if __name__ == "__main__":
    main()

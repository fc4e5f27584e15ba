"""A signal that arrives where Python swallows exceptions."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

SWALLOWED = """
import os, signal, time
from singer_reports.output.stdout import STDOUT

signal.signal(signal.{name}, lambda number, _: STDOUT.handle_signal(number))

class Cleared:
    def __del__(self):
        os.kill(os.getpid(), signal.{name})
        sum(range(1000))

Cleared()
print("went on", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer of this kind here")
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_python_drops_still_ends_the_run(ending: signal.Signals) -> None:
    script = SWALLOWED.format(name=ending.name)
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=False, timeout=100
    )
    assert ended.stdout == b"went on\n"
    # Without the timer, it would sleep to the end and succeed.
    assert ended.returncode == 128 + ending

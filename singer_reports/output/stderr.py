"""Standard error: a run goes on without its log if nobody reads it any more."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def open_stderr() -> None:
    """Write into nothing if standard error is closed; nothing has to look for it then."""
    if not sys.stderr:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open to the end


def let_go_of_stderr() -> None:
    """Drop what cannot be written: at the exit, Python would make an exit code of its own of it."""
    try:
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())

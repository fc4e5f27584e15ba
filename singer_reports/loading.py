"""What a command does while it loads the tap. Loads next to nothing itself."""

from __future__ import annotations

import gc
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def loading() -> Iterator[None]:
    """Load quietly and quickly, in a ``with`` block."""
    # Until the tap has handlers of its own, Ctrl-C would show where in the loading it struck.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # What is loaded stays to the end: looking through it for garbage takes time and finds none.
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()

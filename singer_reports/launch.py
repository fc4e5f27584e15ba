"""Starts a tap's command; imports nothing slow before that."""

import gc
import signal
from importlib import import_module


def run_command(module: str, tap: str) -> None:
    """Load a tap and run its command.

    Args:
        module: The module of the tap, such as ``tap_adsterra.tap``.
        tap: The class in it, such as ``TapAdsterra``.
    """
    # Until the tap sets its own handlers, Ctrl-C would print a traceback of the import.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Modules stay loaded to the end, so the garbage collector need not scan them.
    gc.disable()
    loaded = getattr(import_module(module), tap)
    gc.freeze()
    gc.enable()
    loaded.cli()

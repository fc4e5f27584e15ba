"""Starts the command of a tap; imports nothing that takes time before that."""

import gc
import signal
from importlib import import_module


def run_command(module: str, tap: str) -> None:
    """Load a tap and run its command.

    Args:
        module: The module of the tap, such as ``tap_adsterra.tap``.
        tap: The class in it, such as ``TapAdsterra``.
    """
    # Until the tap has handlers of its own, Ctrl-C would print a traceback of the import.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Modules stay loaded to the end: the garbage collector would look through them for nothing.
    gc.disable()
    loaded = getattr(import_module(module), tap)
    gc.freeze()
    gc.enable()
    loaded.cli()

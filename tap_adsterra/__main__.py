"""The command ``tap-adsterra``, also as ``python -m tap_adsterra``."""

import gc
import signal


def main() -> None:
    """Load the tap, which takes a moment, and run it."""
    # Until the tap has handlers of its own, Ctrl-C would show where in the loading it struck.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # What is loaded stays to the end: looking through it for garbage takes time and finds none.
    gc.disable()
    from tap_adsterra.tap import TapAdsterra  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    TapAdsterra.cli()


if __name__ == "__main__":
    main()

"""The command ``tap-adcloud``, also as ``python -m tap_adcloud``."""

from singer_reports.loading import loading


def main() -> None:
    """Load the tap, which takes a moment, and run it."""
    with loading():
        from tap_adcloud.tap import TapAdcloud  # noqa: PLC0415

    TapAdcloud.cli()


if __name__ == "__main__":
    main()

"""The command ``tap-adsterra``, also as ``python -m tap_adsterra``."""

from singer_reports.loading import loading


def main() -> None:
    """Load the tap, which takes a moment, and run it."""
    with loading():
        from tap_adsterra.tap import TapAdsterra  # noqa: PLC0415

    TapAdsterra.cli()


if __name__ == "__main__":
    main()

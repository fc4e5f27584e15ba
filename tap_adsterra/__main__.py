"""The command ``tap-adsterra``, also as ``python -m tap_adsterra``."""

from singer_reports.launch import run_command


def main() -> None:
    """Run the command."""
    run_command("tap_adsterra.tap", "TapAdsterra")


if __name__ == "__main__":
    main()

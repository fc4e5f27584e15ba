"""The command ``tap-adcloud``, also as ``python -m tap_adcloud``."""

from singer_reports.launch import run_command


def main() -> None:
    """Run the command."""
    run_command("tap_adcloud.tap", "TapAdcloud")


if __name__ == "__main__":
    main()

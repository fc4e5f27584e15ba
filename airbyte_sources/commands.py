"""The commands of the sources; imports nothing slow."""

from singer_reports.launch import run_command


def adsterra() -> None:
    """Run ``source-adsterra``."""
    run_command("airbyte_sources.adsterra", "SOURCE")


def adcloud() -> None:
    """Run ``source-adcloud``."""
    run_command("airbyte_sources.adcloud", "SOURCE")

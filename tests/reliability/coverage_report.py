"""What the tests of reliability count, and the page that shows it.

A test says how many cases it went through (the fixture ``count_cases``) or how a fault ended (the
fixture ``tell_ending``); pytest carries that with the test's report from whichever worker it was,
and the end of the run writes all of it into one file. ``python -m
tests.reliability.coverage_report`` puts it into ``docs/reliability.md``; with ``--check`` it only
says whether the page still holds.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

ROOT = Path(__file__).parents[2]
COUNTED = ROOT / ".cache" / "reliability.json"
PAGE = ROOT / "docs" / "reliability.md"

#: What part of the cases shown another run must have at least.
MIN_SHARE = 0.5

#: What is promised and how it is tested, by the name under which a test counts its cases.
CLAIMS: dict[str, tuple[str, str]] = {
    "kill_SIGKILL": (
        "A run that is killed costs no row and doubles none",
        "Killed at random moments, resumed into DuckDB, SQLite and PostgreSQL: all rows compared",
    ),
    "kill_SIGTERM": (
        "Nor does a run that is stopped",
        "The same with SIGTERM, to the tap or to all of the pipeline",
    ),
    "kill_SIGINT": (
        "Nor does a run that is interrupted",
        "The same with Ctrl-C, to the tap or to all of the pipeline",
    ),
    "kill_behind_state": (
        "What was finished before is not read again",
        "Those of the kills before which DuckDB, SQLite or PostgreSQL had confirmed a state",
    ),
    "ten_years": (
        "Every day ends as the API has it in the end, however the runs went",
        "Ten years of runs a tap, with outages, deaths, wrong clocks, late and vanishing rows",
    ),
    "windows": (
        "Windows cover every day once",
        "Random spans and lengths, and random windows cut in halves",
    ),
    "bookmark": (
        "The bookmark passes neither yesterday nor a day not read, and never goes back",
        "Random sequences of runs with failures anywhere; every state held to the rows before it",
    ),
    "concurrent_fetch": (
        "Requests side by side give what one after the other gives, and no more are under way",
        "Random requests, follow-ups and failures, ended in random orders",
    ),
    "decimals": (
        "A number keeps its decimal value from the answer to the message",
        "Random JSON numbers of up to 80 digits, quoted, nested, with exponents",
    ),
    "bulk": (
        "Rows written together are the bytes the SDK writes one by one",
        "Random rows, selections, maps and flattening, written both ways",
    ),
    "faults": (
        "Whatever goes wrong on the way, the rows are whole, or the run says why not and the next "
        "one completes them.",
        "Each fault below at each kind of stream, at its first, a middle and its last request, "
        "passing and lasting; compared with an undisturbed run.",
    ),
    "any_answer": (
        "Whatever an API answers ends in its rows or in a sentence.",
        "Answers drawn at random, good ones with something changed, and damaged bytes, for every "
        "stream and for the token.",
    ),
    "bad_configuration": (
        "What a user gets wrong is told at once, in words, before the first request",
        "Wrong settings, variables, catalogs and states; what is said is read and compared",
    ),
    "secrets": (
        "Secrets are nowhere to be read",
        "Runs of every ending, logged in full in both formats; output, log and errors searched",
    ),
}


class Collector:
    """Gathers what the tests of a run have counted."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.cases: Counter[str] = Counter()
        self.endings: dict[str, str] = {}

    def add(self, report: pytest.TestReport) -> None:
        """Take what a test that passed has counted."""
        if report.when != "call" or not report.passed:
            return
        properties: list[tuple[str, Any]] = report.user_properties
        for kind, value in properties:
            if kind == "cases":
                claim, count = value
                self.cases[claim] += count
            elif kind == "ending":
                fault, stream, ending = value
                self.endings[f"{fault} | {stream}"] = ending

    def write(self) -> None:
        """Write the figures, if there are any."""
        if self.cases or self.endings:
            COUNTED.parent.mkdir(exist_ok=True)
            figures = {"cases": self.cases, "endings": self.endings}
            COUNTED.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")


def claims_table(cases: dict[str, int]) -> Iterator[str]:
    """Say what is promised, how it is tested and with how many cases, a line per claim."""
    yield "| What is promised | How it is tested | Cases |"
    yield "|---|---|---:|"
    for name, (promise, how) in CLAIMS.items():
        yield f"| {promise} | {how} | {cases[name]:,} |"


def endings_table(endings: dict[str, str]) -> Iterator[str]:
    """Show how each fault ends for each kind of stream, a line per fault."""
    pairs = [key.split(" | ") for key in endings]
    faults, streams = (list(dict.fromkeys(column)) for column in zip(*pairs, strict=True))
    yield f"| Fault | {' | '.join(streams)} |"
    yield f"|---|{'---|' * len(streams)}"
    for fault in faults:
        cells = (endings.get(f"{fault} | {stream}", "not tested") for stream in streams)
        yield f"| {fault} | {' | '.join(cells)} |"


def page() -> str:
    """Make the page anew: its own words, and the tables of the last run."""
    figures = json.loads(COUNTED.read_text())
    text = PAGE.read_text()
    tables = {
        "claims": claims_table(figures["cases"]),
        "endings": endings_table(figures["endings"]),
    }
    for name, lines in tables.items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, _, rest = text.partition(begin)
        after = rest.partition(end)[2]
        text = "\n".join([before + begin, "", *lines, "", end + after])
    return text


def differences() -> Iterator[str]:
    """Say where the page promises other than what the last run has shown."""
    figures = json.loads(COUNTED.read_text())
    shown = PAGE.read_text().splitlines()
    for name, (promise, how) in CLAIMS.items():
        before = f"| {promise} | {how} | "
        numbers = [line.removeprefix(before) for line in shown if line.startswith(before)]
        told = int(numbers[0].removesuffix(" |").replace(",", "")) if numbers else 0
        counted = figures["cases"].get(name, 0)
        # How many kills find a state before them is a matter of time.
        if not told or counted < told * MIN_SHARE:
            yield f"{PAGE.name} shows {told:,} cases of {name}, and the tests counted {counted:,}."
    for line in endings_table(figures["endings"]):
        if line not in shown:
            yield f"{PAGE.name} lacks this ending: {line}"


def main() -> None:
    """Write the page, or compare it."""
    arguments = argparse.ArgumentParser(description="Put the counted cases into the page.")
    arguments.add_argument("--check", action="store_true", help="change nothing, only compare")
    if not arguments.parse_args().check:
        PAGE.write_text(page())
    elif problems := list(differences()):
        sys.exit("\n".join([*problems, "If that is right: make reliability"]))


if __name__ == "__main__":
    main()

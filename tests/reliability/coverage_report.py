"""Counts of the reliability tests, and the page that shows them.

A test counts its cases (the fixture ``count_cases``) or records how a fault ended (the fixture
``record_ending``). The counts are part of the test's report, also if it ran in another worker; at
the end of the run, all of them are written to one file. ``python -m
tests.reliability.coverage_report`` writes them into ``docs/reliability.md``; ``--check`` only
compares them with the page.
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

#: The share of the shown cases that another run must at least have.
MIN_SHARE = 0.5

#: The promise and how it is tested, by the name under which a test counts its cases.
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
    """Collects what the tests of a run have counted."""

    def __init__(self) -> None:
        """Start without counts."""
        self.cases: Counter[str] = Counter()
        self.endings: dict[str, str] = {}

    def add(self, report: pytest.TestReport) -> None:
        """Add what a test has counted, if it passed."""
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
    """Return the table of the promises: a line per claim, with how and how often it is tested."""
    yield "| What is promised | How it is tested | Cases |"
    yield "|---|---|---:|"
    for name, (promise, how) in CLAIMS.items():
        yield f"| {promise} | {how} | {cases[name]:,} |"


def endings_table(endings: dict[str, str]) -> Iterator[str]:
    """Return the table of the endings: a line per fault, a column per kind of stream."""
    pairs = [key.split(" | ") for key in endings]
    faults, streams = (list(dict.fromkeys(column)) for column in zip(*pairs, strict=True))
    yield f"| Fault | {' | '.join(streams)} |"
    yield f"|---|{'---|' * len(streams)}"
    for fault in faults:
        cells = (endings.get(f"{fault} | {stream}", "not tested") for stream in streams)
        yield f"| {fault} | {' | '.join(cells)} |"


def page() -> str:
    """Return the page with the tables of the last run."""
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
    """Return a message per difference between the page and the last run."""
    figures = json.loads(COUNTED.read_text())
    shown = PAGE.read_text().splitlines()
    for name, (promise, how) in CLAIMS.items():
        before = f"| {promise} | {how} | "
        numbers = [line.removeprefix(before) for line in shown if line.startswith(before)]
        claimed = int(numbers[0].removesuffix(" |").replace(",", "")) if numbers else 0
        counted = figures["cases"].get(name, 0)
        # How many kills come after a state depends on timing.
        if not claimed or counted < claimed * MIN_SHARE:
            yield f"{PAGE.name} shows {claimed:,} cases of {name}, the tests counted {counted:,}."
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

"""docs/python.md: each of its programs is run as written, against the sandbox."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from sandbox.adsterra import DEMO, DEMO_TOKEN
from sandbox.adsterra import expected_rows as expected_adsterra_rows
from tests.paths import PROJECT
from tests.support import NOW, day

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox

PAGE = (PROJECT / "docs" / "python.md").read_text()
#: Code before each program, which sets the clock to the sandbox's time.
CLOCK = f"""
import datetime, tap_adsterra
now = datetime.datetime.fromisoformat("{NOW.isoformat()}")
tap_adsterra.TapAdsterra.clock = staticmethod(lambda: now)
"""


class Program:
    """The programs of the page, in their own folder and environment."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith("TAP_")},
            "TAP_ADSTERRA_API_TOKEN": DEMO_TOKEN,
            "TAP_ADSTERRA_API_URL": sandbox.adsterra_url,
        }

    def run(
        self, name: str, replaced: tuple[str, str] = ("", ""), *, before: str = "", more: str = ""
    ) -> str:
        """Run the program that contains a name, and return what it prints."""
        programs = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
        (lines,) = [program for program in programs if name in program]
        assert replaced[0] in lines
        ended = subprocess.run(
            [sys.executable, "-W", "error", "-c", CLOCK + before + lines.replace(*replaced) + more],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ended.returncode, ended.stderr) == (0, "")
        return ended.stdout


@pytest.fixture
def program(sandbox: Sandbox, tmp_path: Path) -> Program:
    return Program(sandbox, tmp_path)


TRUTH = expected_adsterra_rows(
    DEMO, ("date", "domain", "placement"), day("2024-04-01"), day("2024-05-01"), NOW
)


def test_rows(program: Program) -> None:
    printed = [line.split() for line in program.run("print(record[").splitlines()]
    expected = [
        [str(row[name]) for name in ("date", "placement", "impression", "revenue")] for row in TRUTH
    ]
    assert sorted(printed) == sorted(expected)


def check_revenue(printed: str) -> None:
    expected: dict[str, Decimal] = {}
    for row in TRUTH:
        expected[row["date"]] = expected.get(row["date"], Decimal(0)) + Decimal(row["revenue"])
    assert printed.splitlines() == [f"{date} {total!r}" for date, total in sorted(expected.items())]


def test_polars(program: Program) -> None:
    more = "print(*(f'{date} {total!r}' for date, total in revenue.rows()), sep='\\n')"
    check_revenue(program.run("polars", ("print(revenue)\n", ""), more=more))


def test_pandas(program: Program) -> None:
    """In another environment: with NumPy installed, every tap starts more slowly."""
    found = list(PROJECT.glob(".venv-benchmarks/lib/python3*/site-packages/pandas"))
    if not found:
        pytest.skip("pandas is not installed; make bench installs it")
    program.environment["PANDAS"] = str(found[0].parent)
    path = "import os, sys; sys.path.append(os.environ['PANDAS'])\n"
    more = "print(*(f'{date} {total!r}' for date, total in revenue.items()), sep='\\n')"
    check_revenue(program.run("pandas", ("print(revenue)\n", ""), before=path, more=more))


def test_only_what_is_new(program: Program) -> None:
    more = "print(len(rows), min(rows)[0], max(rows)[0])"
    count, *days = program.run("import json", more=more).split()
    assert (int(count), days) == (len(TRUTH), ["2024-04-01", "2024-05-01"])
    # A week is read again, the default of lookback_days.
    assert program.run("import json", more=more).split()[1:] == ["2024-04-24", "2024-05-01"]


def test_errors(program: Program) -> None:
    url = f'"api_url": "{program.sandbox.adsterra_url}", '
    message = program.run("except RequestError", ('{"api_token"', f'{{{url}"api_token"'))
    assert message.startswith("Not read: domains: ")
    assert "token" in message
    wrong = ('"api_token": "expired"', '"api_token": "expired", "a": 1')
    settings = program.run("except RequestError", wrong)
    assert settings.startswith("Settings: ")

"""`make demo` and `make clean` never touch the rows of the user's own account.

The tests run in a copy of the project, so that nothing is removed here.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from typing import TYPE_CHECKING

import duckdb
import pytest

from examples.demo import parse_log
from examples.periods import Span
from sandbox.adsterra import DEMO, LARGE, LARGE_TOKEN, expected_rows
from sandbox.server import Sandbox
from tests.meltano import needs_meltano
from tests.paths import PROJECT
from tests.support import day

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.middleware import SeenRequest

LEFT_OUT = (".*_cache", ".cache", ".env", ".git", ".meltano", ".venv*", "__pycache__", "output")
INSTALLED = (".venv", ".venv-meltano", ".meltano/extractors", ".meltano/loaders")
#: Treats what is installed as up to date, whatever the times of the copied files are.
UP_TO_DATE = ("-o", ".venv/bin/.installed", "-o", ".venv-meltano/.plugins")
FIRST, LAST = "2026-01-01", "2026-01-20"
OTHER_FILES = {"csv/stats/2026-01-20T043000Z.csv": "date\n", "jsonl/stats.jsonl": "{}\n"}


class Checkout:
    """A copy of the project, used for an account and for the demo."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder = folder
        self.sandbox = sandbox
        shutil.copytree(
            PROJECT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT), dirs_exist_ok=True
        )
        (folder / ".env").write_text(
            f"TAP_ADSTERRA_API_TOKEN={LARGE_TOKEN}\n"
            f"TAP_ADSTERRA_API_URL={sandbox.adsterra_url}\n"
            f"TAP_ADSTERRA_START_DATE={FIRST}\nTAP_ADSTERRA_END_DATE={LAST}\n"
        )
        self.output = folder / "output"
        self.output.mkdir()
        self.install()

    def install(self) -> None:
        """Link what `make meltano` would install."""
        (self.folder / ".meltano").mkdir(exist_ok=True)
        for name in INSTALLED:
            (self.folder / name).symlink_to(PROJECT / name)

    def run(self, *command: str) -> str:
        """Run a command in the folder, without settings from the environment."""
        result = subprocess.run(
            command,
            cwd=self.folder,
            env={
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("TAP_", "TARGET_", "MELTANO_", "MAKE", "DISPLAY"))
            },
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def make(self, *arguments: str) -> str:
        return self.run("make", *UP_TO_DATE, *arguments)

    def read_account(self) -> list[SeenRequest]:
        """Run the documented command, and return its requests."""
        self.sandbox.requests.clear()
        self.run(".venv/bin/meltano", "run", "tap-adsterra", "target-duckdb")
        return [request for request in self.sandbox.requests if "stats" in request.path]

    def own(self) -> tuple[dict[str, list[str]], dict[str, str], dict[str, str]]:
        """Return all that the runs of the account have written: rows, state, other files."""
        with duckdb.connect(str(self.output / "ads.duckdb"), read_only=True) as database:
            tables = [name for (name,) in database.sql("show tables").fetchall()]
            rows = {name: sorted(map(repr, database.table(name).fetchall())) for name in tables}
        others = {name: (self.output / name).read_text() for name in OTHER_FILES}
        return rows, states(self.output / "meltano.db"), others


def states(file: Path) -> dict[str, str]:
    """Return the states in a database of Meltano."""
    connection = sqlite3.connect(file)
    found = dict(connection.execute("select state_id, completed_state from state").fetchall())
    connection.close()
    return found


def placements(file: Path) -> set[int]:
    with duckdb.connect(str(file), read_only=True) as database:
        return {row[0] for row in database.sql("select distinct placement from stats").fetchall()}


def days_read(said: str) -> dict[str, int]:
    """Return how many days of each report `make demo` has read, by its output."""
    return {
        stream: int(days)
        for stream, days in re.findall(
            r"^(\w+) +20[\d-]{8} +20[\d-]{8} +(\d+) ", said, re.MULTILINE
        )
    }


@needs_meltano
@pytest.mark.timeout(600)
def test_the_demo_and_clean_leave_ones_own_rows_and_their_state(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        checkout = Checkout(tmp_path, sandbox)
        assert {request.values("start_date")[0] for request in checkout.read_account()} == {FIRST}
        for name, content in OTHER_FILES.items():
            (checkout.output / name).parent.mkdir(parents=True)
            (checkout.output / name).write_text(content)
        own = checkout.own()
        assert list(states(checkout.output / "meltano.db")) == [
            "production:tap-adsterra-to-target-duckdb"
        ]
        rows = expected_rows(LARGE, ("date", "domain", "placement"), day(FIRST), day(LAST))
        mine = {row["placement"] for row in rows}
        assert placements(checkout.output / "ads.duckdb") == mine

        # The page and a query of the account's rows: the default selection of one tap.
        assert checkout.make("page").strip() == str(checkout.output / "ads.html")
        page = (checkout.output / "ads.html").read_text()
        assert f"<span>USD</span> {sum(row['revenue'] for row in rows):,.2f}" in page
        assert "Adcloud" not in page
        assert "Made-up" not in page
        assert len(checkout.make("query", "QUERY=adsterra_by_placement").splitlines()) > len(mine)

        # The demo logs what it reads: everything, as its rows were removed, and then new days.
        demo = checkout.output / "demo"
        (demo / "meltano").mkdir(parents=True)
        (demo / "meltano" / "meltano.db").write_text("a state without its rows")
        said = checkout.make("demo")
        reports = ["stats", "stats_by_country", "advertiser_report"]
        assert list(days_read(said)) == reports
        assert min(days_read(said).values()) >= 90
        assert checkout.own() == own
        theirs = placements(demo / "ads.duckdb")
        assert theirs <= {row["id"] for row in DEMO.placements}
        assert not theirs & mine
        assert "Made-up numbers" in (demo / "ads.html").read_text()
        assert all(name.startswith("sandbox:") for name in states(demo / "meltano" / "meltano.db"))
        # The days of lookback_days, and today with Adsterra; one more if midnight has just passed.
        again = days_read(checkout.make("demo"))
        assert list(again) == reports
        assert again["stats"] == again["stats_by_country"]
        assert (again["stats"] - 8, again["advertiser_report"] - 30) in [(0, 0), (1, 0), (1, 1)]

        # `make clean` keeps the account's rows, and runs continue from their state.
        checkout.run("make", "clean")
        assert not demo.exists()
        assert not (tmp_path / ".meltano").exists()
        assert (PROJECT / ".meltano" / "extractors").exists()
        assert checkout.own() == own
        checkout.install()
        assert {request.values("start_date")[0] for request in checkout.read_account()} == {
            "2026-01-14"
        }
        # Days read again have a new time and more control totals, and no other change.
        rows_by_table, _, _ = checkout.own()
        counts, counts_before = (
            {name: len(found) for name, found in tables.items()}
            for tables in (rows_by_table, own[0])
        )
        assert counts.pop("control_totals") > counts_before.pop("control_totals")
        assert counts == counts_before


def test_what_was_read_is_found_in_the_log() -> None:
    lines = [
        "[info] meltano Running job with name 'sandbox:tap-adsterra-to-target-csv'",
        "[info] tap-adsterra stats: 2026-11-01..2026-11-26, 1 request",
        "[info] meltano Running job with name 'sandbox:tap-adsterra-to-target-duckdb'",
        "[info] tap-adsterra stats: 2026-11-19..2026-11-25, 1 request",
        "[info] tap-adsterra stats: 2026-11-26, 1 request",
        """[info] target-duckdb Loading 20000 rows into '"ads"."main"."stats"'""",
        """[info] target-duckdb Loading 92 rows into '"ads"."main"."stats"'""",
        """[info] target-duckdb Loading 4 rows into '"ads"."main"."domains"'""",
    ]
    days, rows = parse_log("\n".join(lines))
    assert days == {"stats": Span(day("2026-11-19"), day("2026-11-26"))}
    assert rows == {"stats": 20_092, "domains": 4}


@needs_meltano
def test_the_seconds_are_those_from_start_to_end() -> None:
    """Nothing is printed after them, and counting starts before anything else."""
    planned = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", *UP_TO_DATE, "demo", "STARTED=1"],  # noqa: S607
        cwd=PROJECT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.splitlines()
    assert "Done in $(($(date +%s) - 1)) seconds" in planned[-1]


@needs_meltano
@pytest.mark.parametrize("target", ["page", "query"])
def test_make_installs_what_make_meltano_alone_has_not(tmp_path: Path, target: str) -> None:
    with Sandbox() as sandbox:
        checkout = Checkout(tmp_path, sandbox)
    (tmp_path / ".venv").unlink()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / ".uv").touch()
    planned = checkout.run("make", "--dry-run", target)
    installing = planned.index("requirements/development.txt")
    assert installing < planned.index(f"-m examples.{target}")

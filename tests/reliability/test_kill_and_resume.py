"""Runs killed at random moments and resumed end with the rows of an undisturbed run."""

from __future__ import annotations

import contextlib
import datetime
import itertools
import json
import os
import re
import signal
import sys
import time
from collections import Counter
from decimal import Decimal
from random import Random
from subprocess import PIPE, Popen, TimeoutExpired
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from benchmarks.postgresql import INITDB, postgresql_server
from sandbox.adcloud import CLIENT_ID, CLIENT_SECRET
from sandbox.adcloud import expected_rows as expected_adcloud_rows
from sandbox.adsterra import DEMO, DEMO_TOKEN
from sandbox.adsterra import expected_rows as expected_adsterra_rows
from sandbox.faults import Fault
from singer_reports.output.bulk import CHUNK_ROWS
from singer_reports.output.stdout import DUPLICATE_SIGNAL_SECONDS
from tap_adcloud.tap import TapAdcloud
from tap_adsterra.tap import TapAdsterra
from tests.reliability.databases import DuckDB, PostgreSQL, SQLite
from tests.reliability.pipeline import Kill, Meltano, Pipeline, PlainPipe, environment
from tests.support import NOW, day, select, state_without_times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox.server import Sandbox
    from singer_reports.tap import ReportTap
    from tests.reliability.databases import Database, Tables
    from tests.reliability.pipeline import Ending
    from tests.support import CountCases

LARGE = "AD_TAPS_LARGE_TESTS"
large = pytest.mark.skipif(LARGE not in os.environ, reason=f"large; set {LARGE}=1")
SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGINT]
#: How often each signal is sent in a chain of runs.
EACH = 6 if LARGE in os.environ else 1
FIRST, LAST = "2024-04-01", "2024-04-30"


#: The fields that are added up, by report.
FIELDS = {
    "stats": ("impression", "clicks", "revenue"),
    "countries": ("impression", "clicks", "revenue"),
    "advertiser_report": ("ad_impressions", "clicks", "costs"),
}
#: By table and field: the number of rows, and the sum of the field.
Sums = dict[tuple[str, str], tuple[int, Decimal]]


class Case(NamedTuple):
    """A tap, a fault that slows the sandbox down, and the expected sums."""

    tap: type[ReportTap]
    module: str
    settings: dict[str, Any]
    streams: list[str]
    slow: Fault
    expected_sums: Callable[[], Sums]


def adsterra_case(sandbox: Sandbox) -> Case:
    settings = {
        "api_token": DEMO_TOKEN,
        "api_url": sandbox.adsterra_url,
        "start_date": FIRST,
        "window_days": 3,
        "reports": [{"name": "countries", "group_by": ["country"]}],
    }

    def expected() -> Sums:
        dimensions = {
            "stats": ("date", "domain", "placement"),
            "countries": ("date", "country"),
        }
        days = day(FIRST), day(LAST)
        return sums(
            {name: expected_adsterra_rows(DEMO, by, *days, NOW) for name, by in dimensions.items()}
        )

    streams = ["placements", "stats", "countries", "control_totals"]
    slow = Fault("hang", seconds=0.08)
    return Case(TapAdsterra, "tap_adsterra", settings, streams, slow, expected)


def adcloud_settings(sandbox: Sandbox) -> dict[str, Any]:
    return {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "api_url": sandbox.adcloud_url,
        "start_date": "2024-04-21",
    }


def adcloud_case(sandbox: Sandbox) -> Case:
    sandbox.adcloud.rows_per_day = 80
    settings = adcloud_settings(sandbox)

    def expected() -> Sums:
        days = [datetime.date(2024, 4, number) for number in range(21, 31)]
        rows = [row for date in days for row in expected_adcloud_rows(date, NOW, rows_per_day=80)]
        return sums({"advertiser_report": rows})

    streams = ["advertiser_report", "topics", "control_totals"]
    slow = Fault("hang", seconds=0.16)
    return Case(TapAdcloud, "tap_adcloud", settings, streams, slow, expected)


def sums(tables: Tables) -> Sums:
    """Count the rows and add up impressions, clicks and money, exactly."""
    return {
        (name, field): (len(rows), sum((Decimal(row[field]) for row in rows), Decimal()))
        for name, rows in tables.items()
        for field in FIELDS.get(name, ())
    }


CASES = {"adsterra": adsterra_case, "adcloud": adcloud_case}
#: Places in a traceback of Ctrl-C that come after the handlers are set.
RUN_BY_THE_TAP = re.compile(
    r'singer_reports.(?!(__init__|launch)\.py", line \d+, in <module>)|tap\.py|in run_command'
)
DATABASES = ["DuckDB", "SQLite", "PostgreSQL"]
#: How the state is kept; several ways take turns.
KEEPERS: dict[str, list[Callable[[], PlainPipe | Meltano]]] = {
    "plain pipe": [PlainPipe],
    "Meltano": [lambda: Meltano(merge=False), lambda: Meltano(merge=True)],
}


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """Run a PostgreSQL server, if it is installed, and return its port."""
    if INITDB is None:
        pytest.skip("PostgreSQL is not installed; on Debian and Ubuntu: apt-get install postgresql")
    with postgresql_server() as port:
        yield port


@pytest.fixture
def waits() -> list[float]:
    """Do not replace sleeping: these tests wait for other processes."""
    return []


@pytest.fixture
def new_database(
    request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> Callable[[str], Database]:
    """Return a function that makes an empty database."""
    if database == "DuckDB":
        return lambda name: DuckDB(tmp_path / f"{name}.duckdb")
    if database == "SQLite":
        return lambda name: SQLite(tmp_path / f"{name}.sqlite")
    port = request.getfixturevalue("server")
    return lambda name: PostgreSQL(port, f"{tmp_path.name}_{name}")


def check_kill(ending: Ending, kill: Kill) -> None:
    """Check exit codes and logs: a killed tap says so, and the target could read its lines."""
    # Before the tap has installed its handlers, the system ends it.
    codes = {-kill.number} if kill.number == signal.SIGKILL else {-kill.number, 128 + kill.number}
    if "KeyboardInterrupt" in ending.tap_log:
        # Python itself was starting, up to the imports of what sets the handlers.
        assert kill.number == signal.SIGINT
        assert not RUN_BY_THE_TAP.search(ending.tap_log), ending.tap_log
        codes = {1, -kill.number}
    else:
        assert "Traceback" not in ending.tap_log, ending.tap_log
    if kill.whole:
        # The tap may have ended before the target.
        assert ending.tap in codes | {0}, ending.tap_log
    else:
        assert ending.tap in codes, ending.tap_log
        cut = kill.number == signal.SIGKILL and "Unable to parse" in ending.target_log
        assert ending.target == 0 or cut, ending.target_log
    if ending.tap == 128 + kill.number:
        assert f"Ended by {kill.number.name}" in ending.tap_log


#: The field of each report with the currency, if rows have one.
CURRENCIES = {"advertiser_report": "currency"}


def check_proof(tables: Tables, until: dict[str, str] | None = None) -> int:
    """Compare the rows of each day with its last control totals, and all totals with each other.

    The sandbox has the same rows at all times, so all readings of a day must have the same totals.
    A target that was ended between the totals of a reading has stored only some of them.

    Args:
        tables: All tables.
        until: The last day of each report to look at; all days if it is ``None``.

    Returns:
        The number of days.
    """
    readings: dict[tuple[str, str], dict[str, set[Any]]] = {}
    currency_counts: dict[tuple[str, str, str], int] = {}
    for total in tables.get("control_totals", ()):
        amounts = [int(total[name]) for name in ("row_count", "impressions", "clicks")]
        sums = (total["currency"], *amounts, Decimal(str(total["amount"])))
        of_day = readings.setdefault((total["report"], str(total["date"])), {})
        of_day.setdefault(total["extracted_at"], set()).add(sums)
        reading = total["report"], str(total["date"]), total["extracted_at"]
        currency_counts[reading] = int(total["currency_count"])
    days = 0
    for report, fields in FIELDS.items():
        rows = tables.get(report, ())
        dates = {date for name, date in readings if name == report}
        dates |= {str(row["date"]) for row in rows}
        for date in dates:
            if until is not None and date > until.get(report, ""):
                continue
            days += 1
            of_day = readings[report, date]
            last = max(of_day)
            assert all(sums <= of_day[last] for sums in of_day.values()), (report, date, of_day)
            assert len(of_day[last]) == currency_counts[report, date, last], (report, date, of_day)
            found: dict[str, list[Any]] = {}
            for row in rows:
                if str(row["date"]) == date:
                    assert row["extracted_at"] == last, (report, date)
                    currency = row.get(CURRENCIES.get(report, ""), "USD")
                    sums_of_rows = found.setdefault(currency, [0, 0, 0, Decimal()])
                    sums_of_rows[0] += 1
                    for index, field in enumerate(fields, 1):
                        sums_of_rows[index] += Decimal(str(row[field]))
            expected = {(currency, *each) for currency, each in found.items()}
            assert {each for each in of_day[last] if each[1]} == expected, (report, date)
    return days


def without_times(tables: Tables) -> Tables:
    """Return the tables without control totals, and without the times of reading."""
    return {
        table: sorted(
            (
                {name: value for name, value in row.items() if name != "extracted_at"}
                for row in rows
            ),
            key=str,
        )
        for table, rows in tables.items()
        if table != "control_totals"
    }


def differences(found: Tables, expected: Tables) -> list[Any]:
    """Return the first differences in tables, numbers of rows and fields."""
    if found.keys() != expected.keys():
        return [sorted(found), sorted(expected)]
    counts = {name: (len(found[name]), len(expected[name])) for name in expected}
    if different := {name: pair for name, pair in counts.items() if pair[0] != pair[1]}:
        return [different]
    return [
        (name, {field: (row[field], true[field]) for field in true if row[field] != true[field]})
        for name in expected
        for row, true in zip(found[name], expected[name], strict=True)
        if row != true
    ][:5]


class Chain:
    """Runs of one tap into one database, each from the state of the previous one."""

    def __init__(
        self,
        pipeline: Pipeline,
        new_database: Callable[[str], Database],
        keepers: list[Callable[[], PlainPipe | Meltano]],
        random: Random,
    ) -> None:
        """Run once without a kill."""
        self.pipeline = pipeline
        self.new_database = new_database
        self.keepers = itertools.cycle(keepers)
        self.random = random
        database, keeper = new_database("undisturbed"), next(self.keepers)()
        ending = pipeline.run(database, None)
        assert (ending.tap, ending.target) == (0, 0), ending.tap_log + ending.target_log
        keeper.keep(ending.states)
        tables = database.tables()
        assert check_proof(tables)
        self.expected = without_times(tables)
        self.state = keeper.state
        #: The duration of an undisturbed run.
        self.seconds = ending.seconds
        #: Kills, and the number of those after a state of the same run was confirmed.
        self.kills: list[signal.Signals] = []
        self.kills_behind_state = 0

    def kill_and_resume(self, signals: list[signal.Signals]) -> None:
        """Send the signals, one per run; when a run completes, check it and start a new chain.

        If too few of them came after a state, because the machine is busy, send them once more.
        """
        left = list(signals)
        chains = 0
        while left or (self.kills_behind_state < EACH // 2 and len(self.kills) < 4 * len(signals)):
            left = left or list(signals)
            chains += 1
            database, keeper = self.new_database(f"chain_{chains}"), next(self.keepers)()
            endings: list[Any] = []  # Shown if the test fails.
            while True:
                kill = self._kill(left[-1]) if left else None
                start, unbuffered = keeper.state, self.random.random() < 1 / 2
                ending = self.pipeline.run(database, start, kill, unbuffered=unbuffered)
                keeper.keep(ending.states)
                bookmarks = (keeper.state or {}).get("bookmarks", {})
                until = {
                    name: bookmark.get("replication_key_value", "")
                    for name, bookmark in bookmarks.items()
                }
                if any(until.values()):
                    assert check_proof(database.tables(), until)
                endings.append((kill, ending.tap, ending.target, keeper.state))
                if kill is None or not ending.sent:
                    break
                if ending.tap == 0 and not kill.whole:
                    continue  # The run had ended by itself before the signal.
                check_kill(ending, kill)
                self.kills.append(left.pop())
                self.kills_behind_state += keeper.state != start
            assert (ending.tap, ending.target) == (0, 0), ending.tap_log + ending.target_log
            assert state_without_times(keeper.state or {}) == state_without_times(self.state or {})
            tables = database.tables()
            assert check_proof(tables)
            assert not differences(without_times(tables), self.expected), endings
            if start is None:
                self.seconds = ending.seconds

    def _kill(self, number: signal.Signals) -> Kill:
        seconds = self.random.uniform(0, 1.05 * self.seconds)
        return Kill(number, seconds, self.random.random() < 1 / 4)


def combinations() -> Iterator[Any]:
    """Each tap into each database, with each way to keep the state; half of them by default."""
    for index, names in enumerate(itertools.product(CASES, DATABASES, KEEPERS)):
        yield pytest.param(*names, marks=[large] if index % 2 != index // 2 % 2 else [])


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("tap", "database", "keeper"), list(combinations()))
def test_whatever_is_killed_the_next_runs_leave_what_an_undisturbed_run_leaves(  # noqa: PLR0913, PLR0917
    tap: str,
    database: str,
    keeper: str,
    sandbox: Sandbox,
    tmp_path: Path,
    new_database: Callable[[str], Database],
    count_cases: CountCases,
) -> None:
    case = CASES[tap](sandbox)
    settings = {**case.settings, "end_date": LAST, "lookback_days": 0, "max_concurrency": 2}
    catalog = select(case.tap(config=dict(settings)).catalog_dict, case.streams)
    sandbox.faults.add(case.slow)
    pipeline = Pipeline(tmp_path / "run", case.module, settings, catalog)
    # The times are the same in every run of the tests; what is interrupted is not.
    random = Random(f"{tap} {database} {keeper}")  # noqa: S311 - not a secret
    chain = Chain(pipeline, new_database, KEEPERS[keeper], random)
    assert sums(chain.expected) == case.expected_sums()
    signals = SIGNALS * EACH
    random.shuffle(signals)
    chain.kill_and_resume(signals)
    # Otherwise nothing would have been resumed.
    assert chain.kills_behind_state >= EACH // 2
    for number, count in Counter(chain.kills).items():
        count_cases(f"kill_{number.name}", count)
    count_cases("kill_behind_state", chain.kills_behind_state)


@pytest.fixture
def long_day(sandbox: Sandbox) -> dict[str, Any]:
    """Settings for a day with more rows than a pipe can buffer."""
    sandbox.adcloud.rows_per_day = 400
    return {**adcloud_settings(sandbox), "start_date": "2024-04-29", "end_date": "2024-04-29"}


def blocked_tap(
    folder: Path, settings: dict[str, Any], *, unbuffered: bool = False
) -> tuple[Popen[bytes], bytes]:
    """Start a tap, read only the beginning of its output, and return both."""
    catalog = select(TapAdcloud(config=dict(settings)).catalog_dict, ["advertiser_report"])
    pipeline = Pipeline(folder / "run", "tap_adcloud", settings, catalog)
    tap = Popen(
        pipeline.tap,
        stdout=PIPE,
        stderr=PIPE,
        cwd=pipeline.folder,
        env=environment(unbuffered=unbuffered),
    )
    assert tap.stdout is not None
    begun = b""
    while b'"RECORD"' not in begun:
        piece = os.read(tap.stdout.fileno(), 1_024)
        assert piece, "the tap has ended before its first row"
        begun += piece
    time.sleep(0.2)
    return tap, begun


@pytest.mark.parametrize("unbuffered", [False, True])
@pytest.mark.parametrize(
    "signals", [[signal.SIGTERM], [signal.SIGINT], [signal.SIGINT, signal.SIGTERM]]
)
def test_a_signal_in_the_middle_of_a_line_is_handled_after_it(
    tmp_path: Path, long_day: dict[str, Any], signals: list[signal.Signals], *, unbuffered: bool
) -> None:
    """Ctrl-C becomes two signals when Meltano forwards it."""
    tap, begun = blocked_tap(tmp_path, long_day, unbuffered=unbuffered)
    with tap:
        for number in signals:
            tap.send_signal(number)
        time.sleep(0.1)
        assert tap.poll() is None
        output, log = tap.communicate()
    assert tap.returncode == 128 + signals[0]
    lines = (begun + output).split(b"\n")
    assert lines.pop() == b""
    assert {json.loads(line)["type"] for line in lines} == {"SCHEMA", "STATE", "RECORD"}
    # The schema, the time of the reading, and the rows that are written together.
    assert len(lines) == 2 + CHUNK_ROWS
    assert f"Ended by {signals[0].name}" in log.decode()
    assert "Traceback" not in log.decode()


def test_the_next_signal_does_not_wait_for_a_target_that_reads_nothing(
    tmp_path: Path, long_day: dict[str, Any]
) -> None:
    tap, _ = blocked_tap(tmp_path, long_day)
    with tap:
        tap.send_signal(signal.SIGTERM)
        time.sleep(DUPLICATE_SIGNAL_SECONDS + 0.2)
        assert tap.poll() is None
        # On a busy machine, the first of these may still count as a duplicate.
        while tap.poll() is None:
            tap.send_signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutExpired):
                tap.wait(DUPLICATE_SIGNAL_SECONDS + 0.2)
        assert tap.returncode == 128 + signal.SIGTERM
        assert tap.stderr is not None
        assert "Traceback" not in tap.stderr.read().decode()


def test_ctrl_c_ends_a_tap_whose_target_has_ended(tmp_path: Path, long_day: dict[str, Any]) -> None:
    tap, _ = blocked_tap(tmp_path, long_day)
    with tap:
        tap.send_signal(signal.SIGINT)
        time.sleep(0.1)
        assert tap.stdout is not None
        tap.stdout.close()
        assert tap.wait(60) == 128 + signal.SIGINT
        assert tap.stderr is not None
        log = tap.stderr.read().decode()
    assert "Ended by SIGINT" in log
    assert "BrokenPipe" not in log


#: The command of a tap that gets a signal while it imports a library.
INTERRUPTED_WHILE_LOADED = """
import os, runpy, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "requests":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
runpy.run_module(sys.argv[1], run_name="__main__")
"""


@pytest.mark.parametrize("module", ["tap_adsterra", "tap_adcloud"])
def test_ctrl_c_while_a_tap_is_loaded_shows_no_traceback(module: str) -> None:
    command = [sys.executable, "-c", INTERRUPTED_WHILE_LOADED, module]
    with Popen(command, stdout=PIPE, stderr=PIPE, env=environment()) as tap:
        output, log = tap.communicate()
    assert tap.returncode == -signal.SIGINT
    assert (output, log) == (b"", b"")

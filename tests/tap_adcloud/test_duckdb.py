"""Loading into DuckDB with the real target: the tables have the rows of the sandbox, exactly."""

from __future__ import annotations

import datetime
import json
import os
import signal
import subprocess
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from sandbox.adcloud import expected_rows
from tests.command_line import CommandLine
from tests.paths import BIN
from tests.support import REPORT_KEY, day, select, state_without_times

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tap_adcloud.tap import TapAdcloud
    from tests.support import Adcloud

REPORT = "advertiser_report"
LARGE = "AD_TAPS_LARGE_TESTS"
COUNTS = (
    "ad_impressions",
    "clicks",
    "postclick_conversions",
    "postview_conversions",
    "cancellations",
)
COSTS = (
    "ad_impressions_costs",
    "clicks_costs",
    "postclick_conversions_costs",
    "postview_conversions_costs",
    "costs",
)

Totals = dict[tuple[str, str], tuple[Any, ...]]


class Pipe:
    """The tap and the DuckDB target with a pipe between them."""

    def __init__(self, adcloud: Adcloud, folder: Path) -> None:
        """Write to a database in a folder."""
        folder.mkdir(exist_ok=True)
        self.adcloud = adcloud
        self.folder = folder
        self.file = folder / "ads.duckdb"
        self.tap: CommandLine[TapAdcloud] = CommandLine(adcloud, folder)
        catalog = select(adcloud.tap().catalog_dict, [REPORT])
        self.catalog = self.tap.write("catalog.json", catalog)
        self.state: dict[str, Any] | None = None

    def start(self, **settings: Any) -> subprocess.Popen[bytes]:
        """Start the tap with the last confirmed state."""
        arguments = ["--config", "CONFIG", "--catalog", self.catalog]
        if self.state is not None:
            arguments += ["--state", self.tap.write("state.json", self.state)]
        return self.tap.start(*arguments, **settings)

    def target(self, stdin: Any) -> subprocess.Popen[bytes]:
        """Start the target."""
        settings = {
            "path": str(self.file),
            "default_target_schema": "main",
            "flush_all_streams": True,
            "batch_size_rows": 20_000,
        }
        config = self.tap.write("target.json", settings)
        return subprocess.Popen(
            [BIN / "target-duckdb", "--config", config],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
        )

    def confirm(self, output: bytes) -> None:
        """Keep the last state that the target has confirmed, as an orchestrator does."""
        if states := output.splitlines():
            self.state = json.loads(states[-1])

    @property
    def bookmark(self) -> str:
        """The last day that the target has confirmed."""
        assert self.state is not None
        return str(self.state["bookmarks"][REPORT]["replication_key_value"])

    def run(self, **settings: Any) -> None:
        """Run both until they end."""
        with self.start(**settings) as tap, self.target(tap.stdout) as target:
            assert tap.stdout is not None
            assert tap.stderr is not None
            tap.stdout.close()
            log = tap.stderr.read().decode()
            output, target_log = target.communicate(timeout=600)
        assert tap.returncode == 0, log[-2_000:]
        assert target.returncode == 0, target_log.decode()[-2_000:]
        self.confirm(output)

    def run_and_kill(
        self, ending: signal.Signals, after: str, records: int, **settings: Any
    ) -> None:
        """Kill the tap some records after the end of a day; the target gets the complete lines."""
        with self.start(**settings) as tap, self.target(subprocess.PIPE) as target:
            assert tap.stdout is not None
            sent = []
            left = None
            for line in tap.stdout:
                sent.append(line)
                if left is None and b'"STATE"' in line and after.encode() in line:
                    left = records
                elif left is not None:
                    left -= 1
                if left == 0:
                    tap.send_signal(ending)
                    left = -1
            # The last line may have been cut.
            whole = b"".join(line for line in sent if line.endswith(b"\n"))
            output, log = target.communicate(whole, timeout=60)
        assert tap.returncode != 0
        assert target.returncode == 0, log.decode()[-2_000:]
        self.confirm(output)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query."""
        with duckdb.connect(str(self.file), read_only=True) as database:
            return database.sql(sql).fetchall()

    def rows(self) -> list[tuple[Any, ...]]:
        """Return all rows by key, with exact costs and without the time of the reading."""
        exact = ", ".join(f"{name}::decimal(38, 9) as {name}" for name in COSTS)
        return self.query(
            f"select * exclude (extracted_at) replace ({exact}) from {REPORT} "  # noqa: S608
            f"order by {', '.join(REPORT_KEY)}"
        )

    def totals(self) -> Totals:
        """Return rows, counts and costs by day and currency."""
        sums = [f"sum({name})" for name in COUNTS]
        sums += [f"sum({name}::decimal(38, 9))" for name in COSTS]
        found = self.query(
            f"select date::varchar, currency, count(*), {', '.join(sums)} from {REPORT} "  # noqa: S608
            "group by all"
        )
        return {(date, currency): tuple(rest) for date, currency, *rest in found}


def true_totals(rows: Iterable[dict[str, Any]]) -> Totals:
    """Return the same sums of the sandbox's rows."""
    groups = defaultdict(list)
    for row in rows:
        groups[row["date"], row["currency"]].append(row)
    return {
        key: (len(rows), *(sum(row[name] for row in rows) for name in COUNTS + COSTS))
        for key, rows in groups.items()
    }


def sandbox_rows(adcloud: Adcloud, first: str, days: int) -> Iterator[dict[str, Any]]:
    """Return the sandbox's rows, day by day."""
    for number in range(days):
        date = day(first) + datetime.timedelta(number)
        rows_per_day = adcloud.sandbox.adcloud.rows_per_day
        yield from expected_rows(date, adcloud.sandbox.clock.now, rows_per_day=rows_per_day)


@pytest.mark.parametrize(
    "rows_per_day",
    [
        400,
        pytest.param(
            12_000,
            marks=[
                pytest.mark.skipif(LARGE not in os.environ, reason=f"large; set {LARGE}=1"),
                pytest.mark.timeout(900),
            ],
        ),
    ],
)
def test_thirty_days_add_up_to_the_last_digit(
    adcloud: Adcloud, tmp_path: Path, rows_per_day: int
) -> None:
    adcloud.sandbox.adcloud.rows_per_day = rows_per_day
    pipe = Pipe(adcloud, tmp_path)
    pipe.run(start_date="2024-04-01")
    expected = true_totals(sandbox_rows(adcloud, "2024-04-01", 30))
    found = pipe.totals()
    assert found == expected
    assert sum(count for count, *_ in found.values()) > 25 * rows_per_day
    assert {currency for _, currency in found} == {"EUR", "USD"}
    assert pipe.bookmark == "2024-04-30"


def test_every_value_arrives_as_it_is(adcloud: Adcloud, tmp_path: Path) -> None:
    pipe = Pipe(adcloud, tmp_path)
    pipe.run(start_date="2024-04-28", report_api_version="v2")
    names = [name for name, *_ in pipe.query(f"describe {REPORT}")]
    names.remove("extracted_at")
    found = [dict(zip(names, row, strict=True)) for row in pipe.rows()]
    expected = adcloud.expected_rows("2024-04-28")
    assert len(found) == len(expected) > 500
    for row, true in zip(found, expected, strict=True):
        # An empty text becomes null in the target's CSV file.
        assert {**row, "date": str(row["date"]), "position": row["position"] or ""} == true


@pytest.mark.parametrize(
    ("ending", "after", "records"),
    [(signal.SIGKILL, "2024-04-27", 100), (signal.SIGTERM, "2024-04-26", 1)],
)
def test_a_killed_run_and_the_next_one_leave_what_an_undisturbed_run_leaves(
    adcloud: Adcloud, tmp_path: Path, ending: signal.Signals, after: str, records: int
) -> None:
    undisturbed = Pipe(adcloud, tmp_path / "undisturbed")
    undisturbed.run(start_date="2024-04-26")
    disturbed = Pipe(adcloud, tmp_path / "disturbed")
    # Small pages, read sequentially, so that the run is killed before it ends.
    slowly = {"page_size": 50, "max_concurrency": 1, "start_date": "2024-04-26"}
    disturbed.run_and_kill(ending, after, records, **slowly)
    assert disturbed.bookmark >= after
    assert len(disturbed.rows()) < len(undisturbed.rows())
    disturbed.run(start_date="2024-04-26", lookback_days=0)
    assert disturbed.rows() == undisturbed.rows()
    states = [state_without_times(pipe.state or {}) for pipe in (disturbed, undisturbed)]
    assert states[0] == states[1]
    assert disturbed.totals() == true_totals(adcloud.expected_rows("2024-04-26"))

"""Databases filled by the taps and a target, with two readings between which rows vanished."""

from __future__ import annotations

import datetime
import fcntl
import json
import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from examples.database import VIEWS
from sandbox.adcloud import expected_rows as expected_adcloud_rows
from sandbox.adsterra import DEMO, expected_rows
from sandbox.server import Sandbox
from tap_adsterra.streams import STREAMS, Totals
from tests.paths import BIN
from tests.support import NOW, REPORT_KEY, Adcloud, Adsterra, day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FIRST = day("2024-04-10")
#: The time of the second reading, when rows of the first one have vanished.
LATER = NOW + datetime.timedelta(days=6)
#: Ten years after Adsterra's first day.
TEN_YEARS_LATER = datetime.datetime(2026, 12, 17, 12, tzinfo=datetime.UTC)
ROWS_PER_DAY = 60
#: The streams of Adsterra that are selected by default, and with them the one by country.
DEFAULT_STREAMS = [
    stream.name for stream in STREAMS if stream.selected_by_default and stream is not Totals
]
ADSTERRA_STREAMS = [*DEFAULT_STREAMS, "stats_by_country"]
KEYS = {
    "stats": ("date", "domain", "placement"),
    "stats_by_country": ("date", "placement", "country"),
    "advertiser_report": REPORT_KEY,
}

#: The reports and currencies that have days that were read twice, in the order of the page.
MOVED = (
    ("advertiser_report", "EUR"),
    ("advertiser_report", "USD"),
    ("stats", "USD"),
    ("stats_by_country", "USD"),
)

Row = dict[str, Any]


class Written(NamedTuple):
    """The rows written of a stream."""

    #: The number of rows, without duplicates.
    rows: int
    #: The day of the last reading, from the time in the rows.
    read_on: datetime.date


def fill(target: str, folder: Path, **settings: Any) -> dict[str, Written]:
    """Read both APIs into a target, twice, and return what was written by stream."""
    keys: dict[str, set[tuple[Any, ...]]] = {stream: set() for stream in KEYS}
    times: dict[str, str] = {}
    with Sandbox(now=NOW) as sandbox, pytest.MonkeyPatch.context() as monkeypatch:
        sandbox.adcloud.rows_per_day = ROWS_PER_DAY
        adsterra, adcloud = Adsterra(sandbox, monkeypatch), Adcloud(sandbox, monkeypatch)
        states: tuple[Any, Any] = (None, None)
        for now in (NOW, LATER):
            sandbox.clock.advance(now - sandbox.clock.now)
            start = FIRST.isoformat()
            runs = (
                adsterra.run(*ADSTERRA_STREAMS, Totals.name, state=states[0], start_date=start),
                adcloud.run(state=states[1], start_date=start, lookback_days=60),
            )
            assert [run.error for run in runs] == [None, None]
            load(target, folder, b"".join(run.output for run in runs), **settings)
            states = (runs[0].state, runs[1].state)
            for stream, key in KEYS.items():
                rows = [row for run in runs for row in run.records(stream)]
                keys[stream] |= {tuple(row[name] for name in key) for row in rows}
                times[stream] = max(row["extracted_at"] for row in rows)
    return {stream: Written(len(keys[stream]), day(times[stream][:10])) for stream in KEYS}


def load(target: str, folder: Path, messages: bytes, **settings: Any) -> None:
    """Send messages to a target; its settings are written into a folder."""
    (folder / "target.json").write_text(json.dumps(settings))
    subprocess.run(
        [BIN / target, "--config", folder / "target.json"],
        input=messages,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        check=True,
    )


def views_of_stats() -> str:
    """Return the views without the reports that are not read, as a user takes them out."""
    first_report, others = VIEWS.read_text().split("union all", maxsplit=1)
    views = first_report + others[others.index(";") :]
    for name in ("counted_stats_by_country", "counted_advertiser_report"):
        before, view = views.split(f"create or replace view {name}")
        views = before + view.split(";\n", maxsplit=1)[1]
    return views


def filled_duckdb(factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Written]]:
    """Fill one DuckDB file for all tests of a session, in all workers."""
    folder = shared(factory, "warehouse")
    file, note = folder / "ads.duckdb", folder / "written.json"
    with locked(folder):
        if not note.exists():
            written = fill("target-duckdb", folder, path=str(file), default_target_schema="main")
            rows = {
                stream: (rows, read_on.isoformat()) for stream, (rows, read_on) in written.items()
            }
            note.write_text(json.dumps(rows))
    found = json.loads(note.read_text())
    return file, {stream: Written(rows, day(read_on)) for stream, (rows, read_on) in found.items()}


def ten_years_duckdb(factory: pytest.TempPathFactory) -> Path:
    """Read ten years of Adsterra into a DuckDB file, with only a token as setting."""
    folder = shared(factory, "ten-years")
    file = folder / "ads.duckdb"
    with locked(folder), Sandbox(now=TEN_YEARS_LATER) as sandbox, pytest.MonkeyPatch.context() as m:
        if not file.exists():
            run = Adsterra(sandbox, m).run(start_date=None)
            assert run.error is None
            load("target-duckdb", folder, run.output, path=str(file), default_target_schema="main")
    return file


def shared(factory: pytest.TempPathFactory, name: str) -> Path:
    """Make a folder that all workers of a session share."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a folder against the other workers."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def expected_stream_rows(stream: str) -> list[Row]:
    """Return the sandbox's rows at the time of the second reading."""
    return rows_at(stream, LATER)


def rows_at(stream: str, now: datetime.datetime) -> list[Row]:
    """Return the sandbox's rows at a time."""
    if stream == "advertiser_report":
        days = (FIRST + datetime.timedelta(number) for number in range((now.date() - FIRST).days))
        return [
            row
            for date in days
            for row in expected_adcloud_rows(date, now, rows_per_day=ROWS_PER_DAY)
        ]
    return expected_rows(DEMO, KEYS[stream], FIRST, now.date(), now)


def add_up(rows: list[Row], key: Callable[[Row], Any], *columns: str) -> dict[Any, tuple[Any, ...]]:
    """Add up columns of rows that have a key in common."""
    sums: dict[Any, tuple[Any, ...]] = {}
    for row in rows:
        found = sums.setdefault(key(row), (0,) * len(columns))
        values = (row[column] for column in columns)
        sums[key(row)] = tuple(sum(pair) for pair in zip(found, values, strict=True))
    return sums

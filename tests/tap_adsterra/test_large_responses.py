"""Windows whose responses are large are divided, so that no account takes much memory."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import pytest

from singer_reports.http import session
from singer_reports.streams import slice_size
from singer_reports.streams.slice_size import SliceSize
from tap_adsterra.reports import ReportStream

if TYPE_CHECKING:
    from tests.support import Adsterra

#: A day of the sandbox has about 1,300 bytes of ``stats``.
BYTES_PER_DAY = 1300


@pytest.fixture(params=[3, 8, 20])
def most_days(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Give up a response that has more than the bytes of so many days."""
    most: int = request.param
    monkeypatch.setattr(session, "MAX_SPLITTABLE_BYTES", most * BYTES_PER_DAY)
    monkeypatch.setattr(slice_size, "TARGET_BYTES", most * BYTES_PER_DAY // 2)
    return most


def days_of(window: str) -> int:
    first, _, last = window.partition("..")
    return int(last[-2:]) - int(first[-2:]) + 1


@pytest.mark.parametrize("concurrency", [1, 4])
def test_every_row_comes_once_from_smaller_windows(
    adsterra: Adsterra, most_days: int, concurrency: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    undisturbed = adsterra.run("stats", window_days=1, end_date="2024-04-30")
    adsterra.sandbox.requests.clear()
    run = adsterra.run("stats", window_days=30, end_date="2024-04-30", max_concurrency=concurrency)
    assert run.error is None
    assert run.rows("stats") == undisturbed.rows("stats")
    assert run.bookmark("stats") == "2024-04-30"
    assert (
        "stats 2024-04-01..2024-04-30: a large answer, so asking for fewer days" in caplog.messages
    )
    given_up, *others = sorted(map(days_of, adsterra.windows()), reverse=True)
    assert given_up == 30
    # A quarter of the window is tried next, then what the responses show to fit.
    assert max(others) <= 8
    assert sum(others) >= 30
    assert min(others) <= max(1, most_days // 2)


def test_later_windows_are_smaller_from_the_start(
    adsterra: Adsterra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slice_size, "TARGET_BYTES", 2 * BYTES_PER_DAY)
    adsterra.run("stats", window_days=10, end_date="2024-04-30", max_concurrency=1)
    first, *others = map(days_of, adsterra.windows())
    assert first == 10
    # Halves of halves of ten days.
    assert set(others) <= {1, 2, 3}
    assert sum(others) == 20


def test_days_before_the_covered_ones_are_divided_latest_first(
    adsterra: Adsterra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MAX_SPLITTABLE_BYTES", 4 * BYTES_PER_DAY)
    monkeypatch.setattr(slice_size, "TARGET_BYTES", 2 * BYTES_PER_DAY)
    first = adsterra.run("stats", start_date="2024-04-29", end_date="2024-04-30")
    run = adsterra.run("stats", state=first.state, end_date="2024-04-30")
    whole = adsterra.run("stats", window_days=1, end_date="2024-04-30")

    def row_key(row: dict[str, object]) -> list[object]:
        return [row[name] for name in ("date", "domain", "placement")]

    assert sorted(run.rows("stats"), key=row_key) == whole.rows("stats")
    covered = [state["bookmarks"]["stats"]["first_day"] for state in run.states]
    assert covered == sorted(covered, reverse=True)
    assert covered[-1] == "2024-04-01"


def test_a_single_day_is_read_whatever_its_size(
    adsterra: Adsterra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MAX_SPLITTABLE_BYTES", 10)
    undisturbed = adsterra.run("stats", window_days=1, start_date="2024-04-28")
    run = adsterra.run("stats", window_days=4, start_date="2024-04-28")
    assert run.rows("stats") == undisturbed.rows("stats")


def test_sizes_fit_the_last_response_and_grow_again() -> None:
    size = SliceSize()
    size.fit(1, 0)
    assert size.most >= 365
    size.fit(30, 15 * slice_size.TARGET_BYTES)
    assert size.most == 2
    size.fit(2, slice_size.TARGET_BYTES // 10)
    assert size.most == 4
    size.fit(4, 0)
    assert size.most == 8
    # A short window at the end of the plan changes nothing.
    size.fit(1, 0)
    assert size.most == 8
    size.reduce(30)
    assert size.most == 7
    size.reduce(7)
    size.reduce(1)
    assert size.most == 1
    size.fit(1, 5 * slice_size.TARGET_BYTES)
    assert size.most == 1


def test_the_rows_of_a_window_can_be_freed_while_the_next_one_is_read(adsterra: Adsterra) -> None:
    stream = adsterra.tap("stats", window_days=10).streams["stats"]
    assert isinstance(stream, ReportStream)
    for _, rows in stream.read_slices(stream.slices()):
        row = rows[0]
        rows.clear()
        # This name and the argument are all that still hold it.
        assert sys.getrefcount(row) == 2


def test_a_connection_test_reads_the_last_days_of_a_window_that_is_too_large(
    adsterra: Adsterra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MAX_SPLITTABLE_BYTES", 8 * BYTES_PER_DAY)
    tap = adsterra.tap(end_date="2024-04-30")
    assert tap.run_connection_test()
    assert {"2024-04-01..2024-04-30", "2024-04-27..2024-04-30"} <= set(adsterra.windows())
    assert {window.rpartition("..")[2] for window in adsterra.windows()} == {"2024-04-30"}

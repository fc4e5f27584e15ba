"""Progress of a stream: a bar on a terminal, log lines elsewhere."""

from __future__ import annotations

import io
import logging
import re
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from singer_reports.streams import progress
from singer_reports.streams.progress import SECONDS_BETWEEN_LINES, Progress

if TYPE_CHECKING:
    from tests.support import Adcloud, Adsterra


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that only advances when the test moves it."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    # Not at the top of the module: pytest replaces it in each phase of a test.
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=terminal))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return terminal


def test_a_log_line_has_days_rows_speed_and_time_left(clock: Clock) -> None:
    lines: list[str] = []
    with Progress("stats", 30, "days", lambda line, *about: lines.append(line % about)) as progress:
        clock.seconds = 20
        progress.advance(12, 143_000)
    assert lines == ["stats: 12 of 30 days, 143,000 rows, 7,150 rows a second, 0:00:30 left"]


def test_there_is_a_line_at_most_every_ten_seconds_and_none_at_the_end(clock: Clock) -> None:
    times: list[float] = []
    with Progress("stats", 100, "days", lambda *_: times.append(clock.seconds)) as progress:
        for _ in range(100):
            clock.seconds += 0.7
            progress.advance(1, 10)
    assert len(times) == 6
    gaps = [later - earlier for earlier, later in zip([0.0, *times], times, strict=False)]
    assert min(gaps) >= SECONDS_BETWEEN_LINES


def test_on_a_terminal_there_is_a_bar_and_no_line(clock: Clock, terminal: Terminal) -> None:
    lines: list[str] = []
    with Progress("stats", 4, "days", lambda line, *_: lines.append(line)) as progress:
        for _ in range(4):
            clock.seconds += 11
            progress.advance(1, 1_000)
    shown = terminal.getvalue()
    assert re.search(r"stats, days +\[#+-+\] +2/4.*2,000 rows, 91 rows a second", shown)
    assert re.search(r"\[#+\] +4/4", shown)
    assert lines == []


def test_a_log_line_removes_the_bar_first(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = logging.StreamHandler(terminal)
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    with Progress("stats", 4, "days", lambda *_: None) as progress:
        progress.advance(1, 1)
        logging.getLogger("tap").warning("something")
        progress.advance(1, 1)
    logging.getLogger("tap").warning("the end")
    shown = terminal.getvalue()
    assert "\r\033[Ksomething\n" in shown
    # The bar is drawn again, and nothing is removed afterwards.
    assert "2/4" in shown.split("something")[1]
    assert "\033[Kthe end" not in shown


@pytest.mark.parametrize("switch", ["TERM", "LOGLEVEL", "nothing to do"])
def test_there_is_no_bar_where_it_is_not_wanted(
    switch: str, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    if switch == "TERM":
        monkeypatch.setenv("TERM", "dumb")
    log = None if switch == "LOGLEVEL" else lambda *_: None
    with Progress("stats", 0 if switch == "nothing to do" else 4, "days", log) as progress:
        progress.advance(1, 1)
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING])
def test_a_stream_shows_its_days(
    adsterra: Adsterra, terminal: Terminal, caplog: pytest.LogCaptureFixture, level: int
) -> None:
    caplog.set_level(level, "tap-adsterra.stats")
    run = adsterra.run("stats", window_days=10)
    assert run.error is None
    shown = f"31/31.*{len(run.records('stats'))} rows"
    assert bool(re.search(shown, terminal.getvalue())) == (level == logging.INFO)


def test_a_stream_without_days_counts_its_campaigns(
    adcloud: Adcloud, terminal: Terminal, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tap-adcloud.campaign_performance")
    run = adcloud.run("campaign_performance")
    assert run.error is None
    assert re.search(
        r"campaign_performance, campaigns +\[#+\] +230/230.*230 rows", terminal.getvalue()
    )

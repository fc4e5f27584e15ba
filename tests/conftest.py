"""What the tests share: a sandbox, taps that read it, and time that does not pass."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from sandbox.server import Sandbox
from tests.reliability.figures import Collector
from tests.support import NOW, Adcloud, Adsterra

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COLLECTOR = Collector()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Take what a test has counted."""
    COLLECTOR.add(report)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what all tests have counted, once: where the reports of all workers came together."""
    if not hasattr(session.config, "workerinput"):
        COLLECTOR.write()


@pytest.fixture
def count_cases(
    record_property: Callable[[str, object], None],
) -> Callable[[str, int], None]:
    """Count cases of a claim, by its name in ``tests.reliability.figures.CLAIMS``."""
    return lambda claim, cases: record_property("cases", (claim, cases))


@pytest.fixture
def tell_ending(
    record_property: Callable[[str, object], None],
) -> Callable[[str, str, str], None]:
    """Tell how a fault ended for a kind of stream: the fault, the stream, the ending."""
    return lambda fault, stream, ending: record_property("ending", (fault, stream, ending))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Both APIs on a local port, at noon of the first of May 2024."""
    with Sandbox(now=NOW) as running:
        yield running


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits; the list holds how long they would have, in seconds."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


@pytest.fixture
def adsterra(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Adsterra:
    """The Adsterra tap against the sandbox."""
    return Adsterra(sandbox, monkeypatch)


@pytest.fixture
def adcloud(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Adcloud:
    """The Adcloud tap against the sandbox."""
    return Adcloud(sandbox, monkeypatch)

"""Fixtures of all tests: a sandbox, taps that read it, and no real waiting."""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from sandbox.server import Sandbox
from singer_reports.redaction import Redactor
from tests.reliability.coverage_report import Collector
from tests.reliability.secret_scan import look_through
from tests.support import NOW, Adcloud, Adsterra

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from tests.support import CountCases

COLLECTOR = Collector()

# Make tells those that it starts its own arguments: make test ARGUMENTS=… would give them to dbt.
for variable in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
    os.environ.pop(variable, None)

# The same examples on every machine and in every run. All examples of a test share its fixtures, so
# that a test can count them; whatever an example changes has to be made inside the test.
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    max_examples=1_000 if "AD_TAPS_LARGE_TESTS" in os.environ else 100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("repeatable")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Look for secrets in what a test has printed and logged."""
    report = yield
    look_through(item, report)
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect what a test has counted."""
    COLLECTOR.add(report)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what all tests have counted, in the process that has the reports of all workers."""
    if not hasattr(session.config, "workerinput"):
        COLLECTOR.write()


@pytest.fixture
def count_cases(request: pytest.FixtureRequest) -> CountCases:
    """Count cases of a claim, by its name in ``tests.reliability.coverage_report.CLAIMS``.

    A test may call it repeatedly, for example once per example of hypothesis.
    """
    counted: dict[str, list[Any]] = {}

    def count(claim: str, cases: int) -> None:
        if claim not in counted:
            counted[claim] = [claim, 0]
            request.node.user_properties.append(("cases", counted[claim]))
        counted[claim][1] += cases

    return count


@pytest.fixture
def record_ending(
    record_property: Callable[[str, object], None],
) -> Callable[[str, str, str], None]:
    """Record how a fault ended for a kind of stream: the fault, the stream, the ending."""
    return lambda fault, stream, ending: record_property("ending", (fault, stream, ending))


@pytest.fixture(autouse=True)
def _without_redactors() -> Iterator[None]:
    """Take the redactors off again: the handlers of all tests would go on with their secrets."""
    yield
    loggers = [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]
    for handler in [each for logger in loggers for each in getattr(logger, "handlers", ())]:
        for found in [each for each in handler.filters if isinstance(each, Redactor)]:
            handler.removeFilter(found)


@pytest.fixture
def no_log() -> Iterator[None]:
    """Disable logging, for tests that run a tap thousands of times."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Both APIs on a local port, at noon of the first of May 2024."""
    with Sandbox(now=NOW) as running:
        yield running


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace sleeping; the list has the seconds that would have been slept."""
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

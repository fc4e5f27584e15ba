"""Fixtures: the sources against the sandbox."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.airbyte_sources.support import SourceRunner
from tests.paths import NETWORKS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support import Adcloud, Adsterra

#: Run in an environment of their own.
collect_ignore = ["judges"]


@pytest.fixture(autouse=True)
def _own_signal_handlers() -> Iterator[None]:
    """Put the handlers of signals back: a source sets its own."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def source_adsterra(adsterra: Adsterra, tmp_path: Path) -> SourceRunner:
    """The source of Adsterra against the sandbox."""
    return SourceRunner(adsterra, tmp_path)


@pytest.fixture
def source_adcloud(adcloud: Adcloud, tmp_path: Path) -> SourceRunner:
    """The source of Adcloud against the sandbox."""
    return SourceRunner(adcloud, tmp_path)


@pytest.fixture(params=NETWORKS)
def source(request: pytest.FixtureRequest) -> SourceRunner:
    """Each source against the sandbox."""
    runner: SourceRunner = request.getfixturevalue(f"source_{request.param}")
    return runner

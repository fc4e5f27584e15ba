"""What the tests share: a sandbox, taps that read it, and time that does not pass."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from sandbox.server import Sandbox
from tests.support import NOW, Adcloud, Adsterra

if TYPE_CHECKING:
    from collections.abc import Iterator


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

"""A sandbox per test, and clients for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Sandbox
from sandbox.adsterra import DEMO_TOKEN
from sandbox.numbers import from_json
from tests.sandbox.clients import NOW, get_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sandbox.clients import AdcloudClient, AdsterraClient


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(now=NOW) as running:
        yield running


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as running:
        # Without the machine's proxies: the sandbox is on the loopback.
        running.trust_env = False
        yield running


@pytest.fixture
def adsterra(sandbox: Sandbox, session: requests.Session) -> AdsterraClient:
    def get(path: str, query: Any = (), token: str = DEMO_TOKEN) -> tuple[int, Any]:
        response = session.get(
            f"{sandbox.adsterra_url}/{path}",
            params=query,
            headers={"X-API-Key": token},
            timeout=60,
        )
        return response.status_code, from_json(response.content)

    return get


@pytest.fixture
def token(sandbox: Sandbox, session: requests.Session) -> str:
    return get_token(sandbox, session)


@pytest.fixture
def adcloud(sandbox: Sandbox, session: requests.Session, token: str) -> AdcloudClient:
    def get(path: str, query: Any = ()) -> tuple[int, Any]:
        response = session.get(
            f"{sandbox.adcloud_url}/{path}",
            params=query,
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        )
        return response.status_code, from_json(response.content)

    return get

"""Clients of the sandbox's APIs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from sandbox.adcloud import CLIENT_ID, CLIENT_SECRET
from sandbox.adsterra import DEMO_TOKEN

if TYPE_CHECKING:
    import requests

    from sandbox import Sandbox

NOW = datetime(2024, 5, 1, 12, 34, 56, tzinfo=UTC)


class AdsterraClient(Protocol):
    """Requests paths of the Adsterra API."""

    def __call__(self, path: str, query: Any = (), token: str = DEMO_TOKEN) -> tuple[int, Any]:
        """Return the status and the body."""


class AdcloudClient(Protocol):
    """Requests paths of the Adcloud API, with a token."""

    def __call__(self, path: str, query: Any = ()) -> tuple[int, Any]:
        """Return the status and the body."""


def get_token(sandbox: Sandbox, session: requests.Session, version: str = "v1") -> str:
    """Request a token as documented."""
    form = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "grant_type": "none"}
    url = f"{sandbox.adcloud_url}/{version}/oauth/access_token"
    response = session.post(url, data=form, timeout=60).json()
    return str(response["access_token"])

"""Error bodies by path: each API has its own."""

from __future__ import annotations

from typing import Any

from sandbox.adcloud.errors import error_body as adcloud_error
from sandbox.adsterra.errors import error_body as adsterra_error


def error_for(path: str, status: int, message: str | None = None) -> dict[str, Any]:
    """Return the documented error body of the API that a path belongs to.

    Without a message, the body has the documented text of the status.
    """
    if path.startswith("/publisher"):
        return adsterra_error(status, message)
    return adcloud_error("v2" if path.startswith("/v2") else "v1", status, message)

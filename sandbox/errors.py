"""The documented error body for a path, whichever API it belongs to."""

from __future__ import annotations

from typing import Any

from sandbox.adcloud.errors import error_body as adcloud_error
from sandbox.adsterra.errors import error_body as adsterra_error


def error_for(path: str, status: int, message: str | None = None) -> dict[str, Any]:
    """The body the documents give an error.

    Args:
        path: The path of the request.
        status: The status to tell.
        message: What to say; the documented text if absent.

    Returns:
        The body.
    """
    if path.startswith("/publisher"):
        return adsterra_error(status, message)
    return adcloud_error("v2" if path.startswith("/v2") else "v1", status, message)

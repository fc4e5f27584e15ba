"""Error responses of the Adcloud API, in both versions."""

from __future__ import annotations

from typing import Any

_MESSAGES = {
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    500: "Internal Server Error",
}


def error_body(
    version: str,
    status: int,
    message: str | None = None,
    details: dict[str, list[str]] | None = None,
) -> dict[str, Any]:
    """Return the body of an error. Source: Adcloud's own clients, whose fixtures have both forms.

    Args:
        version: The version, `v1` or `v2`.
        status: The HTTP status.
        message: The message; `None` for the usual text of the status.
        details: What is wrong, by parameter; only version 2 sends it.
    """
    text = message or _MESSAGES.get(status, "Error")
    if version == "v1":
        return {"status": status, "errors": [{"message": text}]}
    kind = _MESSAGES.get(status, "Error").replace(" ", "")
    return {
        "_meta": {"type": kind, "message": text, "status": status, "details": details or {}},
    }


def invalid_client() -> dict[str, str]:
    """Return the body with which the token endpoint refuses a client.

    Source: Adcloud's own clients.
    """
    return {
        "error": "invalid_client",
        "error_description": "Client ID and client secret do not match.",
    }

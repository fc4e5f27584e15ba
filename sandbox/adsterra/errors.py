"""The error responses of the Adsterra API. Source: Adsterra Publishers API 3.0.0, responses."""

from __future__ import annotations

from typing import Any

_MESSAGES = {
    401: "Token not found",
    403: "Invalid token",
    404: "'Zone' entity does not exist",
}
#: The message to an advertiser's token.
INVALID_OWNER = "Invalid owner type"


def error_body(
    status: int, message: str | None = None, errors: dict[str, list[str]] | None = None
) -> dict[str, Any]:
    """The documented body of an error; of the same shape where a status is not documented.

    Args:
        status: The HTTP status.
        message: What it says; the documented text if absent.
        errors: For 422 the messages, by parameter.

    Returns:
        The body.
    """
    if status == 422:  # noqa: PLR2004 - the one with a shape of its own.
        return {
            "code": status,
            "message": message or "Data validation error",
            "errors": errors or {"start_date": ["Invalid date format"]},
        }
    text = message or _MESSAGES.get(status, "An error occurred")
    return {"code": status, "message": text, "data": None}


def no_route(method: str, path: str) -> dict[str, Any]:
    """The router's response to a path it does not know.

    Args:
        method: The method of the request.
        path: Its path.

    Returns:
        The body.
    """
    return error_body(404, f'No route found for "{method} {path}"')


def not_allowed(method: str, path: str) -> dict[str, Any]:
    """The router's response to anything but GET.

    Args:
        method: The method of the request.
        path: Its path.

    Returns:
        The body.
    """
    text = f'No route found for "{method} {path}": Method Not Allowed (Allow: GET)'
    return error_body(405, text)

"""Error responses of the Adsterra API. Source: Adsterra Publishers API 3.0.0, responses."""

from __future__ import annotations

from typing import Any

_MESSAGES = {
    401: "Token not found",
    403: "Invalid token",
    404: "'Zone' entity does not exist",
}
#: The message for the token of an advertiser.
INVALID_OWNER = "Invalid owner type"


def error_body(
    status: int, message: str | None = None, errors: dict[str, list[str]] | None = None
) -> dict[str, Any]:
    """Return the documented body of an error.

    A status that is not documented gets a body of the same form.

    Args:
        status: The HTTP status.
        message: The message; `None` for the documented text.
        errors: For status 422: the messages, by parameter.
    """
    if status == 422:  # noqa: PLR2004 - the only one with another body.
        return {
            "code": status,
            "message": message or "Data validation error",
            "errors": errors or {"start_date": ["Invalid date format"]},
        }
    text = message or _MESSAGES.get(status, "An error occurred")
    return {"code": status, "message": text, "data": None}


def no_route(method: str, path: str) -> dict[str, Any]:
    """Return the body of the response to an unknown path."""
    return error_body(404, f'No route found for "{method} {path}"')


def not_allowed(method: str, path: str) -> dict[str, Any]:
    """Return the body of the response to a method other than GET."""
    text = f'No route found for "{method} {path}": Method Not Allowed (Allow: GET)'
    return error_body(405, text)

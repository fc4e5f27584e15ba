"""Errors of requests: which are retried, how long to wait, and which end a stream."""

from __future__ import annotations

import datetime
import email.utils
from http import HTTPStatus

import requests
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError

#: Errors that are retried, as the next attempt may succeed.
RETRIABLE_ERRORS = (
    RetriableAPIError,
    ConnectionError,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)

_RETRIABLE_STATUSES = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}


class NotJsonError(RetriableAPIError):
    """A response that is not JSON, from a failing server or from one that is not the API."""


class RequestError(FatalAPIError):
    """An error that ends a stream; its message says what the user can do."""


class ConnectionFailedError(RequestError):
    """A connection error that every request would meet; its message says what to correct."""


class CredentialsError(RequestError):
    """Credentials that the API refuses: no other stream could be read with them."""


class RequestTooLargeError(RequestError):
    """A request for more than the API can serve at once (HTTP 413)."""


class ResponseTooLargeError(RequestError):
    """A response that may not fit into memory."""


def is_retriable(status: int) -> bool:
    """Return whether a request with this response status is retried."""
    return status in _RETRIABLE_STATUSES or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def should_split(error: BaseException | None) -> bool:
    """Return whether a request may have failed because it requested too much."""
    if isinstance(error, RetriableAPIError):
        response = error.response
        return response is not None and response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(error, requests.Timeout | RequestTooLargeError | ResponseTooLargeError)


def ends_the_run(error: BaseException) -> bool:
    """Report whether no other stream could be read either: no connection, or no access.

    Args:
        error: The error of a stream; what it was caused by decides.
    """
    cause = error.__cause__
    if isinstance(cause, requests.ReadTimeout):
        return False
    return isinstance(cause, CredentialsError | ConnectionFailedError | OSError) and not isinstance(
        cause, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError
    )


def retry_after(error: Exception) -> float | None:
    """Return how long the API requests to wait before the next request.

    Args:
        error: The request's error; only an error with a response can have a ``Retry-After``.

    Returns:
        Seconds, at least 0, from either form of the header (RFC 9110, section 10.2.3); ``None``
        when there is no such header or it cannot be read.
    """
    response = getattr(error, "response", None)
    if response is None:
        return None
    header = response.headers.get("Retry-After", "").strip()
    if header.isdecimal():
        return float(header)
    moment = _moment(header)
    if moment is None:
        return None
    # By the API's clock, if it sends a Date: this machine's clock may be wrong.
    now = _moment(response.headers.get("Date", "")) or datetime.datetime.now(datetime.UTC)
    return max(0.0, (moment - now).total_seconds())


def _moment(header: str) -> datetime.datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)

"""Errors of requests: which are retried, how long to wait, and which end a stream."""

from __future__ import annotations

import codecs
import datetime
import email.utils
from http import HTTPStatus

import msgspec
import requests
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError
from urllib3.exceptions import ProtocolError, ReadTimeoutError

#: Errors of a response that has come and cannot be read.
_UNREADABLE_ERRORS = (
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
#: Errors that are retried, as the next attempt may succeed.
RETRIABLE_ERRORS = (
    RetriableAPIError,
    ConnectionError,
    requests.ConnectionError,
    requests.Timeout,
    *_UNREADABLE_ERRORS,
)

_RETRIABLE_STATUSES = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}


class ExplainedError(RetriableAPIError):
    """An error that may pass, with what the user can do if it stays."""

    #: A sentence.
    advice = ""


class NotJsonError(ExplainedError):
    """A response that was not meant to be JSON: of a server out of order, or not the API's."""

    advice = "If it stays so, check the setting api_url."


class NoTokenError(ExplainedError):
    """No access token can be had at the moment, so no stream can be read."""


class TokenRefusedError(ExplainedError):
    """A new access token is refused: it may not be known to all of the API's servers yet."""


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


def refused(status: int, message: str) -> RequestError:
    """Return the error of a refused request: with status 413, one that a split may help."""
    too_large = status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return RequestTooLargeError(message) if too_large else RequestError(message)


def require_json(response: requests.Response, api_name: str) -> None:
    """Refuse a response that is not JSON; it is decoded later.

    Args:
        response: The response.
        api_name: The name of the API, for the message.

    Raises:
        RetriableAPIError: If its content type says JSON, so that it may have been cut short.
        NotJsonError: If it is of another type.
    """
    try:
        msgspec.json.decode(response.content.removeprefix(codecs.BOM_UTF8), type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        kind = response.headers.get("Content-Type", "no content type")
        message = f"{api_name} answered with something that is not JSON ({kind})"
        kind_of_error = RetriableAPIError if "json" in kind else NotJsonError
        raise kind_of_error(message, response) from None


def is_retriable(status: int) -> bool:
    """Return whether a request with this response status is retried."""
    return status in _RETRIABLE_STATUSES or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def is_read_timeout(error: BaseException | None) -> bool:
    """Report whether a response, or the rest of one, did not come in time."""
    # What requests makes of a timeout in the middle of a body.
    return isinstance(error, requests.ReadTimeout) or (
        isinstance(error, requests.ConnectionError)
        and any(isinstance(each, ReadTimeoutError) for each in error.args)
    )


def should_split(error: BaseException | None) -> bool:
    """Return whether a request may have failed because it requested too much."""
    if isinstance(error, RetriableAPIError):
        response = error.response
        return (
            not isinstance(error, NoTokenError)
            and response is not None
            and response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
        )
    return is_read_timeout(error) or isinstance(error, RequestTooLargeError | ResponseTooLargeError)


def ends_the_run(error: BaseException) -> bool:
    """Report whether no other stream could be read either: no connection, or no access.

    A connection that was made and then lost does not count: a single path may be the cause.

    Args:
        error: The error of a stream; what it was caused by decides.
    """
    cause = error.__cause__
    if isinstance(cause, CredentialsError | ConnectionFailedError | NoTokenError):
        return True
    is_unreadable = isinstance(cause, _UNREADABLE_ERRORS) or is_read_timeout(cause)
    return isinstance(cause, OSError) and not (is_unreadable or _is_lost(cause))


def _is_lost(error: OSError) -> bool:
    """Report whether a connection was made, and broke before a response had come."""
    # What requests makes of it; without a connection, it is a MaxRetryError.
    return isinstance(error, requests.ConnectionError) and any(
        isinstance(each, ProtocolError) for each in error.args
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

"""From what went wrong to what the user should do, in a sentence or two and without a secret."""

from __future__ import annotations

import datetime
import email.utils
from http import HTTPStatus
from urllib.parse import urlsplit

import requests
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError

#: What may go away by itself, and is tried again.
TRANSIENT = (
    RetriableAPIError,
    ConnectionError,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)

_RETRIED_STATUSES = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}


#: What a failed connection comes to, by the kind of error and a word in it.
_CAUSES = (
    (requests.exceptions.SSLError, "", "{} has a certificate that is not accepted"),
    (requests.exceptions.ProxyError, "", "no connection to {} through the proxy"),
    (requests.ConnectTimeout, "", "{} took too long to accept a connection"),
    (requests.Timeout, "", "{} took too long to answer"),
    (requests.RequestException, "IncompleteRead", "the answer of {} was cut short"),
    (requests.RequestException, "InvalidChunkLength", "the answer of {} was cut short"),
    (requests.RequestException, "Read timed out", "{} took too long to answer"),
    (requests.RequestException, "NameResolution", "the name {} was not found"),
    (requests.RequestException, "refused", "{} refused the connection"),
)


class RequestFailed(FatalAPIError):  # noqa: N818 - named for what the user is told
    """A stream that cannot go on; the message is for the user and says what to do."""


class AnswerTooLarge(RequestFailed):
    """An answer that would not fit into memory."""


def is_transient(status: int) -> bool:
    """Say whether an answer of this HTTP status may be another one if asked again."""
    return status in _RETRIED_STATUSES or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def is_overload(error: BaseException | None) -> bool:
    """Say whether a request may have failed because it asked for too much."""
    if isinstance(error, RetriableAPIError):
        answer = error.response
        return answer is not None and answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(error, requests.Timeout | AnswerTooLarge)


def retry_after(error: Exception) -> float | None:
    """Read how long the API asks to wait before the next request.

    Args:
        error: What the request failed with; only one with an answer can carry a ``Retry-After``.

    Returns:
        Seconds, at least 0, from either form of the header (RFC 9110, section 10.2.3); none when
        there is no such header or it cannot be read.
    """
    answer = getattr(error, "response", None)
    if answer is None:
        return None
    header = answer.headers.get("Retry-After", "").strip()
    if header.isdecimal():
        return float(header)
    moment = _moment(header)
    if moment is None:
        return None
    # By the API's clock, if it tells the time: that of this machine may be wrong.
    now = _moment(answer.headers.get("Date", "")) or datetime.datetime.now(datetime.UTC)
    return max(0.0, (moment - now).total_seconds())


def _moment(header: str) -> datetime.datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def cause(error: Exception, url: str) -> str:
    """Say in a few words what happened to a request, naming the host and never the whole address.

    Args:
        error: One of ``TRANSIENT``.
        url: The address that was asked.
    """
    if isinstance(error, RetriableAPIError):
        return str(error)
    host = urlsplit(url).netloc.rpartition("@")[2]
    text = str(error)
    for kind, mark, meaning in _CAUSES:
        if isinstance(error, kind) and mark in text:
            return meaning.format(host)
    return f"the connection to {host} was lost"

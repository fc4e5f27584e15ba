"""From what went wrong to what the user should do, in a sentence or two and without a secret."""

from __future__ import annotations

import datetime
import email.utils
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What may go away by itself, and is tried again.
TRANSIENT = (
    RetriableAPIError,
    ConnectionError,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)

_REDACTED = "***"
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


def is_transient(status: int) -> bool:
    """Say whether an answer of this HTTP status may be another one if asked again."""
    return status in _RETRIED_STATUSES or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def is_overload(error: BaseException | None) -> bool:
    """Say whether a request may have failed because it asked for too much: a timeout or a 5xx."""
    if isinstance(error, RetriableAPIError):
        answer = error.response
        return answer is not None and answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(error, requests.Timeout)


def retry_after(error: Exception) -> float | None:
    """Read how long the API asks to wait before the next request.

    Args:
        error: What the request failed with; only one with an answer can carry a ``Retry-After``.

    Returns:
        Seconds, at least 0, from either form of the header (RFC 9110, section 10.2.3); none when
        there is no such header or it cannot be read.
    """
    answer = getattr(error, "response", None)
    header = "" if answer is None else answer.headers.get("Retry-After", "").strip()
    if header.isdecimal():
        return float(header)
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return max(0.0, (moment - datetime.datetime.now(datetime.UTC)).total_seconds())


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


class Redactor(logging.Filter):
    """Keeps secrets out of every log line, whoever writes it and at whatever level."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Take the secrets to look for; empty ones are ignored."""
        super().__init__()
        self._secrets = {secret for secret in secrets if secret}

    def add(self, secret: str) -> None:
        """Look for one more secret: a token that was fetched while running."""
        if secret:
            self._secrets = self._secrets | {secret}

    def redact(self, text: str) -> str:
        """Return ``text`` with every secret in it replaced."""
        for secret in self._secrets:
            text = text.replace(secret, _REDACTED)
        return text

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact a record's message and traceback in place; every record passes."""
        message = record.getMessage()
        redacted = self.redact(message)
        if redacted != message:
            record.msg, record.args = redacted, ()
        if record.exc_info and record.exc_info[0]:
            text = logging.Formatter().formatException(record.exc_info)
            if self.redact(text) != text:
                # A handler that writes exceptions its own way must not get at the original.
                record.exc_info, record.exc_text = None, self.redact(text)
        return True

    def guard_all(self) -> None:
        """Filter what reaches any handler that has been set up.

        Takes over from the redactor of another tap in the same process, and keeps its secrets too.
        """
        loggers = [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]
        for logger in loggers:
            for handler in getattr(logger, "handlers", ()):
                for other in [old for old in handler.filters if isinstance(old, Redactor)]:
                    self._secrets |= other._secrets  # noqa: SLF001 - one of its own kind
                    handler.removeFilter(other)
                handler.addFilter(self)

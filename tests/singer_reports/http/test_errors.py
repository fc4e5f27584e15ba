"""Errors: which are retried, how long that waits, and that none shows a secret."""

from __future__ import annotations

import datetime
import email.utils

import pytest
import requests
from singer_sdk.exceptions import RetriableAPIError
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from singer_reports.http.errors import (
    ConnectionFailedError,
    CredentialsError,
    NoTokenError,
    RequestError,
    RequestTooLargeError,
    ResponseTooLargeError,
    TokenRefusedError,
    ends_the_run,
    is_retriable,
    retry_after,
    should_split,
)


def failed(status: int, **headers: str) -> RetriableAPIError:
    response = requests.Response()
    response.status_code = status
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return RetriableAPIError("Adsterra answered", response)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_retriable_statuses_are_retried(status: int) -> None:
    assert is_retriable(status)


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 405, 422])
def test_fatal_statuses_are_not_retried(status: int) -> None:
    assert not is_retriable(status)


def test_retry_after_is_read_in_both_forms() -> None:
    in_a_minute = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=60)
    assert retry_after(failed(429, Retry_After="7")) == 7
    date = email.utils.format_datetime(in_a_minute, usegmt=True)
    assert retry_after(failed(429, Retry_After=date)) == pytest.approx(60, abs=5)


@pytest.mark.parametrize("header", ["", "soon", "-5", "1.5", "Wed, 99 Foo 2024"])
def test_an_unreadable_retry_after_is_none(header: str) -> None:
    assert retry_after(failed(429, Retry_After=header)) is None


def test_a_date_in_the_past_means_no_wait() -> None:
    assert retry_after(failed(503, Retry_After="Wed, 01 May 2024 12:00:00 GMT")) == 0
    assert retry_after(failed(503, Retry_After="Wed, 01 May 2024 12:00:00 -0000")) == 0


def test_an_error_without_a_response_has_no_retry_after() -> None:
    assert retry_after(requests.ConnectionError("gone")) is None
    assert retry_after(failed(503)) is None


def in_the_body(error: Exception) -> requests.ConnectionError:
    """Make what requests does of a failure in the middle of a body."""
    return requests.ConnectionError(error)


READ_TIMEOUT = ReadTimeoutError(None, None, "")  # type: ignore[arg-type]


def test_only_timeouts_server_errors_and_what_is_too_large_split_a_request() -> None:
    assert should_split(failed(504))
    assert should_split(requests.ReadTimeout())
    assert should_split(in_the_body(READ_TIMEOUT))
    assert should_split(RequestTooLargeError())
    assert should_split(ResponseTooLargeError())
    assert not should_split(failed(429))
    # Fewer rows make no connection, and no token.
    assert not should_split(requests.ConnectTimeout())
    assert not should_split(requests.ConnectionError())
    assert not should_split(NoTokenError("no token", failed(504).response))
    assert not should_split(None)


def caused_by(cause: BaseException) -> RequestError:
    error = RequestError("a stream failed")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (CredentialsError(), True),
        (ConnectionFailedError(), True),
        (NoTokenError("no token", failed(504).response), True),
        (requests.ConnectionError(), True),
        (requests.ConnectTimeout(), True),
        (ConnectionResetError(), True),
        (requests.ReadTimeout(), False),
        (requests.ConnectionError(ProtocolError("Connection aborted.")), False),
        (in_the_body(READ_TIMEOUT), False),
        (requests.exceptions.ChunkedEncodingError(), False),
        (requests.exceptions.ContentDecodingError(), False),
        (TokenRefusedError("refused"), False),
        (failed(500), False),
        (RequestTooLargeError(), False),
        (ValueError(), False),
    ],
)
def test_what_concerns_all_streams_ends_the_run(cause: BaseException, *, expected: bool) -> None:
    assert ends_the_run(caused_by(cause)) == expected

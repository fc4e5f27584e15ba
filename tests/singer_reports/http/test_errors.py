"""Errors: which are retried, how long that waits, and that none shows a secret."""

from __future__ import annotations

import datetime
import email.utils

import pytest
import requests
from singer_sdk.exceptions import RetriableAPIError

from singer_reports.http.errors import is_retriable, retry_after, should_split


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


def test_only_timeouts_and_server_errors_split_the_window() -> None:
    assert should_split(failed(504))
    assert should_split(requests.ReadTimeout())
    assert not should_split(failed(429))
    assert not should_split(requests.ConnectionError())
    assert not should_split(None)

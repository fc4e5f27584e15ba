"""Tokens that are refused or cannot be had: who waits, how long, and what is said at the end."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
import requests

from sandbox.faults import Fault
from singer_reports.http.errors import CredentialsError, NoTokenError, ends_the_run
from tests.support import sync

if TYPE_CHECKING:
    from sandbox.faults import Kind
    from tap_adcloud.auth import OAuthAuthenticator
    from tests.support import Adcloud

REPORT = "advertiser_report"
TOKENS = "/oauth/access_token"
REFUSED = (
    "Adcloud refused a new access token as well. Ask Adcloud whether this client may read this."
)


@pytest.mark.parametrize(("seconds", "concurrency"), [(0.5, 1), (0.5, 8), (20, 1)])
def test_a_token_that_some_servers_know_later_is_waited_for(
    adcloud: Adcloud, monkeypatch: pytest.MonkeyPatch, seconds: float, concurrency: int
) -> None:
    """The seconds are those that all threads together have waited."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    tokens = adcloud.sandbox.tokens
    issue, use = tokens.issue, tokens.use
    known_from: dict[str, float] = {}

    def issue_known_later() -> str:
        token = issue()
        known_from[token] = sum(waited) + seconds
        return token

    monkeypatch.setattr(tokens, "issue", issue_known_later)
    monkeypatch.setattr(tokens, "use", lambda token: use(token) and sum(waited) > known_from[token])
    run = adcloud.report(max_concurrency=concurrency)
    assert run.error is None
    assert run.rows(REPORT) == adcloud.expected_rows()
    assert seconds < sum(waited)


@pytest.mark.parametrize("kind", ["status", "error_in_body"])
@pytest.mark.parametrize("stream", [REPORT, "customers"])
def test_a_new_token_that_is_refused_each_time_ends_the_stream(
    adcloud: Adcloud, waits: list[float], kind: Kind, stream: str
) -> None:
    path = "reports" if stream == REPORT else stream
    adcloud.sandbox.faults.add(Fault(kind, path=path, status=401))
    run = adcloud.run(stream, max_concurrency=1)
    message = str(run.error)
    assert message.startswith(stream)
    assert f": {REFUSED} That was try 6 of 6: the next run goes on here." in message
    assert run.error is not None
    # Other streams may be allowed.
    assert not ends_the_run(run.error)
    assert 62 <= sum(waits) <= 67
    assert len(adcloud.requests_to(TOKENS)) == 7
    assert run.records(stream) == []


class CountingLock:
    """A lock that counts who has it or waits for it."""

    def __init__(self) -> None:
        self.inside = 0
        self._lock = threading.Lock()
        self._counts = threading.Condition()

    def __enter__(self) -> None:
        """Count the thread, and wait for the lock."""
        with self._counts:
            self.inside += 1
            self._counts.notify_all()
        self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        """Give the lock to the next one."""
        self._lock.release()
        with self._counts:
            self.inside -= 1

    def wait_for(self, threads: int) -> None:
        """Wait until that many threads have it or wait for it."""
        with self._counts:
            assert self._counts.wait_for(lambda: self.inside == threads, 60)


def test_threads_that_wait_for_a_token_share_a_failure(
    adcloud: Adcloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four days, of which each waits for the token; its endpoint does not answer in time."""
    together = threading.Barrier(4)
    monkeypatch.setattr(time, "sleep", lambda _: together.wait(60))
    tap = adcloud.tap(REPORT, max_concurrency=4)
    authenticator: OAuthAuthenticator = tap.run.authenticator
    lock = CountingLock()
    posted: list[str] = []

    def post(url: str, **_: object) -> requests.Response:
        lock.wait_for(4)
        posted.append(url)
        raise requests.ReadTimeout

    monkeypatch.setattr(authenticator, "_lock", lock)
    monkeypatch.setattr(authenticator._session, "post", post)
    run = sync(tap)
    assert "took too long to answer. That was try 6 of 6" in str(run.error)
    assert len(posted) == 6
    # No other stream could be read either.
    assert run.error is not None
    assert isinstance(run.error.__cause__, NoTokenError)
    assert ends_the_run(run.error)


def test_a_failure_is_not_shared_with_those_that_come_later(
    adcloud: Adcloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    authenticator: OAuthAuthenticator = adcloud.tap(REPORT).run.authenticator
    with monkeypatch.context() as patch:
        patch.setattr(authenticator, "_fetch", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            authenticator.token()
    assert authenticator.token() == adcloud.sandbox.tokens.issued[-1]


@pytest.mark.parametrize("status", [401, 200, 400, 403])
def test_credentials_that_are_refused_concern_all_streams(adcloud: Adcloud, status: int) -> None:
    adcloud.sandbox.adcloud.refusal_status = status
    run = adcloud.report(client_secret="not-4-good-one")  # noqa: S106
    assert run.error is not None
    assert isinstance(run.error.__cause__, CredentialsError)
    assert ends_the_run(run.error)


def test_a_token_endpoint_that_fails_splits_no_request(
    adcloud: Adcloud, caplog: pytest.LogCaptureFixture
) -> None:
    """A smaller request needs a token as well."""
    adcloud.sandbox.faults.add(Fault("dead_token", path="performance", times=1))
    adcloud.sandbox.faults.add(Fault("status", path=TOKENS, status=504, after=1))
    run = adcloud.run("campaign_performance", max_concurrency=1)
    assert "Adcloud's token endpoint answered 504. That was try 6 of 6" in str(run.error)
    assert "half as many" not in caplog.text

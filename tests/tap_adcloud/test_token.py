"""The access token: requested once, renewed in time, sent to no other host."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
import requests
from singer_sdk.exceptions import RetriableAPIError

from sandbox.adcloud import CLIENT_ID, CLIENT_SECRET
from sandbox.faults import Fault
from sandbox.server import Sandbox
from singer_reports.redaction import Redactor
from tap_adcloud.auth import OAuthAuthenticator
from tap_adcloud.reports import AdvertiserReport
from tests.faults import RETRIABLE_FAULTS
from tests.support import NOW, sync

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.middleware import SeenRequest
    from tests.support import Adcloud

REPORT = "advertiser_report"
TOKENS = "/oauth/access_token"
CREDENTIALS = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


@pytest.fixture
def elsewhere() -> Iterator[Sandbox]:
    """Another host, which must not receive any request."""
    with Sandbox(now=NOW) as other:
        yield other
        assert other.requests == []


@pytest.fixture
def seconds() -> list[float]:
    """The time of an authenticator's clock."""
    return [1_000.0]


@pytest.fixture
def authenticator(sandbox: Sandbox, seconds: list[float]) -> OAuthAuthenticator:
    return OAuthAuthenticator(
        requests.Session(),
        f"{sandbox.adcloud_url}/v1{TOKENS}",
        CREDENTIALS,
        timeout=5,
        redactor=Redactor([]),
        clock=lambda: seconds[0],
    )


def tokens_of(requests_seen: list[SeenRequest]) -> set[str]:
    return {
        request.headers["authorization"].removeprefix("Bearer ")
        for request in requests_seen
        if "authorization" in request.headers
    }


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_one_token_serves_all_streams_and_threads(adcloud: Adcloud, version: str) -> None:
    run = adcloud.run(report_api_version=version, max_concurrency=8)
    assert run.error is None
    (requested,) = adcloud.requests_to(TOKENS)
    assert requested.method == "POST"
    assert requested.path == f"/{version}{TOKENS}"
    assert len(tokens_of(adcloud.sandbox.requests)) == 1
    others = [request for request in adcloud.sandbox.requests if request is not requested]
    assert len(others) > 20
    assert all(request.headers["authorization"].startswith("Bearer ") for request in others)


def test_the_token_is_requested_as_documented(adcloud: Adcloud) -> None:
    adcloud.report()
    (requested,) = adcloud.requests_to(TOKENS)
    assert requested.query == []
    assert requested.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in requested.headers
    assert parse_qs(requested.body, strict_parsing=True) == {
        "client_id": [CLIENT_ID],
        "client_secret": [CLIENT_SECRET],
        "grant_type": ["none"],
    }


def test_requests_for_tokens_name_the_tap_as_well(adcloud: Adcloud) -> None:
    adcloud.report(user_agent="our own (mail@example.com)")
    names = {request.headers["user-agent"] for request in adcloud.sandbox.requests}
    assert names == {"our own (mail@example.com)"}


def test_no_token_is_requested_before_it_is_needed(adcloud: Adcloud) -> None:
    run = adcloud.report(start_date="2024-04-30", end_date="2024-04-30", state={})
    assert run.error is None
    adcloud.sandbox.requests.clear()
    adcloud.tap()
    adcloud.report(start_date="2024-05-01")
    assert adcloud.sandbox.requests == []


@pytest.mark.parametrize(("passed", "fetched"), [(6_899, 1), (6_901, 2)])
def test_it_is_renewed_five_minutes_before_its_two_hours_are_over(
    authenticator: OAuthAuthenticator,
    seconds: list[float],
    sandbox: Sandbox,
    passed: float,
    fetched: int,
) -> None:
    first = authenticator.token()
    seconds[0] += passed
    assert (authenticator.token() == first) == (fetched == 1)
    assert len(sandbox.requests) == fetched
    # The new one has its own two hours.
    seconds[0] += 6_800 if fetched == 2 else 0
    authenticator.token()
    assert len(sandbox.requests) == fetched


def test_its_age_counts_from_before_the_request(
    sandbox: Sandbox, authenticator: OAuthAuthenticator, seconds: list[float]
) -> None:
    """The time that a slow response takes is part of the two hours."""
    session = authenticator._session
    post = session.post

    def slow_post(*arguments: Any, **options: Any) -> requests.Response:
        seconds[0] += 60
        return post(*arguments, **options)

    session.post = slow_post  # type: ignore[method-assign]
    authenticator.token()
    seconds[0] += 6_899 - 60
    authenticator.token()
    assert len(sandbox.requests) == 1
    seconds[0] += 2
    authenticator.token()
    assert len(sandbox.requests) == 2


def revoke_after(adcloud: Adcloud, days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Invalidate all tokens once some days have been read."""
    finish = AdvertiserReport.finish_slice
    done: list[object] = []

    def finish_and_revoke(stream: AdvertiserReport, window: Any) -> None:
        finish(stream, window)
        done.append(window)
        if len(done) == days:
            adcloud.sandbox.tokens.revoke_all()

    monkeypatch.setattr(AdvertiserReport, "finish_slice", finish_and_revoke)


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_token_that_dies_during_a_run_is_renewed(
    adcloud: Adcloud, monkeypatch: pytest.MonkeyPatch, version: str, concurrency: int
) -> None:
    adcloud.sandbox.adcloud.rows_per_day = 120
    settings = {"report_api_version": version, "max_concurrency": concurrency, "page_size": 50}
    undisturbed = adcloud.run(REPORT, "customers", **settings)
    adcloud.sandbox.requests.clear()
    revoke_after(adcloud, 3, monkeypatch)
    run = adcloud.run(REPORT, "customers", **settings)
    assert run.error is None
    assert run.without_times() == undisturbed.without_times()
    assert len(adcloud.requests_to(TOKENS)) == 2


def test_a_token_good_for_few_requests_is_renewed_each_time(adcloud: Adcloud) -> None:
    """Sequential requests: a concurrent one could meet two invalid tokens, and wait."""
    adcloud.sandbox.adcloud.rows_per_day = 120
    undisturbed = adcloud.report(page_size=50)
    adcloud.sandbox.requests.clear()
    adcloud.sandbox.adcloud.token_requests = 7
    run = adcloud.report(page_size=50, max_concurrency=1)
    assert run.error is None
    assert run.without_times() == undisturbed.without_times()
    assert len(adcloud.requests_to(TOKENS)) >= 3


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_token_that_dies_with_a_request_is_renewed(adcloud: Adcloud, version: str) -> None:
    adcloud.sandbox.adcloud.rows_per_day = 60
    undisturbed = adcloud.run(report_api_version=version)
    adcloud.sandbox.requests.clear()
    for path in ("reports", "customers", "campaign_performance_data"):
        adcloud.sandbox.faults.add(Fault("dead_token", path=path, times=1))
    run = adcloud.run(report_api_version=version)
    assert run.error is None
    assert run.without_times() == undisturbed.without_times()


def test_a_401_in_the_body_renews_the_token_as_well(adcloud: Adcloud) -> None:
    fault = adcloud.sandbox.faults.add(
        Fault("error_in_body", path="reports", status=401, times=1, after=3)
    )
    run = adcloud.report(max_concurrency=1)
    assert fault.triggered == 1
    assert run.rows(REPORT) == adcloud.expected_rows()
    assert len(adcloud.requests_to(TOKENS)) == 2


def test_threads_with_the_same_dead_token_renew_it_once(
    adcloud: Adcloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four requests are refused before any of them can renew the token."""
    tokens = adcloud.sandbox.tokens
    issue, forget = tokens.issue, OAuthAuthenticator.invalidate
    together = threading.Barrier(4)

    def issue_dead_at_first() -> str:
        token = issue()
        if len(adcloud.requests_to(TOKENS)) == 1:
            tokens.revoke(token)
        return token

    def forget_together(authenticator: OAuthAuthenticator, request: Any) -> None:
        together.wait(30)
        forget(authenticator, request)

    monkeypatch.setattr(tokens, "issue", issue_dead_at_first)
    monkeypatch.setattr(OAuthAuthenticator, "invalidate", forget_together)
    run = adcloud.report(start_date="2024-04-10", max_concurrency=4)
    assert run.rows(REPORT) == adcloud.expected_rows("2024-04-10")
    assert sum(request.status == 401 for request in adcloud.requests_to()) == 4
    assert len(adcloud.requests_to(TOKENS)) == 2
    assert len(tokens_of(adcloud.sandbox.requests)) == 2


def test_a_token_that_another_thread_has_renewed_is_kept(
    authenticator: OAuthAuthenticator, sandbox: Sandbox
) -> None:
    refused = requests.Request("GET", "http://x.example").prepare()
    authenticator.authenticate_request(refused)
    authenticator.invalidate(refused)
    renewed = authenticator.token()
    authenticator.invalidate(refused)
    assert authenticator.token() == renewed
    assert len(sandbox.requests) == 2


@pytest.mark.parametrize("status", [401, 200, 400, 403])
@pytest.mark.parametrize("wrong", ["client_id", "client_secret"])
def test_credentials_that_do_not_belong_together_are_explained(
    adcloud: Adcloud, wrong: str, status: int
) -> None:
    adcloud.sandbox.adcloud.refusal_status = status
    run = adcloud.report(max_concurrency=1, **{wrong: "not-4-good-one"})
    message = str(run.error)
    assert message.startswith("advertiser_report 2024-04-24: Adcloud gave no access token: the ")
    assert "client_id and the client_secret do not belong together" in message
    assert "not-4-good-one" not in message
    assert CLIENT_SECRET not in message
    assert [request.path for request in adcloud.sandbox.requests] == [f"/v1{TOKENS}"]


@pytest.mark.parametrize("fault", RETRIABLE_FAULTS.values(), ids=RETRIABLE_FAULTS)
def test_a_token_endpoint_that_fails_twice_is_retried(adcloud: Adcloud, fault: Fault) -> None:
    triggered = adcloud.sandbox.faults.add(replace(fault, path=TOKENS, times=2))
    run = adcloud.report(end_date="2024-04-26")
    assert run.error is None
    assert run.rows(REPORT) == adcloud.expected_rows(last="2024-04-26")
    assert triggered.triggered == 2
    assert len(adcloud.requests_to(TOKENS)) == 3


@pytest.mark.parametrize("fault", RETRIABLE_FAULTS.values(), ids=RETRIABLE_FAULTS)
def test_a_token_endpoint_that_is_down_ends_the_run_with_a_sentence(
    adcloud: Adcloud, fault: Fault
) -> None:
    adcloud.sandbox.faults.add(replace(fault, path=TOKENS, times=None))
    run = adcloud.report(max_concurrency=1)
    message = str(run.error)
    assert message.startswith("advertiser_report 2024-04-24: ")
    assert re.search(r"try 6 of 6: (run again later, )?the next run goes on here.$", message)
    assert CLIENT_SECRET not in message
    assert len(adcloud.requests_to(TOKENS)) == len(adcloud.sandbox.requests) == 6


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_secret_follows_no_redirect(adcloud: Adcloud, elsewhere: Sandbox, status: int) -> None:
    location = f"{elsewhere.url}/v1{TOKENS}"
    adcloud.sandbox.faults.add(Fault("redirect", path=TOKENS, status=status, location=location))
    message = str(adcloud.report(max_concurrency=1).error)
    assert "wants to redirect to another address, which is not followed because the secret" in (
        message
    )
    assert "Check the setting api_url." in message
    assert len(adcloud.sandbox.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("stream", [REPORT, "topics"])
def test_the_token_follows_no_redirect(
    adcloud: Adcloud, elsewhere: Sandbox, stream: str, status: int
) -> None:
    path = "/v1/reports/advertiser" if stream == REPORT else "/v2/topics"
    location = f"{elsewhere.url}{path}"
    adcloud.sandbox.faults.add(Fault("redirect", path=path, status=status, location=location))
    message = str(adcloud.run(stream, max_concurrency=1).error)
    assert "wants to redirect to another address, which is not followed because the token" in (
        message
    )
    assert len(adcloud.sandbox.requests) == 2


def test_version_2_may_put_the_token_elsewhere(adcloud: Adcloud) -> None:
    adcloud.sandbox.adcloud.token_in_meta = True
    run = adcloud.report(report_api_version="v2")
    assert run.rows(REPORT) == adcloud.expected_rows()


def test_the_token_is_kept_out_of_the_log_from_the_moment_it_is_known(
    authenticator: OAuthAuthenticator,
) -> None:
    token = authenticator.token()
    assert authenticator._redactor.redact(f"the token {token}!") == "the token ***!"


def test_netrc_is_not_read(
    adcloud: Adcloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password s3cr3t\n")
    monkeypatch.setenv("NETRC", str(netrc))
    run = adcloud.report()
    assert run.error is None
    assert all(
        not request.headers.get("authorization", "").startswith("Basic")
        for request in adcloud.sandbox.requests
    )


def test_a_response_without_a_token_is_retried(
    authenticator: OAuthAuthenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    response = requests.Response()
    response.status_code = 200
    monkeypatch.setattr(authenticator._session, "post", lambda *_, **__: response)
    for body in (b"[]", b'"token"', b'{"access_token": [1]}', b'{"_meta": null}', b"\xff", b"["):
        response._content = body
        with pytest.raises(RetriableAPIError, match="not a token"):
            authenticator.token()


def test_runs_share_no_token(adcloud: Adcloud) -> None:
    first, second = adcloud.tap(REPORT), adcloud.tap(REPORT)
    assert sync(first).error is sync(second).error is None
    assert len(tokens_of(adcloud.sandbox.requests)) == 2


def test_an_error_in_the_body_of_the_token_endpoint_is_retried(
    adcloud: Adcloud,
) -> None:
    adcloud.sandbox.faults.add(Fault("error_in_body", path="oauth", status=500, times=2))
    run = adcloud.run("customers")
    assert run.error is None
    assert run.records("customers")

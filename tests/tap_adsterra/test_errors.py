"""Errors of the API: a run retries, or ends with a sentence that says what to do."""

from __future__ import annotations

import datetime
import json
import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest
import requests

from sandbox.adsterra import ADVERTISER_TOKEN, DEMO_TOKEN, REVOKED_TOKEN
from sandbox.faults import Fault
from singer_reports.http.errors import CredentialsError, ends_the_run
from singer_reports.http.retries import MAX_RETRY_AFTER, TRIES_BEFORE_SPLIT
from tap_adsterra.client import AdsterraStream
from tap_adsterra.streams import Domains
from tap_adsterra.tap import TapAdsterra
from tests.command_line import CommandLine
from tests.faults import RETRIABLE_FAULTS
from tests.reliability.network_faults import give_up_soon
from tests.servers import closed_port
from tests.support import sync

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Adsterra

FAULTS = RETRIABLE_FAULTS | {
    "429 without a hint": Fault("rate_limit", seconds=None),
    "429 as a date": Fault("rate_limit", seconds=7, as_date=True),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("stream", ["domains", "smart_links", "stats"])
def test_passing_faults_are_retried(adsterra: Adsterra, fault: Fault, stream: str) -> None:
    undisturbed = adsterra.run(stream, window_days=10)
    path = stream.replace("_", "-")
    adsterra.sandbox.faults.add(replace(fault, path=path, times=2))
    run = adsterra.run(stream, window_days=10)
    assert run.error is None
    assert run.without_times() == undisturbed.without_times()


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_lasting_faults_end_the_run_with_a_sentence(
    adsterra: Adsterra, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    query = {"start_date": "2024-05-01"}
    adsterra.sandbox.faults.add(replace(fault, path="stats", query=query))
    run = adsterra.run("stats")
    message = str(run.error)
    assert message.startswith("stats 2024-05-01: ")
    assert re.search(
        r"That was try 6 of 6: (run again later, )?the next run goes on here.$", message
    )
    assert run.bookmark("stats") == "2024-04-30"
    assert sum("trying again in" in record.getMessage() for record in caplog.records) == 5


def test_waits_grow(adsterra: Adsterra, waits: list[float]) -> None:
    adsterra.sandbox.faults.add(Fault("status", path="domains", status=503))
    adsterra.run("domains")
    assert [round(wait - 0.5) for wait in waits] == pytest.approx([2, 4, 8, 16, 32], abs=1)


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_respected(adsterra: Adsterra, waits: list[float], *, as_date: bool) -> None:
    fault = Fault("rate_limit", path="domains", seconds=70, as_date=as_date, times=1)
    adsterra.sandbox.faults.add(fault)
    assert adsterra.run("domains").error is None
    assert max(waits) >= 68


def test_one_429_holds_all_threads(adsterra: Adsterra, monkeypatch: pytest.MonkeyPatch) -> None:
    tap = adsterra.tap("stats", window_days=3)
    paused: list[float] = []
    monkeypatch.setattr(tap.run.rate_limiter, "pause", paused.append)
    adsterra.sandbox.faults.add(Fault("rate_limit", path="stats", seconds=70, times=1))
    assert sync(tap).error is None
    assert len(paused) == 1
    assert paused[0] >= 70


def test_a_retry_after_beyond_the_maximum_ends_the_run(
    adsterra: Adsterra, waits: list[float]
) -> None:
    adsterra.sandbox.faults.add(Fault("rate_limit", path="domains", seconds=MAX_RETRY_AFTER + 1))
    run = adsterra.run("domains")
    assert "asks to wait 901 seconds" in str(run.error)
    assert waits == []


def test_no_connection_names_the_host_and_not_the_token(adsterra: Adsterra) -> None:
    port = closed_port()
    url = f"http://127.0.0.1:{port}/publisher"
    tap = adsterra.tap("domains", auth_method="path", api_url=url)
    message = str(sync(tap).error)
    assert message.startswith(f"domains: 127.0.0.1:{port} refused the connection.")


@pytest.mark.parametrize("kind", ["hang", "status"])
def test_a_window_that_is_too_large_is_split(
    adsterra: Adsterra, kind: Literal["hang", "status"]
) -> None:
    """The API fails for windows of eight days or more; every row is read nevertheless."""
    small = [f"2024-04-{first:02}..2024-04-{first + 3:02}" for first in range(1, 25, 4)]
    undisturbed = adsterra.run("stats", window_days=4, end_date="2024-04-24")
    assert adsterra.windows() == small
    adsterra.sandbox.requests.clear()
    large = ["2024-04-01..2024-04-16", "2024-04-01..2024-04-08", "2024-04-09..2024-04-16"]
    large += ["2024-04-17..2024-04-24"]
    for window in large:
        first, last = window.split("..")
        query = {"start_date": first, "finish_date": last}
        adsterra.sandbox.faults.add(Fault(kind, path="stats", query=query, status=504, seconds=30))
    tap = adsterra.tap("stats", window_days=16, end_date="2024-04-24")
    if kind == "hang":
        give_up_soon(tap, *adsterra.sandbox.faults)
    run = sync(tap)
    assert run.error is None
    assert run.rows("stats") == undisturbed.rows("stats")
    assert run.bookmark("stats") == "2024-04-24"
    assert adsterra.windows() == sorted(small + TRIES_BEFORE_SPLIT * large)


def test_a_window_that_is_too_large_to_be_answered_is_split_at_once(
    adsterra: Adsterra, waits: list[float]
) -> None:
    undisturbed = adsterra.run("stats", window_days=8, end_date="2024-04-16")
    adsterra.sandbox.requests.clear()
    large = "2024-04-01..2024-04-16"
    query = {"start_date": "2024-04-01", "finish_date": "2024-04-16"}
    adsterra.sandbox.faults.add(Fault("status", path="stats", query=query, status=413))
    run = adsterra.run("stats", window_days=16, end_date="2024-04-16")
    assert run.rows("stats") == undisturbed.rows("stats")
    assert adsterra.windows() == ["2024-04-01..2024-04-08", large, "2024-04-09..2024-04-16"]
    assert waits == []


def test_a_single_day_that_is_too_large_ends_the_run(adsterra: Adsterra) -> None:
    adsterra.sandbox.faults.add(Fault("status", path="stats", status=413))
    message = str(adsterra.run("stats", start_date="2024-04-28").error)
    assert message.startswith("stats 2024-04-28: Adsterra answered 413")


def test_a_single_day_that_fails_ends_the_run(adsterra: Adsterra) -> None:
    adsterra.sandbox.faults.add(Fault("status", path="stats", status=500))
    run = adsterra.run("stats", start_date="2024-04-28")
    assert str(run.error).startswith("stats 2024-04-28: Adsterra answered 500")
    assert run.rows("stats") == []


@pytest.mark.parametrize("kind", ["lost_row", "wrong_total", "duplicate_row"])
def test_inconsistent_rows_are_read_once_more(
    adsterra: Adsterra, waits: list[float], kind: str
) -> None:
    undisturbed = adsterra.run("stats", window_days=1)
    day_alone = {"start_date": "2024-04-15", "finish_date": "2024-04-15"}
    fault = Fault(kind, path="stats", query=day_alone, times=1)  # type: ignore[arg-type]
    adsterra.sandbox.faults.add(fault)
    run = adsterra.run("stats", window_days=1)
    assert run.error is None
    assert run.without_times() == undisturbed.without_times()
    # Adsterra caches a response for a minute: before, it would be the same one.
    assert 61 in waits


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("lost_row", "the API announced"),
        ("wrong_total", "the API announced"),
        ("duplicate_row", "more than once"),
    ],
)
def test_rows_that_stay_inconsistent_end_the_run_and_are_not_written(
    adsterra: Adsterra, kind: str, expected: str
) -> None:
    query = {"start_date": "2024-05-01"}
    adsterra.sandbox.faults.add(Fault(kind, path="stats", query=query))  # type: ignore[arg-type]
    run = adsterra.run("stats")
    assert str(run.error).startswith("stats 2024-05-01: ")
    assert expected in str(run.error)
    assert "at the second reading too" in str(run.error)
    assert run.bookmark("stats") == "2024-04-30"
    assert max(row["date"] for row in run.rows("stats")) == "2024-04-30"


def test_an_entity_list_is_checked_as_well(adsterra: Adsterra) -> None:
    adsterra.sandbox.faults.add(Fault("lost_row", path="placements"))
    assert "announced" in str(adsterra.run("placements").error)


def test_rows_of_other_days_are_left_out_and_logged(
    adsterra: Adsterra, caplog: pytest.LogCaptureFixture
) -> None:
    # Each of these days has rows; a window with a day that has none would be read in halves.
    undisturbed = adsterra.run("stats", end_date="2024-04-19")
    adsterra.sandbox.faults.add(Fault("foreign_row", path="stats", times=1))
    run = adsterra.run("stats", end_date="2024-04-19")
    assert run.without_times() == undisturbed.without_times()
    assert "which were not requested (date " in caplog.text
    assert "2000-01-01" in caplog.text


@pytest.mark.parametrize("day", ["2024-04-31", "20240402", "2024-W14-2", "", "0000-00-00", None])
def test_a_day_that_is_not_written_as_one_ends_the_run(adsterra: Adsterra, day: str | None) -> None:
    fault = Fault("set_field", path="stats", field="date", value=day, row=2)
    adsterra.sandbox.faults.add(fault)
    run = adsterra.run("stats")
    expected = f"expected a date as YYYY-MM-DD, at rows[2].date: {json.dumps(day)}. None of"
    assert expected in str(run.error)
    assert run.rows("stats") == []


@pytest.mark.parametrize("kind", ["wrong_type", "not_a_number"])
def test_a_value_that_is_not_what_it_must_be_ends_the_run(adsterra: Adsterra, kind: str) -> None:
    adsterra.sandbox.faults.add(Fault(kind, path="stats", field="revenue", row=3))  # type: ignore[arg-type]
    run = adsterra.run("stats")
    message = str(run.error)
    assert message.startswith("stats 2024-04-01..2024-04-30: Adsterra's answer is not what")
    assert "[3].revenue: " in message
    assert run.rows("stats") == []


def test_a_missing_number_ends_the_run(adsterra: Adsterra) -> None:
    adsterra.sandbox.faults.add(Fault("drop_field", path="stats", field="revenue"))
    assert "missing required field `revenue`" in str(adsterra.run("stats").error)


def test_an_error_behind_a_byte_order_mark_is_explained(adsterra: Adsterra) -> None:
    stream = adsterra.tap("domains").streams["domains"]
    assert isinstance(stream, Domains)
    response = requests.Response()
    response.status_code = 403
    response._content = b'\xef\xbb\xbf{"code": 403, "message": "Invalid owner type"}'
    assert "advertiser's account" in stream.response_error_message(response)


def test_unknown_fields_are_logged_once_per_stream(
    adsterra: Adsterra, caplog: pytest.LogCaptureFixture
) -> None:
    undisturbed = adsterra.run("stats", window_days=5)
    adsterra.sandbox.faults.add(Fault("unknown_field", path="stats"))
    run = adsterra.run("stats", window_days=5)
    assert run.without_times() == undisturbed.without_times()
    records = [record for record in caplog.records if "left out fields" in record.getMessage()]
    assert len(records) == 1
    assert f"surprise ({len(run.rows('stats')):,} times)" in records[0].getMessage()


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("0" * 32, "does not know this api_token"),
        (REVOKED_TOKEN, "a token lives one year"),
        (ADVERTISER_TOKEN, "belongs to an advertiser"),
    ],
)
@pytest.mark.parametrize("auth_method", ["header", "path"])
def test_a_token_that_does_not_work_is_explained(
    adsterra: Adsterra, token: str, expected: str, auth_method: str
) -> None:
    run = adsterra.run("domains", api_token=token, auth_method=auth_method)
    assert expected in str(run.error)
    assert token not in str(run.error)
    assert len(adsterra.sandbox.requests) == 1
    # No other stream could be read either.
    assert run.error is not None
    assert isinstance(run.error.__cause__, CredentialsError)
    assert ends_the_run(run.error)


@pytest.mark.parametrize("status", [403, 404, 422])
def test_what_one_request_is_refused_for_does_not_concern_all_streams(
    adsterra: Adsterra, status: int
) -> None:
    adsterra.sandbox.faults.add(Fault("status", path="domains", status=status, message="Not you"))
    error = adsterra.run("domains").error
    assert error is not None
    assert not ends_the_run(error)


def test_a_token_in_the_path_reads_the_same(adsterra: Adsterra) -> None:
    header, path = (adsterra.run(auth_method=method) for method in ("header", "path"))
    assert header.without_times() == path.without_times()
    assert "x-api-key" in adsterra.sandbox.requests[0].headers
    assert "x-api-key" not in adsterra.sandbox.requests[-1].headers


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 422])
def test_fatal_errors_are_not_retried(adsterra: Adsterra, status: int) -> None:
    adsterra.sandbox.faults.add(Fault("status", path="domains", status=status))
    assert adsterra.run("domains").error is not None
    assert len(adsterra.sandbox.requests) == 1


def test_a_refused_request_gives_the_apis_reasons(adsterra: Adsterra) -> None:
    reports = [{"name": "own", "group_by": ["date"], "domain": 2147483648}]
    run = adsterra.run("own", reports=reports)
    assert "Adsterra refused the request: domain: Invalid domain ID value." in str(run.error)


def test_the_message_of_the_api_is_shown_without_the_token(adsterra: Adsterra) -> None:
    message = f'No route found for "GET /publisher/{DEMO_TOKEN}/domains.json"'
    adsterra.sandbox.faults.add(Fault("status", path="domains", status=400, message=message))
    message = str(adsterra.run("domains", auth_method="path").error)
    assert 'It says: No route found for "GET /publisher/***/domains.json"' in message


def test_an_error_without_a_message_is_told_without_one(adsterra: Adsterra) -> None:
    stream = adsterra.tap("domains").streams["domains"]
    assert isinstance(stream, Domains)
    response = requests.Response()
    response.status_code, response.reason, response._content = 400, "Bad Request", b"{}"
    assert stream.response_error_message(response) == "Adsterra answered 400 Bad Request."


def test_a_wrong_address_is_explained(adsterra: Adsterra) -> None:
    run = adsterra.run("domains", api_url=f"{adsterra.sandbox.url}/elsewhere")
    assert "Check the setting api_url" in str(run.error)


def test_a_redirect_is_not_followed(adsterra: Adsterra) -> None:
    adsterra.sandbox.faults.add(Fault("redirect", location=f"{adsterra.sandbox.url}/elsewhere"))
    run = adsterra.run("domains")
    assert "redirect to another address" in str(run.error)
    assert [request.path for request in adsterra.sandbox.requests] == ["/publisher/domains.json"]


def test_the_rate_limiter_counts_every_request_of_the_run(
    adsterra: Adsterra, waits: list[float]
) -> None:
    adsterra.run(window_days=1, requests_per_minute=20)
    sent = len(adsterra.sandbox.requests)
    assert sent == 3 + 31
    assert len([wait for wait in waits if wait > 50]) == sent - 20


def test_a_run_logs_how_long_it_waits_and_for_which_setting(
    adsterra: Adsterra, tmp_path: Path
) -> None:
    command = CommandLine(adsterra, tmp_path)
    code, _, log = command.run(window_days=1, requests_per_minute=20, max_concurrency=4)
    assert code == 0
    (line,) = [line for line in log.splitlines() if "requests_per_minute" in line]
    assert re.search(
        r"INFO .* Waiting \d+ seconds: the setting requests_per_minute allows 20 requests", line
    )


def test_the_user_agent_names_the_tap(adsterra: Adsterra) -> None:
    adsterra.run("domains")
    assert adsterra.sandbox.requests[0].headers["user-agent"].startswith("tap-adsterra/")
    adsterra.run("domains", user_agent="our own (mail@example.com)")
    assert adsterra.sandbox.requests[1].headers["user-agent"] == "our own (mail@example.com)"


def test_a_connection_test_sends_one_request_per_stream(adsterra: Adsterra) -> None:
    tap = adsterra.tap("stats", window_days=3, include_today=False)
    assert tap.run_connection_test()
    paths = [request.path for request in adsterra.sandbox.requests]
    streams = [stream for stream in tap.streams.values() if isinstance(stream, AdsterraStream)]
    assert sorted(paths) == sorted(f"/publisher{stream.path}" for stream in streams)
    assert set(adsterra.windows()) == {"2024-04-28..2024-04-30"}
    assert tap.state["bookmarks"].get("stats") == {}


def test_the_plan_is_logged_first(adsterra: Adsterra, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    adsterra.run("domains", "stats", window_days=10)
    lines = [record.getMessage() for record in caplog.records]
    assert "stats: 2024-04-01..2024-05-01, at least 4 requests" in lines
    assert "domains: the whole list" in lines


def test_the_real_clock_is_utc() -> None:
    assert TapAdsterra.clock().utcoffset() == datetime.timedelta(0)

"""Errors of the API: a run retries, or ends with a sentence that says what to do."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from sandbox.adcloud.inventory import COLLECTIONS
from sandbox.faults import Fault
from tap_adcloud.envelopes import ErrorBody, ResponseV1
from tap_adcloud.reports import AdvertiserReport
from tests.faults import RETRIABLE_FAULTS
from tests.servers import closed_port

if TYPE_CHECKING:
    from sandbox.faults import Kind
    from tests.support import Adcloud

REPORT = "advertiser_report"
FAULTS = RETRIABLE_FAULTS | {
    "500 at 200": Fault("error_in_body", status=500),
    "503 at 200": Fault("error_in_body", status=503),
}
#: A stream and its path, for each version.
STREAMS = {
    "v1": (REPORT, "/v1/reports/advertiser"),
    "v2": (REPORT, "/v2/reports/advertiser"),
    "entities": ("campaigns", "/v2/campaigns"),
}


def settings(name: str) -> dict[str, str]:
    version = name if name in ("v1", "v2") else "v1"
    return {"report_api_version": version, "end_date": "2024-04-27"}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("version", STREAMS)
def test_passing_faults_are_retried(adcloud: Adcloud, fault: Fault, version: str) -> None:
    adcloud.sandbox.adcloud.rows_per_day = 60
    stream, path = STREAMS[version]
    undisturbed = adcloud.run(stream, **settings(version))
    triggered = adcloud.sandbox.faults.add(replace(fault, path=path, times=2, after=1))
    run = adcloud.run(stream, **settings(version))
    assert run.error is None
    assert triggered.triggered == 2
    assert run.without_times() == undisturbed.without_times()


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_lasting_faults_end_the_run_with_a_sentence(adcloud: Adcloud, fault: Fault) -> None:
    adcloud.sandbox.adcloud.rows_per_day = 60
    query = {"filter[date]": "2024-04-26", "page": "2"}
    triggered = adcloud.sandbox.faults.add(replace(fault, path="reports", query=query))
    run = adcloud.report(page_size=50)
    message = str(run.error)
    assert message.startswith("advertiser_report 2024-04-26 page 2: ")
    assert re.search(
        r"That was try 6 of 6: (run again later, )?the next run goes on here.$", message
    )
    assert triggered.triggered == 6
    assert run.bookmark(REPORT) == "2024-04-25"
    assert run.rows(REPORT) == adcloud.expected_rows(last="2024-04-25")


@pytest.mark.parametrize("kind", ["status", "error_in_body"])
@pytest.mark.parametrize("version", STREAMS)
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, "Adcloud refused the request: no such thing: 17."),
        (403, "Adcloud refused the request: no such thing: 17."),
        (404, "Adcloud has nothing at this address. Check the setting api_url."),
        (422, "Adcloud refused the request: no such thing: 17."),
    ],
)
def test_fatal_errors_are_explained_and_not_retried(
    adcloud: Adcloud, kind: Kind, version: str, status: int, expected: str
) -> None:
    """The status is in HTTP, or only in the body of a response with status 200."""
    stream, path = STREAMS[version]
    adcloud.sandbox.faults.add(Fault(kind, path=path, status=status, message="no such thing: 17"))
    run = adcloud.run(stream, max_concurrency=1, **settings(version))
    assert str(run.error).endswith(f": {expected}")
    assert str(run.error).startswith(stream)
    assert len(adcloud.sandbox.requests) == 2
    assert run.records(stream) == []


@pytest.mark.parametrize("kind", ["status", "error_in_body"])
def test_a_chunk_that_is_too_large_to_be_answered_is_split_at_once(
    adcloud: Adcloud, waits: list[float], kind: Kind
) -> None:
    undisturbed = adcloud.run("campaign_performance")
    path = "campaign_performance_data"
    fault = adcloud.sandbox.faults.add(Fault(kind, path=path, status=413, times=3))
    run = adcloud.run("campaign_performance")
    assert fault.triggered == 3
    assert run.rows("campaign_performance") == undisturbed.rows("campaign_performance")
    assert waits == []


def test_a_chunk_is_not_split_at_a_later_page(adcloud: Adcloud, waits: list[float]) -> None:
    """Its first pages are there already, and halves would have their rows again."""
    undisturbed = adcloud.run("campaign_performance")
    fault = adcloud.sandbox.faults.add(
        Fault("status", path="campaign_performance_data", query={"page": "2"}, status=503, times=5)
    )
    run = adcloud.run("campaign_performance", page_size=30, max_concurrency=1)
    assert fault.triggered == len(waits) == 5
    assert run.error is None
    assert run.rows("campaign_performance") == undisturbed.rows("campaign_performance")


@pytest.mark.parametrize(
    ("version", "reasons"),
    [("v1", "filter[date] is no date"), ("v2", "filter[date] is no date; date is invalid")],
)
def test_a_refused_request_gives_the_apis_reasons(
    adcloud: Adcloud, monkeypatch: pytest.MonkeyPatch, version: str, reasons: str
) -> None:
    monkeypatch.setattr(AdvertiserReport, "filters", lambda *_: {"filter[date]": "soon"})
    run = adcloud.report(report_api_version=version)
    assert str(run.error).endswith(f": Adcloud refused the request: {reasons}.")


def test_an_error_without_a_reason_has_a_message(adcloud: Adcloud) -> None:
    adcloud.sandbox.faults.add(Fault("html", path="customers", status=403))
    run = adcloud.run("customers")
    assert "Adcloud refused the request: status 403, without a reason." in str(run.error)


def test_an_error_behind_a_byte_order_mark_is_read() -> None:
    body = ErrorBody.parse(b'\xef\xbb\xbf{"_meta": {"status": 503, "message": "Later"}}')
    assert body is not None
    assert (body.code, body.reasons) == (503, "Later")


def test_a_wrong_address_is_explained(adcloud: Adcloud) -> None:
    run = adcloud.report(api_url=f"{adcloud.sandbox.url}/elsewhere")
    assert str(run.error).endswith("or api_url is not right (status 404).")


def test_a_slash_behind_the_address_changes_nothing(adcloud: Adcloud) -> None:
    run = adcloud.report(api_url=f"{adcloud.sandbox.url}//")
    assert run.rows(REPORT) == adcloud.expected_rows()


def test_no_connection_names_the_host(adcloud: Adcloud) -> None:
    port = closed_port()
    message = str(adcloud.report(api_url=f"http://127.0.0.1:{port}").error)
    assert f": 127.0.0.1:{port} refused the connection." in message


@pytest.mark.parametrize("stream", ["advertiser_report", "customers", "campaign_performance"])
@pytest.mark.parametrize("kind", ["wrong_type", "not_a_number"])
def test_a_value_that_is_not_what_it_must_be_ends_the_run(
    adcloud: Adcloud, stream: str, kind: Kind
) -> None:
    field = {"advertiser_report": "costs", "customers": "id"}.get(stream, "performance")
    path = {"advertiser_report": "reports", "customers": "customers"}.get(stream, "performance")
    adcloud.sandbox.faults.add(Fault(kind, path=path, field=field, row=3))
    run = adcloud.run(stream)
    message = str(run.error)
    assert message.startswith(stream)
    assert "Adcloud's answer is not what its documentation says: " in message
    assert f"[3].{field}: " in message
    assert run.records(stream) == []


@pytest.mark.parametrize("field", ["size", "per_page", "total_count"])
def test_a_response_that_announces_nothing_is_refused(adcloud: Adcloud, field: str) -> None:
    version = "v2" if field == "total_count" else "v1"
    adcloud.sandbox.faults.add(Fault("drop_envelope_field", path="reports", field=field))
    run = adcloud.report(report_api_version=version)
    assert f"Object missing required field `{field}`" in str(run.error)


@pytest.mark.parametrize(
    ("version", "field"),
    [("v1", "next_url"), ("v1", "first_url"), ("v2", "page"), ("v2", "size"), ("v2", "uuid")],
)
def test_what_is_not_needed_may_be_missing(adcloud: Adcloud, version: str, field: str) -> None:
    adcloud.sandbox.faults.add(Fault("drop_envelope_field", path="reports", field=field))
    assert adcloud.report(report_api_version=version).rows(REPORT) == adcloud.expected_rows()


def test_a_connection_test_sends_one_request_per_stream(adcloud: Adcloud) -> None:
    tap = adcloud.tap()
    assert tap.run_connection_test()
    assert sorted(request.path for request in adcloud.sandbox.requests) == sorted(
        [
            "/v1/oauth/access_token",
            "/v1/reports/advertiser",
            "/v2/campaign_performance_data",
            # Their performance cannot be requested without their ids.
            "/v2/campaigns",
            # Of the discounts.
            "/v2/topics",
            *(f"/v2/{resource}" for resource in COLLECTIONS),
        ]
    )
    assert adcloud.days() == ["2024-04-30"]
    assert tap.state["bookmarks"].get(REPORT) in (None, {})


@pytest.mark.parametrize("content", [b'{"status":"503"}', b'{"_meta":{"status":"503"}}'])
def test_a_status_in_the_body_may_be_a_text(content: bytes) -> None:
    body = ErrorBody.parse(content)
    assert body is not None
    assert body.code == 503


@pytest.mark.parametrize("status", ["ok", "200", "", True, None, [], "5" * 5000])
def test_what_is_no_status_is_no_error(status: object) -> None:
    body = ErrorBody.parse(msgspec.json.encode({"status": status}))
    assert body is not None
    assert body.code == 200


@pytest.mark.parametrize(
    ("next_url", "expected"), [(None, False), ("", False), (False, False), ("https://…", True)]
)
def test_an_empty_next_url_is_none(next_url: object, *, expected: bool) -> None:
    collection = {"size": 1, "per_page": 200, "next_url": next_url}
    content = msgspec.json.encode({"result": [{}], "collection": collection})
    assert msgspec.json.decode(content, type=ResponseV1[dict[str, int]]).has_more is expected

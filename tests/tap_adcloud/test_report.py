"""The advertiser report: exactly the rows of the sandbox, in both versions of the API."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import pytest

from sandbox.adcloud import DOCUMENTED_DAY, DOCUMENTED_ROWS, app
from sandbox.faults import Fault
from tap_adcloud.reports import DIMENSIONS
from tests.support import NOW, REPORT_KEY

if TYPE_CHECKING:
    from tests.support import Adcloud, RunResult

REPORT = "advertiser_report"
#: A day without rows, as the last day of April is.
EMPTY_DAY = "2024-04-25"
PAGE_TYPES = {"text": r"[A-Z]\w+", "integer": r"[1-4]", "mixed": r"[A-Z]\w+|[1-4]"}


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: tuple(row[name] for name in REPORT_KEY))


def content(run: RunResult) -> bytes:
    """Return the output without the times of reading."""
    return re.sub(rb'"(time_extracted|extracted_at)":"[^"]*"', b"", run.output)


@pytest.mark.parametrize("pages", ["always", "never", "sometimes"])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_report_is_what_the_sandbox_has(
    adcloud: Adcloud, version: str, pages: Literal["always", "never", "sometimes"]
) -> None:
    adcloud.sandbox.adcloud.pages = pages
    run = adcloud.report(report_api_version=version)
    assert run.error is None
    assert len(adcloud.expected_rows()) > 1_000
    assert run.rows(REPORT) == adcloud.expected_rows()
    assert {request.path for request in adcloud.requests_to()} == {f"/{version}/reports/advertiser"}
    assert run.bookmark(REPORT) == "2024-04-30"


@pytest.mark.parametrize("page_type", ["text", "integer", "mixed"])
@pytest.mark.parametrize(
    ("version", "new_backend"), [("v1", False), ("v2", False), ("v2", True)], ids=str
)
def test_the_columns_never_depend_on_the_version(
    adcloud: Adcloud,
    version: str,
    page_type: Literal["text", "integer", "mixed"],
    *,
    new_backend: bool,
) -> None:
    adcloud.sandbox.adcloud.new_backend = new_backend
    adcloud.sandbox.adcloud.page_type = page_type
    rows = adcloud.report(report_api_version=version).rows(REPORT)
    expected = adcloud.expected_rows()
    names = {
        (row["page_type"], shown["page_type"]) for row, shown in zip(expected, rows, strict=True)
    }
    assert all(
        isinstance(shown, str) and re.match(PAGE_TYPES[page_type], shown) for _, shown in names
    )
    assert len(names) == 4
    assert any(shown.isdigit() for _, shown in names) == (page_type != "text")
    assert any(shown.isalpha() for _, shown in names) == (page_type != "integer")
    for row in [*expected, *rows]:
        row["page_type"] = None
    assert rows == expected


def test_the_documented_day_is_60_requests(adcloud: Adcloud) -> None:
    adcloud.sandbox.clock.now = datetime.datetime(2011, 12, 24, 12, 0, tzinfo=datetime.UTC)
    date = str(DOCUMENTED_DAY)
    run = adcloud.report(start_date=date, end_date=date)
    assert run.error is None
    rows = run.rows(REPORT)
    assert len(rows) == len({tuple(row[name] for name in REPORT_KEY) for row in rows}) == 11_955
    assert len(rows) == DOCUMENTED_ROWS
    assert rows == adcloud.expected_rows(date, date)
    assert sorted(adcloud.pages()) == sorted(f"{date} {page}" for page in range(1, 61))
    assert {request.status for request in adcloud.requests_to()} == {200}
    assert len(adcloud.sandbox.requests) == 60 + 1


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_day_without_rows_is_read_and_moves_the_bookmark(adcloud: Adcloud, version: str) -> None:
    run = adcloud.report(start_date=EMPTY_DAY, end_date=EMPTY_DAY, report_api_version=version)
    assert run.error is None
    assert run.rows(REPORT) == []
    assert adcloud.pages() == [f"{EMPTY_DAY} 1"]
    assert run.bookmark(REPORT) == EMPTY_DAY


@pytest.mark.parametrize("page_size", [7, 100, 199])
def test_pages_can_be_smaller(adcloud: Adcloud, page_size: int) -> None:
    adcloud.sandbox.adcloud.rows_per_day = 200
    run = adcloud.report(start_date="2024-04-28", page_size=page_size)
    rows = run.rows(REPORT)
    assert rows == adcloud.expected_rows("2024-04-28")
    for date in ("2024-04-28", "2024-04-29"):
        count = sum(row["date"] == date for row in rows)
        pages = [page for page in adcloud.pages() if page.startswith(date)]
        assert len(pages) == -(-count // page_size)
    assert {*adcloud.requests_to()[0].values("per_page")} == {str(page_size)}


def test_pages_the_server_cuts_short_are_counted_by_its_own_size(
    adcloud: Adcloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "MAX_PER_PAGE", 90)
    for version in ("v1", "v2"):
        assert adcloud.report(report_api_version=version).rows(REPORT) == adcloud.expected_rows()


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_every_request_names_the_day_the_page_and_its_size(adcloud: Adcloud, version: str) -> None:
    """The API's links to further pages contain a token and lack the page size."""
    adcloud.report(report_api_version=version, page_size=60)
    assert len(adcloud.pages()) > len(adcloud.days()) == 7
    for request in adcloud.requests_to():
        assert sorted(name for name, _ in request.query) == ["filter[date]", "page", "per_page"]
        assert request.values("per_page") == ["60"]
        assert request.headers["authorization"].startswith("Bearer ")


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_quoted_numbers_are_numbers(adcloud: Adcloud, version: str) -> None:
    adcloud.sandbox.faults.add(Fault("quoted_numbers", path="reports"))
    run = adcloud.report(report_api_version=version)
    assert run.rows(REPORT) == adcloud.expected_rows()
    assert b'"costs":"' not in run.output


def test_numbers_keep_every_digit(adcloud: Adcloud) -> None:
    exact = Decimal("12345678901234567.12345678901")
    query = {"filter[date]": "2024-04-24", "page": "1"}
    adcloud.sandbox.faults.add(
        Fault("set_field", path="reports", query=query, field="costs", value=exact)
    )
    run = adcloud.report(end_date="2024-04-24")
    assert max(row["costs"] for row in run.rows(REPORT)) == exact
    assert b'"costs":12345678901234567.12345678901' in run.output


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_unknown_fields_are_left_out_and_logged_once(
    adcloud: Adcloud, version: str, caplog: pytest.LogCaptureFixture
) -> None:
    adcloud.sandbox.faults.add(Fault("unknown_field", path="reports", value={"a": [1]}))
    run = adcloud.report(report_api_version=version)
    assert run.rows(REPORT) == adcloud.expected_rows()
    lines = [text for text in caplog.messages if "left out fields" in text]
    assert len(lines) == 1
    assert f"surprise ({len(adcloud.expected_rows()):,} times)" in lines[0]
    assert "_meta" not in lines[0]


@pytest.mark.parametrize("new_backend", [False, True])
def test_metadata_of_version_2_is_not_logged(
    adcloud: Adcloud, caplog: pytest.LogCaptureFixture, *, new_backend: bool
) -> None:
    adcloud.sandbox.adcloud.new_backend = new_backend
    run = adcloud.run(report_api_version="v2")
    assert run.error is None
    assert "left out" not in caplog.text
    assert b"_meta" not in run.output
    assert not {"campaign_id", "campaign"} & set(run.records(REPORT)[0])


@pytest.mark.parametrize("field", DIMENSIONS)
def test_a_null_in_the_key_becomes_0(adcloud: Adcloud, field: str) -> None:
    date = "2024-04-24"
    query = {"filter[date]": date, "page": "1"}
    adcloud.sandbox.faults.add(Fault("null_key", path="reports", query=query, field=field, row=5))
    undisturbed = adcloud.expected_rows(date, date)
    rows = adcloud.report(end_date=date).rows(REPORT)
    assert rows == in_order(rows)
    (changed,) = [row for row in rows if row[field] == 0]
    (original,) = [row for row in undisturbed if row not in rows]
    assert changed == {**original, field: 0}


def test_a_null_campaign_in_the_key_becomes_0_as_well(adcloud: Adcloud) -> None:
    adcloud.sandbox.adcloud.new_backend = True
    query = {"filter[date]": "2024-04-24", "page": "1"}
    adcloud.sandbox.faults.add(
        Fault("null_key", path="reports", query=query, field="campaign_id", row=5)
    )
    run = adcloud.report(end_date="2024-04-24", report_api_version="v2")
    assert sum(row["booking_id"] == 0 for row in run.rows(REPORT)) == 1


def test_a_row_without_a_booking_is_refused(adcloud: Adcloud) -> None:
    query = {"filter[date]": "2024-04-26"}
    adcloud.sandbox.faults.add(
        Fault("drop_field", path="reports", query=query, field="booking_id", row=3)
    )
    run = adcloud.report()
    assert str(run.error).startswith("advertiser_report 2024-04-26: Adcloud's answer is not what")
    assert "neither a booking_id nor a campaign_id" in str(run.error)
    assert run.bookmark(REPORT) == "2024-04-25"


@pytest.mark.parametrize(
    ("field", "named"), [("campaign", "booking"), ("campaign_id", "booking_id")]
)
def test_the_other_name_of_a_booking_is_accepted_alone(
    adcloud: Adcloud, field: str, named: str
) -> None:
    value = "Spring" if field == "campaign" else 5
    adcloud.sandbox.faults.add(Fault("unknown_field", path="reports", field=field, value=value))
    run = adcloud.report()
    expected = [{**row, named: value} for row in adcloud.expected_rows()]
    assert run.rows(REPORT) == in_order(expected)


def test_a_null_under_the_other_name_does_not_replace_the_booking(adcloud: Adcloud) -> None:
    adcloud.sandbox.faults.add(Fault("unknown_field", path="reports", field="campaign_id"))
    assert adcloud.report().rows(REPORT) == adcloud.expected_rows()


def test_rows_of_other_days_are_left_out_and_logged(
    adcloud: Adcloud, caplog: pytest.LogCaptureFixture
) -> None:
    fault = Fault("foreign_row", path="reports", query={"filter[date]": "2024-04-26"})
    adcloud.sandbox.faults.add(fault)
    adcloud.sandbox.adcloud.rows_per_day = 100
    run = adcloud.report()
    assert fault.triggered == 1
    assert run.rows(REPORT) == adcloud.expected_rows()
    assert "advertiser_report 2024-04-26: left out 1 of" in caplog.text


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_runs_write_the_same_bytes_whatever_the_order_and_the_concurrency(
    adcloud: Adcloud, version: str
) -> None:
    adcloud.sandbox.adcloud.rows_per_day = 120
    settings: dict[str, Any] = {"report_api_version": version, "end_date": "2024-04-27"}
    first = adcloud.run(**settings, max_concurrency=1)
    assert first.error is None
    adcloud.sandbox.faults.add(Fault("shuffled_rows"))
    for concurrency, page_size in ((1, 60), (3, 200), (16, 90)):
        again = adcloud.run(**settings, max_concurrency=concurrency, page_size=page_size)
        assert content(again) == content(first)


def test_all_rows_of_a_day_have_the_time_of_its_reading(adcloud: Adcloud) -> None:
    """A row that a later reading does not have keeps its older time."""
    run = adcloud.report()
    read: dict[str, set[tuple[str, str]]] = {}
    for message in run.of_type("RECORD", REPORT):
        row = message["record"]
        times = (row["extracted_at"], message["time_extracted"])
        read.setdefault(row["date"], set()).add(times)
    for ((extracted_at, time_extracted),) in read.values():
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", extracted_at)
        moment = datetime.datetime.fromisoformat(extracted_at)
        assert NOW <= moment <= NOW + datetime.timedelta(minutes=5)
        assert moment == datetime.datetime.fromisoformat(time_extracted)

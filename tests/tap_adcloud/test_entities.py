"""The full-table streams: campaigns, ads, customers, products, topics and those made of them."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.adcloud import entities, performance
from sandbox.adcloud.inventory import COLLECTIONS
from sandbox.faults import Fault
from sandbox.numbers import to_json
from tap_adcloud.client import SCHEMAS
from tap_adcloud.reports import AdvertiserReport
from tap_adcloud.streams import STREAMS, Totals
from tests.support import NOW

if TYPE_CHECKING:
    from sandbox.faults import Kind
    from tests.support import Adcloud

#: All streams but the report.
ENTITIES = [stream.name for stream in STREAMS if stream not in (AdvertiserReport, Totals)]
LISTS = ("keywords", "exclusion_keywords", "machine_keywords", "locations")
PATHS = {"topic_discounts": "/v2/topics", "campaign_performance": "/v2/campaign_performance_data"}

#: Page sizes with which each stream has at least three pages.
PAGE_SIZES = {
    **{resource: found.size // 3 for resource, found in COLLECTIONS.items()},
    "topic_discounts": 10,
    "campaign_performance": 40,
}


def as_list(value: str | list[str] | None) -> list[str] | None:
    """Convert every form of a list to a list, as documented."""
    if value is None or isinstance(value, list):
        return value
    return [value] if value else []


def discount(entry: dict[str, Any]) -> dict[str, Any]:
    """Parse the numbers that the API sends as text."""
    numbers = {name: Decimal(entry[name]) for name in ("discount", "reach")}
    return {**entry, **numbers}


def expected(stream: str) -> list[dict[str, Any]]:
    """Return a stream's rows that the sandbox has."""
    if stream == "campaign_performance":
        ids = [row["id"] for row in entities("campaigns")]
        return performance(ids, NOW)
    if stream == "topic_discounts":
        return [
            {"topic_id": topic["id"], **discount(entry)}
            for topic in entities("topics")
            for entry in sorted(topic["discounts"], key=lambda entry: entry["country_code"])
        ]
    rows = [dict(row) for row in entities(stream)]
    for row in rows:
        row.update({name: as_list(row[name]) for name in LISTS if name in row})
        if stream == "topics":
            row["discounts"] = [discount(entry) for entry in row["discounts"]]
    return rows


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("stream", ENTITIES)
def test_all_entities_are_read(adcloud: Adcloud, stream: str, version: str) -> None:
    """From version 2 of the API, whichever version the report is read from."""
    run = adcloud.run(stream, report_api_version=version)
    assert run.error is None
    assert run.records(stream) == expected(stream)
    path = PATHS.get(stream, f"/v2/{stream}")
    assert adcloud.requests_to(path)
    schema = SCHEMAS.get_schema(stream)["properties"]
    assert all(set(record) <= set(schema) for record in run.records(stream))
    assert set().union(*map(set, run.records(stream))) == set(schema)


@pytest.mark.parametrize("stream", ["campaigns", "advertisements", "topics"])
def test_the_types_are_those_of_the_schema_however_they_are_sent(
    adcloud: Adcloud, stream: str
) -> None:
    kinds: dict[str, type | tuple[type, ...]] = {
        "boolean": bool,
        "integer": int,
        "number": (int, Decimal),
        "string": str,
        "array": list,
        "object": dict,
    }
    adcloud.sandbox.faults.add(Fault("quoted_numbers"))
    rows = adcloud.run(stream).records(stream)
    assert rows == expected(stream)
    for name, field in SCHEMAS.get_schema(stream)["properties"].items():
        kind = field["type"] if isinstance(field["type"], str) else field["type"][0]
        values = [row[name] for row in rows if row[name] is not None]
        assert all(isinstance(value, kinds[kind]) for value in values), name
        assert kind == "boolean" or not any(isinstance(value, bool) for value in values), name


def test_every_form_of_a_list_is_a_list(adcloud: Adcloud) -> None:
    """A text is not split: its separator is not documented."""
    rows = adcloud.run("campaigns").records("campaigns")
    found = {str(row[name]) for row in rows for name in ("keywords", "exclusion_keywords")}
    assert found == {"None", "[]", "['shoes, sports']", "['shoes', 'sports']"}


def test_names_and_discounts_stay_nested_in_topics(adcloud: Adcloud) -> None:
    rows = adcloud.run("topics").records("topics")
    assert rows[0]["names"] == {"en": "Politics 1", "de": "Politik 1"}
    assert {len(row["discounts"]) for row in rows} == set(range(6))
    assert all(isinstance(entry["discount"], int | Decimal) for entry in rows[1]["discounts"])


def test_there_is_a_row_for_each_topic_and_country(adcloud: Adcloud) -> None:
    run = adcloud.run("topics", "topic_discounts")
    nested = [
        {"topic_id": topic["id"], **entry}
        for topic in run.records("topics")
        for entry in topic["discounts"]
    ]
    rows = run.records("topic_discounts")
    assert len(nested) == len(rows) > 50
    keys = [(row["topic_id"], row["country_code"]) for row in rows]
    assert keys == sorted(set(keys))
    assert all(row in rows for row in nested)


def test_a_discount_without_a_country_has_a_key(adcloud: Adcloud) -> None:
    entry = {"country_id": None, "country_code": None, "discount": "1.0"}
    fault = Fault("set_field", path="topics", field="discounts", value=[entry], row=2)
    adcloud.sandbox.faults.add(fault)
    rows = adcloud.run("topic_discounts").records("topic_discounts")
    (row,) = [row for row in rows if row["topic_id"] == 13]
    assert row == {"topic_id": 13, "country_code": "-", "country_id": None, "discount": 1}


@pytest.mark.parametrize("code", [None, ""])
def test_a_discount_with_an_empty_country_has_a_key_once(
    adcloud: Adcloud, code: str | None
) -> None:
    discounts = [{"country_code": code, "discount": "0.5"}, {"country_code": "DE"}]
    fault = Fault("set_field", path="topics", field="discounts", value=discounts)
    adcloud.sandbox.faults.add(fault)
    rows = adcloud.run("topic_discounts").records("topic_discounts")
    assert [row["country_code"] for row in rows[:2]] == ["-", "DE"]
    adcloud.sandbox.faults.clear()
    adcloud.sandbox.faults.add(replace(fault, value=[*discounts, {"country_code": "-"}]))
    run = adcloud.run("topic_discounts")
    expected = f'country_code came once as {json.dumps(code)} and once as "-"'
    assert expected in str(run.error)


@pytest.mark.parametrize(
    ("field", "value"), [("type", "banner"), ("type", 0.5), ("logo", "perhaps"), ("name", ["x"])]
)
def test_an_ad_that_is_not_as_documented_is_refused_with_its_place(
    adcloud: Adcloud, field: str, value: object
) -> None:
    adcloud.sandbox.faults.add(
        Fault("set_field", path="advertisements", field=field, value=value, row=2)
    )
    run = adcloud.run("advertisements")
    assert str(run.error).startswith("advertisements: Adcloud's answer is not what")
    assert f", at rows[2].{field}: {to_json(value).decode()}. None of" in str(run.error)
    assert run.records("advertisements") == []


def test_performance_is_requested_in_chunks(adcloud: Adcloud) -> None:
    adcloud.run("campaign_performance")
    ids = [str(row["id"]) for row in entities("campaigns")]
    assert len(ids) == 230
    batches = [",".join(ids[:100]), ",".join(ids[100:200]), ",".join(ids[200:])]
    requested = adcloud.requests_to("campaign_performance_data")
    assert sorted(request.values("campaign_ids")[0] for request in requested) == sorted(batches)
    assert [len(request.query) for request in requested] == [3, 3, 3]
    assert {
        tuple(request.values("page") + request.values("per_page")) for request in requested
    } == {("1", "200")}
    # The ids: 230 campaigns on two pages.
    assert len(adcloud.requests_to("campaigns")) == 2


def test_chunks_may_need_further_pages(adcloud: Adcloud) -> None:
    run = adcloud.run("campaign_performance", page_size=30)
    assert run.records("campaign_performance") == expected("campaign_performance")
    assert len(adcloud.requests_to("campaign_performance_data")) == 4 + 4 + 1


def test_a_campaign_without_performance_is_no_loss(adcloud: Adcloud) -> None:
    """It was deleted in the meantime; the API's total does not count it."""
    adcloud.sandbox.faults.add(
        Fault("set_field", path="/campaigns", field="id", value=999_999, row=5, times=1)
    )
    run = adcloud.run("campaign_performance", max_concurrency=1)
    assert run.error is None
    ids = [row["campaign_id"] for row in run.records("campaign_performance")]
    assert len(ids) == 229
    assert ids == sorted(ids)


@pytest.mark.parametrize("stream", ENTITIES)
def test_every_request_names_the_page_and_its_size_only(adcloud: Adcloud, stream: str) -> None:
    run = adcloud.run(stream, page_size=PAGE_SIZES[stream])
    assert run.records(stream) == expected(stream)
    for request in adcloud.requests_to(PATHS.get(stream, f"/v2/{stream}")):
        names = [name for name, _ in request.query if name != "campaign_ids"]
        assert names == ["page", "per_page"]
        assert request.values("per_page") == [str(PAGE_SIZES[stream])]


@pytest.mark.parametrize("kind", ["lost_row", "wrong_total", "duplicate_row", "page_shift"])
@pytest.mark.parametrize("stream", ["campaigns", "customers", "topic_discounts"])
def test_incomplete_lists_are_read_once_more_and_then_refused(
    adcloud: Adcloud, stream: str, kind: Kind
) -> None:
    path = PATHS.get(stream, f"/v2/{stream}")
    settings = {"page_size": PAGE_SIZES[stream]}
    adcloud.sandbox.faults.add(Fault(kind, path=path, query={"page": "2"}, times=1))
    run = adcloud.run(stream, **settings)
    assert run.error is None
    assert run.records(stream) == expected(stream)
    assert len([r for r in adcloud.requests_to(path) if r.values("page") == ["2"]]) == 2
    adcloud.sandbox.faults.clear()
    adcloud.sandbox.faults.add(Fault(kind, path=path, query={"page": "2"}))
    run = adcloud.run(stream, **settings)
    assert str(run.error).startswith(f"{stream}: the API ")
    assert "at the second reading too" in str(run.error)
    assert run.records(stream) == []


def test_incomplete_performance_is_refused(adcloud: Adcloud) -> None:
    adcloud.sandbox.faults.add(Fault("lost_row", path="campaign_performance_data"))
    run = adcloud.run("campaign_performance")
    # The chunk is halved until the campaign that lacks its row is alone.
    assert str(run.error).startswith("campaign_performance campaign ")
    assert "the API announced 1 rows and sent 0" in str(run.error)
    assert len(str(run.error)) < 300


def test_lists_have_no_state(adcloud: Adcloud) -> None:
    run = adcloud.run(*ENTITIES)
    assert run.error is None
    assert all(bookmark == {} for bookmark in run.state.get("bookmarks", {}).values())


def test_no_campaigns_no_performance(adcloud: Adcloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.adcloud.app.entities", lambda _: ())
    run = adcloud.run("campaigns", "campaign_performance")
    assert run.error is None
    assert adcloud.requests_to("campaign_performance_data") == []
    assert run.records("campaign_performance") == []


def test_unknown_fields_are_logged_nested_ones_too(
    adcloud: Adcloud, caplog: pytest.LogCaptureFixture
) -> None:
    entry = {"country_code": "DE", "mood": "good"}
    adcloud.sandbox.faults.add(
        Fault("set_field", path="topics", field="discounts", value=[entry], row=2)
    )
    adcloud.run("topics")
    assert "topics: left out fields that this version does not know: discounts.mood (1 times)" in (
        caplog.text
    )

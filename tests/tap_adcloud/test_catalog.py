"""The streams: their names, keys and fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from tap_adcloud.client import SCHEMAS
from tap_adcloud.streams import STREAMS
from tap_adcloud.tap import TapAdcloud

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The report's table in Adcloud's API description 1.0, in its order.
DOCUMENTED = """
    date date
    website_id int
    website varchar
    topic_id int
    topic varchar
    ad_placement_id int
    position varchar
    product_id int
    product varchar
    ad_id int
    ad varchar
    booking_id int
    booking varchar
    page_type varchar
    publisher varchar
    language varchar
    country varchar
    currency varchar
    design_id int
    design varchar
    ad_position int
    ad_count int
    ad_impressions int
    ad_impressions_costs float
    clicks int
    clicks_overdelivered int
    clicks_filtered int
    clicks_image int
    clicks_head int
    clicks_txt int
    clicks_link int
    clicks_costs float
    postclick_conversions int
    postclick_conversions_overdelivered int
    postclick_conversions_filtered int
    postclick_conversions_costs float
    postview_conversions int
    postview_conversions_overdelivered int
    postview_conversions_filtered int
    postview_conversions_costs float
    cancellations int
    costs float
"""
TYPES = {"date": "string", "varchar": "string", "int": "integer", "float": "number"}
NAMES = [stream.name for stream in STREAMS]


@pytest.fixture(scope="module")
def catalog() -> dict[str, dict[str, Any]]:
    tap = TapAdcloud(config={}, validate_config=False)
    return {entry["tap_stream_id"]: entry for entry in tap.catalog_dict["streams"]}


def types(field: dict[str, Any]) -> set[str]:
    kinds = field["type"]
    return {kinds} - {"null"} if isinstance(kinds, str) else {*kinds} - {"null"}


def every_field(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Return every field of a schema with its path, also nested ones."""
    for name, field in schema.get("properties", {}).items():
        yield path + name, field
        yield from every_field(field, f"{path}{name}.")
        yield from every_field(field.get("items", {}), f"{path}{name}.")


def test_streams_keys_and_replication(catalog: dict[str, dict[str, Any]]) -> None:
    declared = {
        stream.name: (
            list(stream.primary_keys),
            {"advertiser_report": "date", "control_totals": "extracted_at"}.get(stream.name),
        )
        for stream in STREAMS
    }
    assert {
        name: (list(entry["key_properties"]), entry.get("replication_key"))
        for name, entry in catalog.items()
    } == declared
    for entry in catalog.values():
        table = next(item for item in entry["metadata"] if not item["breadcrumb"])["metadata"]
        assert table["selected"]
        incremental = entry["tap_stream_id"] in {"advertiser_report", "control_totals"}
        expected = "INCREMENTAL" if incremental else "FULL_TABLE"
        assert entry["replication_method"] == expected


def test_the_report_has_the_42_documented_fields_in_their_order(
    catalog: dict[str, dict[str, Any]],
) -> None:
    documented = dict(line.split() for line in DOCUMENTED.split("\n") if line.strip())
    fields = catalog["advertiser_report"]["schema"]["properties"]
    assert len(documented) == 42
    assert list(fields) == [*documented, "extracted_at"]
    for name, kind in documented.items():
        assert types(fields[name]) == {TYPES[kind]}
    assert fields["date"]["format"] == "date"


@pytest.mark.parametrize("stream", NAMES)
def test_schemas_are_valid_and_described(stream: str) -> None:
    schema = SCHEMAS.get_schema(stream)
    Draft202012Validator.check_schema(schema)
    # Older targets know an older dialect only, and refuse one that is named.
    assert "$schema" not in schema
    assert "Source: " in schema["description"]
    for name, field in every_field(schema):
        assert len(field.get("description", "")) > 10, name
        assert field["description"].endswith("."), name


@pytest.mark.parametrize("stream", NAMES)
def test_keys_are_never_null(catalog: dict[str, dict[str, Any]], stream: str) -> None:
    schema = catalog[stream]["schema"]
    for name in catalog[stream]["key_properties"]:
        assert name in schema["required"]
        assert schema["properties"][name]["type"] in ("string", "integer")


@pytest.mark.parametrize("stream", NAMES)
def test_no_row_looks_like_a_header_to_duckdb(
    catalog: dict[str, dict[str, Any]], stream: str
) -> None:
    """The DuckDB target loads each batch as a CSV file, and DuckDB guesses whether it has a header.

    If all columns are text or times with a zone, it takes the first row for a header and loses it.
    So every stream has a column of another type, and times are plain text.
    """
    schema = catalog[stream]["schema"]
    plain = [
        field
        for field in schema["properties"].values()
        if types(field) & {"integer", "number", "boolean"}
    ]
    assert plain
    assert all(field.get("format") != "date-time" for _, field in every_field(schema))

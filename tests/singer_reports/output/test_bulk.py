"""Records written per slice have the same bytes as records the SDK writes one by one."""

from __future__ import annotations

import copy
import json
import logging
import os
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from singer_reports.output.bulk import bulk_writer
from singer_reports.records.row_types import row_type
from singer_reports.streams import full_table
from tap_adcloud.tap import TapAdcloud
from tap_adsterra.tap import TapAdsterra
from tests.support import NOW, select, sync

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_reports.tap import ReportTap
    from tests.support import CountCases

LARGE = "AD_TAPS_LARGE_TESTS" in os.environ
CONFIG: dict[str, dict[str, Any]] = {
    "tap-adcloud": {
        "client_id": "client",
        "client_secret": "s3cr3t-of-the-client",
        "start_date": "2024-01-01",
    },
    "tap-adsterra": {"api_token": "t0ken"},
}
STREAMS: list[tuple[type[ReportTap], str]] = [
    (TapAdcloud, "topics"),
    (TapAdcloud, "campaigns"),
    (TapAdsterra, "stats"),
]
TEXTS = st.text(max_size=8) | st.sampled_from(["\n", '"}\n{"', "\u2028", "\\n", "é", "🙂"])
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=3) | st.integers()


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Draw a value of a field as the decoder returns it."""
    kinds = {
        "null": st.none(),
        "string": TEXTS,
        "integer": st.integers(),
        "number": NUMBERS | st.just(Decimal("1E+3")),
        "boolean": st.booleans(),
        "array": st.lists(values(schema["items"]), max_size=2) if "items" in schema else st.none(),
        "object": records(schema),
    }
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    return st.one_of([kinds[name] for name in types])


def records(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw an object of a schema; fields that are not required may be absent."""
    if "properties" not in schema:
        return st.dictionaries(TEXTS, TEXTS, max_size=2)
    required = schema.get("required", ())
    fields = {name: values(field) for name, field in schema["properties"].items()}
    return st.fixed_dictionaries(
        {name: fields[name] for name in fields if name in required},
        optional={name: fields[name] for name in fields if name not in required},
    )


def written(
    tap_class: type[ReportTap],
    name: str,
    slices: list[list[dict[str, Any]]],
    config: dict[str, Any],
    catalog: dict[str, Any],
) -> bytes:
    """Return what a tap writes for these rows."""
    with (
        mock.patch.object(tap_class, "clock", staticmethod(lambda: NOW)),
        # The SDK derives the version of every stream's table from it.
        mock.patch("time.time", return_value=NOW.timestamp()),
    ):
        tap = tap_class(config=dict(config), catalog=json.loads(json.dumps(catalog)))
    stream: Any = tap.streams[name]
    row_of = row_type(stream.schema)

    def read_slices(planned: list[list[dict[str, Any]]]) -> Iterator[tuple[None, list[Any]]]:
        for stream_slice in copy.deepcopy(planned):
            yield None, stream.encode_rows([row_of(**row) for row in stream_slice])

    with mock.patch.multiple(
        stream,
        slices=lambda: slices,
        slice_size=lambda _: 1,
        read_slices=read_slices,
        finish_slice=lambda _: None,
    ):
        run = sync(tap)
    assert run.error is None
    return run.output


@pytest.mark.timeout(600)
@settings(max_examples=150 if LARGE else 60)
@given(data=st.data())
@pytest.mark.parametrize(("tap_class", "name"), STREAMS)
def test_the_bytes_are_the_sdks(
    tap_class: type[ReportTap],
    name: str,
    data: st.DataObject,
    count_cases: CountCases,
) -> None:
    config = {
        **CONFIG[tap_class.name],
        **data.draw(
            st.sampled_from(
                [
                    {},
                    {"emit_activate_version_messages": True},
                    {"flattening_enabled": True, "flattening_max_depth": 1},
                    {"stream_maps": {name: {"__alias__": "other"}}},
                    {"stream_maps": {name: {"added": "'x'"}}},
                    {"stream_maps": {name: "__NULL__"}},
                ]
            )
        ),
    }
    catalog = select(tap_class(config=dict(config)).catalog_dict, [name])
    (entry,) = [entry for entry in catalog["streams"] if entry["tap_stream_id"] == name]
    fields = [item for item in entry["metadata"] if item["breadcrumb"]]
    for item in data.draw(st.lists(st.sampled_from(fields), max_size=4)):
        item["metadata"]["selected"] = False
    slices = data.draw(st.lists(st.lists(records(entry["schema"]), max_size=3), max_size=3))

    with mock.patch.object(full_table, "bulk_writer", return_value=None):
        one_by_one = written(tap_class, name, slices, config, catalog)
    assert written(tap_class, name, slices, config, catalog) == one_by_one
    count_cases("bulk", 1)


@pytest.mark.parametrize(
    ("changes", "in_bulk"),
    [
        ({}, True),
        ({"emit_activate_version_messages": True}, True),
        ({"flattening_enabled": True, "flattening_max_depth": 1}, False),
        ({"stream_maps": {"stats": {"ctr": None}}}, False),
    ],
)
def test_the_sdk_writes_what_it_has_to_change(changes: dict[str, Any], *, in_bulk: bool) -> None:
    tap = TapAdsterra(config={"api_token": "t0ken", **changes})
    assert (bulk_writer(tap.streams["stats"], tap.message_writer) is not None) == in_bulk


def test_more_rows_than_are_encoded_at_a_time() -> None:
    config = CONFIG["tap-adsterra"]
    catalog = select(TapAdsterra(config=dict(config)).catalog_dict, ["domains"])
    slices = [[{"id": number, "title": "a\nb"} for number in range(count)] for count in (0, 2_500)]
    output = written(TapAdsterra, "domains", slices, config, catalog)
    with mock.patch.object(full_table, "bulk_writer", return_value=None):
        assert output == written(TapAdsterra, "domains", slices, config, catalog)
    assert output.count(b'"RECORD"') == 2_500
    assert f'"time_extracted":"{NOW:%Y-%m-%dT%H:%M:%SZ}"'.encode() in output


def test_rows_written_without_the_sdk_are_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    slices = [
        [{"id": number, "title": "x"} for number in range(first, first + 7)] for first in (0, 7)
    ]
    catalog = select(TapAdsterra(config={"api_token": "t0ken"}).catalog_dict, ["domains"])
    written(TapAdsterra, "domains", slices, {"api_token": "t0ken"}, catalog)
    (metric,) = [line for line in caplog.messages if "record_count" in line]
    assert '"value":14' in metric

"""``discover``: streams, keys, cursors, modes and schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jsonschema import Draft7Validator
from singer_sdk.exceptions import ConfigValidationError

if TYPE_CHECKING:
    from tests.airbyte_sources.support import SourceRunner

OWN = {"name": "own", "group_by": ["country"]}
DATED = {"stats", "stats_by_country", "stats_by_sub_id", "advertiser_report", "control_totals"}


def test_all_streams_have_the_key_of_the_tap(source: SourceRunner) -> None:
    streams = {each.name: each for each in source.runner.tap().streams.values()}
    found = {each["name"]: each for each in source.streams()}
    assert found.keys() == streams.keys()
    for name, each in found.items():
        assert each["source_defined_primary_key"] == [[key] for key in streams[name].primary_keys]


def test_dated_streams_are_incremental_and_lists_are_not(source: SourceRunner) -> None:
    for each in source.streams():
        if each["name"] in DATED:
            assert each["supported_sync_modes"] == ["full_refresh", "incremental"]
            assert each["source_defined_cursor"]
            cursor = "extracted_at" if each["name"] == "control_totals" else "date"
            assert each["default_cursor_field"] == [cursor]
        else:
            assert each["supported_sync_modes"] == ["full_refresh"]
            assert "default_cursor_field" not in each


def test_schemas_are_open_and_take_the_records(source: SourceRunner) -> None:
    run = source.read()
    assert run.error is None
    for each in source.streams():
        schema = each["json_schema"]
        Draft7Validator.check_schema(schema)
        assert schema["additionalProperties"]
        for record in run.records(each["name"]):
            Draft7Validator(schema).validate(record)
        assert run.records(each["name"])


def test_own_reports_are_streams(source_adsterra: SourceRunner) -> None:
    (own,) = [each for each in source_adsterra.streams(reports=[OWN]) if each["name"] == "own"]
    assert own["source_defined_primary_key"] == [["date"], ["country"]]


def test_no_request_is_sent(source: SourceRunner) -> None:
    source.streams()
    assert source.sandbox.requests == []


def test_wrong_settings_are_an_error(source: SourceRunner) -> None:
    run = source.run(lambda: source.source.discover({"surplus": 1}))
    assert isinstance(run.error, ConfigValidationError)
    assert "surplus is not a setting; see spec" in str(run.error)
    assert run.messages == []

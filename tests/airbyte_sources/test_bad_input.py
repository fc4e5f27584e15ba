"""Wrong settings, catalogs and states: one sentence as a trace message, and nothing is read."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from tests.airbyte_sources.support import configured

if TYPE_CHECKING:
    from tests.airbyte_sources.support import Output, SourceRunner


def stream_state(name: str, state: Any) -> list[dict[str, Any]]:
    return [
        {"type": "STREAM", "stream": {"stream_descriptor": {"name": name}, "stream_state": state}}
    ]


STATES: list[tuple[Any, str]] = [
    ({"bookmarks": {}}, "must be a list of messages"),
    ([1], "must be of the type STREAM"),
    ([{"type": "GLOBAL", "global": {"stream_states": []}}], "must be of the type STREAM"),
    ([{"type": "LEGACY", "data": {"cursor": 1}}], "must be of the type STREAM"),
    ([{"type": "STATE", "state": stream_state("stats", {})[0]}], "what stands under its state"),
    (stream_state("stats", 3), "must be of the type STREAM"),
    (stream_state("users", {}), 'the stream "users", and there is no such stream'),
    (
        stream_state("report", {"definition": {"dimensions": ["date"], "timezone": "UTC"}}),
        'the stream "report", and there is no such stream',
    ),
    (stream_state("stats", {"cursor": "2024-01-01"}), 'has "cursor", which this connector does'),
    (stream_state("stats", {"replication_key_value": "soon"}), "which is not a day"),
    (
        stream_state("stats", {"definition": {"dimensions": ["date", "country"]}}),
        "its rows have another key",
    ),
]


def check(source: SourceRunner, run: Output, told: str) -> None:
    """Check that one sentence says it, and that nothing was requested."""
    assert isinstance(run.error, ConfigValidationError)
    assert told in str(run.error)
    assert str(run.error).endswith("Nothing was read: correct this and run again.")
    assert run.messages == []
    assert source.sandbox.requests == []


@pytest.mark.parametrize(("state", "told"), STATES)
def test_a_state_of_another_connector(source_adsterra: SourceRunner, state: Any, told: str) -> None:
    check(source_adsterra, source_adsterra.read("stats", state=state), told)


@pytest.mark.parametrize("state", [None, [], {}, stream_state("stats", None)])
def test_a_state_of_nothing_is_one(source_adsterra: SourceRunner, state: Any) -> None:
    assert source_adsterra.read("stats", state=state).whole


def test_a_report_may_go_from_the_settings(
    source_adsterra: SourceRunner, caplog: pytest.LogCaptureFixture
) -> None:
    """PyAirbyte gives a sync the states of all streams it has ever read."""
    report = {"name": "by_country", "group_by": ["date", "country"]}
    first = source_adsterra.read("by_country", "stats", reports=[report])
    second = source_adsterra.read("stats", state=first.state)
    assert second.whole
    assert "The state has by_country, which has gone from the settings." in caplog.messages
    assert min(row["date"] for row in second.records("stats")) == "2024-04-24"


def test_a_report_may_go_that_has_no_complete_day(
    source_adsterra: SourceRunner, caplog: pytest.LogCaptureFixture
) -> None:
    """A failed sync has saved only the time of its reading."""
    state = stream_state("by_country", {"extracted_at": "2024-05-01T12:00:00.000000Z"})
    reports = [{"name": "another", "group_by": ["date", "country"]}]
    assert source_adsterra.read("stats", state=state, reports=reports).whole
    assert "The state has by_country, which has gone from the settings." in caplog.messages


CATALOGS: list[tuple[Any, str]] = [
    ([], "must be an object with a list of streams"),
    ({"streams": {}}, "must be an object with a list of streams"),
    ({"streams": []}, "selects no stream"),
    ({"streams": [{"stream": {}}]}, "Entry 1 of the configured catalog names no stream"),
    ({"streams": [3]}, "Entry 1 of the configured catalog names no stream"),
    (
        {"streams": [{"stream": {"name": "stat"}, "sync_mode": "full_refresh"}]},
        '"stat", and there is no such stream; did you mean stats?',
    ),
]


@pytest.mark.parametrize(("catalog", "told"), CATALOGS)
def test_a_catalog_of_another_form(source_adsterra: SourceRunner, catalog: Any, told: str) -> None:
    check(source_adsterra, source_adsterra.read_catalog(catalog), told)


@pytest.mark.parametrize(
    ("stream", "changes", "told"),
    [
        ("domains", {"sync_mode": "merge"}, "can be read with full_refresh."),
        ("domains", {"sync_mode": None}, "can be read with full_refresh."),
        ("stats", {"sync_mode": "merge"}, "can be read with full_refresh or incremental."),
        ("stats", {"cursor_field": ["clicks"]}, "and it can only be date."),
    ],
)
def test_an_entry_that_cannot_be_read(
    source_adsterra: SourceRunner, stream: str, changes: dict[str, Any], told: str
) -> None:
    catalog = configured(source_adsterra.streams(), stream)
    catalog["streams"][0].update(changes)
    check(source_adsterra, source_adsterra.read_catalog(catalog), told)


def test_a_stream_twice(source_adsterra: SourceRunner) -> None:
    catalog = configured(source_adsterra.streams(), "stats")
    catalog["streams"].append(copy.deepcopy(catalog["streams"][0]))
    check(source_adsterra, source_adsterra.read_catalog(catalog), '2 entries of "stats"')


@pytest.mark.parametrize("setting", ["surplus", "stream_maps", "batch_config"])
def test_a_setting_that_is_none(source_adsterra: SourceRunner, setting: str) -> None:
    catalog = configured(source_adsterra.streams(), "stats")
    run = source_adsterra.read_catalog(catalog, **{setting: {}})
    check(source_adsterra, run, f"{setting} is not a setting; see spec")


def test_all_problems_are_told_together(source_adsterra: SourceRunner) -> None:
    catalog = configured(source_adsterra.streams(), "stats", mode="merge")
    run = source_adsterra.read_catalog(catalog, {"bookmarks": {}})
    assert "(1) The configured catalog" in str(run.error)
    assert "(2) The state must be a list" in str(run.error)


def test_a_file_that_cannot_be_read(source_adsterra: SourceRunner) -> None:
    code, run, log = source_adsterra.command(
        "read", "--config", "none.json", "--catalog", "none.json"
    )
    assert (code, log) == (1, "")
    (error,) = run.traces("ERROR")
    assert error["failure_type"] == "config_error"
    assert error["message"].startswith("The settings in none.json cannot be read: no such file")


def test_the_command_tells_it_in_one_trace_message(source_adsterra: SourceRunner) -> None:
    catalog = source_adsterra.write("catalog.json", configured(source_adsterra.streams(), "stats"))
    code, run, log = source_adsterra.command("read", "--catalog", catalog, surplus=1)
    assert (code, log) == (1, "")
    (error,) = run.traces("ERROR")
    assert error["failure_type"] == "config_error"
    assert "surplus is not a setting" in error["message"]
    assert run.of_type("RECORD") == run.of_type("STATE") == []
    assert source_adsterra.sandbox.requests == []

"""Catalogs: what is filled in and logged; what Meltano writes is never refused."""

from __future__ import annotations

import json
import logging
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_adcloud.tap import TapAdcloud
from tap_adsterra.tap import TapAdsterra
from tests.support import select

if TYPE_CHECKING:
    from singer_reports.tap import ReportTap
    from tests.support import Adcloud, Adsterra, Runner

MELTANO = Path(__file__).parents[3] / ".venv-meltano" / "bin" / "python"
CONFIG: dict[type[ReportTap], dict[str, Any]] = {
    TapAdsterra: {"api_token": "t0ken", "reports": [{"name": "own", "group_by": ["country"]}]},
    TapAdcloud: {"client_id": "me", "client_secret": "s3cr3t", "start_date": "2024-01-01"},
}
#: Applies selection rules of a ``meltano.yml``, one per line, with Meltano's own code.
APPLY = """
import json, sys
from meltano.core.plugin.singer.catalog import *
given, jobs = sys.stdin.read().split("\\n")
made = []
for patterns, metadata in json.loads(jobs):
    catalog = json.loads(given)
    SelectExecutor(["!*.*"]).visit(catalog)
    SelectExecutor(patterns).visit(catalog)
    rules = [MetadataRule(stream, [], key, value) for stream, key, value in metadata]
    MetadataExecutor(rules).visit(catalog)
    made.append(catalog)
print()
print(json.dumps(made))
"""
#: Such rules: patterns of ``select``, and ``metadata``.
SELECTIONS: list[tuple[list[str], list[tuple[str, str, Any]]]] = [
    (["*.*"], []),
    (["*"], []),
    (["*.*", "!*.date", "!*.id"], []),
    (["{dated}.clicks"], []),
    (["{dated}.*", "!{dated}.clicks", "{table}.name"], []),
    (["{dated}"], [("{dated}", "replication-method", "FULL_TABLE")]),
    (
        ["{dated}", "{table}"],
        [
            ("{dated}", "replication-method", "INCREMENTAL"),
            ("{dated}", "replication-key", "date"),
        ],
    ),
    (["*.*"], [("*", "replication-method", "FULL_TABLE")]),
    (["*.*", "!{table}.*"], [("{table}", "selected", False)]),
]


def discovered(tap: type[ReportTap]) -> dict[str, Any]:
    """Return a catalog as it is after being written to a file and read again."""
    catalog: dict[str, Any] = json.loads(tap(config=dict(CONFIG[tap])).catalog_json_text)
    return catalog


def entry(catalog: dict[str, Any], stream: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = [
        item for item in catalog["streams"] if item["tap_stream_id"] == stream
    ]
    return found[0]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line.getMessage() for line in caplog.records if line.levelno >= logging.WARNING]


@pytest.mark.parametrize("tap", CONFIG)
def test_a_catalog_as_discovered_is_accepted_silently(
    tap: type[ReportTap], caplog: pytest.LogCaptureFixture
) -> None:
    tap(config=dict(CONFIG[tap]), catalog=discovered(tap))
    assert warnings(caplog) == []


def test_a_catalog_written_by_hand_is_completed_with_a_warning(
    adsterra: Adsterra, caplog: pytest.LogCaptureFixture
) -> None:
    by_hand = {"streams": [{"tap_stream_id": "stats"}, {"tap_stream_id": "domains", "schema": {}}]}
    run = adsterra.run(catalog=by_hand)
    whole = adsterra.run("stats", "domains")
    assert run.without_times() == whole.without_times()
    (line,) = [line for line in warnings(caplog) if "catalog" in line]
    assert line == (
        "The catalog lacks what the tap has, and was completed: domains (key_properties, id, "
        "title), stats (key_properties, replication_key, date, domain, placement, 7 more). To "
        "choose for yourself, write a new one with --discover."
    )


def test_selected_fields_of_a_newer_version_are_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    catalog = select(discovered(TapAdsterra), ["stats"])
    for stream in ("stats", "placements"):
        item = entry(catalog, stream)
        new = list(item["schema"]["properties"])[-1]
        del item["schema"]["properties"][new]
    TapAdsterra(config=dict(CONFIG[TapAdsterra]), catalog=catalog)
    (line,) = warnings(caplog)
    assert "stats (extracted_at)." in line
    assert "placements" not in line


def test_what_is_not_selected_may_be_anything(caplog: pytest.LogCaptureFixture) -> None:
    """Streams that no longer exist, and fields of streams that are not selected, are ignored."""
    catalog = select(discovered(TapAdsterra), ["stats"])
    entry(catalog, "own")["tap_stream_id"] = "gone"
    item = entry(catalog, "domains")
    item["schema"]["properties"]["gone"] = {"type": "string"}
    item["metadata"].append({"breadcrumb": ["properties", "gone"], "metadata": {"selected": False}})
    TapAdsterra(config=dict(CONFIG[TapAdsterra]), catalog=catalog)
    assert warnings(caplog) == []


#: Breadcrumbs of no field, and how they are shown.
NO_FIELDS = [
    (["properties", "gone"], "{stream}.gone"),
    (["properties", ""], "{stream}."),
    (["properties", "gone", "properties", "inside"], "{stream}.gone.inside"),
    (["properties", "id", "properties", "inside"], "{stream}.id.inside"),
    (["properties"], '["properties"] of {stream}'),
    (["id"], '["id"] of {stream}'),
    (["stream", "id"], '["stream", "id"] of {stream}'),
    (["properties", "id", "properties"], '["properties", "id", "properties"] of {stream}'),
    (["properties", "id", "items"], '["properties", "id", "items"] of {stream}'),
]


@pytest.mark.parametrize(("breadcrumb", "shown"), NO_FIELDS)
@pytest.mark.parametrize("read", [("adsterra", "domains"), ("adcloud", "topics")])
def test_deselected_fields_that_do_not_exist_are_ignored_with_a_warning(
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
    read: tuple[str, str],
    breadcrumb: list[str],
    shown: str,
) -> None:
    tap, stream = read
    runner: Runner[Any] = request.getfixturevalue(tap)
    catalog = select(discovered(runner.tap_class), [stream])
    whole = runner.run(catalog=catalog)
    assert warnings(caplog) == []
    item = entry(catalog, stream)
    item["metadata"].append({"breadcrumb": breadcrumb, "metadata": {"selected": False}})
    run = runner.run(catalog=catalog)
    assert run.error is None
    assert run.without_times() == whole.without_times()
    assert len(run.records(stream)) > 3
    (line,) = warnings(caplog)
    assert line == (
        "The catalog has metadata of what is no field, which is ignored: "
        f"{shown.format(stream=stream)}. To leave out a field, give its metadata the breadcrumb "
        "that --discover writes."
    )


def test_a_field_inside_an_object_that_lists_none_can_be_deselected(adcloud: Adcloud) -> None:
    catalog = select(discovered(TapAdcloud), ["topics"])
    place = ["properties", "names", "properties", "de"]
    metadata = {"breadcrumb": place, "metadata": {"selected": False}}
    entry(catalog, "topics")["metadata"].append(metadata)
    records = adcloud.run(catalog=catalog).records("topics")
    assert {tuple(record["names"]) for record in records} == {("en",)}
    metadata["metadata"] = {"selected": True}
    records = adcloud.run(catalog=catalog).records("topics")
    assert {tuple(record["names"]) for record in records} == {("en", "de")}


@pytest.mark.skipif(not MELTANO.exists(), reason="Meltano is not installed; make meltano does it")
@pytest.mark.parametrize("tap", CONFIG)
def test_a_catalog_edited_by_meltano_is_accepted_silently(
    tap: type[ReportTap], caplog: pytest.LogCaptureFixture
) -> None:
    dated, table = {TapAdsterra: ("stats", "domains"), TapAdcloud: ("advertiser_report", "topics")}[
        tap
    ]
    jobs = json.dumps(SELECTIONS).replace("{dated}", dated).replace("{table}", table)
    applied = subprocess.run(
        [MELTANO, "-c", APPLY],
        input=f"{json.dumps(discovered(tap))}\n{jobs}",
        capture_output=True,
        text=True,
        check=True,
    )
    catalogs = json.loads(applied.stdout.splitlines()[-1])
    for catalog, (_, metadata) in zip(catalogs, json.loads(jobs), strict=True):
        taken = tap(config=dict(CONFIG[tap]), catalog=catalog)
        assert warnings(caplog) == []
        for stream in taken.streams.values():
            keys = [*stream.primary_keys, *filter(None, [stream.replication_key])]
            assert not stream.selected or all(stream.mask["properties", key] for key in keys)
        methods = {value for _, key, value in metadata if key == "replication-method"}
        assert not methods or taken.streams[dated].replication_method in methods

"""Meltano runs the taps: settings of every kind, relative dates, loaders, state."""

from __future__ import annotations

import csv
import fcntl
import json
from typing import TYPE_CHECKING

import duckdb
import pytest
import yaml

from sandbox.adsterra import DEMO, DEMO_TOKEN, expected_rows
from sandbox.server import Sandbox
from tap_adcloud.tap import TapAdcloud
from tap_adsterra.streams import STREAMS
from tap_adsterra.tap import TapAdsterra
from tests.meltano import meltano, needs_meltano
from tests.paths import PROJECT
from tests.support import day

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from singer_reports.tap import ReportTap

#: The project's settings for the sandbox.
OF_THE_SANDBOX = {"api_token", "api_url", "start_date"}
DEFINITION = yaml.safe_load((PROJECT / "meltano.yml").read_text())


@pytest.fixture
def running() -> Iterator[Sandbox]:
    """The sandbox at the real time, which Meltano and the taps use."""
    # Two runs of one extractor of one project at the same time would use the same files.
    with (PROJECT / ".meltano" / "tests.lock").open("w") as lock, Sandbox() as sandbox:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield sandbox


@needs_meltano
def test_the_sandbox_environment_reads_relative_dates_into_csv(
    running: Sandbox, tmp_path: Path
) -> None:
    meltano(
        tmp_path,
        *("--environment=sandbox", "run", "tap-adsterra", "target-csv"),
        TAP_ADSTERRA_API_URL=running.adsterra_url,
    )
    requested = [request for request in running.requests if "stats" in request.path]
    assert {request.headers["x-api-key"] for request in requested} == {DEMO_TOKEN}
    first = min(request.values("start_date")[0] for request in requested)
    (file,) = (tmp_path / "csv" / "stats").glob("*.csv")
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    days = sorted({row["date"] for row in rows})
    assert first <= days[0]
    assert len(days) > 80
    (extractor, _) = DEFINITION["environments"][0]["config"]["plugins"]["extractors"]
    excluded = {pattern for pattern in extractor["select"] if pattern.startswith("!")}
    assert {path.name for path in (tmp_path / "csv").iterdir()} == {
        stream.name for stream in STREAMS if f"!{stream.name}.*" not in excluded
    }
    assert (tmp_path / "csv" / "stats_by_country").exists()


@needs_meltano
def test_production_reads_the_token_from_a_file_and_continues_where_it_stopped(
    running: Sandbox, tmp_path: Path
) -> None:
    reports = [{"name": "countries", "group_by": ["country"], "domain": DEMO.domains[0]["id"]}]
    (tmp_path / ".env").write_text(
        f"TAP_ADSTERRA_API_TOKEN={DEMO_TOKEN}\n"
        f"TAP_ADSTERRA_API_URL={running.adsterra_url}\n"
        "TAP_ADSTERRA_START_DATE=2026-01-01\n"
        "TAP_ADSTERRA_END_DATE=2026-03-31\n"
        "TAP_ADSTERRA_WINDOW_DAYS=20\n"
        "TAP_ADSTERRA_INCLUDE_TODAY=false\n"
        f"TAP_ADSTERRA_REPORTS={json.dumps(reports)}\n"
    )
    for expected in (5 * 2, 1 * 2):
        running.requests.clear()
        meltano(tmp_path, "--environment=production", "run", "tap-adsterra", "target-duckdb")
        requested = [request for request in running.requests if "stats" in request.path]
        assert len(requested) == expected
    database = duckdb.connect(str(tmp_path / "ads.duckdb"), read_only=True)
    first, last = day("2026-01-01"), day("2026-03-31")
    rows = expected_rows(DEMO, ("date", "country"), first, last, domain=DEMO.domains[0]["id"])
    query = "select count(*), sum(revenue::decimal(38, 9)), sum(impression) from countries"
    assert database.sql(query).fetchall()[0] == (
        len(rows),
        sum(row["revenue"] for row in rows),
        sum(row["impression"] for row in rows),
    )
    assert "countries" in {table for (table,) in database.sql("show tables").fetchall()}


@needs_meltano
def test_errors_are_shown_as_errors(running: Sandbox, tmp_path: Path) -> None:
    settings = f"TAP_ADSTERRA_API_URL={running.adsterra_url}\n"
    run = ("--environment=sandbox", "run", "tap-adsterra", "target-csv")
    (tmp_path / ".env").write_text(f"{settings}TAP_ADSTERRA_API_TOKEN={'0' * 32}\n")
    said = meltano(tmp_path, *run, succeeds=False)
    assert "[critical ] tap-adsterra domains: Adsterra does not know this api_token." in said
    running.requests.clear()
    wrong = "TAP_ADSTERRA_WINDOW_DAYS=0\nTAP_ADSTERRA_LOOKBACK_DAYS=999\n"
    (tmp_path / ".env").write_text(settings + wrong)
    problems = (
        "(1) lookback_days must be at most 365, not 999. (2) window_days must be at least 1, not "
        "0. Nothing was read: correct these and run again."
    )
    said = meltano(tmp_path, *run, succeeds=False)
    assert f"[error    ] tap-adsterra {problems}" in said
    # This command shows only the last line of the tap's log.
    said = meltano(
        tmp_path, "--environment=sandbox", "config", "test", "tap-adsterra", succeeds=False
    )
    assert f"Plugin configuration is invalid\n{problems}\n" in said
    assert running.requests == []


@needs_meltano
@pytest.mark.parametrize(
    ("tap", "stream", "hidden"),
    [("tap-adsterra", "domains", "title"), ("tap-adcloud", "customers", "name")],
)
def test_a_stream_map_in_a_variable_hides_a_field(
    running: Sandbox, tmp_path: Path, tap: str, stream: str, hidden: str
) -> None:
    prefix = tap.upper().replace("-", "_")
    maps = {"__else__": "__NULL__", stream: {hidden: None}}
    url = running.adsterra_url if tap == "tap-adsterra" else running.adcloud_url
    (tmp_path / ".env").write_text(
        f"{prefix}_API_URL={url}\n{prefix}_STREAM_MAPS={json.dumps(maps)}\n"
    )
    meltano(tmp_path, "--environment=sandbox", "run", tap, "target-csv")
    (folder,) = (tmp_path / "csv").iterdir()
    assert folder.name == stream
    (file,) = folder.glob("*.csv")
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert rows
    assert hidden not in rows[0]


@needs_meltano
def test_the_other_settings_of_the_sdk_reach_the_tap(running: Sandbox, tmp_path: Path) -> None:
    output = meltano(
        tmp_path,
        *("--environment=sandbox", "invoke", "--dump=config", "tap-adsterra"),
        TAP_ADSTERRA_API_URL=running.adsterra_url,
        TAP_ADSTERRA_STREAM_MAP_CONFIG='{"rate": 2}',
        TAP_ADSTERRA_FAKER_CONFIG='{"seed": 1}',
        TAP_ADSTERRA_FLATTENING_ENABLED="true",
        TAP_ADSTERRA_FLATTENING_MAX_DEPTH="2",
        TAP_ADSTERRA_FLATTENING_MAX_KEY_LENGTH="30",
        TAP_ADSTERRA_FLATTENING_SEPARATOR="_",
        TAP_ADSTERRA_BATCH_CONFIG='{"encoding": {"format": "jsonl"}, "storage": {"root": "x"}}',
        TAP_ADSTERRA_EMIT_ACTIVATE_VERSION_MESSAGES="true",
    )
    config = json.loads(output[output.index("{") : output.rindex("}") + 1])
    assert {name: value for name, value in config.items() if name not in OF_THE_SANDBOX} == {
        "stream_map_config": {"rate": 2},
        "faker_config": {"seed": 1},
        "flattening_enabled": True,
        "flattening_max_depth": 2,
        "flattening_max_key_length": 30,
        "flattening_separator": "_",
        "batch_config": {"encoding": {"format": "jsonl"}, "storage": {"root": "x"}},
        "emit_activate_version_messages": True,
    }


@pytest.mark.parametrize("tap", [TapAdsterra, TapAdcloud])
def test_every_setting_is_defined_as_the_tap_has_it(tap: type[ReportTap]) -> None:
    extractors = {plugin["name"]: plugin for plugin in DEFINITION["plugins"]["extractors"]}
    defined = {setting["name"]: setting for setting in extractors[tap.name]["settings"]}
    schema = tap.config_jsonschema
    # Meltano passes only the settings that are defined, also those of the SDK.
    tap.append_builtin_config(schema)
    settings = schema["properties"]
    assert set(defined) == set(settings)
    kinds = {kind: kind for kind in ("integer", "boolean", "array", "object")}
    for name, setting in settings.items():
        types = {kind for kind in setting["type"] if kind != "null"}
        kind = next((kinds[kind] for kind in types if kind in kinds), None)
        kind = kind or ("date_iso8601" if name.endswith("_date") else None)
        kind = kind or ("options" if "enum" in setting else None)
        assert defined[name].get("kind") == kind, name
        assert bool(defined[name].get("sensitive")) == bool(setting.get("secret")), name
        assert defined[name]["label"] == setting["title"]
    assert extractors[tap.name]["capabilities"] == sorted(map(str, tap.capabilities))
    groups = [tap.config_jsonschema["required"]]
    assert extractors[tap.name]["settings_group_validation"] == groups


@pytest.mark.parametrize("tap", [TapAdsterra, TapAdcloud])
def test_the_streams_selected_are_those_of_the_tap(tap: type[ReportTap]) -> None:
    extractors = {plugin["name"]: plugin for plugin in DEFINITION["plugins"]["extractors"]}
    streams = tap(config={}, validate_config=False).streams.values()
    off = {f"!{stream.name}.*" for stream in streams if not stream.selected_by_default}
    selected = extractors[tap.name].get("select", ["*.*"])
    assert set(selected) == {"*.*", *off}


def test_made_up_rows_are_stored_separately() -> None:
    """They are read only in the named environment, and every loader stores them separately."""
    assert DEFINITION["default_environment"] == "production"
    sandbox, production = DEFINITION["environments"]
    assert production == {"name": "production"}
    apart = {plugin["name"]: plugin["config"] for plugin in sandbox["config"]["plugins"]["loaders"]}
    for plugin in DEFINITION["plugins"]["loaders"]:
        settings = {setting["name"]: setting.get("value") for setting in plugin["settings"]}
        ((name, place),) = apart.pop(plugin["name"]).items()
        assert settings[name] != place
        assert place == "demo" or place.startswith("$MELTANO_PROJECT_ROOT/output/demo/")
        assert "demo" not in str(settings[name])
    assert not apart


def test_loaders_need_no_hub_and_are_pinned() -> None:
    for plugin in [*DEFINITION["plugins"]["loaders"], *DEFINITION["plugins"]["extractors"]]:
        assert plugin["namespace"]
        assert plugin["pip_url"] == "-e ." or "==" in plugin["pip_url"]
    assert DEFINITION["send_anonymous_usage_stats"] is False

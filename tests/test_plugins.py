"""The definitions for Meltano's hub match the taps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from plugins.generate import definitions
from tap_adcloud.tap import TapAdcloud
from tap_adsterra.tap import TapAdsterra
from tests.meltano import MELTANO, needs_meltano
from tests.paths import PROJECT

if TYPE_CHECKING:
    from singer_reports.tap import ReportTap

EXTRACTORS = PROJECT / "plugins" / "extractors"
#: Keys of a definition that the hub has in addition to a project.
HUB = {"domain_url", "keywords", "maintenance_status", "quality", "supported_python_versions"}
REQUIRED_BY_HUB = {"name", "namespace", "variant", "quality"}

taps = pytest.mark.parametrize("tap", [TapAdsterra, TapAdcloud])


def defined(tap: type[ReportTap]) -> dict[str, Any]:
    text = (EXTRACTORS / f"{tap.name}--ad-taps.yml").read_text()
    definition: dict[str, Any] = yaml.safe_load(text)
    return definition


def meltano_schema() -> dict[str, Any]:
    """Return the JSON Schema that Meltano ships."""
    (path,) = MELTANO.resolve().parent.parent.glob(
        "lib/*/site-packages/meltano/schemas/meltano.schema.json"
    )
    schema: dict[str, Any] = json.loads(path.read_text())
    return schema


def test_the_files_are_what_the_script_makes() -> None:
    made = definitions()
    assert set(made) == set(EXTRACTORS.iterdir())
    for path, text in made.items():
        assert path.read_text() == text, "make plugins"


@taps
def test_secrets_and_nothing_else_are_sensitive(tap: type[ReportTap]) -> None:
    properties = tap.config_jsonschema["properties"]
    secrets = {name for name, setting in properties.items() if setting.get("secret")}
    sensitive = {item["name"] for item in defined(tap)["settings"] if item.get("sensitive")}
    assert sensitive == secrets
    assert secrets


@taps
def test_every_setting_of_the_tap_is_there(tap: type[ReportTap]) -> None:
    items = {item["name"]: item for item in defined(tap)["settings"]}
    schema = tap.config_jsonschema
    assert {name.split(".")[0] for name in items} >= set(schema["properties"])
    for name, setting in schema["properties"].items():
        values = [option["value"] for option in items.get(name, {}).get("options", ())]
        assert values == setting.get("enum", [])
    assert all({"label", "kind", "description"} <= set(item) for item in items.values())
    assert defined(tap)["settings_group_validation"] == [schema["required"]]


@taps
def test_the_streams_selected_are_those_of_the_tap(tap: type[ReportTap]) -> None:
    streams = tap(config={}, validate_config=False).streams.values()
    off = [f"!{stream.name}.*" for stream in streams if not stream.selected_by_default]
    assert set(defined(tap)["select"]) == {"*.*", *off}


@needs_meltano
@taps
def test_meltano_and_its_hub_take_the_definition(tap: type[ReportTap]) -> None:
    definition = defined(tap)
    assert set(definition) >= REQUIRED_BY_HUB
    schema = meltano_schema()
    jsonschema.validate(
        {"plugins": {"extractors": [{k: v for k, v in definition.items() if k not in HUB}]}}, schema
    )


@needs_meltano
def test_the_project_follows_the_schema() -> None:
    jsonschema.validate(yaml.safe_load((PROJECT / "meltano.yml").read_text()), meltano_schema())

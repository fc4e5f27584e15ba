"""The specification of a source: the settings of its tap, as Airbyte's form shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_reports.tap import ReportTap

#: What a tap's schema has and the form does not know.
_LEFT_OUT = frozenset({"secret", "writeOnly"})


def specification(tap: type[ReportTap], documentation: str) -> dict[str, Any]:
    """Return the specification of a source.

    Args:
        tap: The tap that the source reads with.
        documentation: The address of its documentation.
    """
    schema = tap.config_jsonschema
    return {
        "documentationUrl": documentation,
        "connectionSpecification": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": f"{tap.name.removeprefix('tap-').title()} settings",
            "type": "object",
            "required": schema["required"],
            # A form of another version may send other settings; the tap itself refuses them.
            "additionalProperties": True,
            "properties": _in_order(schema["properties"]),
        },
        "supportsIncremental": True,
        "supported_destination_sync_modes": [],
    }


def own_settings(tap: type[ReportTap]) -> dict[str, Any]:
    """Return the schema of a tap's own settings, without those that the Singer SDK adds.

    What these do is Airbyte's: it maps and flattens rows, and has no batches.
    """
    schema = tap.config_jsonschema
    built_in: dict[str, Any] = {"properties": {}}
    tap.append_builtin_config(built_in)
    own = {
        name: setting
        for name, setting in schema["properties"].items()
        if name not in built_in["properties"]
    }
    return {**schema, "properties": own}


def _in_order(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {**_field(name, setting), "order": order}
        for order, (name, setting) in enumerate(settings.items())
    }


def _field(name: str, setting: Mapping[str, Any]) -> dict[str, Any]:
    """Return a setting as a field of the form: one type, a title, and marked if it is secret."""
    field = {key: value for key, value in setting.items() if key not in _LEFT_OUT}
    field["type"] = _single_type(setting["type"])
    field.setdefault("title", name.replace("_", " ").capitalize())
    if setting.get("secret"):
        field["airbyte_secret"] = True
    if "items" in setting:
        field["items"] = _items(setting["items"])
    return field


def _items(schema: Mapping[str, Any]) -> dict[str, Any]:
    items = {**schema, "type": _single_type(schema["type"])}
    if "properties" in schema:
        items["properties"] = _in_order(schema["properties"])
    return items


def _single_type(types: str | list[str]) -> str:
    """Return the type besides null; a setting that may be null may also be left out."""
    if isinstance(types, str):
        return types
    (single,) = (each for each in types if each != "null")
    return single

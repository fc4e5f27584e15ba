"""Turns errors of jsonschema into sentences for the user, without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from singer_reports.config.messages import (
    ConfigError,
    alternatives,
    hide_secrets,
    quote_value,
    shorten,
)
from singer_reports.config.secrets import secret_settings
from singer_reports.config.settings import PATTERN_HINTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from jsonschema import ValidationError

_TYPES = {
    "array": "a list, written […]",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "an object, written {…}",
    "string": "a text",
}


def describe_errors(
    errors: Iterable[ValidationError],
    schema: Mapping[str, Any],
    root_name: str = "the configuration",
    listed_by: str = "--about",
) -> Iterator[ConfigError]:
    """Describe errors of jsonschema, without secrets.

    Args:
        errors: The errors that the validator found.
        schema: The schema of the whole document.
        root_name: The name of the document in messages.
        listed_by: What lists the settings.

    Yields:
        Errors, each with its top-level setting, the expected and the actual value. Errors of the
        document itself have ``root_name`` as their setting.
    """
    secrets = secret_settings(schema)
    # Missing settings first. Only one error per path is returned, and `enum` says more than `type`.
    ordered = sorted(errors, key=lambda error: _ORDER.get(str(error.validator), len(_ORDER)))
    reported: set[str] = set()
    incomplete: set[str] = set()
    for error in ordered:
        path = _path(error.absolute_path) or root_name
        rules = cast("dict[str, Any]", error.schema)
        top = str(next(iter(error.absolute_path), root_name))
        match error.validator:
            case "required":
                # jsonschema returns one error per missing property, without the property's name.
                if path in incomplete:
                    continue
                incomplete.add(path)
                for name in cast("list[str]", error.validator_value):
                    if name not in cast("dict[str, Any]", error.instance):
                        text = rules["properties"][name].get("description", "")
                        what = text.partition(". ")[0].rstrip(".")
                        missing = _join(path, name, root_name)
                        setting = name if path == root_name else top
                        yield ConfigError(setting, f"{missing} is missing: {what}.")
            case "additionalProperties":
                known = list(rules["properties"])
                for name in sorted(set(cast("dict[str, Any]", error.instance)) - set(known)):
                    named = shorten(hide_secrets(_join(path, name, root_name)))
                    listed = alternatives(name, known, f"see {listed_by}")
                    yield ConfigError(name, f"{named} is not a setting{listed}")
            case _ if path not in reported:
                reported.add(path)
                rule = _RULES.get(str(error.validator), lambda _: "")(error.validator_value)
                value = "" if top in secrets else f", not {_quote_with_type(error.instance)}"
                yield ConfigError(
                    top,
                    f"{path} must be {rule}{value}."
                    if rule
                    else f"{path} is invalid; see {listed_by}.",
                )


def _one_type(value: str | list[str]) -> str:
    names = [value] if isinstance(value, str) else value
    return " or ".join(_TYPES[name] for name in names if name != "null")


_ORDER = {"required": 0, "additionalProperties": 1, "enum": 2}
_RULES: dict[str, Callable[[Any], str]] = {
    "enum": lambda value: "one of " + ", ".join(str(item) for item in value if item is not None),
    "maxItems": lambda value: f"a list of at most {value} items",
    "maximum": lambda value: f"at most {value}",
    "minItems": lambda value: f"a list of at least {value} item{'s' * (value > 1)}",
    "minimum": lambda value: f"at least {value}",
    "pattern": lambda value: PATTERN_HINTS.get(value, f"of the form {value}"),
    "type": _one_type,
    "uniqueItems": lambda _: "a list without repeated items",
}


def _path(steps: Iterable[str | int]) -> str:
    path = ""
    for step in steps:
        path = f"{path}[{step}]" if isinstance(step, int) else _join(path, step)
    return path


def _join(path: str, name: str, root_name: str = "") -> str:
    return name if path == root_name else f"{path}.{name}"


def _quote_with_type(value: object) -> str:
    """Quote a value; mark it as a text if it looks like a number or a boolean."""
    looks_otherwise = isinstance(value, str) and (value.isdecimal() or value in {"true", "false"})
    return f"the text {quote_value(value)}" if looks_otherwise else quote_value(value)

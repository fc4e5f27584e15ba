"""Sentences about what is wrong with a configuration; none of them shows a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from singer_reports.config.messages import LOOKS_SECRET, alternatives, quote_value
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
) -> Iterator[str]:
    """Write the errors of jsonschema as sentences for the user, with no secret in them.

    Args:
        errors: What the validator found.
        schema: The schema of the whole.
        root_name: What the whole is called.

    Yields:
        A sentence per problem, which names the setting, what it must be and what it is.
    """
    secrets = secret_settings(schema)
    # Missing settings first. Of a path, only one error is told, and `enum` says more than `type`.
    ordered = sorted(errors, key=lambda error: _ORDER.get(str(error.validator), len(_ORDER)))
    reported = set()
    for error in ordered:
        path = _path(error.absolute_path) or root_name
        rules = cast("dict[str, Any]", error.schema)
        top = next(iter(error.absolute_path), None)
        match error.validator:
            case "required":
                # jsonschema reports each missing property separately, named only in its message.
                name = error.message.split("'")[1]
                setting = rules["properties"][name]
                what = setting.get("description", "").partition(". ")[0].rstrip(".")
                yield f"{_join(path, name, root_name)} is missing: {what}."
            case "additionalProperties":
                known = list(rules["properties"])
                for name in sorted(set(cast("dict[str, Any]", error.instance)) - set(known)):
                    named = LOOKS_SECRET.sub("***", _join(path, name, root_name))
                    yield f"{named} is not a setting{alternatives(name, known, 'see --about')}"
            case _ if path not in reported:
                reported.add(path)
                rule = _RULES.get(str(error.validator), lambda _: "")(error.validator_value)
                value = "" if top in secrets else f", not {_quote_with_type(error.instance)}"
                yield (
                    f"{path} must be {rule}{value}." if rule else f"{path} is invalid; see --about."
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
    """Show a value, and say that it is a text where numbers look just like it."""
    looks_otherwise = isinstance(value, str) and (value.isdecimal() or value in {"true", "false"})
    return f"the text {quote_value(value)}" if looks_otherwise else quote_value(value)

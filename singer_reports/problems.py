"""What is wrong with a configuration, in words, all of it at once and before the first request."""

from __future__ import annotations

import difflib
import json
import re
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from jsonschema import ValidationError

_SHOWN_CHARACTERS = 60
_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "an object",
    "string": "a text",
}


def secret_settings(schema: Mapping[str, Any]) -> set[str]:
    """Name the settings that a schema flags as secret."""
    return {name for name, setting in schema["properties"].items() if setting.get("secret")}


def describe(errors: Iterable[ValidationError], schema: Mapping[str, Any]) -> Iterator[str]:
    """Put what jsonschema found into sentences for the user, with no secret in them.

    Args:
        errors: What the validator found.
        schema: The schema of the whole configuration.

    Yields:
        A sentence a problem, which names the setting, what it must be and what it is.
    """
    secrets = secret_settings(schema)
    for error in errors:
        path = _path(error.absolute_path)
        rules = cast("dict[str, Any]", error.schema)
        top = next(iter(error.absolute_path), None)
        value = "" if top in secrets else f", not {_shown(error.instance)}"
        match error.validator:
            case "required":
                # jsonschema reports each missing one by itself, and names it only in its message.
                name = error.message.split("'")[1]
                setting = rules["properties"][name]
                what = setting.get("description", "").partition(". ")[0].rstrip(".")
                yield f"{_join(path, name)} is missing: {what}."
            case "additionalProperties":
                known = list(rules["properties"])
                for name in sorted(set(cast("dict[str, Any]", error.instance)) - set(known)):
                    yield _unknown(_join(path, name), name, known)
            case _:
                rule = _RULES.get(str(error.validator), lambda _: "")(error.validator_value)
                yield f"{path} must be {rule}{value}." if rule else f"{path}: {error.message}."


def describe_environment(
    environment: Mapping[str, str], prefix: str, schema: Mapping[str, Any]
) -> Iterator[str]:
    """Say which environment variables do not hold what their setting must be.

    Args:
        environment: The environment variables.
        prefix: What the variables of the settings begin with, such as ``TAP_ADSTERRA_``.
        schema: The schema of the whole configuration.

    Yields:
        A sentence a variable. What a variable says is not shown where it is secret.
    """
    for name, setting in schema["properties"].items():
        variable = prefix + name.upper()
        text = environment.get(variable)
        kinds = setting.get("type", ())
        if text is None:
            continue
        for kind, must_be, is_it in _READABLE:
            if kind in kinds and not is_it(text):
                shown = "" if setting.get("secret") else f", not {text[:_SHOWN_CHARACTERS]!r}"
                yield f"{variable} must be {must_be}{shown}."


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


#: What the SDK can make of a variable, by the type of its setting.
_READABLE: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
    ("integer", "a whole number", lambda text: bool(re.fullmatch(r"\s*[+-]?\d+\s*", text))),
    (
        "boolean",
        "true or false",
        lambda text: text.lower() in {"true", "false", "1", "0", "yes", "no", "on", "off"},
    ),
    ("array", "JSON", _is_json),
    ("object", "JSON", _is_json),
)


def _unknown(path: str, name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(sorted(known))}."
    return f"{path} is not a setting; {hint}"


def _one_type(value: str | list[str]) -> str:
    names = [value] if isinstance(value, str) else value
    return " or ".join(_TYPES[name] for name in names if name != "null")


_RULES: dict[str, Callable[[Any], str]] = {
    "enum": lambda value: "one of " + ", ".join(str(item) for item in value if item is not None),
    "maxItems": lambda value: f"a list of at most {value}",
    "maximum": lambda value: f"at most {value}",
    "minItems": lambda value: f"a list of at least {value}",
    "minimum": lambda value: f"at least {value}",
    "pattern": lambda value: f"of the form {value}",
    "type": _one_type,
    "uniqueItems": lambda _: "a list in which nothing stands twice",
}


def _path(steps: Iterable[str | int]) -> str:
    path = ""
    for step in steps:
        path = f"{path}[{step}]" if isinstance(step, int) else _join(path, step)
    return path or "the configuration"


def _join(path: str, name: str) -> str:
    return name if path in {"", "the configuration"} else f"{path}.{name}"


def _shown(value: object) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"

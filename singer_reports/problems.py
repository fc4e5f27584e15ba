"""Sentences about what is wrong with a configuration; none of them shows a secret."""

from __future__ import annotations

import difflib
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from singer_sdk.exceptions import ConfigValidationError

from singer_reports.inputs import json_error
from singer_reports.settings import PATTERN_HINTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from jsonschema import ValidationError

_MAX_QUOTED_LENGTH = 60
_MAX_LISTED = 12
_TYPES = {
    "array": "a list, written […]",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "an object, written {…}",
    "string": "a text",
}
#: Looks like a misplaced secret: 16 or more letters and digits, or a password in a URL.
LOOKS_SECRET = re.compile(r"(?=[\w-]*\d)(?=[\w-]*[^\W\d])[\w-]{16,}|(?<=//)[^/\s]*(?=@)")
#: How similar a variable must be to a setting's own to be taken for a typing error.
_SIMILARITY = 0.85


def invalid_config_error(found: Sequence[str]) -> ConfigValidationError:
    """Make the error that ends a run before its first request.

    Args:
        found: All problems, a sentence each.

    Returns:
        The error. Its text holds all of them in one line, as some orchestrators show a single one.
    """
    messages = list(dict.fromkeys(found))
    if len(messages) == 1:
        text = f"{messages[0]} Nothing was read: correct this and run again."
    else:
        numbered = (f"({number}) {error}" for number, error in enumerate(messages, start=1))
        text = f"{' '.join(numbered)} Nothing was read: correct these and run again."
    return ConfigValidationError(text, errors=messages)


def secret_settings(schema: Mapping[str, Any]) -> set[str]:
    """Name the settings that a schema flags as secret."""
    return {name for name, setting in schema["properties"].items() if setting.get("secret")}


def secret_values(config: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Find every text in the secret settings, also in values of the wrong type."""
    found = [config.get(name) for name in secret_settings(schema)]
    while found:
        value = found.pop()
        if isinstance(value, dict):
            found += [*value, *value.values()]
        elif isinstance(value, list):
            found += value
        elif value is not None and not isinstance(value, bool):
            yield str(value)


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


def describe_environment(
    environment: Mapping[str, str], prefix: str, schema: Mapping[str, Any]
) -> dict[str, str]:
    """Say which environment variables are wrong: of another type, not JSON, or misspelt.

    Args:
        environment: The environment variables.
        prefix: What the variables of the settings begin with, such as ``TAP_ADSTERRA_``.
        schema: The schema of the whole configuration.

    Returns:
        A sentence per variable, by the setting or the variable. What a variable says is not shown
        where it is secret.
    """
    settings = schema["properties"]
    found = {}
    for name, setting in settings.items():
        variable = prefix + name.upper()
        text = environment.get(variable)
        kinds = setting.get("type", ())
        if text is None:
            continue
        if {"array", "object"} & set(kinds):
            if error := json_error(text):
                found[name] = f"{variable} {error}."
            continue
        for kind, must_be, is_it in _ENV_PARSERS:
            if kind in kinds and not is_it(text):
                value = "" if setting.get("secret") else f", not {quote_value(text)}"
                found[name] = f"{variable} must be {must_be}{value}."
    known = {prefix + name.upper() for name in settings}
    for variable in sorted(set(environment) - known):
        if variable.startswith(prefix):
            close = difflib.get_close_matches(variable, known, n=1, cutoff=_SIMILARITY)
            if close:
                found[variable] = f"{variable} is not read; did you mean {close[0]}?"
    return found


#: The variables that the SDK can read, by the type of their setting.
_ENV_PARSERS: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
    ("integer", "a whole number", lambda text: bool(re.fullmatch(r"\s*[+-]?\d+\s*", text))),
    (
        "boolean",
        "true or false",
        lambda text: text.lower() in {"true", "false", "1", "0", "yes", "no", "on", "off"},
    ),
)


def alternatives(name: str, known: Iterable[str], listed_by: str) -> str:
    """End a sentence on a name that is not known.

    Args:
        name: The name.
        known: The names there are.
        listed_by: What lists them, if they are too many for a sentence.

    Returns:
        The name that was probably meant, all names, or where to find them.
    """
    known = sorted(known)
    if close := difflib.get_close_matches(name, known, n=1):
        return f"; did you mean {close[0]}?"
    return f"; there are: {', '.join(known)}." if len(known) <= _MAX_LISTED else f"; {listed_by}."


def is_valid_url(address: str) -> bool:
    """Report whether a URL names a host, and a port if any, that there can be."""
    try:
        parts = urlsplit(address)
        _ = parts.port
        # Fails for a part that is empty or longer than 63 characters.
        return bool((parts.hostname or "").encode("idna"))
    except ValueError:
        return False


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


def quote_value(value: object) -> str:
    """Write a value as JSON: not more than a line of it, and nothing that may be a secret."""
    return shorten(LOOKS_SECRET.sub("***", json.dumps(value, default=_plain, ensure_ascii=False)))


def shorten(text: str) -> str:
    """Cut a text that is longer than a line."""
    return text if len(text) <= _MAX_QUOTED_LENGTH else text[:_MAX_QUOTED_LENGTH] + "…"


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else str(value)

"""The JSON Schema of a Singer catalog, and the errors of a catalog by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from jsonschema import Draft7Validator, validators
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL

from singer_reports.config.json_files import Unreadable
from singer_reports.config.validation import describe_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jsonschema.protocols import Validator

    Json = Mapping[str, Any]

#: Accepts tuples as arrays: a catalog that comes from the tap and not from a file has tuples.
_Validator = validators.extend(  # type: ignore[no-untyped-call]
    Draft7Validator,
    type_checker=Draft7Validator.TYPE_CHECKER.redefine(
        "array", lambda _, value: isinstance(value, list | tuple)
    ),
)
_METHOD = {"enum": [REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL, None]}
_NULLABLE_BOOLEAN = {"type": ["boolean", "null"]}
_NAMES = {"type": ["array", "null"], "items": {"type": "string"}}
_OBJECT_OF_OBJECTS = {"type": "object", "additionalProperties": {"type": "object"}}
_CATALOG = _Validator(
    {
        "type": "object",
        "required": ["streams"],
        "properties": {
            "streams": {"type": "array", "description": "the list that --discover writes"},
        },
    }
)
_ENTRY = _Validator(
    {
        "type": "object",
        "required": ["tap_stream_id"],
        "properties": {
            "tap_stream_id": {"type": "string", "description": "the stream's name"},
            "key_properties": _NAMES,
            "replication_key": {"type": ["string", "null"]},
            "replication_method": _METHOD,
            "schema": {"type": "object", "properties": {"properties": _OBJECT_OF_OBJECTS}},
            "selected": _NULLABLE_BOOLEAN,
            "metadata": {"type": "array"},
        },
    }
)
_METADATA = _Validator(
    {
        "type": "object",
        "required": ["breadcrumb", "metadata"],
        "properties": {
            "breadcrumb": {
                "type": "array",
                "items": {"type": "string"},
                "description": 'the place it is about, such as ["properties", "id"]',
            },
            "metadata": {
                "type": "object",
                "description": "what holds there, as --discover writes it",
                "properties": {
                    "selected": _NULLABLE_BOOLEAN,
                    "selected-by-default": _NULLABLE_BOOLEAN,
                    "inclusion": {"enum": ["available", "automatic", "unsupported", None]},
                    "table-key-properties": _NAMES,
                    "replication-key": {"type": ["string", "null"]},
                    "replication-method": _METHOD,
                    "forced-replication-method": _METHOD,
                },
            },
        },
    }
)


class Structure(NamedTuple):
    """The structure of a catalog."""

    #: The entries whose structure is valid.
    entries: list[Json]
    #: One sentence per error.
    errors: list[str]


def check_structure(given: object) -> Structure:
    """Check the structure of a catalog.

    Args:
        given: The catalog, as parsed JSON.
    """
    if isinstance(given, Unreadable):
        return Structure([], [f"The catalog in {given}"])
    errors = list(_describe(given, _CATALOG, "The catalog"))
    if errors or not isinstance(given, dict):
        return Structure([], errors)
    entries = []
    for number, entry in enumerate(given["streams"]):
        found = list(_entry_errors(number, entry))
        errors += found
        if not found:
            entries.append(entry)
    return Structure(entries, errors)


def _entry_errors(number: int, entry: object) -> Iterator[str]:
    name = entry.get("tap_stream_id") if isinstance(entry, dict) else None
    label = f"The catalog's entry of {name}" if name else f"The catalog's streams[{number}]"
    found = list(_describe(entry, _ENTRY, label))
    yield from found
    if found or not isinstance(entry, dict):
        return
    for place, item in enumerate(entry.get("metadata", ())):
        breadcrumb = item.get("breadcrumb") if isinstance(item, dict) else None
        about = f"{label}, metadata[{place}]"
        if isinstance(breadcrumb, list | tuple):
            about = f"The catalog's metadata of {field_path(name, breadcrumb)}"
        yield from _describe(item, _METADATA, about)


def _describe(value: object, validator: Validator, label: str) -> Iterator[str]:
    # A catalog has hundreds of values to check, and hardly ever errors.
    if not (errors := list(validator.iter_errors(cast("Any", value)))):
        return
    schema = cast("Json", validator.schema)
    for error in describe_errors(errors, schema, root_name=label):
        yield error.message if error.setting == label else f"{label}: {error.message}"


def field_path(stream: object, breadcrumb: Iterable[object]) -> str:
    """Return the path of a field, such as ``stats.clicks``, from its breadcrumb."""
    fields = [str(step) for step in list(breadcrumb)[1::2]]
    return ".".join([str(stream), *fields])

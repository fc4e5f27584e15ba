"""Finds errors in stream maps before they are applied to records."""

from __future__ import annotations

import fnmatch
from functools import partial
from typing import TYPE_CHECKING, Any

from singer_reports.config.expressions import (
    Expression,
    evaluation_errors,
    explain_failure,
    is_expression,
)
from singer_reports.config.messages import alternatives, quote_value
from singer_reports.sdk_expressions import explain_expressions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from singer_sdk import Stream

#: What removes a stream or a field; the text is for orchestrators that cannot pass null.
_REMOVED = (None, "__NULL__")


def map_errors(
    stream_maps: Mapping[str, Any], streams: Iterable[Stream], *, complete: bool
) -> Iterator[str]:
    """Find errors in stream maps: unknown streams or fields, removed keys, invalid expressions.

    A map with a misspelt name removes nothing, so the field that it should remove would be written.

    Args:
        stream_maps: The setting of this name; values of a wrong type are skipped.
        streams: The tap's streams.
        complete: Whether these are all streams of the tap.

    Yields:
        One sentence per error.
    """
    known = {stream.name: stream for stream in streams}
    for name, transform in stream_maps.items():
        source = transform.get("__source__", name) if isinstance(transform, dict) else name
        matching = [known[match] for match in fnmatch.filter(known, str(source))]
        if complete and not matching and not name.startswith("__"):
            rest = alternatives(source, known, "--discover lists the streams")
            yield f"stream_maps.{name} is about {source}, and there is no such stream{rest}"
        if isinstance(transform, dict):
            yield from _field_errors(name, transform, matching)


def _field_errors(
    name: str, transform: Mapping[str, Any], streams: Iterable[Stream]
) -> Iterator[str]:
    """Check the map of one stream, or of several if its name has wildcards."""
    fields = {field for stream in streams for field in stream.schema["properties"]}
    keys = {key for stream in streams for key in stream.primary_keys}
    for field, expression in transform.items():
        path = f"stream_maps.{name}.{field}"
        if expression in _REMOVED:
            if field.startswith("__"):
                continue
            if fields and field not in fields:
                rest = alternatives(field, fields, "--discover lists the fields")
                yield f"{path} removes a field that does not exist{rest}"
            if field in keys and "__key_properties__" not in transform:
                yield (
                    f"{path} removes a field of the key, without which rows cannot be told apart. "
                    "Keep it, or name another key in __key_properties__."
                )
        elif _is_computed(field, expression) and not is_expression(expression):
            rest = f"such as float(revenue), not {quote_value(expression)}."
            yield f"{path} must be an expression {rest}"


def _is_computed(field: str, expression: object) -> bool:
    return (
        isinstance(expression, str)
        and expression not in _REMOVED
        and field not in ("__alias__", "__source__")
    )


def expression_errors(stream_maps: Mapping[str, Any], streams: Iterable[Stream]) -> Iterator[str]:
    """Find expressions that fail for every record; prepare messages for those that fail later.

    Args:
        stream_maps: The setting ``stream_maps``, without errors.
        streams: The selected streams.

    Yields:
        One sentence per error.
    """
    for stream in streams:
        maps = _maps_of(stream, stream_maps)
        by_text = {each.text: each for expressions in maps for each in expressions}
        explain_expressions(stream, partial(explain_failure, stream, by_text))
        for expressions in maps:
            yield from evaluation_errors(stream, expressions)


def _maps_of(stream: Stream, stream_maps: Mapping[str, Any]) -> list[list[Expression]]:
    """Return the expressions of each map of a stream."""
    return [
        [
            Expression(name, field, text)
            for field, text in transform.items()
            if _is_computed(field, text)
        ]
        for name, transform in stream_maps.items()
        if isinstance(transform, dict)
        and fnmatch.fnmatch(stream.name, str(transform.get("__source__", name)))
    ]

"""Catalogs: the one that lists the streams, and the one that selects what is read."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from singer_reports.config.json_files import Unreadable
from singer_reports.config.messages import alternatives, quote_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from singer_sdk import Stream
    from singer_sdk.singerlib import Catalog

FULL_REFRESH, INCREMENTAL = "full_refresh", "incremental"
_DRAFT = "http://json-schema.org/draft-07/schema#"


def discovered(stream: Stream) -> dict[str, Any]:
    """Describe a stream: its schema, key, cursor and sync modes."""
    entry: dict[str, Any] = {
        "name": stream.name,
        "json_schema": _open_schema(stream.schema),
        "supported_sync_modes": _modes(stream),
        "source_defined_primary_key": [[name] for name in stream.primary_keys],
    }
    if stream.replication_key:
        entry["source_defined_cursor"] = True
        entry["default_cursor_field"] = [stream.replication_key]
    return entry


def _modes(stream: Stream) -> list[str]:
    return [FULL_REFRESH, INCREMENTAL] if stream.replication_key else [FULL_REFRESH]


def _open_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema without ``required``: a column that is not selected is not missing."""
    kept = {name: value for name, value in schema.items() if name != "required"}
    return {**kept, "$schema": _DRAFT, "additionalProperties": True}


def catalog_errors(given: object, streams: Mapping[str, Stream]) -> Iterator[str]:
    """Find errors in a configured catalog.

    Args:
        given: The catalog, as parsed JSON.
        streams: The streams of the tap, by name.

    Yields:
        One sentence per error.
    """
    if isinstance(given, Unreadable):
        yield f"The configured catalog in {given}"
        return
    entries = given.get("streams") if isinstance(given, dict) else None
    if not isinstance(entries, list):
        yield "The configured catalog must be an object with a list of streams."
        return
    if not entries:
        yield "The configured catalog selects no stream, so there would be nothing to read."
    names: Counter[str] = Counter()
    for number, entry in enumerate(entries, start=1):
        stream = entry.get("stream") if isinstance(entry, dict) else None
        name = stream.get("name") if isinstance(stream, dict) else None
        if not isinstance(name, str):
            yield f"Entry {number} of the configured catalog names no stream."
            continue
        names[name] += 1
        if name not in streams:
            yield (
                f"The configured catalog has the stream {quote_value(name)}, and there is no such "
                f"stream{alternatives(name, streams, 'discover lists them')}"
            )
            continue
        yield from _entry_errors(entry, streams[name])
    for name in (name for name, count in names.items() if count > 1):
        yield f"The configured catalog has {names[name]} entries of {quote_value(name)}: leave one."


def _entry_errors(entry: Mapping[str, Any], stream: Stream) -> Iterator[str]:
    mode = entry.get("sync_mode")
    # PyAirbyte wants every stream read incrementally; a list is read completely then as well.
    if mode not in (FULL_REFRESH, INCREMENTAL):
        yield (
            f"The configured catalog wants {stream.name} read with sync_mode {quote_value(mode)}, "
            f"and it can be read with {' or '.join(_modes(stream))}."
        )
    elif (
        stream.replication_key
        and mode == INCREMENTAL
        and entry.get("cursor_field")
        not in (
            None,
            [],
            [stream.replication_key],
        )
    ):
        yield (
            f"The configured catalog gives {stream.name} the cursor "
            f"{quote_value(entry['cursor_field'])}, and it can only be {stream.replication_key}."
        )


def select(catalog: Catalog, configured: Mapping[str, Any], streams: Iterable[Stream]) -> Catalog:
    """Select in a tap's catalog what a configured catalog selects.

    Args:
        catalog: The tap's own catalog; changed in place.
        configured: A configured catalog without errors.
        streams: The streams of the tap.
    """
    modes = {entry["stream"]["name"]: entry["sync_mode"] for entry in configured["streams"]}
    for stream in streams:
        entry = catalog[stream.name]
        entry.metadata.root.selected = stream.name in modes
        if stream.replication_key and modes.get(stream.name) == FULL_REFRESH:
            entry.replication_method = "FULL_TABLE"
    return catalog

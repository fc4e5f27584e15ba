"""Checks the user's catalog.

A catalog is refused if its rows would have no unique key, or if something that it selects would not
be read. What it leaves out is filled in by ``completed_catalog``.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.catalog import (
    REPLICATION_FULL_TABLE,
    REPLICATION_INCREMENTAL,
    MetadataMapping,
)

from singer_reports.config.breadcrumbs import is_field, is_path, siblings
from singer_reports.config.catalog_schema import field_path
from singer_reports.config.messages import alternatives, quote_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from singer_sdk import Stream

    from singer_reports.config.catalog_schema import Structure

    Json = Mapping[str, Any]


def catalog_errors(
    structure: Structure, streams: Iterable[Stream], *, complete: bool
) -> Iterator[str]:
    """Find errors in a catalog.

    Args:
        structure: The catalog's entries, and the errors that its structure has.
        streams: The tap's streams.
        complete: Whether these are all streams of the tap.

    Yields:
        One sentence per error.
    """
    entries, errors = structure
    yield from errors
    known = {stream.name: stream for stream in streams}
    counts = Counter(entry["tap_stream_id"] for entry in entries)
    for name in (name for name, count in counts.items() if count > 1):
        yield f"The catalog has {counts[name]} entries of {name}: leave one."
    selected = [entry for entry in entries if _is_selected(entry)]
    if not errors and not selected:
        yield (
            "The catalog selects no stream, so there would be nothing to read: in the metadata of "
            f"a stream, set selected to true. There are: {', '.join(known)}."
        )
    for entry in selected:
        name = entry["tap_stream_id"]
        if stream := known.get(name):
            yield from _entry_errors(entry, stream)
        elif complete:
            yield (
                f"The catalog selects {name}, and there is no such stream"
                f"{alternatives(name, known, '--discover lists them')} If it has gone "
                "since the catalog was written, like a report taken out of the settings, take it "
                "out of the catalog, too."
            )
    for entry in entries:
        legacy = entry.get("selected")
        if legacy is not None and legacy != _is_selected(entry):
            yield (
                f"The catalog says selected {str(legacy).lower()} at the top of "
                f"{entry['tap_stream_id']}, and its metadata says otherwise. What counts is the "
                "metadata with the empty breadcrumb: set it there."
            )


def selected_streams(entries: Iterable[Json]) -> set[str]:
    """Return the names of the streams that valid entries of a catalog select."""
    return {entry["tap_stream_id"] for entry in entries if _is_selected(entry)}


def _is_selected(entry: Json) -> bool:
    mask = MetadataMapping.from_iterable(entry.get("metadata", ())).resolve_selection()
    return mask.get((), True)


def _entry_errors(entry: Json, stream: Stream) -> Iterator[str]:
    """Find errors in the entry of a stream that exists and is selected."""
    name = stream.name
    keys, cursor = list(stream.primary_keys), stream.replication_key
    table = _table_metadata(entry)
    own_keys = entry.get("key_properties", table.get("table-key-properties"))
    if own_keys is not None and sorted(own_keys) != sorted(keys):
        yield (
            f"The catalog gives {name} the key {_listed(own_keys)}, and its rows are told apart by "
            f"{_listed(keys)}: write that, or leave key_properties out."
        )
    alias = entry.get("stream") or name
    if alias != name:
        yield (
            f"The catalog's entry of {name} has the stream {alias}, and that must be {name}, too: "
            "to write its rows under another name, use the setting stream_maps with __alias__."
        )
    own_cursor = entry.get("replication_key", table.get("replication-key"))
    own_method = entry.get("replication_method") or table.get("forced-replication-method")
    wanted = table.get("replication-method")
    if wanted and own_method and wanted != own_method:
        yield (
            f"The catalog says that {name} is read {own_method}, and in its metadata that it is "
            f"read {wanted}: say the same in replication_method and replication-method."
        )
    if cursor is None:
        if own_cursor is not None or REPLICATION_INCREMENTAL in (own_method, wanted):
            yield (
                f"The catalog wants {name} read by what is new, and the API cannot tell what is "
                "new there: take out its replication_key, and let its replication_method be "
                f"{REPLICATION_FULL_TABLE}."
            )
    elif own_cursor is None and own_keys is not None and own_method != REPLICATION_FULL_TABLE:
        yield (
            f"The catalog takes the replication key from {name}: put {cursor} back, or to read "
            f"everything on each run, let its replication_method be {REPLICATION_FULL_TABLE}."
        )
    elif own_cursor not in (None, cursor):
        yield (
            f"The catalog gives {name} the replication key {quote_value(own_cursor)}, and "
            f"it can only be {cursor}: write that, or leave replication_key out."
        )
    yield from _field_errors(entry, stream)


def _field_errors(entry: Json, stream: Stream) -> Iterator[str]:
    mask = MetadataMapping.from_iterable(entry.get("metadata", ())).resolve_selection()
    named = {("properties", field) for field in entry.get("schema", {}).get("properties", ())}
    for breadcrumb in sorted(named | set(mask)):
        is_known = not is_path(breadcrumb) or is_field(breadcrumb, stream.schema)
        if breadcrumb and not is_known and mask[breadcrumb]:
            fields = siblings(breadcrumb, stream.schema)
            yield (
                f"The catalog selects {field_path(stream.name, breadcrumb)}, and there is no such "
                f"field{alternatives(breadcrumb[-1], fields, '--discover lists them')}"
            )
    keys = [*stream.primary_keys, *filter(None, [stream.replication_key])]
    if missing := [key for key in dict.fromkeys(keys) if not mask["properties", key]]:
        yield (
            f"The catalog leaves out {_listed(missing)} of {stream.name}, without which its rows "
            "could not be told apart: in the metadata, set inclusion to automatic there."
        )


def _table_metadata(entry: Json) -> Json:
    found = [item["metadata"] for item in entry.get("metadata", ()) if not item["breadcrumb"]]
    return found[-1] if found else {}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "of no field"

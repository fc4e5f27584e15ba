"""Completes the user's catalog: fills in what it leaves out, and removes metadata of no field.

A catalog written by hand may lack keys and fields, and one of an older version lacks the fields
added since: these are filled in and logged. Metadata of a field that does not exist is ignored with
a warning, because a misspelt field would be read although the user has deselected it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from singer_sdk.singerlib import Catalog, CatalogEntry, Schema
from singer_sdk.singerlib.catalog import Metadata

from singer_reports.config.breadcrumbs import describe_place, is_field
from singer_reports.config.catalog import selected_streams
from singer_reports.config.catalog_schema import field_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from singer_sdk import Stream

    Json = Mapping[str, Any]

_MAX_NAMES = 5
_FILLED_IN = (
    "The catalog lacks what the tap has, and was completed: %s. To choose for yourself, write a "
    "new one with --discover."
)
_IGNORED = (
    "The catalog has metadata of what is no field, which is ignored: %s. To leave out a field, "
    "give its metadata the breadcrumb that --discover writes."
)


class Completed(NamedTuple):
    """A completed catalog."""

    catalog: Catalog
    #: What was changed in selected streams, one sentence each.
    warnings: list[str]


def complete_catalog(given: Json, streams: Iterable[Stream]) -> Completed:
    """Fill in what a catalog leaves out, and remove metadata that belongs to no field.

    Args:
        given: A catalog without errors.
        streams: The tap's streams.

    Returns:
        The catalog, and what was changed.
    """
    catalog = Catalog.from_dict(dict(given))
    selected = selected_streams(given["streams"])
    added, ignored = [], []
    for stream in streams:
        if entry := catalog.get_stream(stream.name):
            unknown = _remove_unknown(entry, stream)
            names = _fill(entry, stream)
            if stream.name not in selected:
                continue
            ignored += unknown
            if names:
                added.append(f"{stream.name} ({first_of(names)})")
    warnings = []
    if added:
        warnings.append(_FILLED_IN % ", ".join(added))
    if ignored:
        warnings.append(_IGNORED % first_of(ignored))
    return Completed(catalog, warnings)


def deselected_fields(streams: Iterable[Stream]) -> list[str]:
    """Return the deselected fields of the selected streams, with the names of their streams."""
    return [
        field_path(stream.name, breadcrumb)
        for stream in streams
        for breadcrumb, is_selected in stream.mask.items()
        if stream.selected and not is_selected
    ]


def first_of(names: Sequence[str]) -> str:
    """Return the first few names as a list for a sentence."""
    more = len(names) - _MAX_NAMES
    return ", ".join([*names[:_MAX_NAMES], *([f"{more} more"] if more > 0 else ())])


def _remove_unknown(entry: CatalogEntry, stream: Stream) -> list[str]:
    """Remove the metadata that belongs to no field, and return its places for a message."""
    unknown = [place for place in entry.metadata if place and not is_field(place, stream.schema)]
    for breadcrumb in unknown:
        del entry.metadata[breadcrumb]
    return [describe_place(stream.name, breadcrumb) for breadcrumb in unknown]


def _fill(entry: CatalogEntry, stream: Stream) -> list[str]:
    """Fill in one entry, and return the names of what was missing."""
    table = entry.metadata.get((), None)
    names = []
    if not (entry.key_properties or getattr(table, "table_key_properties", None)):
        names.append("key_properties")
    cursor = entry.replication_key or getattr(table, "replication_key", None)
    if stream.replication_key and not cursor:
        names.append("replication_key")
    entry.key_properties = list(stream.primary_keys)
    entry.replication_key = stream.replication_key
    own = entry.schema.to_dict()
    fields = stream.schema["properties"]
    given = own.get("properties", {})
    names += [field for field in fields if field not in given]
    mask = entry.metadata.resolve_selection()
    for place, item in stream.metadata.items():
        if item.inclusion == Metadata.InclusionType.AUTOMATIC and not mask[place]:
            names.append(place[-1])
            entry.metadata[place] = item
    own["properties"] = {name: given.get(name, field) for name, field in fields.items()}
    entry.schema = Schema.from_dict({**stream.schema, **own})
    return names

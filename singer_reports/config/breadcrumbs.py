"""Breadcrumbs, the places of a catalog's metadata: which of them are those of fields."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from singer_reports.config.catalog_schema import field_path
from singer_reports.config.messages import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Schema = Mapping[str, Any]

_PROPERTIES = "properties"


def is_path(breadcrumb: Sequence[str]) -> bool:
    """Return whether a breadcrumb has the form of a field's: ``properties``, name, and so on.

    The empty breadcrumb, which is the stream's, does not.
    """
    return (
        len(breadcrumb) > 0
        and len(breadcrumb) % 2 == 0
        and all(step == _PROPERTIES for step in breadcrumb[::2])
    )


def is_field(breadcrumb: Sequence[str], schema: Schema) -> bool:
    """Return whether a breadcrumb is that of a field, at the top or inside another field.

    Args:
        breadcrumb: The breadcrumb.
        schema: The stream's schema. An object without listed fields may contain any field.
    """
    return is_path(breadcrumb) and _find(breadcrumb, schema) is not None


def siblings(breadcrumb: Sequence[str], schema: Schema) -> list[str]:
    """Return the fields beside a breadcrumb, one of which may be meant if it is misspelt."""
    return list((_find(breadcrumb[:-2], schema) or {}).get(_PROPERTIES, ()))


def describe_place(stream: str, breadcrumb: Sequence[str]) -> str:
    """Return the place of a breadcrumb for a message, also if it cannot be that of a field."""
    if is_path(breadcrumb):
        return shorten(field_path(stream, breadcrumb))
    return f"{shorten(json.dumps(list(breadcrumb), ensure_ascii=False))} of {stream}"


def _find(breadcrumb: Sequence[str], schema: Schema) -> Schema | None:
    """Return the schema of a field; an empty one for any field of an object that lists none."""
    found = schema
    for name in breadcrumb[1::2]:
        fields = found.get(_PROPERTIES)
        if fields is None:
            return {} if "object" in found.get("type", ()) else None
        if name not in fields:
            return None
        found = fields[name]
    return found

"""Makes the type that rows are decoded to from a JSON Schema: one attribute per field."""

from __future__ import annotations

import decimal
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType

if TYPE_CHECKING:
    from collections.abc import Iterable

Schema = dict[str, Any]
#: A row with one attribute per field; ``UNSET`` if the response does not have it.
Row = Any


def row_type(
    schema: Schema,
    *,
    nullable: frozenset[str] = frozenset(),
    computed_fields: Iterable[str] = (),
    strict: bool = False,
) -> Any:  # noqa: ANN401
    """Return the type that objects of ``schema`` are decoded to.

    Args:
        schema: A JSON Schema of type object.
        nullable: Fields that may be null although the schema does not allow it.
        computed_fields: Fields to add after those of the schema.
        strict: Whether any other field is an error instead of left out.

    Returns:
        A ``msgspec.Struct``, with the fields in the order of the schema; without ``properties``, a
        dictionary with values of the type of ``additionalProperties``.
    """
    if "properties" not in schema:
        values = schema.get("additionalProperties", True)
        return dict[str, _value_type(values, strict) if isinstance(values, dict) else Any]  # type: ignore[misc]
    fields: list[Any] = []
    for name, field in schema["properties"].items():
        kind = _value_type(field, strict)
        if name in nullable:
            kind |= None
        required = name in schema.get("required", ())
        fields.append((name, kind) if required else (name, kind | UnsetType, UNSET))
    fields += [(name, Any, UNSET) for name in computed_fields]
    # Rows cannot form reference cycles: keep them out of the garbage collector.
    return msgspec.defstruct(
        "Row", fields, kw_only=True, gc=False, forbid_unknown_fields=strict, module=__name__
    )


def _value_type(schema: Schema, strict: bool) -> Any:  # noqa: ANN401, FBT001
    names = schema["type"]
    kinds = [
        _KINDS[name](schema, strict) for name in ([names] if isinstance(names, str) else names)
    ]
    union = kinds[0]
    for kind in kinds[1:]:
        union |= kind
    return union


_KINDS: dict[str, Any] = {
    "array": lambda schema, strict: list[_value_type(schema["items"], strict)],  # type: ignore[misc]
    "boolean": lambda *_: bool,
    "integer": lambda *_: int,
    "null": lambda *_: None,
    "number": lambda *_: decimal.Decimal,
    "object": lambda schema, strict: row_type(schema, strict=strict),
    "string": lambda *_: str,
}


def as_dictionary(row: Row) -> dict[str, Any]:
    """Return a row as a plain dictionary, without the fields that are not set."""
    found: dict[str, Any] = msgspec.to_builtins(row, builtin_types=(decimal.Decimal,))
    return found

"""Makes the type that rows are decoded to from a JSON Schema: one attribute per field."""

from __future__ import annotations

import decimal
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

if TYPE_CHECKING:
    from collections.abc import Iterable

Schema = dict[str, Any]
#: A row with one attribute per field; ``UNSET`` if the response does not have it.
Row = Any
#: The largest 64-bit integer. With it as ``maximum``, targets choose BIGINT, not 128 bits.
MAX_INTEGER = 2**63 - 1


def row_type(
    schema: Schema,
    *,
    nullable: frozenset[str] = frozenset(),
    computed_fields: Iterable[str] = (),
    forbid_unknown_fields: bool = True,
) -> Any:  # noqa: ANN401
    """Return the type that objects of ``schema`` are decoded to.

    Args:
        schema: A JSON Schema of type object.
        nullable: Fields that may be null although the schema does not allow it.
        computed_fields: Fields to add after those of the schema.
        forbid_unknown_fields: Whether any other field is an error instead of left out.

    Returns:
        A ``msgspec.Struct``, with the fields in the order of the schema; without ``properties``, a
        dictionary with values of the type of ``additionalProperties``.
    """
    if "properties" not in schema:
        values = schema.get("additionalProperties", True)
        return dict[str, _value_type(values) if isinstance(values, dict) else Any]  # type: ignore[misc]
    fields: list[Any] = []
    for name, field in schema["properties"].items():
        kind = _value_type(field)
        if name in nullable:
            kind |= None
        required = name in schema.get("required", ())
        fields.append((name, kind) if required else (name, kind | UnsetType, UNSET))
    fields += [(name, Any, UNSET) for name in computed_fields]
    # Rows cannot form reference cycles: keep them out of the garbage collector.
    return msgspec.defstruct(
        "Row",
        fields,
        kw_only=True,
        gc=False,
        forbid_unknown_fields=forbid_unknown_fields,
        module=__name__,
    )


def types_of(schema: Schema) -> list[str]:
    """Return the names of the types that a value may be of."""
    names = schema["type"]
    return [names] if isinstance(names, str) else names


def integer_bounds(schema: Schema) -> tuple[int, int]:
    """Return the smallest and the largest integer that the schema allows; at most 64 bits."""
    return -MAX_INTEGER - 1, schema.get("maximum", MAX_INTEGER)


def _value_type(schema: Schema) -> Any:  # noqa: ANN401
    union, *kinds = [_KINDS[name](schema) for name in types_of(schema)]
    for kind in kinds:
        union |= kind
    return union


def _integer_type(schema: Schema) -> Any:  # noqa: ANN401
    low, high = integer_bounds(schema)
    return Annotated[int, msgspec.Meta(ge=low, le=high)]


_KINDS: dict[str, Any] = {
    "array": lambda schema: list[_value_type(schema["items"])],  # type: ignore[misc]
    "boolean": lambda _: bool,
    "integer": _integer_type,
    "null": lambda _: None,
    # Not Decimal, which is also decoded from texts such as 1_5 and NaN.
    "number": lambda _: Any,
    "object": row_type,
    "string": lambda _: str,
}


def as_dictionaries(rows: list[Row], schema: Schema) -> list[dict[str, Any]]:
    """Return rows as plain dictionaries; stream maps calculate, so all numbers are decimals."""
    names = [name for name, field in schema["properties"].items() if "number" in types_of(field)]
    for name in names:
        for row in rows:
            if type(value := getattr(row, name)) is int:
                setattr(row, name, decimal.Decimal(value))
    return list(map(as_dictionary, rows))


def as_dictionary(row: Row) -> dict[str, Any]:
    """Return a row as a plain dictionary, without the fields that are not set."""
    found: dict[str, Any] = msgspec.to_builtins(row, builtin_types=(decimal.Decimal,))
    return found

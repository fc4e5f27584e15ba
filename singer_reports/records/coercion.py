"""Converts values that are not written as the schema says, or refuses them.

An API may quote its numbers, write 0 and 1 for booleans, or an empty list for an empty object. A
value with one possible meaning is converted; any other is refused, with its path.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from types import NoneType
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from singer_reports.records.row_types import Row, Schema, integer_bounds, types_of
from singer_reports.records.values import (
    FloatLiteral,
    UnfitValueError,
    exact,
    is_date,
    number,
    step,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    #: The conversion of values by their Python type; ``None`` keeps the value.
    Converters = dict[type, Callable[[Any], Any] | None]

_BOOLEANS = {"true": True, "1": True, 1: True, "false": False, "0": False, 0: False}
#: How MySQL and PHP write that there is no date.
_NO_DATES = frozenset({"", "0000-00-00", "0000-00-00 00:00:00"})
#: The number of digits of the largest 64-bit integer.
_MAX_DIGITS = 19


#: The exceptions that the conversion of a value may raise.
_ERRORS = (UnfitValueError, ValueError, LookupError, InvalidOperation, RecursionError)


class _Field:
    """Converts the values of a field, of a list, or of an object without ``properties``."""

    def __init__(self, schema: Schema, *, nullable: bool = False) -> None:
        self.converters = _converters(schema, nullable=nullable)
        names = [
            schema.get("format", name) if name == "string" else name for name in types_of(schema)
        ]
        self._expected = " or ".join(_DESCRIPTIONS[name] for name in names)

    def convert_all(self, items: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
        """Convert values, each with its key or index.

        Raises:
            UnfitValueError: If a value does not match the schema.
        """
        found = {}
        for key, value in items:
            try:
                convert = self.converters[type(value)]
                found[key] = value if convert is None else convert(value)
            except _ERRORS as error:
                raise self.error(error, key, value) from None
        return found

    def error(self, error: Exception, key: str | int, value: Any) -> UnfitValueError:  # noqa: ANN401
        """Return the error of a value, or of a value inside it, with its path."""
        if isinstance(error, UnfitValueError):
            return error.inside(key)
        return UnfitValueError(f"expected {self._expected}", value, step(key))


class RowCoercer:
    """Converts dictionaries to typed rows, and the objects in rows to typed objects."""

    def __init__(
        self, schema: Schema, *, nullable: Collection[str] = (), computed_fields: Iterable[str] = ()
    ) -> None:
        """Prepare how each field is converted.

        Args:
            schema: The JSON Schema of an object with ``properties``.
            nullable: Fields that may be null although the schema does not allow it.
            computed_fields: Fields to add after those of the schema.
        """
        self._required = frozenset(schema.get("required", ()))
        self._fields = {
            name: _Field(field, nullable=name in nullable)
            for name, field in schema["properties"].items()
        }
        names = [*self._fields, *computed_fields]
        self._row = msgspec.defstruct(
            "Row", [(name, Any, UNSET) for name in names], gc=False, module=__name__
        )

    def row(self, values: dict[str, Any]) -> Row:
        """Convert a row; fields that the schema does not have are left out.

        Raises:
            UnfitValueError: If a value is missing or does not match the schema.
        """
        # Several times as fast as calling the type. Fields of type Any are not converted.
        return msgspec.convert(self._convert(values), self._row)

    def _convert(self, values: dict[str, Any]) -> dict[str, Any]:
        found = {}
        for name, value in values.items():
            if field := self._fields.get(name):
                try:
                    convert = field.converters[type(value)]
                    found[name] = value if convert is None else convert(value)
                except _ERRORS as error:
                    raise field.error(error, name, value) from None
        if missing := self._required - found.keys():
            message = f"missing required field `{'`, `'.join(sorted(missing))}`"
            raise UnfitValueError(message, values, "")
        return found


def _converters(schema: Schema, *, nullable: bool) -> Converters:
    """Return the conversions of a field, by the Python type of the value."""
    names = types_of(schema)
    nullable = nullable or "null" in names
    kinds: list[Converters] = [
        _FORMATS[schema["format"]](nullable) if "format" in schema else _KINDS[name](schema)
        for name in names
        if name != "null"
    ]
    found: Converters = {}
    for converters in kinds:
        # The first entry is the type itself: its values are never converted to another type.
        own_type = next(iter(converters))
        found[own_type] = converters[own_type]
    for converters in kinds:
        found = {**converters, **found}
    if nullable:
        found[NoneType] = None
        if "string" not in names:
            found[str] = _or_null(found.get(str))
    return found


def _or_null(convert: Callable[[str], Any] | None) -> Callable[[str], Any]:
    """Convert the text ``null`` to None, in fields that cannot be texts."""

    def convert_or_null(text: str) -> Any:  # noqa: ANN401
        if text.lower() == "null":
            return None
        if convert is None:
            raise ValueError
        return convert(text)

    return convert_or_null


def _boolean(value: str | int) -> bool:
    return _BOOLEANS[value.lower() if isinstance(value, str) else value]


def _integers(schema: Schema) -> Converters:
    low, high = integer_bounds(schema)

    def bounded(value: int) -> int:
        if not low <= value <= high:
            raise ValueError
        return value

    def whole(text: str) -> int:
        if len(text) <= _MAX_DIGITS and text.isascii() and text.isdigit():
            return bounded(int(text))
        # Not through a float, which has 53 bits.
        value = number(text)
        if not low <= value <= high or value != value.to_integral_value():
            raise ValueError
        return int(value)

    return {int: bounded, FloatLiteral: whole, str: whole}


def _dates(nullable: bool) -> Converters:  # noqa: FBT001
    def convert(text: str) -> str | None:
        if is_date(text):
            return text
        if nullable and text in _NO_DATES:
            return None
        raise ValueError

    return {str: convert}


def _lists(schema: Schema) -> Converters:
    field = _Field(schema["items"])

    def convert(values: list[Any]) -> list[Any]:
        return list(field.convert_all(enumerate(values)).values())

    return {list: convert, dict: _empty(list)}


def _objects(schema: Schema) -> Converters:
    if "properties" in schema:
        coercer = RowCoercer(schema)
        return {dict: coercer.row, list: lambda value: coercer.row(_empty(dict)(value))}
    others = schema.get("additionalProperties", True)
    if not isinstance(others, dict):
        return {dict: exact, list: _empty(dict)}
    field = _Field(others)

    def convert(values: dict[str, Any]) -> dict[str, Any]:
        return field.convert_all(values.items())

    return {dict: convert, list: _empty(dict)}


def _empty(kind: Callable[[], Any]) -> Callable[[Any], Any]:
    """Accept an empty list for an empty object and vice versa: PHP confuses the two."""

    def convert(value: Any) -> Any:  # noqa: ANN401
        if value:
            raise ValueError
        return kind()

    return convert


_KINDS: dict[str, Callable[[Schema], Converters]] = {
    "array": _lists,
    "boolean": lambda _: {bool: None, int: _boolean, str: _boolean},
    "integer": _integers,
    "number": lambda _: {Decimal: None, int: Decimal, FloatLiteral: number, str: number},
    "object": _objects,
    "string": lambda _: {str: None, int: str, FloatLiteral: str},
}
#: A schema with another format raises a KeyError when its decoder is created.
_FORMATS: dict[str, Callable[[bool], Converters]] = {"date": _dates}
_DESCRIPTIONS = {
    "array": "a list",
    "boolean": "true or false",
    "date": "a date as YYYY-MM-DD",
    "integer": "a whole number of at most 64 bits",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a text",
}

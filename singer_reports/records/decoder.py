"""Decodes responses to rows that match a JSON Schema, or raises an error.

Numbers keep the decimal value of the response. A response that is written as documented is decoded
in one call; in others, each value is converted (``coercion``). Fields that the schema does not have
are left out and counted.
"""

from __future__ import annotations

import codecs
import decimal
import json
import re
import threading
from collections import Counter
from decimal import Decimal
from functools import cached_property, partial
from itertools import chain
from operator import attrgetter
from types import NoneType
from typing import TYPE_CHECKING, Any, cast

import msgspec
from msgspec import UNSET, UnsetType

from singer_reports.records.coercion import RowCoercer
from singer_reports.records.row_types import Row, Schema, row_type, types_of
from singer_reports.records.values import (
    FloatLiteral,
    UnfitValueError,
    has_long_number,
    is_date,
    read_numbers,
    show,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from singer_reports.records.envelope import Envelope

_PATH_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
#: Errors that undecodable JSON can raise: an exponent that is too large, half a surrogate pair,
#: bytes that are not UTF-8, too many levels.
_DECODE_ERRORS = (msgspec.DecodeError, decimal.InvalidOperation, UnicodeDecodeError, RecursionError)


class ResponseSchemaError(Exception):
    """A response that is JSON but does not match the schema."""


class Decoder:
    """Decodes a stream's responses, and counts the fields that it leaves out."""

    def __init__(
        self,
        envelope: Any,  # noqa: ANN401
        schema: Schema,
        *,
        nullable: frozenset[str] = frozenset(),
        computed_fields: Iterable[str] = (),
        ignored_fields: frozenset[str] = frozenset(),
    ) -> None:
        """Create the decoder of a stream.

        Args:
            envelope: The ``Envelope``, generic over the type of its rows.
            schema: The JSON Schema of the rows.
            nullable: Key fields that may be null in a response.
            computed_fields: Fields that are set after decoding.
            ignored_fields: Fields that are left out without being counted.
        """
        self._schema = schema
        self._envelope = envelope
        self._nullable = nullable
        self._ignored_fields = ignored_fields
        other_fields = [*ignored_fields, *computed_fields]
        self._row_type = partial(row_type, schema, nullable=nullable, computed_fields=other_fields)
        self._coercer = RowCoercer(schema, nullable=nullable, computed_fields=other_fields)
        fields = schema["properties"]
        self._dates = [name for name, field in fields.items() if "format" in field]
        #: The types of the values of each number field, if they are written as numbers.
        self._number_types = {
            name: frozenset({Decimal, int, *self._absent_types(name)})
            for name, field in fields.items()
            if "number" in types_of(field)
        }
        self._strict = self._decoder_of(self._row_type(), strict=True)
        self._lock = threading.Lock()
        self.unknown_fields: Counter[str] = Counter()

    def _absent_types(self, name: str) -> list[type]:
        """Return the types of a field's values that are not set."""
        is_nullable = name in self._nullable or "null" in types_of(self._schema["properties"][name])
        is_optional = name not in self._schema.get("required", ())
        return [NoneType] * is_nullable + [UnsetType] * is_optional

    def _decoder_of(
        self,
        row: Any,  # noqa: ANN401
        float_hook: Callable[[str], Any] = Decimal,
        *,
        strict: bool = False,
    ) -> msgspec.json.Decoder[Any]:
        return msgspec.json.Decoder(self._envelope[row], float_hook=float_hook, strict=strict)

    @cached_property
    def _lenient(self) -> msgspec.json.Decoder[Any]:
        """Also accepts quoted numbers, and 0 and 1 for booleans."""
        return self._decoder_of(self._row_type())

    @cached_property
    def _open(self) -> msgspec.json.Decoder[Any]:
        """Also leaves out fields that the schema does not have."""
        return self._decoder_of(self._row_type(forbid_unknown_fields=False))

    @cached_property
    def _untyped(self) -> msgspec.json.Decoder[Any]:
        return self._decoder_of(dict[str, Any], FloatLiteral)

    def decode(self, content: bytes) -> Envelope[Row]:
        """Decode one response.

        Args:
            content: The JSON text, in UTF-8.

        Returns:
            The envelope with its typed rows; a number is a ``Decimal`` or an ``int``.

        Raises:
            ResponseSchemaError: If a value does not match the schema; names its path and the value.
        """
        content = content.removeprefix(codecs.BOM_UTF8)
        envelope = self._decoded_by(self._strict, content)
        if envelope is None and not has_long_number(content):
            envelope = self._decoded_by(self._lenient, content)
            if envelope is None and (envelope := self._decoded_by(self._open, content)):
                self._count_unknown_fields(self._decode_untyped(content).rows)
        if envelope is None:
            return self._coerced(content)
        for name in self._ignored_fields:
            for row in envelope.rows:
                setattr(row, name, UNSET)
        return envelope

    def _decoded_by(
        self, decoder: msgspec.json.Decoder[Any], content: bytes
    ) -> Envelope[Row] | None:
        """Decode a response in one call; ``None`` if values need conversion."""
        if self._has_nested_types:
            return None
        try:
            envelope = cast("Envelope[Row]", decoder.decode(content))
        except _DECODE_ERRORS:
            return None
        rows = envelope.rows
        for name, types in self._number_types.items():
            found = set(map(type, map(attrgetter(name), rows)))
            if str in found and read_numbers(rows, name):
                found.remove(str)
            if not found <= types:
                return None
        for name in self._dates:
            # There are far fewer days than rows.
            days = set(map(attrgetter(name), rows)) - {None, UNSET}
            if not all(map(is_date, days)):
                return None
        return envelope

    @cached_property
    def _has_nested_types(self) -> bool:
        """Whether lists or objects in a row have numbers or dates, which the type cannot check."""
        nested = [
            field
            for field in self._schema["properties"].values()
            if not {"array", "object"}.isdisjoint(types_of(field))
        ]
        return any('"number"' in text or '"format"' in text for text in map(json.dumps, nested))

    def _coerced(self, content: bytes) -> Envelope[Row]:
        """Decode a response, and convert each value."""
        envelope = self._decode_untyped(content)
        sent, rows = envelope.rows, []
        try:
            for row in sent:
                rows.append(self._coercer.row(row))  # noqa: PERF401 - the error needs the index
        except UnfitValueError as error:
            raise ResponseSchemaError(str(error.inside(len(rows)).inside("rows"))) from error
        self._count_unknown_fields(sent)
        sent[:] = rows
        return envelope

    def _decode_untyped(self, content: bytes) -> Envelope[Any]:
        try:
            return cast("Envelope[Any]", self._untyped.decode(content))
        except _DECODE_ERRORS as error:
            raise ResponseSchemaError(_explain(error, content)) from error

    def _count_unknown_fields(self, rows: list[dict[str, Any]]) -> None:
        unknown = _unknown_fields(rows, self._schema)
        for name in self._ignored_fields:
            unknown.pop(name, None)
        with self._lock:
            self.unknown_fields += unknown


def _unknown_fields(rows: list[dict[str, Any]], schema: Schema, path: str = "") -> Counter[str]:
    """Count the fields of rows that the schema does not have, by their path."""
    properties = schema["properties"]
    known = frozenset(properties)
    found: Counter[str] = Counter()
    for row in rows:
        if not known.issuperset(row):
            found.update([path + name for name in row if name not in known])
    for name, field in properties.items():
        inner = field.get("items", field)
        if "properties" in inner:
            values = [row[name] for row in rows if row.get(name)]
            objects = list(chain.from_iterable(values)) if "items" in field else values
            found += _unknown_fields(objects, inner, f"{path}{name}.")
    return found


def _explain(error: Exception, content: bytes) -> str:
    """Return what was wrong, with the path and the value."""
    what, _, path = str(error).partition(" - at `")
    path = path.rstrip("`")
    if not path:
        return what
    try:
        value = msgspec.json.decode(content)
        for name, index in _PATH_STEP.findall(path):
            value = value[name] if name else value[int(index)]
    except (msgspec.DecodeError, LookupError, TypeError, UnicodeDecodeError, RecursionError):
        return f"{what}, at {path}"
    return f"{what}, at {path}: {show(value)}"

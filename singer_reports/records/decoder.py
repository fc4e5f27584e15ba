"""Decodes responses to rows that match a JSON Schema, or raises an error.

Numbers keep the decimal value of the response (``decimal.Decimal``), quoted numbers and 0/1
booleans are coerced, fields that the schema does not have are left out and counted.
"""

from __future__ import annotations

import decimal
import json
import re
import threading
from collections import Counter
from functools import cached_property, partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import msgspec
from msgspec import UNSET

from singer_reports.records.row_types import Row, Schema, as_dictionary, row_type

if TYPE_CHECKING:
    from collections.abc import Iterable

AnyRow = TypeVar("AnyRow")

_PATH_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_MAX_QUOTED_LENGTH = 80
#: Errors that undecodable JSON can raise: an exponent that is too large, half a surrogate pair,
#: bytes that are not UTF-8, too many levels.
_DECODE_ERRORS = (msgspec.DecodeError, decimal.InvalidOperation, UnicodeDecodeError, RecursionError)


class ResponseSchemaError(Exception):
    """A response that is JSON but does not match the schema."""


class Envelope(msgspec.Struct, Generic[AnyRow]):
    """The structure around the rows of a response; subclasses are generic over the row type."""

    @property
    def rows(self) -> list[AnyRow]:
        """The rows, in the order of the response."""
        raise NotImplementedError

    @property
    def total_count(self) -> int | None:
        """The number of rows on all pages, if the API announces it."""
        return None

    @property
    def page_count(self) -> int:
        """The number of pages, at least 1."""
        return 1

    @property
    def has_more(self) -> bool:
        """Whether the API announces a page after this one."""
        return False


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
        self._ignored_fields = ignored_fields
        self._row_type = partial(
            row_type, schema, nullable=nullable, computed_fields=[*ignored_fields, *computed_fields]
        )
        fields = schema["properties"].items()
        self._number_fields = [name for name, field in fields if '"number"' in json.dumps(field)]
        self._strict = self._decoder_of(self._row_type(strict=True))
        self._lock = threading.Lock()
        self.unknown_fields: Counter[str] = Counter()

    def _decoder_of(self, row: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401
        return msgspec.json.Decoder(self._envelope[row], strict=False, float_hook=decimal.Decimal)

    @cached_property
    def _lenient(self) -> msgspec.json.Decoder[Any]:
        return self._decoder_of(self._row_type())

    @cached_property
    def _untyped(self) -> msgspec.json.Decoder[Any]:
        return self._decoder_of(dict[str, Any])

    def decode(self, content: bytes) -> Envelope[Row]:
        """Decode one response.

        Args:
            content: The JSON text, in UTF-8.

        Returns:
            The envelope with its typed rows.

        Raises:
            ResponseSchemaError: If a value does not match the schema; names its path and the value.
        """
        try:
            envelope = cast("Envelope[Row]", self._strict.decode(content))
        except _DECODE_ERRORS:
            envelope = self._without_unknown_fields(content)
        rows = envelope.rows
        self._check_numbers_are_finite(rows)
        for name in self._ignored_fields:
            for row in rows:
                setattr(row, name, UNSET)
        return envelope

    def _without_unknown_fields(self, content: bytes) -> Envelope[Row]:
        try:
            envelope = cast("Envelope[Row]", self._lenient.decode(content))
            unknown: Counter[str] = Counter()
            for row in self._untyped.decode(content).rows:
                _count_unknown(row, self._schema, "", unknown)
        except _DECODE_ERRORS as error:
            raise ResponseSchemaError(_explain(error, content)) from error
        for name in self._ignored_fields:
            unknown.pop(name, None)
        with self._lock:
            self.unknown_fields += unknown
        return envelope

    def _check_numbers_are_finite(self, rows: list[Row]) -> None:
        # The texts NaN and Infinity are decoded to Decimal, and cannot be written as JSON numbers.
        for name in self._number_fields:
            try:
                sound = all(map(decimal.Decimal.is_finite, map(attrgetter(name), rows)))
            except TypeError:
                sound = False  # A value is missing, null or a list.
            if not sound:
                for index, row in enumerate(rows):
                    _check_is_finite(getattr(row, name), f"rows[{index}].{name}")


def _count_unknown(value: Any, schema: Schema, path: str, unknown: Counter[str]) -> None:  # noqa: ANN401
    if isinstance(value, dict) and "properties" in schema:
        for name, inner in value.items():
            if name in schema["properties"]:
                _count_unknown(inner, schema["properties"][name], f"{path}{name}.", unknown)
            else:
                unknown[path + name] += 1
    elif isinstance(value, list) and "items" in schema:
        for inner in value:
            _count_unknown(inner, schema["items"], path, unknown)


def _check_is_finite(value: Any, path: str) -> None:  # noqa: ANN401
    if isinstance(value, msgspec.Struct):
        value = as_dictionary(value)
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_is_finite(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _check_is_finite(inner, f"{path}[{index}]")
    elif isinstance(value, decimal.Decimal) and not value.is_finite():
        message = f'Expected a number, at {path}: "{value}"'
        raise ResponseSchemaError(message)


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
    shown = msgspec.json.encode(value).decode()
    if len(shown) > _MAX_QUOTED_LENGTH:
        shown = shown[:_MAX_QUOTED_LENGTH] + "…"
    return f"{what}, at {path}: {shown}"

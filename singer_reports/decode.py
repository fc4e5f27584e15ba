"""From a JSON Schema to a typed decoder: what comes out is what the schema says, or an error.

Numbers keep the decimal value they have on the wire (``decimal.Decimal``), quoted numbers and 0/1
booleans are coerced, fields the schema does not know are left out and counted.
"""

from __future__ import annotations

import decimal
import json
import re
import threading
from collections import Counter
from typing import Any, Generic, NotRequired, Required, TypedDict, TypeVar, cast

import msgspec

Schema = dict[str, Any]
Row = dict[str, Any]
AnyRow = TypeVar("AnyRow")

_PATH_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_SHOWN_CHARACTERS = 80
_KEY_END = b'":'
#: What comes of JSON that cannot be made into values: a number beyond all exponents, half a
#: surrogate pair, bytes that are not UTF-8, too many levels.
_UNREADABLE = (msgspec.DecodeError, decimal.InvalidOperation, UnicodeDecodeError, RecursionError)


class UnexpectedAnswer(Exception):  # noqa: N818 - a finding about the answer, not about the program
    """An answer that is JSON but not what the schema says."""


class Envelope(msgspec.Struct, Generic[AnyRow]):
    """What surrounds the rows of an answer; a tap's own are generic over the type of the rows."""

    @property
    def rows(self) -> list[AnyRow]:
        """The rows, in the order they came."""
        raise NotImplementedError

    @property
    def announced(self) -> int | None:
        """How many rows the API says there are, on all pages together."""
        return None

    @property
    def pages(self) -> int:
        """How many pages there are, at least 1."""
        return 1

    @property
    def more(self) -> bool:
        """Whether the API says that a page follows this one."""
        return False


def row_type(schema: Schema, nullable: frozenset[str] = frozenset()) -> Any:  # noqa: ANN401
    """Make the type an object of ``schema`` is decoded to: a plain dictionary with typed fields.

    Args:
        schema: A JSON Schema of type object.
        nullable: Fields in which a null is taken although the schema has none.

    Returns:
        A ``TypedDict``, which msgspec decodes to a ``dict``; without ``properties`` a dictionary of
        the type of ``additionalProperties``.
    """
    if "properties" not in schema:
        values = schema.get("additionalProperties", True)
        return dict[str, _value_type(values) if isinstance(values, dict) else Any]  # type: ignore[misc]
    required = schema.get("required", ())
    fields = {}
    for name, field in schema["properties"].items():
        kind = _value_type(field)
        if name in nullable:
            kind |= None
        fields[name] = Required[kind] if name in required else NotRequired[kind]
    return TypedDict("Row", fields)  # type: ignore[operator]


def _value_type(schema: Schema) -> Any:  # noqa: ANN401
    names = schema["type"]
    kinds = [_KINDS[name](schema) for name in ([names] if isinstance(names, str) else names)]
    union = kinds[0]
    for kind in kinds[1:]:
        union |= kind
    return union


_KINDS: dict[str, Any] = {
    "array": lambda schema: list[_value_type(schema["items"])],  # type: ignore[misc]
    "boolean": lambda _: bool,
    "integer": lambda _: int,
    "null": lambda _: None,
    "number": lambda _: decimal.Decimal,
    "object": row_type,
    "string": lambda _: str,
}


class Decoder:
    """Decodes a stream's answers, and counts what it leaves out."""

    def __init__(
        self,
        envelope: Any,  # noqa: ANN401
        schema: Schema,
        nullable: frozenset[str] = frozenset(),
        not_data: frozenset[str] = frozenset(),
    ) -> None:
        """Make the decoder, once a stream.

        Args:
            envelope: The ``Envelope``, generic over the type of its rows.
            schema: The stream's JSON Schema.
            nullable: Key fields the API may leave null.
            not_data: Fields that are left out without being counted.
        """
        self._schema = schema
        self._not_data = not_data
        fields = schema["properties"].items()
        self._with_numbers = [name for name, field in fields if '"number"' in json.dumps(field)]
        self._typed = msgspec.json.Decoder(
            envelope[row_type(schema, nullable)], strict=False, float_hook=decimal.Decimal
        )
        self._unread = msgspec.json.Decoder(envelope[msgspec.Raw])
        self._untyped = msgspec.json.Decoder(Row, float_hook=decimal.Decimal)
        self._known_surroundings: set[int] = set()
        self._lock = threading.Lock()
        self.unknown_fields: Counter[str] = Counter()

    def decode(self, content: bytes) -> Envelope[Row]:
        """Decode one answer.

        Args:
            content: The JSON text, in UTF-8.

        Returns:
            The envelope with its typed rows.

        Raises:
            UnexpectedAnswer: If a value is not what the schema says; names the place and the value.
        """
        try:
            envelope = cast("Envelope[Row]", self._typed.decode(content))
        except _UNREADABLE as error:
            raise UnexpectedAnswer(_explain(error, content)) from error
        self._refuse_texts_that_are_no_numbers(envelope.rows)
        self._count_unknown_fields(content, envelope.rows)
        return envelope

    def _refuse_texts_that_are_no_numbers(self, rows: list[Row]) -> None:
        # A decimal number can be read from the texts NaN and Infinity, and JSON cannot carry it.
        for index, row in enumerate(rows):
            for name in self._with_numbers:
                value = row.get(name)
                if type(value) is not decimal.Decimal or not value.is_finite():
                    _refuse_not_finite(value, f"rows[{index}].{name}")

    def _count_unknown_fields(self, content: bytes, rows: list[Row]) -> None:
        # Every key in the text but the envelope's own should be in a row. Counting them costs next
        # to nothing; only an answer with another number of them is looked through row by row.
        around = content.count(_KEY_END) - sum(map(len, rows))
        if around in self._known_surroundings:
            return
        unknown: Counter[str] = Counter()
        try:
            for raw, row in zip(self._unread.decode(content).rows, rows, strict=True):
                text = bytes(raw)
                if text.count(_KEY_END) != len(row):
                    _count_unknown(self._untyped.decode(text), self._schema, "", unknown)
        except _UNREADABLE as error:
            message = f"a field that this version does not know cannot be read ({error})"
            raise UnexpectedAnswer(message) from error
        for name in self._not_data:
            unknown.pop(name, None)
        with self._lock:
            self.unknown_fields += unknown
            if not unknown:
                self._known_surroundings.add(around)


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


def _refuse_not_finite(value: Any, path: str) -> None:  # noqa: ANN401
    if isinstance(value, dict):
        for name, inner in value.items():
            _refuse_not_finite(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _refuse_not_finite(inner, f"{path}[{index}]")
    elif isinstance(value, decimal.Decimal) and not value.is_finite():
        message = f'Expected a number, at {path}: "{value}"'
        raise UnexpectedAnswer(message)


def _explain(error: Exception, content: bytes) -> str:
    """Say what was wrong, and show the value that was."""
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
    if len(shown) > _SHOWN_CHARACTERS:
        shown = shown[:_SHOWN_CHARACTERS] + "…"
    return f"{what}, at {path}: {shown}"

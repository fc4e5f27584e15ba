"""How numbers and dates may be written, and how errors show refused values."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal, InvalidOperation
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from singer_reports.records.row_types import Row

#: The characters of numbers. ``Decimal`` also accepts 1_5, NaN, spaces and digits of all scripts.
_NUMBER_CHARACTERS = re.compile(r"[0-9.eE+-]*")
_MAX_QUOTED_LENGTH = 80
_DIGITS_TO_ZERO = bytes.maketrans(b"123456789.", b"0" * 10)
_LONG_NUMBER = b"0" * 16


class FloatLiteral(str):
    """A JSON number with a point or an exponent, as in the response."""

    __slots__ = ()


class UnfitValueError(Exception):
    """A value that does not match the schema."""

    def __init__(self, problem: str, value: Any, path: str) -> None:  # noqa: ANN401
        """Create the error of the value at a path."""
        super().__init__(problem, value, path)
        self.problem = problem
        self.value = value
        self.path = path

    def inside(self, key: str | int) -> UnfitValueError:
        """Return the error with the path from the object or list that contains the value."""
        return UnfitValueError(self.problem, self.value, step(key) + self.path)

    def __str__(self) -> str:
        """Return what is wrong, with the path and the value."""
        return f"{self.problem}, at {self.path.lstrip('.')}: {show(self.value)}"


def step(key: str | int) -> str:
    """Return the step of a path to the value at a key or index."""
    return f"[{key}]" if isinstance(key, int) else f".{key}"


def show(value: Any) -> str:  # noqa: ANN401
    """Return a value as JSON, shortened."""
    try:
        text = msgspec.json.encode(_as_written(value)).decode()
    except RecursionError:
        return "…"
    return text if len(text) <= _MAX_QUOTED_LENGTH else text[:_MAX_QUOTED_LENGTH] + "…"


def _as_written(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {name: _as_written(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_as_written(inner) for inner in value]
    return msgspec.Raw(value.encode()) if isinstance(value, FloatLiteral) else value


def is_date(text: str) -> bool:
    """Return whether a text is a date as ``YYYY-MM-DD``, not in another form of ISO 8601.

    >>> [is_date(text) for text in ("2026-11-25", "20261125", "2026-W48-3", "2026-02-30")]
    [True, False, False, False]
    """
    try:
        return str(datetime.date.fromisoformat(text)) == text
    except ValueError:
        return False


def number(text: str) -> Decimal:
    """Convert a text to a number.

    Raises:
        ValueError: If it has a character that numbers do not have.
        InvalidOperation: If it is not a number, or its exponent is too large.
    """
    if not _NUMBER_CHARACTERS.fullmatch(text):
        raise ValueError
    return Decimal(text)


def read_numbers(rows: list[Row], name: str) -> bool:
    """Convert the texts in a field of rows; return whether all of them are numbers."""
    values = list(map(attrgetter(name), rows))
    if not _NUMBER_CHARACTERS.fullmatch("".join([each for each in values if type(each) is str])):
        return False
    try:
        for row, value in zip(rows, values, strict=True):
            if type(value) is str:
                setattr(row, name, Decimal(value))
    except InvalidOperation:
        return False
    return True


def has_long_number(content: bytes) -> bool:
    """Return whether a response has a number with more digits than a float keeps.

    ``msgspec`` decodes 5.0 to an integer through a float; it refuses those beyond 2^53.
    """
    return _LONG_NUMBER in content.translate(_DIGITS_TO_ZERO)


def exact(value: Any) -> Any:  # noqa: ANN401
    """Convert the numbers in a value of any structure to decimals."""
    if isinstance(value, dict):
        return {name: exact(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [exact(inner) for inner in value]
    return Decimal(value) if isinstance(value, FloatLiteral) else value

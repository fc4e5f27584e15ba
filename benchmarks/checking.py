"""Compares a contestant's rows with the prepared ones: each once, with all values."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from benchmarks.data import Dataset

Row = dict[str, Any]

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_SHOWN = 3
_SHOWN_BYTES = 100


class RowsDifferError(Exception):
    """The rows differ from the prepared ones."""


def _decode(line: bytes) -> Row:
    try:
        row: Row = _decoder.decode(line)
    except msgspec.DecodeError as error:
        message = f"{error}: {line[:_SHOWN_BYTES]!r}"
        raise RowsDifferError(message) from error
    return row


class Expected:
    """The prepared rows, decoded for comparison."""

    def __init__(self, data: Dataset) -> None:
        """Decode the rows, with exact decimals."""
        self._data = data
        self._day_numbers = {day: number for number, day in enumerate(data.days)}
        self._rows = [
            {self._key(row): (index, row) for index, row in enumerate(map(_decode, rows))}
            for rows in data.templates
        ]

    def _key(self, row: Row) -> tuple[Any, ...]:
        return tuple(row.get(name) for name in self._data.key)

    def compare(self, records: Iterable[Row], adds: frozenset[str] = frozenset()) -> None:
        """Compare a contestant's rows with the prepared ones, in any order.

        Args:
            records: The rows.
            adds: Fields that the contestant adds, which are ignored.

        Raises:
            RowsDifferError: A row or field is missing, unexpected, duplicate, or has another value.
        """
        data = self._data
        seen = [
            bytearray(len(self._rows[data.template_of(number)])) for number in range(len(data.days))
        ]
        for record in records:
            day = self._day_numbers.get(record.get("date", ""))
            if day is None:
                message = f"a row of another day: {record}"
                raise RowsDifferError(message)
            template = data.template_of(day)
            index, expected = self._rows[template].get(self._key(record), (None, None))
            if index is None or expected is None:
                message = f"a row of another key: {record}"
                raise RowsDifferError(message)
            row = {name: value for name, value in record.items() if name not in adds}
            row["date"] = data.days[template]
            if row != expected:
                raise RowsDifferError(_differences(row, expected))
            if seen[day][index]:
                message = f"a row came twice: {record}"
                raise RowsDifferError(message)
            seen[day][index] = True
        if missing := sum(of_day.count(0) for of_day in seen):
            message = f"{missing:,} of {data.count:,} rows are missing"
            raise RowsDifferError(message)


def _differences(row: Row, expected: Row) -> str:
    names = [name for name in row | expected if row.get(name, ...) != expected.get(name, ...)]
    shown = [f"{name} is {row.get(name)!r}, not {expected.get(name)!r}" for name in names[:_SHOWN]]
    return f"{len(names)} fields of a row differ: {'; '.join(shown)}"


def singer_records(lines: Iterable[bytes]) -> Iterator[Row]:
    """Yield the records of Singer messages."""
    for message in map(_decode, lines):
        if message["type"] == "RECORD":
            yield message["record"]


def airbyte_records(lines: Iterable[bytes]) -> Iterator[Row]:
    """Yield the records of Airbyte messages."""
    for message in map(_decode, lines):
        if message["type"] == "RECORD":
            yield message["record"]["data"]


def file_records(folder: Path, table: str) -> Iterator[Row]:
    """Yield the records of a table from files of JSON lines."""
    for path in sorted(folder.rglob(f"{table}/*.jsonl")):
        with path.open("rb") as lines:
            yield from map(_decode, lines)

"""Checks that the rows of a slice are complete and unique, and sorts them by key."""

from __future__ import annotations

import itertools
from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from singer_reports.records.row_types import Row

_MAX_EXAMPLES = 3


class InconsistentResponseError(Exception):
    """Rows that are not what the API announced, or none of which was requested."""


class TooFewRowsError(InconsistentResponseError):
    """Fewer rows than the API announced: a smaller request may get all of them."""


def keys_without_null(
    rows: list[Row], names: Sequence[str], null_key_values: Mapping[str, Any]
) -> list[Any]:
    """Return the primary key of each row, with a sentinel in place of null.

    In SQL, NULL is never equal to NULL, so a key that contains it would be a new row on every run.

    Args:
        rows: The rows; the sentinels are set in them, too.
        names: The fields of the key, several if there are sentinels.
        null_key_values: The sentinel of each key field that may be null.
    """
    keys = keys_of(rows, names)
    if not null_key_values or None not in itertools.chain.from_iterable(keys):
        return keys
    for name, value in null_key_values.items():
        for row in rows:
            if getattr(row, name) is None:
                setattr(row, name, value)
    return keys_of(rows, names)


def check_total(count: int, total_counts: Sequence[int | None], *, has_more: bool = False) -> None:
    """Compare the number of rows with the number that the API announced, if any.

    Args:
        count: The number of rows on all pages.
        total_counts: The total that each page announced; ``None`` if it announced no total.
        has_more: Whether the last page announced another page.

    Raises:
        InconsistentResponseError: If they differ, or the data changed between the pages.
    """
    totals = sorted({total for total in total_counts if total is not None})
    if len(totals) > 1:
        message = f"the API announced {totals[0]:,} rows on one page and {totals[-1]:,} on another"
        raise InconsistentResponseError(message)
    if totals and totals != [count]:
        message = f"the API announced {totals[0]:,} rows and sent {count:,}"
        raise (TooFewRowsError if count < totals[0] else InconsistentResponseError)(message)
    if has_more:
        message = f"the API sent {count:,} rows as announced, and says there are more"
        raise InconsistentResponseError(message)


def keys_of(rows: list[Row], names: Sequence[str]) -> list[Any]:
    """Return the primary key of each row: a tuple, or the value if it is a single field."""
    return list(map(attrgetter(*names), rows))


def check_unique(keys: list[Any], names: Sequence[str]) -> None:
    """Check that no key occurs twice.

    Args:
        keys: The keys, as ``keys_of`` returns them.
        names: The fields of the key.

    Raises:
        InconsistentResponseError: If a key occurs twice.
    """
    if len(set(keys)) != len(keys):
        twice = [key for key, count in Counter(keys).items() if count > 1]
        examples = ", ".join(map(str, twice[:_MAX_EXAMPLES]))
        fields = ", ".join(names)
        message = f"the API sent {len(twice):,} keys ({fields}) more than once: {examples}"
        raise InconsistentResponseError(message)


def sorted_by_key(rows: list[Any], keys: list[Any]) -> list[Any]:
    """Sort rows by their primary key, so that two runs over the same data write the same bytes.

    Args:
        rows: All rows of a slice.
        keys: The key of each row, as ``keys_of`` returns it.
    """
    return [rows[index] for index in sorted(range(len(rows)), key=keys.__getitem__)]

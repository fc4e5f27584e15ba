"""What makes the rows of a response whole: nothing missing, nothing twice, sorted by their key."""

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
    """Take the primary key out of each row, with the API's own sentinel in place of a null.

    A null never equals itself, so a key with one would be a new row on every run.

    Args:
        rows: The rows; the sentinels are put into them, too.
        names: The fields of the key, several if there are sentinels.
        null_key_values: For each key field that may come null, the value that stands for none.
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
    """Compare the number of rows with what the API announced, if it announced anything.

    Args:
        count: How many rows came, on all pages together.
        total_counts: How many rows there are, as each page said.
        has_more: Whether the last page said that another one follows.

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
    """Take the primary key out of each row: a tuple, or the value where it is a single field."""
    return list(map(attrgetter(*names), rows))


def check_unique(keys: list[Any], names: Sequence[str]) -> None:
    """See that no key stands twice.

    Args:
        keys: The keys, as ``keys_of`` makes them.
        names: The fields they are made of.

    Raises:
        InconsistentResponseError: If one does.
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
        rows: All rows of a window, or of a stream that has no windows.
        keys: The key of each, as ``keys_of`` makes it.

    Returns:
        The same rows, sorted.
    """
    return [rows[index] for index in sorted(range(len(rows)), key=keys.__getitem__)]

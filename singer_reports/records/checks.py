"""Checks that the rows of a slice are complete and unique, and sorts them by key."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from singer_reports.records.row_types import Row

_MAX_EXAMPLES = 3


class InconsistentResponseError(Exception):
    """Rows that are not what the API announced, or none of which was requested."""


class TooFewRowsError(InconsistentResponseError):
    """Rows that are missing: a smaller request may get all of them."""


class ReplacedValue(NamedTuple):
    """A null or an empty text that a sentinel replaces in a key."""

    key: Any
    field: str
    value: str | None
    sentinel: Any


def keys_without_null(
    rows: list[Row], names: Sequence[str], null_key_values: Mapping[str, Any]
) -> tuple[list[Any], list[ReplacedValue]]:
    """Return the primary key of each row, with a sentinel in place of null and of an empty text.

    In SQL, NULL is never equal to NULL, so a key that contains it would be a new row on every run.
    Some databases store an empty text as NULL.

    Args:
        rows: The rows; the sentinels are set in them, too.
        names: The fields of the key, several if there are sentinels.
        null_key_values: The sentinel of each key field that may be null.

    Returns:
        The keys, and the values that were replaced.
    """
    keys = keys_of(rows, names)
    if not null_key_values:
        return keys, []
    texts = [name for name, value in null_key_values.items() if isinstance(value, str)]
    if None not in itertools.chain.from_iterable(keys) and not any(
        "" in map(attrgetter(name), rows) for name in texts
    ):
        return keys, []
    replaced = []
    for name, sentinel in null_key_values.items():
        for index, row in enumerate(rows):
            value = getattr(row, name)
            if value is None or value == "":
                setattr(row, name, sentinel)
                replaced.append((index, name, value, sentinel))
    keys = keys_of(rows, names)
    return keys, [ReplacedValue(keys[index], *others) for index, *others in replaced]


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


def check_unique(
    keys: list[Any], names: Sequence[str], replaced: Sequence[ReplacedValue] = ()
) -> None:
    """Check that no key occurs twice.

    Args:
        keys: The keys, as ``keys_of`` returns them.
        names: The fields of the key.
        replaced: The values that sentinels replace in the keys.

    Raises:
        InconsistentResponseError: If a key occurs twice.
    """
    if len(set(keys)) != len(keys):
        twice = {key: count for key, count in Counter(keys).items() if count > 1}
        examples = ", ".join(map(str, list(twice)[:_MAX_EXAMPLES]))
        fields = ", ".join(names)
        message = f"the API sent {len(twice):,} keys ({fields}) more than once: {examples}"
        raise InconsistentResponseError(message + _describe_replaced(twice, replaced))


def _describe_replaced(twice: Mapping[Any, int], replaced: Sequence[ReplacedValue]) -> str:
    """Return which values the response had for a field, if a sentinel makes them the same key."""
    for key, count in twice.items():
        for field in sorted({item.field for item in replaced if item.key == key}):
            found = [item for item in replaced if (item.key, item.field) == (key, field)]
            forms = sorted({json.dumps(item.value) for item in found}, reverse=True)
            if count > len(found):
                forms.append(json.dumps(found[0].sentinel))
            if len(forms) > 1:
                return f", where {field} came once as {' and once as '.join(forms)}"
    return ""


def sorted_by_key(rows: list[Any], keys: list[Any]) -> list[Any]:
    """Sort rows by their primary key, so that two runs over the same data write the same bytes.

    Args:
        rows: All rows of a slice.
        keys: The key of each row, as ``keys_of`` returns it.
    """
    return [rows[index] for index in sorted(range(len(rows)), key=keys.__getitem__)]

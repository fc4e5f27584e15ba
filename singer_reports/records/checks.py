"""What makes the rows of a response whole: nothing missing, nothing twice, sorted by their key."""

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
    """Fewer rows than the API announced: a smaller request may get all of them."""


class ReplacedValue(NamedTuple):
    """A null, or an empty text, in whose place the API's sentinel stands in a key."""

    key: Any
    field: str
    value: str | None
    sentinel: Any


def keys_without_null(
    rows: list[Row], names: Sequence[str], null_key_values: Mapping[str, Any]
) -> tuple[list[Any], list[ReplacedValue]]:
    """Take the primary key out of each row, with the API's own sentinel in place of a null.

    In SQL, NULL is never equal to NULL, so a key with one would be a new row on every run. An empty
    text is no name either, and some databases take it for a null.

    Args:
        rows: The rows; the sentinels are put into them, too.
        names: The fields of the key, several if there are sentinels.
        null_key_values: For each key field that may come null, the value that stands for none.

    Returns:
        The keys, and what the sentinels replace.
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


def check_unique(
    keys: list[Any], names: Sequence[str], replaced: Sequence[ReplacedValue] = ()
) -> None:
    """See that no key stands twice.

    Args:
        keys: The keys, as ``keys_of`` makes them.
        names: The fields they are made of.
        replaced: What sentinels replace in them.

    Raises:
        InconsistentResponseError: If one does.
    """
    if len(set(keys)) != len(keys):
        twice = {key: count for key, count in Counter(keys).items() if count > 1}
        examples = ", ".join(map(str, list(twice)[:_MAX_EXAMPLES]))
        fields = ", ".join(names)
        message = f"the API sent {len(twice):,} keys ({fields}) more than once: {examples}"
        raise InconsistentResponseError(message + _describe_replaced(twice, replaced))


def _describe_replaced(twice: Mapping[Any, int], replaced: Sequence[ReplacedValue]) -> str:
    """Say in which forms a value of a key came, if a sentinel makes the key stand twice."""
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
        rows: All rows of a window, or of a stream that has no windows.
        keys: The key of each, as ``keys_of`` makes it.

    Returns:
        The same rows, sorted.
    """
    return [rows[index] for index in sorted(range(len(rows)), key=keys.__getitem__)]

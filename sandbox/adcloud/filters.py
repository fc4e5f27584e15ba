"""Filters of the Adcloud API: `filter[name]=value`, or `filter[name][]=value` for several values.

The names and the values are those of Adcloud's own client. What the API does with each of them is
not documented; rows are compared with the values, and filters on no field are accepted and ignored.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NAME = re.compile(r"filter\[(?P<name>\w+)\](?:\[\d*\])?")
#: The names of a campaign's status in filters. Source: Adcloud's own client.
STATUSES = {
    "inactive": 0,
    "online": 1,
    "offer": 2,
    "rejected": 3,
    "accepted": 4,
    "awaiting_approval": 5,
    "paused": 6,
    "ended": 7,
    "billed": 9,
    "paid": 10,
    "approved": 11,
    "canceled": 12,
    "approval_rejected": 13,
}
#: The other names of a field, in the rows and in filters.
_SAME = ({"booking_id", "campaign_id", "campaign"},)
_TRUTH = {"true": "1", "false": "0"}


class Filters:
    """The filters of a request."""

    def __init__(self, parameters: Iterable[tuple[str, str]]) -> None:
        """Parse the parameters of a request; filters without a value are ignored."""
        #: The parameters that are filters.
        self.pairs: list[tuple[str, str]] = []
        self._wanted: dict[str, set[str]] = {}
        for name, value in parameters:
            match = _NAME.fullmatch(name)
            if match:
                self.pairs.append((name, value))
                if value:
                    self._wanted.setdefault(match["name"], set()).add(value)

    def has(self, *ignored: str) -> bool:
        """Return whether there are filters with other names than these."""
        return bool(self._wanted.keys() - set(ignored))

    def match(self, row: Mapping[str, Any], *ignored: str) -> bool:
        """Return whether a row passes all filters; those with the names `ignored` do not count."""
        return all(
            _matches(row, name, values)
            for name, values in self._wanted.items()
            if name not in ignored
        )


def _matches(row: Mapping[str, Any], name: str, values: set[str]) -> bool:
    if name == "name":
        # A text to search for.
        return any(value.lower() in str(row.get(name, "")).lower() for value in values)
    if name == "status":
        values = {str(STATUSES.get(value, value)) for value in values}
    fields = [name, f"{name}_id", *(other for same in _SAME if name in same for other in same)]
    found = [_plain(row[field]) for field in fields if field in row]
    return not found or not {_plain(value) for value in values}.isdisjoint(found)


def _plain(value: object) -> str:
    """Return a value as it is written in a query; true and false are 1 and 0."""
    text = str(int(value)) if isinstance(value, bool) else str(value)
    return _TRUTH.get(text, text)

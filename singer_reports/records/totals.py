"""Control totals: the number of rows and their exact sums, by day and currency."""

from __future__ import annotations

import decimal
from collections import Counter
from decimal import Decimal
from itertools import compress
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from singer_reports.records.decoder import ResponseSchemaError
from singer_reports.records.row_types import MAX_INTEGER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_reports.records.row_types import Row

#: So many keys are faster to add up one after the other.
_FEW_KEYS = 3
#: Sums are exact or an error; amounts of money have far fewer digits.
_EXACT = decimal.Context(prec=1_000, traps=[decimal.Inexact, decimal.InvalidOperation])


class TotalFields(NamedTuple):
    """The fields of a report's rows that are added up; its schema requires all but the last."""

    impressions: str
    clicks: str
    amount: str
    #: The field with the currency of a row; ``None`` if all rows have the same one.
    currency: str | None = None
    #: The currency of rows that name none, and of a day without rows.
    default_currency: str = "-"


class Sums(NamedTuple):
    """The number of rows, and their sums."""

    row_count: int = 0
    impressions: int = 0
    clicks: int = 0
    amount: Decimal = Decimal()

    def plus(self, other: Sums) -> Sums:
        """Add other sums."""
        return Sums(
            self.row_count + other.row_count,
            self.impressions + other.impressions,
            self.clicks + other.clicks,
            self.amount + other.amount,
        )


class PageTotals(NamedTuple):
    """The sums of the rows of a response, and what else it says about them."""

    #: By day and currency.
    sums: dict[tuple[str, str], Sums]
    details: dict[str, Any]


def sum_rows(rows: list[Row], fields: TotalFields) -> dict[tuple[str, str], Sums]:
    """Add up rows by day and currency.

    Raises:
        ResponseSchemaError: If a sum is too large to be exact.
    """
    columns = [
        list(map(attrgetter(name), rows))
        for name in (fields.impressions, fields.clicks, fields.amount)
    ]
    try:
        with decimal.localcontext(_EXACT):
            found = _sums_by_key(_keys(rows, fields), columns)
            return _checked(_named(found, fields.default_currency))
    except decimal.DecimalException:
        raise ResponseSchemaError(_INEXACT) from None


class _Keys(NamedTuple):
    """What tells the rows of a page apart: texts where possible, which are hashed only once."""

    of_rows: list[Any]
    #: By key of a row: the day and the currency.
    names: dict[Any, tuple[str, Any]]


def _keys(rows: list[Row], fields: TotalFields) -> _Keys:
    days = list(map(attrgetter("date"), rows))
    if not fields.currency:
        return _Keys(days, {day: (day, None) for day in set(days)})
    currencies = list(map(attrgetter(fields.currency), rows))
    if len(set(days)) == 1:
        return _Keys(currencies, {each: (days[0], each) for each in set(currencies)})
    pairs = list(zip(days, currencies, strict=True))
    return _Keys(pairs, {pair: pair for pair in set(pairs)})


def _sums_by_key(keys: _Keys, columns: list[list[Any]]) -> list[tuple[tuple[str, Any], Sums]]:
    """Add up columns by key, in the order of the rows: groups of rows would take twice as long."""
    counts = Counter(keys.of_rows)
    if len(counts) <= _FEW_KEYS:
        return [
            (keys.names[key], Sums(count, *_sums_of_one(key, keys.of_rows, columns)))
            for key, count in counts.items()
        ]
    shown = dict.fromkeys(counts, 0)
    clicked = dict.fromkeys(counts, 0)
    amounts = dict.fromkeys(counts, Decimal())
    for key, impressions, clicks, amount in zip(keys.of_rows, *columns, strict=True):
        shown[key] += impressions
        clicked[key] += clicks
        amounts[key] += amount
    return [
        (name, Sums(counts[key], shown[key], clicked[key], amounts[key]))
        for key, name in keys.names.items()
    ]


def _sums_of_one(
    key: object, of_rows: list[Any], columns: list[list[Any]]
) -> tuple[int, int, Decimal]:
    """Add up the columns of the rows with a key."""
    is_its = [each == key for each in of_rows]
    impressions, clicks, amount = (sum(compress(column, is_its)) for column in columns)
    return impressions, clicks, amount + Decimal()


def _named(found: list[tuple[tuple[str, Any], Sums]], default: str) -> dict[tuple[str, str], Sums]:
    """Return sums by day and currency, with the currency that stands for none."""
    named: dict[tuple[str, str], Sums] = {}
    for (date, currency), sums in found:
        # Null and an empty text are the same in some databases.
        key = date, currency if isinstance(currency, str) and currency else default
        named[key] = named[key].plus(sums) if key in named else sums
    return named


def merge(pages: Iterable[PageTotals]) -> PageTotals:
    """Add up the totals of the pages of a slice; the first page has the details.

    Raises:
        ResponseSchemaError: If a sum is too large to be exact.
    """
    first, *others = pages
    merged = dict(first.sums)
    try:
        with decimal.localcontext(_EXACT):
            for page in others:
                for key, sums in page.sums.items():
                    merged[key] = merged[key].plus(sums) if key in merged else sums
    except decimal.DecimalException:
        raise ResponseSchemaError(_INEXACT) from None
    return PageTotals(_checked(merged), first.details)


_INEXACT = "its numbers are too far apart to be added up exactly"


def _checked(found: dict[tuple[str, str], Sums]) -> dict[tuple[str, str], Sums]:
    """Check that the sums fit the schema of the control totals."""
    if any(max(sums.impressions, sums.clicks) > MAX_INTEGER for sums in found.values()):
        message = "the sum of its impressions or clicks has more than 64 bits"
        raise ResponseSchemaError(message)
    return found

"""Control totals: the number of rows and their exact sums, by day and currency."""

from __future__ import annotations

import decimal
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from singer_reports.records.decoder import ResponseSchemaError
from singer_reports.records.row_types import MAX_INTEGER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from singer_reports.records.row_types import Row

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
    amount, impressions, clicks = map(
        attrgetter, (fields.amount, fields.impressions, fields.clicks)
    )
    try:
        with decimal.localcontext(_EXACT):
            return _checked(
                {
                    key: Sums(
                        len(group),
                        sum(map(impressions, group)),
                        sum(map(clicks, group)),
                        sum(map(amount, group), Decimal()),
                    )
                    for key, group in _groups(rows, fields)
                }
            )
    except decimal.DecimalException:
        raise ResponseSchemaError(_INEXACT) from None


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


def _groups(rows: list[Row], fields: TotalFields) -> Iterable[tuple[tuple[str, str], list[Row]]]:
    """Return the rows by day and currency."""
    currency_of = attrgetter(fields.currency) if fields.currency else None
    found: dict[tuple[str, str], list[Row]] = {}
    for group in _parts(rows, attrgetter("date")):
        for part in _parts(group, currency_of) if currency_of else [group]:
            currency = currency_of(part[0]) if currency_of else None
            # Null and an empty text are the same in some databases.
            named = currency if isinstance(currency, str) and currency else fields.default_currency
            key = part[0].date, named
            found[key] = [*found[key], *part] if key in found else part
    return found.items()


def _parts(rows: list[Row], value_of: Callable[[Row], Any]) -> Collection[list[Row]]:
    """Return rows by the value of a field; there are far fewer values than rows."""
    values = list(map(value_of, rows))
    different = set(values)
    if len(different) <= 1:
        return [rows] if rows else []
    parts: dict[Any, list[Row]] = {value: [] for value in different}
    for value, row in zip(values, rows, strict=True):
        parts[value].append(row)
    return parts.values()

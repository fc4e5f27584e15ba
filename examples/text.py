"""Formats of the page for numbers, days and names: English, with the day before the month."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

if TYPE_CHECKING:
    from decimal import Decimal

    from examples.periods import Bucket, Span

_LOCALE = Locale("en")
#: The text for a missing value, such as a ratio with a denominator of 0.
_NOTHING = "-"


def money(amount: Decimal | float | None, currency: str | None) -> str:
    """Format an amount with its currency: ``USD 1,234.50``."""
    if amount is None:
        return _NOTHING
    # An unknown currency is shown, because amounts without a currency cannot be compared.
    return format_currency(amount, currency or "???", "¤¤ #,##0.00", locale=_LOCALE)


def number(count: float) -> str:
    """Format a whole number: ``1,234``."""
    return format_decimal(count, "#,##0", locale=_LOCALE)


def count(number: int, noun: str) -> str:
    """Format a number of things: ``1 day``, ``7 days``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def decimal(number: Decimal | float | None) -> str:
    """Format a number with two decimals: ``1,234.50``."""
    return _NOTHING if number is None else format_decimal(number, "#,##0.00", locale=_LOCALE)


def day(date: datetime.date) -> str:
    """Format a day: ``1 May 2024``."""
    return format_date(date, "d MMM y", locale=_LOCALE)


def weekday(date: datetime.date) -> str:
    """Format a day with its name: ``Wed 1 May 2024``."""
    return format_date(date, "EEE d MMM y", locale=_LOCALE)


def days(span: Span) -> str:
    """Format consecutive days: ``1 May 2024``, or ``28 Apr to 3 May 2024``."""
    first, last = span
    if first == last:
        return day(last)
    same_month = (first.year, first.month) == (last.year, last.month)
    form = "d" if same_month else "d MMM" if first.year == last.year else "d MMM y"
    return f"{format_date(first, form, locale=_LOCALE)} to {day(last)}"


def bucket(bucket: Bucket, unit: str) -> dict[str, str]:
    """Format a day, week or month, by its unit: ``{"Month": "1 to 31 May 2024"}``."""
    written = weekday(bucket.span.first) if unit == "day" else days(bucket.span)
    return {unit.capitalize(): written if bucket.whole else f"{written} (incomplete)"}


def month(date: datetime.date) -> str:
    """Format a month: ``May 2024``."""
    return format_date(date, "MMM y", locale=_LOCALE)


def change(percent: float) -> str:
    """Format a change: ``+3.5 %`` or ``-3.5 %``."""
    # Adding 0 turns -0.0 into 0.0.
    return f"{round(percent, 1) + 0:+,.1f} %"


def minute(time: str | datetime.datetime) -> str:
    """Format a time: ``1 May 2024, 12:00``."""
    read = datetime.datetime.fromisoformat(time) if isinstance(time, str) else time
    return f"{day(read)}, {read:%H:%M}"


def country(code: str | None) -> str:
    """Return a country's name, or its code if it has none."""
    return str(_LOCALE.territories.get(code or "", code or _NOTHING))

"""Sums of rows by day and currency: exact, or an error."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singer_reports.records.decoder import ResponseSchemaError
from singer_reports.records.row_types import MAX_INTEGER
from singer_reports.records.totals import PageTotals, Sums, TotalFields, merge, sum_rows


class Cell(NamedTuple):
    """A row."""

    date: str = "2024-05-01"
    currency: str | None = "EUR"
    shown: int = 1
    clicks: int = 0
    costs: Decimal | int = 0


FIELDS = TotalFields("shown", "clicks", "costs", "currency")
AMOUNTS = st.decimals(min_value=-(10**30), max_value=10**30, allow_nan=False, places=20)
CELLS = st.builds(
    Cell,
    date=st.sampled_from(["2024-05-01", "2024-05-02"]),
    currency=st.sampled_from(["EUR", "USD", "", None]),
    shown=st.integers(0, 10**6),
    clicks=st.integers(0, 10**6),
    costs=AMOUNTS | st.integers(),
)


@given(pages=st.lists(st.lists(CELLS), min_size=1, max_size=4))
def test_the_sums_of_all_pages_are_exact(pages: list[list[Cell]]) -> None:
    merged = merge([PageTotals(sum_rows(page, FIELDS), {"page": page}) for page in pages])
    rows = [row for page in pages for row in page]
    keys = {(row.date, row.currency or "-") for row in rows}
    assert merged.sums.keys() == keys
    assert merged.details == {"page": pages[0]}
    for key, sums in merged.sums.items():
        group = [row for row in rows if (row.date, row.currency or "-") == key]
        assert sums.row_count == len(group)
        assert sums.impressions == sum(row.shown for row in group)
        assert sums.clicks == sum(row.clicks for row in group)
        assert Fraction(sums.amount) == sum(Fraction(row.costs) for row in group)


def test_more_digits_than_a_usual_decimal_has_are_kept() -> None:
    rows = [Cell(costs=Decimal("1E+40")), Cell(costs=Decimal("1E-40"))]
    (sums,) = sum_rows(rows, FIELDS).values()
    assert sums.amount == Decimal("1" + "0" * 40 + "." + "0" * 39 + "1")


@pytest.mark.parametrize(
    "rows",
    [
        [Cell(costs=Decimal("1E+2000")), Cell(costs=Decimal("1E-2000"))],
        [Cell(shown=MAX_INTEGER), Cell(shown=1)],
        [Cell(clicks=MAX_INTEGER), Cell(clicks=1)],
    ],
)
def test_a_sum_that_cannot_be_written_is_refused(rows: list[Cell]) -> None:
    with pytest.raises(ResponseSchemaError):
        sum_rows(rows, FIELDS)
    pages = [PageTotals(sum_rows([row], FIELDS), {}) for row in rows]
    with pytest.raises(ResponseSchemaError):
        merge(pages)


def test_rows_without_a_currency_have_that_of_the_report() -> None:
    fields = TotalFields("shown", "clicks", "costs", default_currency="USD")
    assert sum_rows([Cell(costs=Decimal("0.3"))], fields) == {
        ("2024-05-01", "USD"): Sums(1, 1, 0, Decimal("0.3"))
    }
    assert sum_rows([], fields) == {}

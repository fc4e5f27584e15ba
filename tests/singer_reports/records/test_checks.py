"""Checks of rows: complete, without duplicates, sorted by key."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singer_reports.records.checks import (
    InconsistentResponseError,
    check_total,
    check_unique,
    keys_of,
    keys_without_null,
    sorted_by_key,
)

KEYS = ("date", "country")


def key(row: dict[str, Any]) -> tuple[str, str]:
    return row["date"], row["country"]


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "date": st.sampled_from(["2024-01-01", "2024-01-02"]),
            "country": st.sampled_from(["AT", "DE", "-", "US"]),
        }
    ),
    unique_by=key,
)


@given(rows=ROWS, order=st.randoms(use_true_random=False))
def test_any_order_of_rows_comes_out_the_same(rows: list[dict[str, Any]], order: Any) -> None:
    shuffled = list(rows)
    order.shuffle(shuffled)
    result = sorted_by_key(shuffled, [key(row) for row in shuffled])
    assert result == sorted_by_key(rows, [key(row) for row in rows])
    assert [key(row) for row in result] == sorted(key(row) for row in rows)


def test_a_duplicate_key_is_named() -> None:
    rows = [SimpleNamespace(id=number) for number in (1, 7, 7)]
    with pytest.raises(InconsistentResponseError, match=r"1 keys \(id\) more than once: 7"):
        check_unique(keys_of(rows, ["id"]), ["id"])


@pytest.mark.parametrize("announced", [0, 2, 4_000])
def test_a_wrong_number_of_rows_is_refused(announced: int) -> None:
    with pytest.raises(InconsistentResponseError, match=f"announced {announced:,} rows and sent 1"):
        check_total(1, [announced])


def test_without_a_total_nothing_is_compared() -> None:
    check_total(1, [None])
    check_total(5, [5, 5, 5])


def test_different_totals_on_pages_mean_changed_data() -> None:
    with pytest.raises(InconsistentResponseError, match="5 rows on one page and 6 on another"):
        check_total(6, [6, 5])


def test_a_page_after_the_last_one_is_refused() -> None:
    with pytest.raises(InconsistentResponseError, match="says there are more"):
        check_total(5, [5], has_more=True)


def test_a_null_key_is_replaced_by_the_sentinel_and_other_values_stay() -> None:
    rows = [
        SimpleNamespace(country=None, domain=5),
        SimpleNamespace(country="DE", domain=None),
        SimpleNamespace(country="US", domain=6),
    ]
    sentinels = {"country": "-", "domain": 0}
    keys, replaced = keys_without_null(rows, ("domain", "country"), sentinels)
    assert keys == [(5, "-"), (0, "DE"), (6, "US")]
    assert [(row.domain, row.country) for row in rows] == keys
    assert replaced == [((5, "-"), "country", None, "-"), ((0, "DE"), "domain", None, 0)]


def test_an_empty_text_in_a_key_is_replaced_as_well() -> None:
    rows = [SimpleNamespace(domain=5, country=""), SimpleNamespace(domain=0, country="DE")]
    keys, replaced = keys_without_null(rows, ("domain", "country"), {"country": "-", "domain": 0})
    assert keys == [(5, "-"), (0, "DE")]
    assert [(row.domain, row.country) for row in rows] == keys
    assert replaced == [((5, "-"), "country", "", "-")]


@pytest.mark.parametrize(
    ("countries", "expected"),
    [
        ([None, "-"], 'country came once as null and once as "-"'),
        (["", "-"], 'country came once as "" and once as "-"'),
        ([None, ""], 'country came once as null and once as ""'),
    ],
)
def test_a_sentinel_that_makes_a_key_stand_twice_is_explained(
    countries: list[str | None], expected: str
) -> None:
    rows = [SimpleNamespace(id=1, country=country) for country in [*countries, "DE"]]
    names = ("id", "country")
    keys, replaced = keys_without_null(rows, names, {"country": "-"})
    with pytest.raises(InconsistentResponseError) as caught:
        check_unique(keys, names, replaced)
    assert str(caught.value).endswith(f"more than once: (1, '-'), where {expected}")


def test_two_nulls_are_just_twice() -> None:
    rows = [SimpleNamespace(id=1, country=None), SimpleNamespace(id=1, country=None)]
    keys, replaced = keys_without_null(rows, ("id", "country"), {"country": "-"})
    with pytest.raises(InconsistentResponseError, match=r"more than once: \(1, '-'\)$"):
        check_unique(keys, ("id", "country"), replaced)

"""Periods: recent days and months for the summary, and weeks and months for the charts."""

from __future__ import annotations

import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from examples.periods import DAY, Span, add_up, buckets, key_periods, span_of, unit_for
from tests.support import day


def rows(first: str, last: str) -> list[dict[str, Any]]:
    """Make a row per day; its money is the day of the month."""
    return [
        {
            "date": date,
            "amount": Decimal(date.day),
            "impressions": 1_000 * date.day,
            "clicks": 10 * date.day,
        }
        for date in (
            day(first) + number * DAY for number in range((day(last) - day(first)).days + 1)
        )
    ]


def seen(today: str, first: str = "2024-01-01") -> dict[str, tuple[str, int, str | None]]:
    """Return the periods on an incomplete day: their days, money and previous periods."""
    found = key_periods(rows(first, today), day(today))
    return {
        period.name: (
            "..".join(map(str, period.span)),
            int(period.totals.amount),
            "..".join(map(str, period.before)) if period.before else None,
        )
        for period in found
    }


def test_only_days_that_are_over_count_and_are_compared_with_as_many() -> None:
    assert seen("2024-05-16") == {
        "Yesterday": ("2024-05-15..2024-05-15", 15, "2024-05-08..2024-05-08"),
        "Last 7 days": ("2024-05-09..2024-05-15", sum(range(9, 16)), "2024-05-02..2024-05-08"),
        "Last 30 days": (
            "2024-04-16..2024-05-15",
            sum(range(16, 31)) + sum(range(1, 16)),
            "2024-03-17..2024-04-15",
        ),
        "This month": ("2024-05-01..2024-05-15", sum(range(1, 16)), "2024-04-01..2024-04-15"),
        "Last month": ("2024-04-01..2024-04-30", sum(range(1, 31)), "2024-03-01..2024-03-31"),
    }


def test_this_month_is_compared_with_all_of_a_shorter_one() -> None:
    assert seen("2024-03-31")["This month"] == (
        "2024-03-01..2024-03-30",
        sum(range(1, 31)),
        "2024-02-01..2024-02-29",
    )


def test_on_its_first_day_a_month_has_nothing_to_show() -> None:
    found = seen("2024-05-01")
    assert list(found) == ["Yesterday", "Last 7 days", "Last 30 days", "Last month"]
    assert found["Last month"][0] == "2024-04-01..2024-04-30"


def test_periods_begin_with_the_first_row_and_are_then_compared_with_nothing() -> None:
    assert seen("2024-05-16", first="2024-05-06") == {
        "Yesterday": ("2024-05-15..2024-05-15", 15, "2024-05-08..2024-05-08"),
        "Last 7 days": ("2024-05-09..2024-05-15", sum(range(9, 16)), None),
        "Last 30 days": ("2024-05-06..2024-05-15", sum(range(6, 16)), None),
        "This month": ("2024-05-06..2024-05-15", sum(range(6, 16)), None),
    }
    assert seen("2024-05-16", first="2024-05-16") == {}


def test_a_change_is_shown_in_percent() -> None:
    found = {
        period.name: period
        for period in key_periods(rows("2024-05-01", "2024-05-16"), day("2024-05-16"))
    }
    assert found["Yesterday"].change_percent == pytest.approx(100 * 15 / 8 - 100)
    nothing = [{**row, "amount": Decimal()} for row in rows("2024-05-01", "2024-05-16")]
    assert key_periods(nothing, day("2024-05-16"))[0].change_percent is None


def test_ratios_are_made_from_the_sums() -> None:
    totals = add_up(rows("2024-05-01", "2024-05-04"), Span(day("2024-05-02"), day("2024-05-03")))
    assert totals == (2, Decimal(5), 5_000, 50)
    assert totals.ctr_percent == pytest.approx(1)
    assert totals.cpm == pytest.approx(1)
    assert add_up([]).cpm is add_up([]).ctr_percent is None


@pytest.mark.parametrize("unit", ["day", "week", "month"])
def test_every_day_is_in_one_bucket(unit: str) -> None:
    days = rows("2023-11-20", "2024-03-10")
    found = buckets(days, unit, lambda span: span.last < day("2024-03-10"))
    assert [row for bucket in found for row in bucket.rows] == days
    for bucket, following in pairwise(found):
        assert following.span.first == bucket.span.last + DAY
        assert bucket.whole
        assert all(bucket.span.first <= row["date"] <= bucket.span.last for row in bucket.rows)
    assert not found[-1].whole
    lengths = {"day": {1}, "week": {7}, "month": {29, 30, 31}}
    assert {bucket.span.days for bucket in found} == lengths[unit]
    if unit == "week":
        assert {bucket.span.first.weekday() for bucket in found} == {0}


def test_bars_cover_more_days_in_a_longer_range() -> None:
    first = datetime.date(2016, 12, 17)
    units = [unit_for(Span(first, first + number * DAY)) for number in (0, 91, 365, 3_652)]
    assert units == ["day", "day", "week", "month"]
    # All bars fit on a screen, however long the range is.
    for number in range(0, 3_653, 7):
        span = Span(first, first + number * DAY)
        unit = unit_for(span)
        days = [{"date": date} for date in (first + n * DAY for n in range(number + 1))]
        assert len(buckets(days, unit, lambda _: True)) <= 121
        assert span_of(first, unit).first <= first

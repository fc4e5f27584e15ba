"""The rows that all contestants read: the sandbox's, prepared before the measurement."""

from __future__ import annotations

import datetime
import itertools
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from sandbox.adcloud.days import Snapshot, row_texts
from sandbox.adcloud.settings import Settings
from sandbox.adsterra import LARGE, expected_rows
from sandbox.numbers import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

FIRST_DAY = datetime.date(2024, 1, 1)
#: A complete day that is never restated again.
_SETTLED = Snapshot(8, 24)
#: A cost with more digits than a binary floating point number can hold.
LONG_NUMBER = "12345678901234567.8901"
#: The same number as a binary floating point number.
ROUNDED_NUMBER = "12345678901234568"


@dataclass(frozen=True)
class Dataset:
    """Rows by day, as JSON.

    Attributes:
        key: The fields that identify a row within its day.
        days: The days, in order.
        templates: The rows of the first days. Later days repeat them with their own date, so that a
            million rows need not be in memory.
    """

    key: tuple[str, ...]
    days: Sequence[str]
    templates: Sequence[Sequence[bytes]]

    def template_of(self, number: int) -> int:
        """Return the index of the template with the rows of a day, numbered from 0."""
        return number % len(self.templates)

    @property
    def count(self) -> int:
        """The number of rows."""
        sizes = [len(rows) for rows in self.templates]
        return sum(sizes[self.template_of(number)] for number in range(len(self.days)))


def days_from(first: datetime.date, count: int) -> list[str]:
    """Return ``count`` days from ``first`` on, as ``YYYY-MM-DD``."""
    return [str(first + datetime.timedelta(number)) for number in range(count)]


def advertiser_report(days: int, rows_per_day: int, templates: int) -> Dataset:
    """Return days of Adcloud's advertiser report, with 42 fields per row.

    Args:
        days: The number of days.
        rows_per_day: The number of rows per day.
        templates: The number of days that are made; the others repeat them.
    """
    dates = days_from(FIRST_DAY, days)
    made = [
        [row.replace(other.encode(), date.encode(), 1) for row in rows]
        for date, (other, rows) in zip(dates[:templates], _days_with(rows_per_day), strict=False)
    ]
    key = ("ad_placement_id", "topic_id", "booking_id", "ad_id", "ad_count", "ad_position")
    return Dataset(key, dates, made)


def _days_with(count: int) -> Iterator[tuple[str, Sequence[bytes]]]:
    """Yield days of the sandbox that have rows, cut to ``count`` rows."""
    for number in itertools.count():
        day = FIRST_DAY + datetime.timedelta(number)
        rows = row_texts(day, _SETTLED, count * 5 // 4 + 10, Settings.page_type)
        if rows:
            yield str(day), rows[:count]


def one_number(text: str) -> Dataset:
    """Return a report of one row, whose ``costs`` are ``text``."""
    report = advertiser_report(1, 1, 1)
    before, name, _ = report.templates[0][0].rpartition(b'"costs":')
    return replace(report, templates=[[b"%s%s%s}" % (before, name, text.encode())]])


def statistics(count: int) -> Dataset:
    """Return ``count`` rows of Adsterra's statistics by placement and country: 8 fields per row.

    They cover as many days as they need.
    """
    days: list[str] = []
    templates: list[list[bytes]] = []
    for number in itertools.count():
        day = FIRST_DAY + datetime.timedelta(number)
        rows = expected_rows(LARGE, ("date", "placement", "country"), day, day)
        days.append(str(day))
        templates.append([to_json(row) for row in rows[:count]])
        count -= len(templates[-1])
        if not count:
            return Dataset(("placement", "country"), days, templates)
    raise AssertionError


def large_account(days: int, rows_per_day: int, dimension: str) -> Dataset:
    """Return Adsterra's statistics of an account so large that the sandbox would take minutes.

    Args:
        days: The number of days, all with the same rows.
        rows_per_day: The number of rows per day.
        dimension: What each row of a day is about: ``placement`` or ``placement_sub_id``.
    """
    row = {
        "placement": b'{"date":"%s","domain":%d,"placement":%d',
        "placement_sub_id": b'{"date":"%s","placement":%d,"placement_sub_id":"click-%d"',
    }[dimension]
    numbers = b',"impression":%d,"clicks":%d,"ctr":%d.%03d,"cpm":%d.%03d,"revenue":%d.%03d}'
    dates = days_from(FIRST_DAY, days)
    rows = [
        (row + numbers)
        % (
            *(dates[0].encode(), 2_100_000 + number % 50, 40_000_000 + number),
            *(number * 7 % 100_000, number % 5_000, number % 9, number % 999 + 1),
            *(number % 4, number % 998 + 1, number % 80, number % 997 + 1),
        )
        for number in range(rows_per_day)
    ]
    keys = {"placement": ("domain", "placement"), "placement_sub_id": ("placement", dimension)}
    return Dataset(keys[dimension], dates, [rows])


def without_rows(dataset: Dataset) -> Dataset:
    """Return the first day of a dataset, without rows."""
    return replace(dataset, days=dataset.days[:1], templates=[[]])


def shuffled(rows: Iterable[bytes]) -> list[bytes]:
    """Return rows in an order without meaning, as Adsterra sends them."""
    return Random("statistics").sample(found := list(rows), len(found))  # noqa: S311 - no secret

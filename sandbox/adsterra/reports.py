"""Statistics: sums of cells by the dimensions requested, each row rounded separately."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sandbox.adsterra.accounts import DOCUMENTS_TOKEN
from sandbox.adsterra.cells import cells, snapshot
from sandbox.adsterra.documented_samples import sample_rows
from sandbox.numbers import decimal_number, rounded_quotient

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from sandbox.adsterra.accounts import Account, Slot

#: The dimensions that rows can be grouped by. Source: Adsterra Publishers API 3.0.0, Statistics.
DIMENSIONS = ("date", "domain", "placement", "country", "placement_sub_id")


@dataclass(frozen=True)
class Report:
    """The valid parameters of a `/stats` request.

    Attributes:
        start: The first day.
        finish: The last day, included.
        group_by: The dimensions, in the order requested.
        domain: The domain to include; `None` for all.
        placements: The placements to include; `None` for all.
        country: The country to include; `None` for all.
    """

    start: date
    finish: date
    group_by: tuple[str, ...]
    domain: int | None = None
    placements: frozenset[int] | None = None
    country: str | None = None


def expected_rows(  # noqa: PLR0913 - one per parameter of the API.
    account: Account,
    group_by: Sequence[str],
    start: date,
    finish: date,
    now: datetime | None = None,
    *,
    domain: int | None = None,
    placement_ids: Collection[int] | None = None,
    country: str | None = None,
) -> list[dict[str, Any]]:
    """Return the rows of `/stats`, to compare with what a client has read.

    Args:
        account: The account.
        group_by: The dimensions; unlike in the API, any number of them.
        start: The first day.
        finish: The last day, included.
        now: The time of the request, in UTC; `None` for the final rows, when all days are settled.
        domain: The domain to include; `None` for all.
        placement_ids: The placements to include; `None` for all.
        country: The country to include; `None` for all.

    Returns:
        The rows, sorted by their dimensions; money in US dollars and rates in percent, as exact
        decimals.
    """
    placements = None if placement_ids is None else frozenset(placement_ids)
    report = Report(start, finish, tuple(group_by), domain, placements, country)
    return rows(account, report, now)


def rows(account: Account, report: Report, now: datetime | None) -> list[dict[str, Any]]:
    """Return the rows of a report, sorted by their dimensions.

    Args:
        account: The account.
        report: The parameters of the request.
        now: The time of the request, in UTC; `None` for the final rows.
    """
    if account.token == DOCUMENTS_TOKEN:
        return sample_rows(report.group_by, report.start, report.finish)
    key_of = _key(report.group_by)
    filtered = (report.domain, report.placements, report.country) != (None, None, None)
    sums: dict[tuple[Any, ...], list[int]] = {}
    for number in range((report.finish - report.start).days + 1):
        day = report.start + timedelta(number)
        known = snapshot(day, now)
        if known is None:
            break
        written_day = day.isoformat()
        for slot, impressions, clicks, revenue in cells(account, day, known):
            if filtered and not _wanted(report, slot):
                continue
            key = key_of((written_day, *slot))
            total = sums.get(key)
            if total is None:
                sums[key] = [impressions, clicks, revenue]
            else:
                total[0] += impressions
                total[1] += clicks
                total[2] += revenue
    return [_row(report.group_by, key, *sums[key]) for key in sorted(sums)]


def _key(group_by: Sequence[str]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """Return the function that picks the dimensions of a row from a day and a slot."""
    positions = [DIMENSIONS.index(name) for name in group_by]
    if len(positions) == 1:
        return lambda values: (values[positions[0]],)
    return itemgetter(*positions)


def _wanted(report: Report, slot: Slot) -> bool:
    """Return whether a slot passes the filters of a report."""
    return (
        (report.domain is None or slot.domain == report.domain)
        and (report.placements is None or slot.placement in report.placements)
        and (report.country is None or slot.country == report.country)
    )


def _row(
    group_by: Sequence[str], key: tuple[Any, ...], impressions: int, clicks: int, revenue: int
) -> dict[str, Any]:
    """Round a sum of cells into a row.

    The CPM is computed from the unrounded revenue, because only this gives the documents' samples:
    0.324 dollars for 604 impressions have a CPM of 0.537.
    """
    return {
        **dict(zip(group_by, key, strict=True)),
        "impression": impressions,
        "clicks": clicks,
        "ctr": decimal_number(rounded_quotient(100_000 * clicks, impressions), 3),
        "cpm": decimal_number(rounded_quotient(revenue, impressions), 3),
        "revenue": decimal_number(rounded_quotient(revenue, 1_000), 3),
    }

"""The workloads: six that are compared, and small ones for start-up time and exact numbers.

Responses without rows show how long starting takes, one row shows whether numbers stay exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from benchmarks.data import (
    LONG_NUMBER,
    advertiser_report,
    large_account,
    one_number,
    statistics,
    without_rows,
)
from benchmarks.responses import report_responses, statistics_responses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.data import Dataset
    from benchmarks.responses import Responses

#: The delay of a response in workload C: the least that a request over the internet takes.
LATENCY_SECONDS = 0.05
#: The maximum number of concurrent requests in workload C.
CONCURRENCY = 8
#: The rows of workload D, as a multiple of those of A.
TIMES_FOR_MEMORY = 20
DIGITS = "digits"
#: The name of a workload without rows, before the name of its API.
START = "start-"

_DAYS = 8
_DAYS_FOR_MEMORY = 80
_TEMPLATES_FOR_MEMORY = 4


@dataclass(frozen=True)
class Workload:
    """Rows to read.

    Attributes:
        name: Its letter, also the first segment of its path on the server.
        title: Its title in the table.
        api: The API, ``adcloud`` or ``adsterra``.
        data: The rows.
        responses: The responses with these rows.
        outputs: Where the output goes when it is measured, see ``launch``; empty if only the peak
            memory matters, which the run that checks the rows shows.
        concurrency: The maximum of concurrent requests; ``None`` for the contestant's default.
        stream: The stream of these taps with the rows.
        settings: Further settings of these taps.
    """

    name: str
    title: str
    api: str
    data: Dataset
    responses: Responses
    outputs: tuple[str, ...] = ("null", "pipe")
    concurrency: int | None = None
    stream: str = "advertiser_report"
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def start(self) -> str:
        """The name of the workload without rows for the same API."""
        return f"{START}{self.api}"


def prepare(rows: int) -> dict[str, Workload]:
    """Return all workloads by name.

    Args:
        rows: The number of rows of A, B and C, rounded down to full days. D has 20 times as many,
            E has two fifths of them per day, F half of them.
    """
    report = advertiser_report(_DAYS, max(1, rows // _DAYS), _DAYS)
    long_days = advertiser_report(
        _DAYS_FOR_MEMORY,
        max(1, rows * TIMES_FOR_MEMORY // _DAYS_FOR_MEMORY),
        _TEMPLATES_FOR_MEMORY,
    )
    by_country = statistics(rows)
    no_report, no_statistics = (without_rows(data) for data in (report, by_country))
    digits = one_number(LONG_NUMBER)
    responses = report_responses(report)
    pages = sum(len(of_day) for of_day in responses.pages)
    found = [
        Workload(
            "A",
            f"{report.count:,} rows of 42 fields on {pages:,} Adcloud pages, {_DAYS} days",
            "adcloud",
            report,
            responses,
        ),
        Workload(
            "B",
            f"{by_country.count:,} rows of 8 fields in one Adsterra answer",
            "adsterra",
            by_country,
            statistics_responses(by_country),
            stream="stats_by_country",
            settings={"window_days": 365},
        ),
        Workload(
            "C",
            f"A with {LATENCY_SECONDS * 1000:.0f} ms a request, {CONCURRENCY} requests under way "
            "where the contestant can",
            "adcloud",
            report,
            replace(responses, seconds=LATENCY_SECONDS),
            ("null",),
            CONCURRENCY,
        ),
        Workload(
            "D",
            f"{long_days.count:,} rows of 42 fields, {_DAYS_FOR_MEMORY} days, read once for the "
            "memory",
            "adcloud",
            long_days,
            report_responses(long_days),
            (),
        ),
        *_large_accounts(rows),
        Workload(
            f"{START}adcloud",
            "an Adcloud day without rows, so that only starting is left",
            "adcloud",
            no_report,
            report_responses(no_report),
            ("null",),
        ),
        Workload(
            f"{START}adsterra",
            "an Adsterra answer without rows, so that only starting is left",
            "adsterra",
            no_statistics,
            statistics_responses(no_statistics),
            ("null",),
            stream="stats_by_country",
        ),
        Workload(DIGITS, "one long number", "adcloud", digits, report_responses(digits), ()),
    ]
    return {workload.name: workload for workload in found}


def _large_accounts(rows: int) -> Iterator[Workload]:
    """Yield E and F, with 20,000 placements and 25,000 sub ids a day if ``rows`` is 50,000."""
    accounts = [
        ("E", "placements", "placement", "stats", max(1, rows * 2 // 5), 90),
        ("F", "sub ids", "placement_sub_id", "stats_by_sub_id", max(1, rows // 2), 30),
    ]
    for name, of_what, dimension, stream, per_day, days in accounts:
        data = large_account(days, per_day, dimension)
        title = f"{data.count:,} rows: {per_day:,} {of_what} a day, {days} days of Adsterra, "
        yield Workload(
            name,
            f"{title}read once for the memory",
            "adsterra",
            data,
            statistics_responses(data),
            (),
            stream=stream,
        )

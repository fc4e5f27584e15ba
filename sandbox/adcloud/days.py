"""Rows of one day of the advertiser report, as known at some time.

A day is restated for 30 days, the lifetime of a cookie: conversions and cancellations arrive late,
clicks are filtered, a few rows arrive late, a few turn out to be fraud and vanish; one day in 128
arrives late as a whole, or is taken back. It changes at the ages in `STAGES` and stays the same in
between. How the real API restates days is not documented.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from functools import lru_cache
from random import Random
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from sandbox.adcloud.settings import DOCUMENTED_DAY, DOCUMENTED_ROWS, Settings
from sandbox.adcloud.slots import slot_text
from sandbox.numbers import decimal_number, from_json, random_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

#: The first day with rows; the documents do not name one.
FIRST_DAY = date(2010, 1, 1)
#: The ages, in days, at which a day is restated.
STAGES = (0, 1, 2, 3, 5, 8, 13, 21, 30)
#: A day this many days old is never restated again.
SETTLED_AFTER_DAYS = STAGES[-1]

_SETTLED = len(STAGES) - 1
# The share of the conversions that is known at each stage, in percent.
_KNOWN = (20, 45, 60, 70, 80, 88, 94, 98, 100)
_ROW = Struct("<HHBBBBBBBBB")
# The random byte of a day that is taken back, and of one that arrives late, with the stage at which
# that happens. No day of the first half of 2024 has one of these: tests read single days of it.
_TAKEN_BACK, _TAKEN_BACK_AFTER = 156, 4
_LATE_DAY, _LATE_DAY_UNTIL = 178, 2
# How many of a byte's 256 values mean that a row arrives late.
_LATE = 4
_NUMBERS = (
    '"ad_impressions":%d,"ad_impressions_costs":%s,"clicks":%d,"clicks_overdelivered":%d,'
    '"clicks_filtered":%d,"clicks_image":%d,"clicks_head":%d,"clicks_txt":%d,"clicks_link":%d,'
    '"clicks_costs":%s,"postclick_conversions":%d,"postclick_conversions_overdelivered":%d,'
    '"postclick_conversions_filtered":%d,"postclick_conversions_costs":%s,'
    '"postview_conversions":%d,"postview_conversions_overdelivered":%d,'
    '"postview_conversions_filtered":%d,"postview_conversions_costs":%s,"cancellations":%d,'
    '"costs":%s'
)


class Snapshot(NamedTuple):
    """How much of a day is known.

    Attributes:
        stage: The index of the last of `STAGES` that it has reached.
        hour: How many hours of it have passed, if it is today; else 24.
    """

    stage: int
    hour: int


def snapshot(day: date, now: datetime | None, timezone: str) -> Snapshot | None:
    """Return how much of a day is known at some time.

    Args:
        day: The day.
        now: The time; `None` for a day that is settled.
        timezone: The time zone that defines the report's days, as an IANA name.

    Returns:
        The snapshot; `None` if the day has not begun.
    """
    if now is None:
        return Snapshot(_SETTLED, 24)
    local = now.astimezone(ZoneInfo(timezone))
    age = (local.date() - day).days
    if age < 0:
        return None
    return Snapshot(bisect_right(STAGES, age) - 1, local.hour if age == 0 else 24)


def expected_rows(
    day: date,
    now: datetime | None = None,
    *,
    rows_per_day: int = Settings.rows_per_day,
    timezone: str = Settings.timezone,
) -> list[dict[str, Any]]:
    """Return the rows of a day, to compare with what a client has read.

    Args:
        day: The day.
        now: The time of the request; `None` for the final rows, when the day is settled.
        rows_per_day: As in `Settings`.
        timezone: As in `Settings`.

    Returns:
        The rows in the order they are served, with the fields of version 1, `page_type` as text and
        exact decimals. Costs are in the currency of the row.
    """
    known = snapshot(day, now, timezone)
    if known is None:
        return []
    return [from_json(text) for text in row_texts(day, known, rows_per_day, "text")]


@lru_cache(maxsize=48)
def row_texts(
    day: date, known: Snapshot, rows_per_day: int, page_type: str, *, new_backend: bool = False
) -> Sequence[bytes]:
    """Return the rows of a day as JSON; their order is stable and has no meaning.

    Args:
        day: The day.
        known: How much of it is known.
        rows_per_day: As in `Settings`.
        page_type: As in `Settings`.
        new_backend: Whether a booking is called a campaign.
    """
    if day < FIRST_DAY or known == Snapshot(0, 0):
        return ()
    documented = day == DOCUMENTED_DAY
    silence, mood = random_bytes(f"report {day}", 2)
    if silence < 13 and not documented:  # noqa: PLR2004 - one day in twenty has no rows.
        return ()
    is_taken_back = silence == _TAKEN_BACK and known.stage >= _TAKEN_BACK_AFTER
    is_late = silence == _LATE_DAY and known.stage < _LATE_DAY_UNTIL
    if (is_taken_back or is_late) and not documented:
        return ()
    count = DOCUMENTED_ROWS if documented else rows_per_day * (90 + mood % 21) // 100
    frauds = 0 if documented else -(-count // 100)
    slots = Random(f"report {day}").sample(range((count + frauds) * 5 // 4), count + frauds)  # noqa: S311
    vanishing = set(slots[:frauds])
    slots.sort()
    numbers = _ROW.iter_unpack(random_bytes(f"report rows {day}", _ROW.size * len(slots)))
    date_text = f'{{"date":"{day}",'
    result = []
    # Each fraud vanishes, and each late row appears, at a stage of its own.
    for slot, of_row in zip(slots, numbers, strict=True):
        turning_stage = 1 + of_row[-1] % _SETTLED
        if slot in vanishing:
            counts = known.stage < turning_stage
        else:
            late = of_row[-2] < _LATE and not documented
            counts = not late or known.stage >= turning_stage
        if not counts:
            continue
        text = slot_text(slot, page_type, new_backend=new_backend)
        result.append(f"{date_text}{text},{_NUMBERS % _row_numbers(of_row, known)}}}".encode())
    return result


def _row_numbers(numbers: tuple[int, ...], known: Snapshot) -> tuple[object, ...]:
    """Return the numbers of a row, in the order of `_NUMBERS`.

    Args:
        numbers: The random numbers of the row, in the order of `_ROW`.
        known: How much of the day is known.

    Returns:
        The numbers; costs are in the currency of the row, to four decimals.
    """
    volume, price, clicking, split, over, filtering, sales, views, returns, _, _ = numbers
    share = _KNOWN[known.stage]
    impressions = volume * volume // 1_000_000 * known.hour // 24
    clicks = impressions * clicking // 16_384
    filtered = clicks * filtering * min(known.stage, 3) // 3_000
    clicks -= filtered
    image, head = clicks * split // 1_024, clicks * (255 - split) // 512
    link = (clicks - image - head) // 3
    overdelivered = clicks // 10 if over < 20 else 0  # noqa: PLR2004 - one row in thirteen.
    sold = clicks * sales // 600 * share // 100
    viewed = impressions * views // 40_000 * share // 100
    # One row in four pays by impressions, the others by clicks; some also by conversions.
    impressions_costs = impressions * (price % 50) if price < 16_384 else 0  # noqa: PLR2004
    clicks_costs = 0 if impressions_costs else (clicks - overdelivered) * (500 + price % 4_000)
    sold_costs = sold * 25_000 if over % 4 == 0 else 0
    viewed_costs = viewed * 12_300 if over % 8 == 0 else 0
    return (
        impressions,
        decimal_number(impressions_costs, 4),
        clicks,
        overdelivered,
        filtered,
        image,
        head,
        clicks - image - head - link,
        link,
        decimal_number(clicks_costs, 4),
        sold,
        sold // 4,
        sold // 5,
        decimal_number(sold_costs, 4),
        viewed,
        viewed // 4,
        viewed // 5,
        decimal_number(viewed_costs, 4),
        sold * returns // 600,
        decimal_number(impressions_costs + clicks_costs + sold_costs + viewed_costs, 4),
    )

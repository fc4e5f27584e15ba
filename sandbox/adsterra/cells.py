"""Counts of an account on one day, as known at some time.

A cell is the count of one slot (placement, country, sub id) on one day. All statistics are sums of
cells, so all breakdowns are consistent. A day is restated while it is young: clicks and revenue
change, rows that turn out to be fraud vanish, late rows appear; one day in 128 arrives late as a
whole, or is taken back. At an age of `SETTLED_AFTER_DAYS`
days it no longer changes. How the real API restates days is not documented.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from sandbox.numbers import random_bytes

if TYPE_CHECKING:
    from sandbox.adsterra.accounts import Account, Slot

#: The first day with statistics. Source: Adsterra Publishers API 3.0.0, Statistics.
FIRST_DAY = date(2016, 12, 17)
#: A day this many days old is never restated again.
SETTLED_AFTER_DAYS = 5
#: The random byte of a day that is taken back, and of one that arrives late, with the age at which
#: that happens. No day of the first half of 2024 has one of these: tests read single days of it.
_TAKEN_BACK, _TAKEN_BACK_AFTER = 22, 3
_LATE, _LATE_UNTIL = 111, 2
#: How often the numbers are refreshed. Source: Adsterra help center, Statistics.
REFRESH_MINUTES = 10

#: A slot, with its impressions, its clicks and its revenue in millionths of a US dollar.
Cell: TypeAlias = "tuple[Slot, int, int, int]"

_STEPS_PER_DAY = 24 * 60 // REFRESH_MINUTES
_DAY = Struct("<BB")
_PLACEMENT = Struct("<BB")
_SLOT = Struct("<HHHHBBBbbb")
_SATURDAY = 5


class Snapshot(NamedTuple):
    """How much of a day is known.

    Attributes:
        age: The number of full days since the day began, at most `SETTLED_AFTER_DAYS`.
        step: How often the numbers of today have been refreshed; 0 for any other day.
    """

    age: int
    step: int


#: The snapshot of a day that is never restated again.
SETTLED = Snapshot(SETTLED_AFTER_DAYS, 0)


def last_update(now: datetime) -> datetime:
    """Return when the numbers were last refreshed: `now`, rounded down to ten minutes."""
    return now.replace(minute=now.minute - now.minute % REFRESH_MINUTES, second=0, microsecond=0)


def snapshot(day: date, now: datetime | None) -> Snapshot | None:
    """Return how much of a day in UTC is known at some time.

    Args:
        day: The day.
        now: The time, in UTC; `None` for a day that is settled.

    Returns:
        The snapshot; `None` if the day has not begun.
    """
    if now is None:
        return SETTLED
    age = (now.date() - day).days
    if age < 0:
        return None
    if age > 0:
        return Snapshot(min(age, SETTLED_AFTER_DAYS), 0)
    passed = last_update(now) - datetime.combine(day, time(), UTC)
    return Snapshot(0, passed // timedelta(minutes=REFRESH_MINUTES))


def _one_in(number: int, random_byte: int) -> bool:
    """Return true for one in `number` random bytes."""
    return random_byte * number < 256  # noqa: PLR2004 - a byte's values.


def _counts(fate: int, age: int) -> bool:
    """Return whether something counts at an age.

    One in 64 turns out to be fraud and stops counting, one in 64 arrives late.
    """
    turning_age = 2 + fate % 4
    if fate < 4:  # noqa: PLR2004 - four of a byte's values, one for each turning age.
        return age < turning_age
    if fate < 8:  # noqa: PLR2004 - the next four.
        return age >= turning_age
    return True


@lru_cache(maxsize=1_200)
def cells(account: Account, day: date, known: Snapshot) -> tuple[Cell, ...]:
    """Return the cells of an account on a day; slots without traffic have no cell."""
    if day < FIRST_DAY or known == Snapshot(0, 0):
        return ()
    of_placements = _DAY.size + _PLACEMENT.size * len(account.placements)
    numbers = random_bytes(
        f"{account.token} {day}", of_placements + _SLOT.size * len(account.slots)
    )
    silence, mood = _DAY.unpack_from(numbers)
    is_taken_back = silence == _TAKEN_BACK and known.age >= _TAKEN_BACK_AFTER
    is_late = silence == _LATE and known.age < _LATE_UNTIL
    if _one_in(50, silence) or is_taken_back or is_late:
        return ()
    counting = {
        placement["id"]: not _one_in(20, silence) and _counts(fate, known.age)
        for placement, (silence, fate) in zip(
            account.placements,
            _PLACEMENT.iter_unpack(numbers[_DAY.size : of_placements]),
            strict=True,
        )
    }
    # In percent: traffic grows every year, and is higher at weekends.
    traffic = (day.year - 2010) * 8 + (20 if day.weekday() >= _SATURDAY else 0) + mood // 4
    return tuple(
        _cell(slot, usual * traffic // 100, of_slot, known)
        for (slot, usual), of_slot in zip(
            account.slots, _SLOT.iter_unpack(numbers[of_placements:]), strict=True
        )
        if counting[slot.placement]
        and not _one_in(12, of_slot[4])
        and _counts(of_slot[5], known.age)
    )


def _cell(slot: Slot, usual: int, numbers: tuple[int, ...], known: Snapshot) -> Cell:
    """Return the cell of a slot on a day.

    Args:
        slot: The slot.
        usual: The impressions to expect on this day.
        numbers: The random numbers of the slot on this day, in the order of `_SLOT`.
        known: How much of the day is known.
    """
    volume, clicking, price, odd, _, _, idle, late_traffic, late_clicks, late_revenue = numbers
    if _one_in(30, idle):
        return slot, 0, 0, 0
    impressions = usual * (24_000 + volume) // 65_536
    clicks = impressions * (clicking % 4_000) // 65_536
    # In millionths of a dollar: 100 to 2,000 per impression are 0.10 to 2.00 dollars CPM.
    revenue = impressions * (100 + price * 1_900 // 65_536) + odd % 1_000 * (impressions > 0)
    missing = SETTLED_AFTER_DAYS - known.age
    if missing:
        impressions -= impressions * (late_traffic + 128) * missing // 8_192
        clicks = min(impressions, clicks + clicks * late_clicks * missing // 1_024)
        revenue += revenue * late_revenue * missing // 1_024
    if known.age == 0:
        impressions = impressions * known.step // _STEPS_PER_DAY
        clicks = clicks * known.step // _STEPS_PER_DAY
        revenue = revenue * known.step // _STEPS_PER_DAY
    return slot, impressions, clicks, revenue

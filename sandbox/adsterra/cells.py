"""What one day of an account counted, as known at some time.

A cell is what one slot (placement, country, sub id) counted on one day. Everything the API answers
is a sum of cells, so all breakdowns agree. A day is restated while it is young: clicks and revenue
move, rows taken for fraud vanish, late rows appear. At `SETTLED_AFTER_DAYS` days it stands still.
How the real API restates days is not documented.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from sandbox.numbers import random_bytes

if TYPE_CHECKING:
    from sandbox.adsterra.accounts import Account, Slot

#: The first day the API knows. Source: Adsterra Publishers API 3.0.0, Statistics.
FIRST_DAY = date(2016, 12, 17)
#: A day this many days old is never restated again.
SETTLED_AFTER_DAYS = 5
#: Numbers are refreshed this often. Source: Adsterra help center, Statistics.
REFRESH_MINUTES = 10

#: A slot, its impressions, its clicks and its revenue in millionths of a US dollar.
Cell: TypeAlias = "tuple[Slot, int, int, int]"

_STEPS_PER_DAY = 24 * 60 // REFRESH_MINUTES
_DAY = Struct("<BB")
_PLACEMENT = Struct("<BB")
_SLOT = Struct("<HHHHBBBbbb")
_SATURDAY = 5


class Snapshot(NamedTuple):
    """How much of a day is known: how many days old it is, and how far it has gone if it is today.

    Attributes:
        age: Full days since the day began, at most `SETTLED_AFTER_DAYS`.
        step: How often the numbers of today have been refreshed; 0 for any other day.
    """

    age: int
    step: int


#: The snapshot after which a day never changes again.
SETTLED = Snapshot(SETTLED_AFTER_DAYS, 0)


def last_update(now: datetime) -> datetime:
    """When the numbers were last refreshed.

    Args:
        now: The clock, in UTC.

    Returns:
        The clock, back to a full ten minutes.
    """
    return now.replace(minute=now.minute - now.minute % REFRESH_MINUTES, second=0, microsecond=0)


def snapshot(day: date, now: datetime | None) -> Snapshot | None:
    """How much of a day is known at some time. Days are days of UTC.

    Args:
        day: The day.
        now: The time, in UTC; ``None`` for the end of time.

    Returns:
        The snapshot; ``None`` if the day is not begun.
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
    """Whether a random byte is among one in so many."""
    return random_byte * number < 256  # noqa: PLR2004 - a byte's values.


def _counts(fate: int, age: int) -> bool:
    """Whether something counts yet, or still: one in 64 turns out fraud, one in 64 comes late."""
    turning_age = 2 + fate % 4
    if fate < 4:  # noqa: PLR2004 - four of a byte's values, one for each turning age.
        return age < turning_age
    if fate < 8:  # noqa: PLR2004 - the next four.
        return age >= turning_age
    return True


@lru_cache(maxsize=1_200)
def cells(account: Account, day: date, known: Snapshot) -> tuple[Cell, ...]:
    """What an account counted on a day; slots without traffic are absent.

    Args:
        account: The account.
        day: The day.
        known: The snapshot at which it is requested.

    Returns:
        The cells; none on a day without any traffic.
    """
    if day < FIRST_DAY or known == Snapshot(0, 0):
        return ()
    of_placements = _DAY.size + _PLACEMENT.size * len(account.placements)
    numbers = random_bytes(
        f"{account.token} {day}", of_placements + _SLOT.size * len(account.slots)
    )
    silence, mood = _DAY.unpack_from(numbers)
    if _one_in(50, silence):
        return ()
    counting = {
        placement["id"]: not _one_in(20, silence) and _counts(fate, known.age)
        for placement, (silence, fate) in zip(
            account.placements,
            _PLACEMENT.iter_unpack(numbers[_DAY.size : of_placements]),
            strict=True,
        )
    }
    # In percent: more traffic from year to year, and at weekends.
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
    """What a slot counted on a day.

    Args:
        slot: The slot.
        usual: The impressions it may expect.
        numbers: The random numbers of the slot on this day, as `_SLOT` has them.
        known: The snapshot at which it is requested.

    Returns:
        The cell.
    """
    volume, clicking, price, odd, _, _, idle, late_traffic, late_clicks, late_revenue = numbers
    if _one_in(30, idle):
        return slot, 0, 0, 0
    impressions = usual * (24_000 + volume) // 65_536
    clicks = impressions * (clicking % 4_000) // 65_536
    # Millionths of a dollar an impression: from 0.10 to 2.00 dollars a thousand impressions.
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

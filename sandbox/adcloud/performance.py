"""Current performance of campaigns: a snapshot, without a date."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sandbox.adcloud.inventory import Entity, entities
from sandbox.numbers import decimal_number, random_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence


def performance(campaign_ids: Sequence[int], now: datetime) -> list[Entity]:
    """Return the rows of `campaign_performance_data`, one per campaign, in the order requested.

    Args:
        campaign_ids: The campaigns; unknown ids are left out.
        now: The time; the numbers grow every hour.

    Returns:
        The rows; budgets are in the campaign's currency, the performance is a ratio.
    """
    known = {row["id"]: row for row in entities("campaigns")}
    return [_performance(known[number], now) for number in campaign_ids if number in known]


def _performance(booked: Entity, now: datetime) -> Entity:
    """Return the row of one campaign."""
    number: int = booked["id"]
    pace = random_bytes(f"performance {number}", 4)
    hours = int((now - datetime(2010, 1, 1, tzinfo=now.tzinfo)).total_seconds()) // 3_600
    clicks = hours * pace[0] // 64
    clicks_today = now.hour * pace[0] // 64
    return {
        "campaign_id": number,
        "budget_delivered": decimal_number(clicks * 23, 2),
        "budget_delivered_today": decimal_number(clicks_today * 23, 2),
        "budget_limit_today": booked["budget_limit_today"],
        "performance": decimal_number(pace[1] * 39, 4),
        "clicks_delivered": clicks,
        "clicks_delivered_today": clicks_today,
        "impressions_delivered": clicks * 150 + pace[2],
        "impressions_delivered_today": clicks_today * 150,
        "conversions_delivered": clicks // 40,
        "conversions_delivered_today": clicks_today // 40,
    }

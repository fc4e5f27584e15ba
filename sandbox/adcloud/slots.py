"""Slots of the advertiser report: the combinations of dimensions that can have a row.

A slot is an advertisement shown at a placement, in one of the positions of an ad of up to four
items. It determines all fields of a row but the numbers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sandbox.adcloud.inventory import CAMPAIGNS, TOPICS, design, entities
from sandbox.numbers import to_json

_PLACEMENTS = 80
_WEBSITES = 20
_ADS = 240
_SHAPES = tuple((count, position) for count in range(1, 5) for position in range(1, count + 1))
#: The number of slots.
SLOTS = _PLACEMENTS * _ADS * len(_SHAPES)
# It shares no factor with the number of slots, so multiplying by it permutes them into an order
# without meaning.
_STRIDE = 82_561

_POSITIONS = ("sidebar right", "", "content top", "footer", "content middle")
_PAGE_TYPES = ("Editorial Content", "Search Engine", "Community", "Shopping")
_COUNTRIES = (("de", "DE"), ("de", "AT"), ("fr", "FR"), ("en", "GB"))


def fields(number: int) -> dict[str, Any]:
    """Return the fields of a slot, from `website_id` to `ad_count` in the documented order.

    The number is from 0 to `SLOTS` - 1. `page_type` is text.
    """
    rest, shape = divmod(number * _STRIDE % SLOTS, len(_SHAPES))
    ad_number, placement = divmod(rest, _PLACEMENTS)
    website = placement % _WEBSITES
    ad = entities("advertisements")[ad_number]
    booking = entities("campaigns")[ad_number % CAMPAIGNS]
    shown_topic = entities("topics")[(placement + ad_number) % TOPICS]
    design_id, design_name = design(ad_number)
    language, country = _COUNTRIES[website % len(_COUNTRIES)]
    ad_count, ad_position = _SHAPES[shape]
    return {
        "website_id": 900 + website,
        "website": f"www.website-{website + 1}.example",
        "topic_id": shown_topic["id"],
        "topic": shown_topic["names"]["en"],
        "ad_placement_id": 60_001 + 7 * placement,
        "position": _POSITIONS[placement % len(_POSITIONS)],
        "product_id": ad["product_id"],
        "product": booking["product_name"],
        "ad_id": ad["id"],
        "ad": ad["name"],
        "booking_id": booking["id"],
        "booking": booking["name"],
        "page_type": _PAGE_TYPES[website % len(_PAGE_TYPES)],
        "publisher": f"Publisher {website // 2 + 1} & Söhne",
        "language": language,
        "country": country,
        "currency": "USD" if booking["id"] % 5 == 0 else "EUR",
        "design_id": design_id,
        "design": design_name,
        "ad_position": ad_position,
        "ad_count": ad_count,
    }


@lru_cache(maxsize=40_000)
def slot_text(number: int, page_type: str, *, new_backend: bool) -> str:
    """Return the fields of a slot as JSON without braces, to be put into a row of the report.

    Args:
        number: The number of the slot.
        page_type: As in `Settings`.
        new_backend: Whether a booking is called a campaign.
    """
    row = fields(number)
    website = row["website_id"]
    if page_type == "integer" or (page_type == "mixed" and website % 2):
        row["page_type"] = 1 + _PAGE_TYPES.index(row["page_type"])
    if new_backend:
        names = {"booking_id": "campaign_id", "booking": "campaign"}
        row = {names.get(name, name): value for name, value in row.items()}
    return to_json(row).decode()[1:-1]

"""The places where the advertiser report can have a row: every combination of its grouping tuple.

A slot is an advertisement shown at a placement, in one of the positions of an ad of up to four
items. Whatever the report says besides numbers follows from the slot.
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
#: How many slots there are.
SLOTS = _PLACEMENTS * _ADS * len(_SHAPES)
# Shares no factor with the number of slots, so it leads through all of them in an order of no
# meaning.
_STRIDE = 82_561

_POSITIONS = ("sidebar right", "", "content top", "footer", "content middle")
_PAGE_TYPES = ("Editorial Content", "Search Engine", "Community", "Shopping")
_COUNTRIES = (("de", "DE"), ("de", "AT"), ("fr", "FR"), ("en", "GB"))


def fields(number: int) -> dict[str, Any]:
    """What the report says about a slot.

    Args:
        number: Which slot, from 0 to `SLOTS` - 1.

    Returns:
        The documented fields from `website_id` to `ad_count`, in their order; `page_type` as text.
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
    """A slot as it is written into a row of the report.

    Args:
        number: Which slot.
        page_type: How the page type is written, see `Settings`.
        new_backend: Whether a booking is called a campaign.

    Returns:
        The fields as JSON, without braces.
    """
    row = fields(number)
    website = row["website_id"]
    if page_type == "integer" or (page_type == "mixed" and website % 2):
        row["page_type"] = 1 + _PAGE_TYPES.index(row["page_type"])
    if new_backend:
        names = {"booking_id": "campaign_id", "booking": "campaign"}
        row = {names.get(name, name): value for name, value in row.items()}
    return to_json(row).decode()[1:-1]

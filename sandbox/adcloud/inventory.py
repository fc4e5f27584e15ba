"""Lists of the Adcloud account: customers, products, campaigns, advertisements, topics.

Each entity is made from its number, counted from 0, and never changes. Fields and types are those
of version 2; a field that may be text, a list or null takes each of these forms in some entity.
Source: Adcloud's own clients and their fixtures, and Adcloud API description 1.0 for the names that
the report shares with them.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox.numbers import decimal_number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Entity = dict[str, Any]

CUSTOMERS = 12
PRODUCTS = 40
CAMPAIGNS = 230
ADVERTISEMENTS = 460
TOPICS = 25

_GOODS = ("Running shoes", "Insurance", "Espresso", "Garden chairs", "Bicycles", "Ski trips")
_TOPIC_NAMES = (
    ("Politics", "Politik"),
    ("Finance", "Finanzen"),
    ("Gaming", "Spiele"),
    ("Travel", "Reise"),
    ("Health", "Gesundheit"),
)
_COUNTRIES = ((1, "DE"), (2, "AT"), (3, "CH"), (4, "FR"), (5, "GB"))
_STATUSES = (1, 1, 1, 6, 7, 0, 9, 10, 11, 12, 2, 3, 4, 5, 13)


def customer(number: int) -> Entity:
    """Return a customer."""
    return {"id": 3_001 + number, "name": f"Customer {number + 1} GmbH & Co. KG", **_times(number)}


def product(number: int) -> Entity:
    """Return a product of a customer."""
    return {
        "id": 5_001 + number,
        "name": f"{_GOODS[number % len(_GOODS)]} {number + 1}",
        "customer_id": customer(number % CUSTOMERS)["id"],
        "default_prio": number % 10,
        **_times(number + 50),
    }


def campaign(number: int) -> Entity:
    """Return a campaign for a product; the report calls it a booking."""
    sold = product(number % PRODUCTS)
    buyer = customer(number % PRODUCTS % CUSTOMERS)
    lists: tuple[Any, ...] = (None, "shoes, sports", ["shoes", "sports"], "")
    places: tuple[Any, ...] = ("Köln, Berlin", ["Köln", "Berlin"], None)
    start = date(2010, 1, 1) + timedelta(7 * number)
    ends = number % 3 != 0
    status = _STATUSES[number % len(_STATUSES)]
    return {
        "id": 101 + number,
        "customer_id": sold["customer_id"],
        "company_id": 700 + number % 9,
        "product_id": sold["id"],
        "language_id": 1 + number % 4,
        "name": f'Campaign {number + 1} "{_GOODS[number % len(_GOODS)]}"',
        "company_name": buyer["name"],
        "product_name": sold["name"],
        "bidding_enabled": number % 2,
        "delivery_external": 1,
        "delivery_internal": number // 2 % 2,
        "fallback": number % 11 == 0,
        "status": status,
        "start_date": start.isoformat(),
        "end_date": (start + timedelta(90)).isoformat() if ends else None,
        "has_end_date": ends,
        "delivery_boost": decimal_number(10 + number % 7, 1),
        "budget_limit": decimal_number(100_000 + 3_333 * number, 2),
        "budget_limit_today": decimal_number(2_500 + 33 * number, 2),
        "budget_limit_allowed": number % 5 != 0,
        "unit_price_maximum": decimal_number(25 + number % 60, 2),
        "frequency_capping": number % 6,
        "frequency_capping_days": number % 8,
        "cookie_lifetime": 30,
        "cookie_lifetime_view": 7 + number % 24,
        "keyword_lifetime": number % 31,
        "keywords": lists[number % 4],
        "exclusion_keywords": lists[(number + 1) % 4],
        "locations": places[number % 3],
        "comment": "" if number % 2 else 'Line one\nline two, "quoted" — Grüße',
        "type": number % 3,
        "delivery_type": 1 + number % 2,
        "deactivated_on": _written(number + 400) if status == 0 else None,
        "topic_ids": [topic(step)["id"] for step in range(number % 4)],
        "options": {"retargeting": bool(number % 2), "weights": [1, Decimal("0.5")]},
        **_times(number + 100),
    }


def advertisement(number: int) -> Entity:
    """Return an advertisement of a campaign."""
    booked = campaign(number % CAMPAIGNS)
    lists: tuple[Any, ...] = (None, "coffee", ["coffee", "tea"])
    return {
        "id": 20_001 + 3 * number,
        "product_id": booked["product_id"],
        "campaign_id": booked["id"],
        "type": 1 if number % 20 == 19 else 0,  # noqa: PLR2004 - one in twenty is a click tag.
        "advertisement_design_id": design(number)[0],
        "target_url": f"https://www.example.com/landing?ad={number}&src=adcloud",
        "name": f"Ad {number + 1}: {booked['product_name']}",
        "logo": bool(number % 2),
        "image_text": number % 2,
        "flash": False,
        "display": 1,
        "tag": number % 4 == 0,
        "postview_type": number % 3,
        "tag_html": "<b>Ünïcode</b>" if number % 4 == 0 else None,
        "image_alt": f"Picture {number + 1}",
        "text_headline": f"Headline {number + 1}",
        "text_body": "Two lines\nof text",
        "text_link": "Read more",
        "postview_url": None if number % 3 else "https://www.example.com/view.gif",
        "keywords": lists[number % 3],
        "exclusion_keywords": lists[(number + 1) % 3],
        "machine_keywords": lists[(number + 2) % 3],
        "locations": None,
        **_times(number + 200),
    }


def design(number: int) -> tuple[int, str]:
    """Return the id and the name of an advertisement's design."""
    names = ("Medium Rectangle", "Leaderboard", "Skyscraper", "Text link")
    return 1 + number % len(names), names[number % len(names)]


def topic(number: int) -> Entity:
    """Return a topic, with its prices by country."""
    english, german = _TOPIC_NAMES[number % len(_TOPIC_NAMES)]
    suffix = f" {number // len(_TOPIC_NAMES) + 1}"
    return {
        "id": 11 + number,
        "start_prio": number % 6,
        "names": {"en": english + suffix, "de": german + suffix},
        "discounts": [
            {
                "country_id": country_id,
                "country_code": country_code,
                "discount": f"{number % 5 * 2}.{country_id}" if number % 4 else "0.0",
                "reach": f"{number * 13 % 100}.0",
                "min_price_cpc": decimal_number(5 + country_id, 2),
                "price_cpc": decimal_number(20 + number + country_id, 2),
                "max_price_cpc": decimal_number(150 + number, 2),
                "min_price_cpm": decimal_number(40, 2),
                "price_cpm": decimal_number(100 + 10 * country_id, 2),
                "max_price_cpm": decimal_number(900 + 25 * number, 2),
            }
            for country_id, country_code in _COUNTRIES[: number % (len(_COUNTRIES) + 1)]
        ],
        **_times(number + 300),
    }


def _written(number: int) -> str:
    """Return a time of 2010 to 2012 in the API's format: `2012-06-14T07:47:15Z`."""
    time = datetime(2010, 1, 4, 7, 47, 15, tzinfo=UTC) + timedelta(days=number, seconds=97 * number)
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def _times(number: int) -> dict[str, str]:
    """Return the fields for when an entity was created and last modified."""
    return {"modified": _written(number + 30), "created": _written(number)}


class Collection(NamedTuple):
    """A resource of the API with its items."""

    #: The type of an item in its `_meta`.
    item_type: str
    #: Returns an item by its number.
    make: Callable[[int], Entity]
    #: How many items there are.
    size: int


#: Every resource is served at its name.
COLLECTIONS = {
    "campaigns": Collection("Campaign", campaign, CAMPAIGNS),
    "advertisements": Collection("Advertisement", advertisement, ADVERTISEMENTS),
    "customers": Collection("Customer", customer, CUSTOMERS),
    "products": Collection("Product", product, PRODUCTS),
    "topics": Collection("Topic", topic, TOPICS),
}


@lru_cache
def entities(resource: str) -> Sequence[Entity]:
    """Return all entities of a resource of `COLLECTIONS`, in the order of their ids."""
    _, make, size = COLLECTIONS[resource]
    return tuple(make(number) for number in range(size))

"""Accounts of the sandbox: their tokens, and the domains, placements and links of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from sandbox.numbers import random_bytes

#: The token of `DEMO`, the account for trials.
DEMO_TOKEN = "d3m0publisher7k2x9q4w8e1r5t6y0u3"  # noqa: S105
#: The token of the account for benchmarks: about 50,000 rows in 30 days, see `LARGE`.
LARGE_TOKEN = "l4rgepublisher8m1n6b2v7c3x9z5a0s"  # noqa: S105
#: The token of the account whose responses are the documents' own samples.
DOCUMENTS_TOKEN = "d0cumentedpublisher4h8j2k6l1p5o9"  # noqa: S105
#: A token that a newer one has replaced: 403 `Invalid token`.
REVOKED_TOKEN = "r3vokedpublisher5g9f1d7s2a8q4w6e"  # noqa: S105
#: The token of an advertiser instead of a publisher: 403 `Invalid owner type`.
ADVERTISER_TOKEN = "advert1sertoken0z6x3c9v5b1n7m2k8"  # noqa: S105

# fmt: off
_COUNTRIES = (
    "US", "DE", "GB", "FR", "IN", "BR", "ID", "MX", "PH", "VN", "IT", "ES",
    "PL", "TR", "NG", "ZA", "EG", "PK", "BD", "TH", "MY", "JP", "KR", "CA",
    "AU", "NL", "SE", "AT", "CH", "BE", "PT", "RO", "CZ", "GR", "HU", "AR",
)
# fmt: on
_SUB_IDS = ("-", "newsletter", "footer 2", "utm_source=forum", "Größe-ß")
_FORMATS = ("Popunder", "SocialBar", "NativeBanner", "DirectLink", "Banner300x250")
_SCRIPT_FORMATS = ("SocialBar", "NativeBanner", "Banner300x250")


class Slot(NamedTuple):
    """The finest unit that traffic is counted for; the fields are the API's dimensions."""

    domain: int
    placement: int
    country: str
    placement_sub_id: str


@dataclass(frozen=True, eq=False)
class Account:
    """An account of a publisher.

    Attributes:
        token: Its API token.
        domains: The rows of `/domains`.
        placements: The rows of `/placements`.
        placements_by_domain: The rows of `/domain/{domain_id}/placements`, by domain.
        smart_links: The rows of `/smart-links`, without filters.
        slots: The slots that may have traffic, each with its usual impressions per day.
    """

    token: str
    domains: tuple[dict[str, Any], ...]
    placements: tuple[dict[str, Any], ...]
    placements_by_domain: dict[int, tuple[dict[str, Any], ...]]
    smart_links: tuple[dict[str, Any], ...] = ()
    slots: tuple[tuple[Slot, int], ...] = ()


def _placement(domain: int, number: int, *, first_id: int) -> dict[str, Any]:
    """Return a row of `/placements`; formats that are scripts have no `direct_url`."""
    name = _FORMATS[number % len(_FORMATS)]
    title = f"{name}_{number // len(_FORMATS) + 1}"
    row: dict[str, Any] = {
        "id": first_id + 7919 * number,
        "domain_id": domain,
        "title": title,
        "alias": title if number % 3 else f"My {name.lower()} no. {number + 1}",
    }
    if name not in _SCRIPT_FORMATS:
        key = random_bytes(f"direct link {row['id']}", 16).hex()
        row["direct_url"] = f"https://www.example.com/p{number:02d}vbgm2?key={key}"
    return row


def _slots(
    placement: dict[str, Any], number: int, *, countries: int, sub_ids: int
) -> tuple[tuple[Slot, int], ...]:
    """Return the slots of a placement, with much and with little traffic."""
    chosen = [_COUNTRIES[(number * 5 + step) % len(_COUNTRIES)] for step in range(countries)]
    return tuple(
        (
            Slot(placement["domain_id"], placement["id"], country, sub_id),
            12_000 // ((1 + position) * (1 + 3 * sub_position) * (1 + number % 4)) + 3,
        )
        for position, country in enumerate(chosen)
        for sub_position, sub_id in enumerate(_SUB_IDS[:sub_ids])
    )


def _pseudo_domain(smart_link: int) -> dict[str, Any]:
    """Return the row of `/domains` that stands for a smart link.

    Several clients report that the API lists smart links among the domains.
    """
    return {"id": smart_link, "title": f"smart-link-{smart_link}"}


def _smart_links() -> tuple[dict[str, Any], ...]:
    """Return a smart link for every pair of traffic type and status, and one more."""
    kinds = [("Mainstream", "Active"), ("Adult", "Active"), ("Mainstream", "Inactive")]
    kinds += [("Adult", "Inactive"), ("Mainstream", "Active")]
    return tuple(
        {
            "id": 3_486_860 + 1_213 * number,
            "title": f"SmartLink_{number + 1}",
            "alias": f"SmartLink_{number + 1}" if number else "Exit traffic",
            "url": f"https://www.example.com/k{number}y47cw85c"
            f"?key={random_bytes(f'smart link {number}', 16).hex()}",
            "traffic_type": traffic_type,
            "status": status,
        }
        for number, (traffic_type, status) in enumerate(kinds)
    )


def _demo() -> Account:
    """Return the account for trials and tests.

    It has three domains and a pseudo domain, and twelve placements with one to thirty slots each.
    """
    domains: list[dict[str, Any]] = [
        {"id": 1_385_226 + 1_009 * number, "title": f"site-{number + 1}.example"}
        for number in range(3)
    ]
    placements = [
        _placement(domains[number % 3]["id"], number, first_id=15_928_739) for number in range(12)
    ]
    slots = [
        slot
        for number, placement in enumerate(placements)
        for slot in _slots(placement, number, countries=1 + number % 6, sub_ids=1 + number % 5)
    ]
    domains.append(_pseudo_domain(3_486_860))
    return _account(DEMO_TOKEN, domains, placements, slots, _smart_links())


def _large() -> Account:
    """Return the account for benchmarks: 57 placements with traffic from 36 countries each."""
    domains: list[dict[str, Any]] = [
        {"id": 2_100_001 + number, "title": f"large-{number + 1}.example"} for number in range(6)
    ]
    placements = [
        _placement(domains[number % 6]["id"], number, first_id=40_000_007) for number in range(57)
    ]
    slots = [
        slot
        for number, placement in enumerate(placements)
        for slot in _slots(placement, number, countries=36, sub_ids=1)
    ]
    return _account(LARGE_TOKEN, domains, placements, slots, ())


def _account(
    token: str,
    domains: list[dict[str, Any]],
    placements: list[dict[str, Any]],
    slots: list[tuple[Slot, int]],
    smart_links: tuple[dict[str, Any], ...],
) -> Account:
    """Return an account whose lists are consistent with each other."""
    return Account(
        token=token,
        domains=tuple(domains),
        placements=tuple(placements),
        placements_by_domain={
            domain["id"]: tuple(
                {name: value for name, value in placement.items() if name != "domain_id"}
                for placement in placements
                if placement["domain_id"] == domain["id"]
            )
            for domain in domains
        },
        smart_links=smart_links,
        slots=tuple(slots),
    )


#: The account for trials and tests: 4 domains, 12 placements, 118 slots.
DEMO = _demo()
#: The account for benchmarks: by date, placement and country about 50,000 rows in 30 days.
LARGE = _large()

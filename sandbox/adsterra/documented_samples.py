"""Samples of the documents, served to `DOCUMENTS_TOKEN`.

The samples by date are of 2018-10-04 and 2018-10-05, as their rows say. The samples by domain,
placement, country and sub id have no dates; they were read minutes later, so they are served for
the same two days. The sample by placement and country was read on 2025-12-24; it is served for the
day before and that day. A request gets the sample of its dimensions if its date range covers the
days of the sample, else no rows. Source of all samples: Adsterra Publishers API 3.0.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sandbox.adsterra.accounts import DOCUMENTS_TOKEN, Account
from sandbox.numbers import from_json

_DOMAINS = """[{"id": 11104450, "title": "title1.com"}, {"id": 11561045, "title": "title2.com"}]"""

_PLACEMENTS = """[
  {"id": 15928739, "domain_id": 123455, "title": "Popunder_1", "alias": "Popunder_1",
   "direct_url": "https://www.directurl.com/p67vbgm2?key=e2ptum41vg83gkg92r9g"},
  {"id": 34675906, "domain_id": 123456, "title": "SocialBar_1", "alias": "SocialBar_1"}
]"""

_DOMAIN_PLACEMENTS = """[
  {"id": 34895644, "title": "Popunder_1", "alias": "Popunder_1",
   "direct_url": "https://www.directurl.com/p67vbgm2?key=e2ptum41vg83gkg92r9g"},
  {"id": 34845646, "title": "SocialBar_1", "alias": "SocialBar_1"},
  {"id": 34854561, "title": "NativeBanner_1", "alias": "NativeBanner_1"},
  {"id": 348567652, "title": "NativeBanner_2", "alias": "NativeBanner_2"}
]"""

_SMART_LINKS = """[
  {"id": 16440365, "title": "SmartLink_1", "alias": "SmartLink_1",
   "url": "https://supersedeaccolade.com/kjy47cw85c?key=7be36078e646f6ba3f3be61054973b46",
   "traffic_type": "Adult", "status": "Active"}
]"""


@dataclass(frozen=True)
class Sample:
    """A sample response of `/stats`.

    Attributes:
        start: The first day it is served for.
        finish: The last day it is served for.
        updated: Its `dbLastUpdateTime`.
        responded: Its `dbDateTime`.
        rows: Its `items`, as JSON.
    """

    start: date
    finish: date
    updated: datetime
    responded: datetime
    rows: str


def _sample(days: tuple[str, str], updated: str, responded: str, rows: str) -> Sample:
    """Parse the days and times of a sample."""
    return Sample(
        date.fromisoformat(days[0]),
        date.fromisoformat(days[1]),
        datetime.fromisoformat(updated),
        datetime.fromisoformat(responded),
        rows,
    )


_DAYS = ("2018-10-04", "2018-10-05")

_SAMPLES: dict[tuple[str, ...], Sample] = {
    ("date",): _sample(
        _DAYS,
        "2018-10-08 14:47:49",
        "2018-10-08 14:47:54",
        """[
  {"date": "2018-10-04", "impression": 3014, "clicks": 175, "ctr": 5.806, "cpm": 0.383,
   "revenue": 1.154},
  {"date": "2018-10-05", "impression": 3485, "clicks": 155, "ctr": 4.448, "cpm": 0.396,
   "revenue": 1.379}
]""",
    ),
    ("country",): _sample(
        _DAYS,
        "2018-10-08 14:55:53",
        "2018-10-08 14:55:58",
        """[
  {"country": "AT", "impression": 889, "clicks": 38, "ctr": 4.274, "cpm": 0.673, "revenue": 0.598},
  {"country": "CH", "impression": 408, "clicks": 21, "ctr": 5.147, "cpm": 0.875, "revenue": 0.357},
  {"country": "DE", "impression": 5557, "clicks": 342, "ctr": 6.154, "cpm": 0.31, "revenue": 1.721}
]""",
    ),
    ("domain",): _sample(
        _DAYS,
        "2018-10-08 14:59:14",
        "2018-10-08 14:59:19",
        """[
  {"domain": 281040, "impression": 75301, "clicks": 4633, "ctr": 6.153, "cpm": 0.346,
   "revenue": 26.043},
  {"domain": 291463, "impression": 160779, "clicks": 1371, "ctr": 0.853, "cpm": 1.888,
   "revenue": 303.481}
]""",
    ),
    ("placement",): _sample(
        _DAYS,
        "2018-10-08 15:00:02",
        "2018-10-08 15:00:07",
        """[
  {"placement": 1578458751, "impression": 8114, "clicks": 433, "ctr": 5.336, "cpm": 0.354,
   "revenue": 2.869},
  {"placement": 34848952, "impression": 67187, "clicks": 4200, "ctr": 6.251, "cpm": 0.345,
   "revenue": 23.174},
  {"placement": 65846782, "impression": 156616, "clicks": 0, "ctr": 0, "cpm": 1.901,
   "revenue": 297.794},
  {"placement": 23849888, "impression": 4163, "clicks": 1371, "ctr": 32.933, "cpm": 1.366,
   "revenue": 5.687}
]""",
    ),
    ("placement", "country"): _sample(
        ("2025-12-23", "2025-12-24"),
        "2025-12-24 14:00:00",
        "2025-12-24 14:00:05",
        """[
  {"placement": 1578458751, "country": "US", "impression": 3802, "clicks": 8, "ctr": 0.21,
   "cpm": 0.341, "revenue": 1.298},
  {"placement": 1578458751, "country": "GB", "impression": 604, "clicks": 0, "ctr": 0,
   "cpm": 0.537, "revenue": 0.324},
  {"placement": 1578458751, "country": "MY", "impression": 0, "clicks": 0, "ctr": 0,
   "cpm": 0, "revenue": 0}
]""",
    ),
    ("placement_sub_id",): _sample(
        _DAYS,
        "2018-10-08 15:27:17",
        "2018-10-08 15:27:22",
        """[
  {"placement_sub_id": "-", "impression": 569, "clicks": 1845, "ctr": 1.29, "cpm": 0.986,
   "revenue": 0.561}
]""",
    ),
}


def _documents() -> Account:
    """Return the account of the samples.

    The samples are of several accounts, so its lists are not consistent with each other.
    """
    domains = tuple(from_json(_DOMAINS))
    return Account(
        token=DOCUMENTS_TOKEN,
        domains=domains,
        placements=tuple(from_json(_PLACEMENTS)),
        placements_by_domain={
            domains[0]["id"]: tuple(from_json(_DOMAIN_PLACEMENTS)),
            domains[1]["id"]: (),
        },
        smart_links=tuple(from_json(_SMART_LINKS)),
    )


#: The account of the documents' samples.
DOCUMENTS = _documents()


def sample(group_by: tuple[str, ...], start: date, finish: date) -> Sample | None:
    """Return the sample for a request, if there is one.

    The sample by date is returned if any of its days is requested. The others have no date in their
    rows, so they are returned only if all of their days are requested.
    """
    found = _SAMPLES.get(group_by)
    if found is None:
        return None
    if group_by == ("date",):
        return found if start <= found.finish and finish >= found.start else None
    return found if start <= found.start and finish >= found.finish else None


def sample_rows(group_by: tuple[str, ...], start: date, finish: date) -> list[dict[str, Any]]:
    """Return the rows of the sample for a request, in the order of the documents."""
    found = sample(group_by, start, finish)
    if found is None:
        return []
    days = (start.isoformat(), finish.isoformat())
    return [
        row
        for row in from_json(found.rows)
        if "date" not in row or days[0] <= row["date"] <= days[1]
    ]

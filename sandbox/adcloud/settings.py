"""What can be set about the Adcloud API: the things its documents leave open, and the size."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

#: The client that the token endpoint knows.
CLIENT_ID = "sandbox-client-71c4e09b"
#: Its secret.
CLIENT_SECRET = "s4ndb0x-secret-e83fd1a6502b97c4"  # noqa: S105
#: The day that has as many rows as the sample of the documents, which names no date; they are
#: of 2011. Source: Adcloud API description 1.0, Fetch advertiser reports.
DOCUMENTED_DAY = date(2011, 10, 5)
#: How many rows the documented day has, whatever the settings.
DOCUMENTED_ROWS = 11_955


@dataclass
class Settings:
    """How the Adcloud API behaves.

    Attributes:
        rows_per_day: About how many rows a day of the report has: up to a tenth more or fewer. At
            most 100,000.
        page_type: Whether `page_type` is text as documented, an integer as seen, or both.
        pages: Whether version 1 announces the number of pages; `sometimes` is every
            other day.
        new_backend: Whether version 2 calls a booking a campaign.
        refusal_status: The HTTP status with which the token endpoint refuses a client.
        token_lifetime_seconds: How long a token lives, by the sandbox's clock.
        token_requests: How many requests a token is good for; ``None`` for any number.
        token_in_meta: Whether version 2 puts the token into `_meta`.
        timezone: The zone whose days the report counts in, as an IANA name.
    """

    rows_per_day: int = 260
    page_type: Literal["text", "integer", "mixed"] = "text"
    pages: Literal["always", "never", "sometimes"] = "sometimes"
    new_backend: bool = False
    refusal_status: int = 401
    token_lifetime_seconds: float = 7_200
    token_requests: int | None = None
    token_in_meta: bool = False
    timezone: str = "Europe/Berlin"

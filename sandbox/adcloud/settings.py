"""Settings of the Adcloud API: what its documents leave open, and the number of rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

#: The client id that the token endpoint accepts.
CLIENT_ID = "sandbox-client-71c4e09b"
#: The secret of that client.
CLIENT_SECRET = "s4ndb0x-secret-e83fd1a6502b97c4"  # noqa: S105
#: The day with as many rows as the sample in the documents. The sample has no date; the documents
#: are of 2011. Source: Adcloud API description 1.0, Fetch advertiser reports.
DOCUMENTED_DAY = date(2011, 10, 5)
#: The number of rows of that day, independent of the settings.
DOCUMENTED_ROWS = 11_955


@dataclass
class Settings:
    """Behaviour of the Adcloud API.

    Attributes:
        rows_per_day: The approximate number of rows per day of the report, within a tenth. At most
            100,000.
        page_type: The form of `page_type`: text as documented, an integer as seen, or both.
        pages: Whether version 1 announces the number of pages; `sometimes` is every other day.
        new_backend: Whether version 2 calls a booking a campaign, unless the parameter
            `new_backend` says so.
        refusal_status: The HTTP status with which the token endpoint refuses a client.
        token_lifetime_seconds: The lifetime of a token, by the sandbox's clock.
        token_requests: For how many requests a token is valid; `None` for any number.
        token_in_meta: Whether version 2 puts the token only into `_meta`.
        timezone: The time zone that defines the report's days, as an IANA name.
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

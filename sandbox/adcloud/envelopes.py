"""Envelopes around the rows of a page, in both versions of the Adcloud API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

from sandbox.numbers import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_PER_PAGE = 50
MAX_PER_PAGE = 200


@dataclass(frozen=True)
class Page:
    """One page of a collection.

    Attributes:
        url: The URL of the collection, without a query.
        query: The parameters that select the collection: filters, but no paging and no token.
        rows: The rows on the page, as JSON.
        number: The number of the page, from 1.
        per_page: How many rows a full page has.
        total: How many rows all pages have.
    """

    url: str
    query: Sequence[tuple[str, str]]
    rows: Sequence[bytes]
    number: int
    per_page: int
    total: int

    @property
    def pages(self) -> int:
        """The number of pages; 0 for an empty collection."""
        return -(-self.total // self.per_page)

    def to_v1(self, token: str, *, announce_pages: bool) -> bytes:
        """Return the body of the page in version 1.

        Its URLs contain the token and lack `per_page`, as in the sample. Source: Adcloud API
        description 1.0, Fetch advertiser reports.

        Args:
            token: The token of the request.
            announce_pages: Whether the body contains the number of pages.
        """
        collection = {
            "first_url": self._url(token, 1),
            "last_url": self._url(token, max(self.pages, 1)),
            "next_url": self._url(token, self.number + 1) if self.number < self.pages else None,
            "prev_url": self._url(token, self.number - 1) if self.number > 1 else None,
            "per_page": self.per_page,
            "size": self.total,
        }
        if announce_pages:
            collection["pages"] = self.pages
        return b'{"collection":%s,"result":[%s],"status":200}' % (
            to_json(collection),
            b",".join(self.rows),
        )

    def to_v2(self, item_type: str) -> bytes:
        """Return the body of the page in version 2, each item with `item_type` in its `_meta`.

        Source: Adcloud's own clients and their fixtures.
        """
        meta = {
            "type": "Collection",
            "page": self.number,
            "size": len(self.rows),
            "per_page": self.per_page,
            "total_count": self.total,
            "total_pages": self.pages,
            "sort": None,
            "uuid": str(uuid5(NAMESPACE_URL, f"{self.url}?{urlencode(self.query)}")),
        }
        item_meta = b',"_meta":{"type":"%s"}}' % item_type.encode()
        return b'{"items":[%s],"_meta":%s}' % (
            b",".join([row[:-1] + item_meta for row in self.rows]),
            to_json(meta),
        )

    def _url(self, token: str, number: int) -> str:
        """Return the URL of another page."""
        query = [("access_token", token), *self.query, ("page", str(number))]
        return f"{self.url}?{urlencode(query)}"

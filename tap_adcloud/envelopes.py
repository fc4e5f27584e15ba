"""What surrounds the rows, and the errors, in both versions of the Adcloud API.

Source: *Adcloud API description*, version 1.0, Fetch advertiser reports, for version 1;
Adcloud's own clients for version 2.
"""

from __future__ import annotations

import codecs
from typing import Any, Generic, Self

import msgspec

from singer_reports.records.envelope import AnyRow, EmptyObject, Envelope, list_of


class PaginationV1(msgspec.Struct):
    """What version 1 says of the rows. ``size`` counts those of all pages."""

    size: int
    per_page: int
    # Embeds the token and leaves out per_page: a sign that there is more, not an address to follow.
    next_url: str | None = None


class ResponseV1(Envelope[AnyRow], Generic[AnyRow]):
    """A page of version 1."""

    result: list[AnyRow] | EmptyObject
    collection: PaginationV1

    @property
    def rows(self) -> list[AnyRow]:
        """The rows."""
        return list_of(self.result)

    @property
    def total_count(self) -> int:
        """How many rows all pages have together."""
        return self.collection.size

    @property
    def page_count(self) -> int:
        """How many pages there are; version 1 does not always say, so they are counted."""
        return count_pages(self.collection.size, self.collection.per_page)

    @property
    def has_more(self) -> bool:
        """Whether a page follows."""
        return self.collection.next_url is not None


class PaginationV2(msgspec.Struct):
    """What version 2 says of the rows. ``size``, which is not read, counts those of this page."""

    total_count: int
    per_page: int
    page: int | None = None
    total_pages: int | None = None


class ResponseV2(Envelope[AnyRow], Generic[AnyRow]):
    """A page of version 2."""

    items: list[AnyRow] | EmptyObject
    meta: PaginationV2 = msgspec.field(name="_meta")

    @property
    def rows(self) -> list[AnyRow]:
        """The rows."""
        return list_of(self.items)

    @property
    def total_count(self) -> int:
        """How many rows all pages have together."""
        return self.meta.total_count

    @property
    def page_count(self) -> int:
        """How many pages there are."""
        return count_pages(self.meta.total_count, self.meta.per_page)

    @property
    def has_more(self) -> bool:
        """Whether a page follows."""
        page, pages = self.meta.page, self.meta.total_pages
        return page is not None and pages is not None and page < pages


def count_pages(total: int, per_page: int) -> int:
    """Count the pages that ``total`` rows need; an empty collection has one, which is empty.

    >>> count_pages(11_955, 200)
    60
    """
    return max(1, -(-total // max(1, per_page)))


class ErrorBody(msgspec.Struct):
    """The part of a response that tells of an error, in either version.

    A body may say failure while HTTP says 200 (Adcloud's own clients look for it).
    """

    status: Any = None
    errors: Any = None
    error_description: Any = None
    meta: Any = msgspec.field(name="_meta", default=None)

    @classmethod
    def parse(cls, content: bytes) -> Self | None:
        """Read what a body tells; ``None``, if it is no JSON object."""
        try:
            return msgspec.json.decode(content.removeprefix(codecs.BOM_UTF8), type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    @property
    def code(self) -> int:
        """The HTTP status that the body tells of; 200 where it tells of no failure."""
        meta = self.meta if isinstance(self.meta, dict) else {}
        for status in (self.status, meta.get("status")):
            if isinstance(status, int) and status >= 400:  # noqa: PLR2004 - where errors begin
                return status
        return 400 if self.errors or self.error_description else 200

    @property
    def reasons(self) -> str:
        """What the API says is wrong, for people; nothing where it says nothing."""
        meta = self.meta if isinstance(self.meta, dict) else {}
        found = [self.error_description, meta.get("message")]
        errors = self.errors if isinstance(self.errors, list) else [self.errors]
        found += [error.get("message") if isinstance(error, dict) else error for error in errors]
        details = meta.get("details")
        for name, texts in details.items() if isinstance(details, dict) else ():
            listed = texts if isinstance(texts, list) else [texts]
            found.append(f"{name} {', '.join(map(str, listed))}")
        return "; ".join(str(text) for text in found if text)

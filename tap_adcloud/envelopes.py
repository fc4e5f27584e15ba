"""The structure of pages and errors, in both versions of the Adcloud API.

Source: *Adcloud API description*, version 1.0, Fetch advertiser reports, for version 1;
Adcloud's own clients for version 2.
"""

from __future__ import annotations

import codecs
import re
from typing import Any, Generic, Self

import msgspec

from singer_reports.records.envelope import AnyRow, EmptyObject, Envelope, list_of

#: A status, also as text: PHP quotes numbers.
_STATUS = re.compile(r"[0-9]{3,9}")


class PaginationV1(msgspec.Struct):
    """The pagination of version 1; ``size`` is the number of rows on all pages."""

    size: int
    per_page: int
    # Contains the token and lacks per_page: only shows that a page follows; not requested.
    # An empty text or false is what PHP writes for none.
    next_url: str | bool | None = None


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
        """The number of rows on all pages."""
        return self.collection.size

    @property
    def page_count(self) -> int:
        """The number of pages, computed because version 1 does not always send it."""
        return count_pages(self.collection.size, self.collection.per_page)

    @property
    def has_more(self) -> bool:
        """Whether a page follows."""
        return bool(self.collection.next_url)


class PaginationV2(msgspec.Struct):
    """The pagination of version 2; ``size``, the number of rows on this page, is not read."""

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
        """The number of rows on all pages."""
        return self.meta.total_count

    @property
    def page_count(self) -> int:
        """The number of pages."""
        return count_pages(self.meta.total_count, self.meta.per_page)

    @property
    def has_more(self) -> bool:
        """Whether a page follows."""
        page, pages = self.meta.page, self.meta.total_pages
        return page is not None and pages is not None and page < pages


def count_pages(total: int, per_page: int) -> int:
    """Return the number of pages of ``total`` rows; an empty collection has one empty page.

    >>> count_pages(11_955, 200)
    60
    """
    return max(1, -(-total // max(1, per_page)))


class ErrorBody(msgspec.Struct):
    """The part of a response that reports an error, in either version.

    A body may report an error although the HTTP status is 200 (Adcloud's own clients check this).
    """

    status: Any = None
    errors: Any = None
    error_description: Any = None
    meta: Any = msgspec.field(name="_meta", default=None)

    @classmethod
    def parse(cls, content: bytes) -> Self | None:
        """Parse an error body; return ``None`` unless it is a JSON object."""
        try:
            return msgspec.json.decode(content.removeprefix(codecs.BOM_UTF8), type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    @property
    def code(self) -> int:
        """The HTTP status that the body reports; 200 if it reports no error."""
        meta = self.meta if isinstance(self.meta, dict) else {}
        for status in (self.status, meta.get("status")):
            text = str(status)
            if _STATUS.fullmatch(text) and int(text) >= 400:  # noqa: PLR2004 - where errors begin
                return int(text)
        return 400 if self.errors or self.error_description else 200

    @property
    def reasons(self) -> str:
        """The reasons that the API gives, as text; empty if it gives no reason."""
        meta = self.meta if isinstance(self.meta, dict) else {}
        found = [self.error_description, meta.get("message")]
        errors = self.errors if isinstance(self.errors, list) else [self.errors]
        found += [error.get("message") if isinstance(error, dict) else error for error in errors]
        details = meta.get("details")
        for name, texts in details.items() if isinstance(details, dict) else ():
            listed = texts if isinstance(texts, list) else [texts]
            found.append(f"{name} {', '.join(map(str, listed))}")
        return "; ".join(str(text) for text in found if text)

"""Paginators: given a page and its response, which pages of the slice follow?

Unlike the SDK's, which know one page at a time, these name all pages that a response shows to be
there, so that they can be requested concurrently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_reports.records.page import Page, PageResponse


class Paginator(Protocol):
    """Names the pages that follow a page."""

    #: Whether a slice is always a single request.
    is_single_page: bool

    def next_pages(self, page: Page, response: PageResponse) -> Sequence[Page]:
        """Name the pages that ``response`` shows to be needed and no earlier one has."""


class SinglePagePaginator:
    """All rows of a slice come in one response."""

    is_single_page = True

    def next_pages(self, page: Page, response: PageResponse) -> Sequence[Page]:  # noqa: ARG002
        """Name no page."""
        return ()


class PageNumberPaginator:
    """Pages are numbered from 1, and the first response says how many there are."""

    is_single_page = False

    def next_pages(self, page: Page, response: PageResponse) -> Sequence[Page]:
        """Name pages 2 to the last one after the first page, and none after any other."""
        if page.number > 1:
            return ()
        return [page._replace(number=number) for number in range(2, response.page_count + 1)]

"""Paginators: return the pages of a slice that follow a page, from its response.

Unlike the SDK's, which return one page at a time, these return all pages that a response shows to
exist, so that they can be requested concurrently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_reports.records.page import Page, PageResponse


class Paginator(Protocol):
    """Returns the pages that follow a page."""

    #: Whether a slice is always a single request.
    is_single_page: bool

    def next_pages(self, page: Page, response: PageResponse) -> Sequence[Page]:
        """Return the pages that ``response`` shows to be needed and no earlier response has."""


class SinglePagePaginator:
    """For slices whose rows all come in one response."""

    is_single_page = True

    def next_pages(self, page: Page, response: PageResponse) -> Sequence[Page]:  # noqa: ARG002
        """Return no pages."""
        return ()


class PageNumberPaginator:
    """For pages that are numbered from 1, if the first response announces how many there are."""

    is_single_page = False

    def next_pages(self, page: Page, response: PageResponse) -> Sequence[Page]:
        """Return pages 2 to the last one after the first page, and no pages after any other."""
        if page.number > 1:
            return ()
        return [page._replace(number=number) for number in range(2, response.page_count + 1)]

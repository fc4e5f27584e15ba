"""Prefetching: what is fetched while the current slice is incomplete.

Every request waits until the test releases it, so the order of responses does not depend on time.
"""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, NamedTuple

import pytest

from singer_reports.http.fetch import fetch_in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CONCURRENCY = 4
PAGES = 6
#: Seconds after which waiting fails the test.
TIMEOUT = 30


class Page(NamedTuple):
    """A page of a slice; the first one shows that there are further ones."""

    slice_index: int
    number: int = 1


#: The further pages of the first slice that all threads can fetch at the same time.
FURTHER = {Page(0, number) for number in range(2, CONCURRENCY + 2)}


class Api:
    """Pages of several slices; a request for one ends when the test releases it."""

    def __init__(self, slices: int) -> None:
        self.slices = slices
        self.pages = [
            Page(slice_index, number)
            for slice_index in range(slices)
            for number in range(1, PAGES + 1)
        ]
        self.gate = threading.Condition()
        self.under_way: set[Page] = set()
        self.started: list[Page] = []
        #: Responses that ``fetch_in_order`` has seen, and those it has handed out.
        self.seen: list[Page] = []
        self.taken: list[Page] = []
        self.released: set[Page] = set()
        self.error: BaseException | None = None
        self.taker = threading.Thread(target=self._take, daemon=True)
        self.taker.start()

    def fetch(self, page: Page) -> Page:
        with self.gate:
            self.under_way.add(page)
            self.started.append(page)
            self.gate.notify_all()
            assert self.gate.wait_for(lambda: page in self.released, TIMEOUT)
            self.under_way.remove(page)
            self.gate.notify_all()
        return page

    def further(self, page: Page, _: Page) -> Iterable[Page]:
        with self.gate:
            self.seen.append(page)
            self.gate.notify_all()
        further = range(2, PAGES + 1) if page.number == 1 else ()
        return [page._replace(number=number) for number in further]

    def _take(self) -> None:
        slices = map(Page, range(self.slices))
        try:
            for page, response in fetch_in_order(slices, self.fetch, self.further, CONCURRENCY):
                assert page == response
                with self.gate:
                    self.taken.append(page)
                    self.gate.notify_all()
        except BaseException as error:  # noqa: BLE001 - raised in the thread of the test
            self.error = error

    def release(self, pages: Iterable[Page]) -> None:
        """Let the requests for these pages end, now and later."""
        with self.gate:
            self.released.update(pages)
            self.gate.notify_all()

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds."""
        with self.gate:
            assert self.gate.wait_for(condition, TIMEOUT), (self.under_way, self.taken)

    def complete(self, page: Page) -> None:
        """Release a page, and wait until its response has been seen."""
        self.release([page])
        self.until(lambda: page in self.seen)

    def next_started(self, ended: Page) -> Page:
        """Release a page, and return the page that its thread requests next."""
        count = len(self.started)
        self.release([ended])
        self.until(lambda: len(self.started) > count)
        return self.started[-1]

    def end(self) -> None:
        """Release all pages, and check that they were handed out in order."""
        self.release(self.pages)
        self.taker.join(TIMEOUT)
        assert self.error is None
        assert self.taken == self.pages


@pytest.mark.parametrize("order", list(itertools.permutations(range(CONCURRENCY))))
def test_the_current_slice_has_all_threads_in_any_order_of_responses(order: list[int]) -> None:
    """Later slices may have had their responses before it, and may have many further pages."""
    api = Api(slices=CONCURRENCY)
    api.until(lambda: len(api.under_way) == CONCURRENCY)
    # All further pages of later slices get their response immediately.
    api.release(page for page in api.pages if page.slice_index > 0 and page.number > 1)
    for slice_index in order:
        api.complete(Page(slice_index))
    api.until(lambda: api.under_way == FURTHER)
    api.end()


def test_a_free_thread_takes_a_page_of_the_current_slice() -> None:
    """Even if pages of later slices were submitted before, and have not started."""
    api = Api(slices=CONCURRENCY)
    api.until(lambda: len(api.under_way) == CONCURRENCY)
    api.complete(Page(1))
    api.until(lambda: len(api.under_way) == CONCURRENCY)
    api.release([Page(0)])
    # Its further pages are submitted once it has been handed out.
    api.until(lambda: api.taken == [Page(0)] and len(api.under_way) == CONCURRENCY)
    for ended in sorted(page for page in api.under_way if page.slice_index > 0):
        assert api.next_started(ended).slice_index == 0
    assert api.under_way == FURTHER
    api.end()


def test_prefetching_of_later_slices_is_bounded() -> None:
    """While the current slice is late, at most twice the concurrency, so memory stays bounded."""
    api = Api(slices=100)
    api.until(lambda: len(api.under_way) == CONCURRENCY)
    api.release(page for page in api.pages if page.slice_index > 0)
    ahead = 1 + 2 * CONCURRENCY
    api.until(lambda: len(api.started) == ahead and api.under_way == {Page(0)})
    api.release([Page(0)])
    api.until(lambda: api.under_way == FURTHER)
    assert len(api.started) == ahead + CONCURRENCY
    api.end()

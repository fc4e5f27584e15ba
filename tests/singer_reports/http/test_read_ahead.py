"""Rules about reading ahead: what is fetched while the part at hand is not complete.

Every request waits until the test lets it end, so the order of the responses is the test's own and
not a matter of time.
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
#: Seconds after which a test fails because what it waits for has not happened.
PATIENCE = 30


class Page(NamedTuple):
    """A page of a part; the first one shows that there are further ones."""

    part: int
    number: int = 1


#: Pages of the first part that all threads are at when they can be at its further pages.
FURTHER = {Page(0, number) for number in range(2, CONCURRENCY + 2)}


class Api:
    """Pages of several parts that are answered when the test says so."""

    def __init__(self, parts: int) -> None:
        self.parts = parts
        self.pages = [Page(part, number) for part in range(parts) for number in range(1, PAGES + 1)]
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
            assert self.gate.wait_for(lambda: page in self.released, PATIENCE)
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
        parts = map(Page, range(self.parts))
        try:
            for page, response in fetch_in_order(parts, self.fetch, self.further, CONCURRENCY):
                assert page == response
                with self.gate:
                    self.taken.append(page)
                    self.gate.notify_all()
        except BaseException as error:  # noqa: BLE001 - raised in the thread of the test
            self.error = error

    def release(self, pages: Iterable[Page]) -> None:
        """Let the requests for some pages end, now and later."""
        with self.gate:
            self.released.update(pages)
            self.gate.notify_all()

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to happen."""
        with self.gate:
            assert self.gate.wait_for(condition, PATIENCE), (self.under_way, self.taken)

    def answer(self, page: Page) -> None:
        """Let the request for a page end, and wait until its response has been seen."""
        self.release([page])
        self.until(lambda: page in self.seen)

    def next_started(self, ended: Page) -> Page:
        """Let the request for a page end, and say which one its thread makes next."""
        count = len(self.started)
        self.release([ended])
        self.until(lambda: len(self.started) > count)
        return self.started[-1]

    def end(self) -> None:
        """Let all requests end, and check that everything has been handed out in order."""
        self.release(self.pages)
        self.taker.join(PATIENCE)
        assert self.error is None
        assert self.taken == self.pages


@pytest.mark.parametrize("order", list(itertools.permutations(range(CONCURRENCY))))
def test_the_current_slice_has_all_threads_in_any_order_of_responses(order: list[int]) -> None:
    """The parts behind it may have been answered before it, and may have many further pages."""
    api = Api(parts=CONCURRENCY)
    api.until(lambda: len(api.under_way) == CONCURRENCY)
    # Of the parts behind, all further pages are answered as soon as they are requested.
    api.release(page for page in api.pages if page.part > 0 and page.number > 1)
    for part in order:
        api.answer(Page(part))
    api.until(lambda: api.under_way == FURTHER)
    api.end()


def test_a_free_thread_takes_a_page_of_the_current_slice() -> None:
    """Even if pages of parts behind it were sent off before, and have not begun."""
    api = Api(parts=CONCURRENCY)
    api.until(lambda: len(api.under_way) == CONCURRENCY)
    api.answer(Page(1))
    api.until(lambda: len(api.under_way) == CONCURRENCY)
    api.release([Page(0)])
    # Its further pages have been sent off once it has been handed out.
    api.until(lambda: api.taken == [Page(0)] and len(api.under_way) == CONCURRENCY)
    for ended in sorted(page for page in api.under_way if page.part > 0):
        assert api.next_started(ended).part == 0
    assert api.under_way == FURTHER
    api.end()


def test_prefetching_of_later_slices_is_bounded() -> None:
    """While the part at hand is late, twice the concurrency, so memory stays bounded."""
    api = Api(parts=100)
    api.until(lambda: len(api.under_way) == CONCURRENCY)
    api.release(page for page in api.pages if page.part > 0)
    ahead = 1 + 2 * CONCURRENCY
    api.until(lambda: len(api.started) == ahead and api.under_way == {Page(0)})
    api.release([Page(0)])
    api.until(lambda: api.under_way == FURTHER)
    assert len(api.started) == ahead + CONCURRENCY
    api.end()

"""Rules about reading ahead: what is fetched while the part at hand is not complete.

Every request waits until the test lets it end, so the order of the answers is the test's own and
not a matter of time.
"""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, NamedTuple

import pytest

from singer_reports.fetch import in_order

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


class Api:
    """Pages of several parts that are answered when the test says so."""

    def __init__(self, parts: int) -> None:
        self.parts = parts
        self.gate = threading.Condition()
        self.under_way: set[Page] = set()
        self.started: list[Page] = []
        #: Answers that ``in_order`` has seen, and those it has handed out.
        self.seen: list[Page] = []
        self.taken: list[Page] = []
        self.released: Callable[[Page], bool] = lambda _: False
        self.error: BaseException | None = None
        self.taker = threading.Thread(target=self._take, daemon=True)
        self.taker.start()

    def fetch(self, page: Page) -> Page:
        with self.gate:
            self.under_way.add(page)
            self.started.append(page)
            self.gate.notify_all()
            assert self.gate.wait_for(lambda: self.released(page), PATIENCE)
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
            for page, answer in in_order(parts, self.fetch, self.further, CONCURRENCY):
                assert page == answer
                with self.gate:
                    self.taken.append(page)
                    self.gate.notify_all()
        except BaseException as error:  # noqa: BLE001 - raised in the thread of the test
            self.error = error

    def release(self, released: Callable[[Page], bool]) -> None:
        """Let those requests end, now and later, for which this is true."""
        with self.gate:
            earlier = self.released
            self.released = lambda page: earlier(page) or released(page)
            self.gate.notify_all()

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to happen."""
        with self.gate:
            assert self.gate.wait_for(condition, PATIENCE), (self.under_way, self.taken)

    def end(self) -> None:
        """Let all requests end, and check that everything has been handed out in order."""
        self.release(lambda _: True)
        self.taker.join(PATIENCE)
        assert self.error is None
        numbers = range(1, PAGES + 1)
        assert self.taken == [Page(*page) for page in itertools.product(range(self.parts), numbers)]


@pytest.mark.parametrize("order", list(itertools.permutations(range(CONCURRENCY))))
def test_the_part_at_hand_has_all_threads_whatever_has_been_answered(order: list[int]) -> None:
    """The parts behind it may have been answered before it, and may have many further pages."""
    api = Api(parts=CONCURRENCY)
    api.until(lambda: len(api.under_way) == CONCURRENCY)
    # Of the parts behind, all further pages are answered as soon as they are asked for.
    api.release(lambda page: page.part > 0 and page.number > 1)
    for part in order:
        api.release(lambda page, part=part: page == Page(part))
        api.until(lambda part=part: Page(part) in api.seen)
    api.until(lambda: api.under_way == {Page(0, number) for number in range(2, CONCURRENCY + 2)})
    api.end()


def test_a_free_thread_takes_a_page_of_the_part_at_hand() -> None:
    """Even if pages of parts behind it were sent off before, and have not begun."""
    api = Api(parts=CONCURRENCY)
    api.until(lambda: len(api.under_way) == CONCURRENCY)
    api.release(lambda page: page == Page(1))
    api.until(lambda: len(api.started) == CONCURRENCY + 1)
    api.release(lambda page: page == Page(0))
    # Its further pages have been sent off once it has been handed out, and two threads are taken.
    api.until(lambda: api.taken == [Page(0)] and len(api.under_way) == CONCURRENCY)
    behind = [page for page in sorted(api.under_way) if page.part > 0]
    for count, ended in enumerate(behind, 1):
        started = len(api.started)
        api.release(lambda page, ended=ended: page == ended)
        api.until(lambda started=started: len(api.started) == started + 1)
        assert api.started[-1].part == 0, count
    assert api.under_way == {Page(0, number) for number in range(2, CONCURRENCY + 2)}
    api.end()


def test_of_the_parts_behind_no_more_is_read_than_agreed() -> None:
    """While the part at hand is late, twice the concurrency, so memory stays bounded."""
    api = Api(parts=100)
    api.until(lambda: len(api.under_way) == CONCURRENCY)
    api.release(lambda page: page.part > 0)
    api.until(lambda: len(api.started) == 1 + 2 * CONCURRENCY and api.under_way == {Page(0)})
    api.release(lambda page: page == Page(0))
    api.until(lambda: api.under_way == {Page(0, number) for number in range(2, CONCURRENCY + 2)})
    assert len(api.started) == 1 + 2 * CONCURRENCY + CONCURRENCY
    api.end()

"""Which request is sent next: the part at hand first, later parts as far as bytes allow.

Nothing here takes time: responses come when the simulation says so.
"""

from __future__ import annotations

import heapq
import itertools
import random
from typing import TYPE_CHECKING, NamedTuple

import pytest

from singer_reports.http.read_ahead import ReadAhead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_reports.http.read_ahead import Task

CONCURRENCY = 4
MEGABYTE = 1_000_000
#: More than any of these tests needs.
MUCH = 1000 * MEGABYTE


class Page(NamedTuple):
    """A page of a day; the first one shows that there are further ones."""

    day: int
    number: int = 1


class Reading:
    """Days of several pages, read with responses in an order that the test decides."""

    def __init__(
        self, days: int, pages: int, *, size: int = 1, max_bytes: int = MUCH, concurrency: int = 4
    ) -> None:
        self.ahead = ReadAhead[Page, Page](map(Page, range(days)), concurrency, max_bytes)
        self.pages = pages
        self.size = size
        self.sent: list[Page] = []
        self.under_way: dict[Page, Task[Page, Page]] = {}
        self.most_under_way = 0
        self.send()

    def send(self) -> list[Page]:
        """Send what may be sent, and return it."""
        before = len(self.sent)
        while task := self.ahead.next_to_send():
            self.sent.append(task.request)
            self.under_way[task.request] = task
        self.most_under_way = max(self.most_under_way, len(self.under_way))
        return self.sent[before:]

    def end(self, page: Page, error: Exception | None = None) -> list[Page]:
        """Let the response to a page come, and return the pages that are sent then."""
        task = self.under_way.pop(page)
        task.error = error
        numbers = range(2, self.pages + 1) if page.number == 1 and error is None else ()
        self.ahead.finish(task, self.size, [page._replace(number=number) for number in numbers])
        return self.send()

    def take(self) -> Iterator[Page]:
        """Take all responses that are there in order; they stay in memory."""
        while (first := self.ahead.first) and first.finished and first.error is None:
            yield self.ahead.pop().request
            self.send()

    def release(self) -> list[Page]:
        self.ahead.release()
        return self.send()


def whole(days: int, pages: int) -> list[Page]:
    return [Page(day, number) for day in range(days) for number in range(1, pages + 1)]


@pytest.mark.parametrize("order", list(itertools.permutations(range(CONCURRENCY))))
def test_a_free_slot_goes_to_the_day_at_hand_in_any_order_of_first_responses(
    order: tuple[int, ...],
) -> None:
    reading = Reading(days=CONCURRENCY, pages=6)
    for day in order:
        reading.end(Page(day))
        if day == 0:
            break
    sent = [page for page in reading.sent if page not in map(Page, range(CONCURRENCY))]
    # Before its first response, later days have used the slots; from then on it has them.
    while len(found := [page for page in sent if page.day == 0]) < 5:
        other = max(reading.under_way)
        sent += reading.end(other)
        assert sent[-1].day == 0
    assert found == [Page(0, number) for number in range(2, 7)]


@pytest.mark.parametrize("seed", range(20))
def test_responses_in_any_order_are_taken_in_the_order_of_the_pages(seed: int) -> None:
    choose = random.Random(seed)  # noqa: S311
    reading = Reading(days=7, pages=5, size=1000, max_bytes=9000)
    taken: list[Page] = []
    while reading.ahead.first:
        if reading.under_way:
            reading.end(choose.choice(sorted(reading.under_way)))
        if not reading.under_way or choose.random() < 0.5:
            taken += reading.take()
        if not reading.under_way or choose.random() < 0.3:
            reading.release()
    assert taken == whole(days=7, pages=5)
    assert reading.most_under_way <= CONCURRENCY


def test_without_a_consumer_reading_goes_on_until_the_bytes_are_used_up() -> None:
    reading = Reading(days=1000, pages=1, size=MEGABYTE, max_bytes=20 * MEGABYTE)
    while reading.under_way:
        reading.end(min(reading.under_way))
    assert len(reading.sent) == 20
    # What has been taken counts until it is released.
    taken = list(itertools.islice(reading.take(), 15))
    assert not reading.under_way
    reading.release()
    while reading.under_way:
        reading.end(min(reading.under_way))
    assert len(reading.sent) == 20 + len(taken)


def test_the_day_at_hand_is_read_to_its_end_however_large_it_is() -> None:
    reading = Reading(days=3, pages=50, size=MEGABYTE, max_bytes=MEGABYTE)
    counts: list[int] = []
    while reading.under_way:
        reading.end(min(reading.under_way))
        counts.append(len(reading.under_way))
    assert reading.sent[-1] == Page(0, 50)
    # With all slots, until there are no further pages.
    assert set(counts[5:-CONCURRENCY]) == {CONCURRENCY}


def test_the_halves_of_a_window_share_the_bytes_as_other_windows_do() -> None:
    """A window of days that was too large is not at hand as a whole."""
    reading = Reading(days=1, pages=1, size=MEGABYTE, max_bytes=10 * MEGABYTE)
    window = reading.under_way.pop(Page(0))
    reading.ahead.finish(window, parts=[Page(day) for day in range(1, 100)])
    reading.send()
    while reading.under_way:
        reading.end(min(reading.under_way))
    assert len(reading.sent) == 1 + 10


def test_a_busy_consumer_does_not_keep_the_next_days_from_being_read() -> None:
    reading = Reading(days=10, pages=30, size=200_000, max_bytes=32 * MEGABYTE)
    taken: list[Page] = []
    while len(taken) < 30:
        reading.end(min(reading.under_way))
        taken += reading.take()
    # It is busy with the first day, and nothing is released.
    while reading.under_way:
        reading.end(min(reading.under_way))
    assert len(reading.sent) == 32 * MEGABYTE // 200_000


def test_bytes_that_are_expected_count_before_they_come() -> None:
    reading = Reading(days=100, pages=1, size=10 * MEGABYTE, max_bytes=32 * MEGABYTE)
    assert len(reading.under_way) == CONCURRENCY
    reading.end(Page(0))
    # Four times 10 MB are more than 32 already, so nothing else is sent for the first.
    assert len(reading.sent) == CONCURRENCY


def test_few_responses_are_expected_before_the_first_has_shown_its_size() -> None:
    reading = Reading(days=100, pages=1, size=MEGABYTE, max_bytes=32 * MEGABYTE, concurrency=32)
    assert len(reading.under_way) == 4
    reading.end(Page(0))
    # One that waits, and as many again as the bytes allow.
    assert len(reading.under_way) == 31


def test_a_request_that_is_replaced_says_nothing_about_sizes() -> None:
    reading = Reading(days=100, pages=1, size=MEGABYTE, max_bytes=32 * MEGABYTE, concurrency=32)
    for number in range(20):
        task = reading.under_way.pop(min(reading.under_way))
        reading.ahead.finish(task, parts=[Page(100 + number)])
        reading.send()
        list(reading.take())
    assert len(reading.under_way) == 4


def test_larger_responses_are_expected_for_a_while_after_one() -> None:
    reading = Reading(days=1000, pages=1, size=20 * MEGABYTE, max_bytes=32 * MEGABYTE)
    reading.end(Page(0))
    reading.size = 1
    list(reading.take())
    reading.release()
    counts: list[int] = []
    while reading.under_way and len(counts) < 60:
        reading.end(min(reading.under_way))
        list(reading.take())
        reading.release()
        counts.append(len(reading.under_way))
    assert counts[0] < CONCURRENCY
    assert counts[-1] == CONCURRENCY


def test_nothing_is_sent_after_a_request_that_has_failed() -> None:
    reading = Reading(days=100, pages=3)
    assert sorted(reading.under_way) == [Page(0), Page(1), Page(2), Page(3)]
    assert reading.end(Page(2), ValueError()) == []
    # What comes before it is still needed.
    assert reading.end(Page(1)) == [Page(1, 2), Page(1, 3)]
    assert reading.end(Page(0)) == [Page(0, 2)]
    assert reading.end(Page(3)) == [Page(0, 3)]
    assert {page.day for page in reading.sent} == {0, 1, 2, 3}


def test_of_two_requests_that_have_failed_the_first_in_order_counts() -> None:
    reading = Reading(days=100, pages=2)
    reading.end(Page(1), ValueError())
    reading.end(Page(3), ValueError())
    assert reading.end(Page(2)) == []
    assert reading.end(Page(0)) == [Page(0, 2)]


def test_what_is_inserted_first_is_sent_and_taken_before_all_others() -> None:
    reading = Reading(days=9, pages=2)
    reading.end(Page(0))
    reading.end(Page(0, 2))
    assert list(reading.take()) == whole(days=1, pages=2)
    reading.ahead.insert_first([Page(0)])
    reading.end(Page(3))
    assert Page(0) in reading.under_way
    for page in (Page(1), Page(1, 2)):
        if page in reading.under_way:
            reading.end(page)
    assert list(reading.take()) == []
    reading.end(Page(0))
    assert next(reading.take()) == Page(0)


def seconds_to_read(
    duration: Callable[[Page], float], days: int, pages: int, concurrency: int
) -> tuple[float, float]:
    """Simulate reading with a consumer that is always ready.

    Returns:
        The seconds it takes, and those of all requests divided by the concurrency.
    """
    reading = Reading(days, pages, size=200_000, max_bytes=32 * MEGABYTE, concurrency=concurrency)
    now, total = 0.0, 0.0
    ends: list[tuple[float, Page]] = []
    started: set[Page] = set()
    while True:
        for page in sorted(reading.under_way.keys() - started):
            started.add(page)
            total += duration(page)
            heapq.heappush(ends, (now + duration(page), page))
        if not ends:
            return now, total / concurrency
        now, page = heapq.heappop(ends)
        reading.end(page)
        list(reading.take())
        reading.release()


@pytest.mark.parametrize("seed", range(10))
def test_with_jitter_reading_takes_hardly_longer_than_the_ideal(seed: int) -> None:
    """Every page takes 20 ms, 50 percent more or less; a first page may come after later days'."""
    choose = random.Random(seed)  # noqa: S311
    seconds = {page: choose.uniform(0.01, 0.03) for page in whole(10, 30)}
    took, ideal = seconds_to_read(seconds.__getitem__, days=10, pages=30, concurrency=8)
    assert took <= 1.15 * ideal


def test_a_late_first_page_does_not_make_its_day_sequential() -> None:
    took, ideal = seconds_to_read(
        lambda page: 0.5 if page == (3, 1) else 0.02, days=10, pages=30, concurrency=8
    )
    assert took <= 1.15 * ideal

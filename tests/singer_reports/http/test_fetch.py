"""Concurrent requests, and their rate limit."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singer_reports.http.fetch import Fetched, Fetcher
from singer_reports.http.rate_limit import RateLimiter
from tests.singer_reports.http.test_rate_limit import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.support import CountCases


@dataclass(eq=False)
class Node:
    """A request: how and when it ends, and its follow-up requests."""

    #: Of the requests under way, the one with the lowest rank ends first.
    rank: int
    fails: bool
    #: Whether the consumer waits, after this response, until no request is under way.
    is_slow: bool
    follow_ups: list[Node]


class NodeError(Exception):
    """A request that failed."""


SELDOM = st.sampled_from([False] * 19 + [True])
NODES = st.recursive(
    st.builds(Node, st.integers(), SELDOM, SELDOM, st.just([])),
    lambda inner: st.builds(Node, st.integers(), SELDOM, SELDOM, st.lists(inner, max_size=4)),
    max_leaves=8,
)


def sequential(nodes: Iterable[Node]) -> Iterator[tuple[Node, int]]:
    """Fetch sequentially what ``Fetcher`` fetches concurrently."""
    for node in nodes:
        if node.fails:
            raise NodeError(node)
        yield node, id(node)
        yield from sequential(node.follow_ups)


def collected(results: Iterator[tuple[Node, int]]) -> tuple[list[tuple[Node, int]], object]:
    """Return the results up to the end or the first failure, and the request that failed."""
    taken: list[tuple[Node, int]] = []
    try:
        taken.extend(results)
    except NodeError as failed:
        return taken, failed.args[0]
    return taken, None


class Api:
    """Ends requests in the order of their ranks, and counts them."""

    def __init__(self, concurrency: int) -> None:
        self.concurrency = concurrency
        self.gate = threading.Condition()
        self.under_way: list[Node] = []
        self.most_under_way = 0

    def fetch(self, node: Node) -> int:
        with self.gate:
            self.under_way.append(node)
            self.most_under_way = max(self.most_under_way, len(self.under_way))
            self.gate.notify_all()
            # Which request is next is known once no more can start, or none has for a moment.
            is_next = False
            while not is_next:
                self.gate.wait_for(lambda: self.next is node)
                is_next = self.full or not self.gate.wait_for(
                    lambda: self.full or self.next is not node, timeout=0.001
                )
            self.under_way.remove(node)
            self.gate.notify_all()
        if node.fails:
            raise NodeError(node)
        return id(node)

    @property
    def full(self) -> bool:
        return len(self.under_way) >= self.concurrency

    @property
    def next(self) -> Node:
        return min(self.under_way, key=lambda node: node.rank)

    def take(self, results: Iterable[tuple[Node, int]]) -> Iterator[tuple[Node, int]]:
        """Consume results, sometimes slowly, so that responses pile up."""
        for node, response in results:
            with self.gate:
                if node.is_slow:
                    self.gate.wait_for(lambda: not self.under_way, timeout=0.05)
            yield node, response


@pytest.mark.timeout(600)
@given(nodes=st.lists(NODES, max_size=20), concurrency=st.integers(1, 8), most=st.integers(0, 10))
def test_results_are_those_of_sequential_requests(
    nodes: list[Node], concurrency: int, most: int, count_cases: CountCases
) -> None:
    api = Api(concurrency)

    def fetch(node: Node) -> Fetched[Node, int]:
        response = api.fetch(node)
        # Where they belong does not change the order.
        if node.rank % 2:
            return Fetched(response, parts=node.follow_ups, size=1)
        return Fetched(response, node.follow_ups, size=1)

    with Fetcher(nodes, fetch, concurrency, max_bytes=most) as fetcher:
        assert collected(api.take(fetcher)) == collected(sequential(nodes))
    assert api.most_under_way <= concurrency
    count_cases("concurrent_fetch", 1)


def simple(fetch: Callable[[Any], Any], size: int = 0) -> Callable[[Any], Fetched[Any, Any]]:
    """Make a function for a ``Fetcher`` whose responses have no follow-ups."""
    return lambda request: Fetched(fetch(request), size=size)


def test_with_a_consumer_that_never_reads_memory_is_bounded() -> None:
    started: list[int] = []
    done = threading.Semaphore(0)

    def fetch(request: int) -> int:
        started.append(request)
        done.release()
        return request

    with Fetcher(range(100), simple(fetch, size=10), concurrency=4, max_bytes=100) as fetcher:
        assert next(iter(fetcher)) == (0, 0)
        # The one that is at hand now, and what the bytes allow beside the one taken.
        for _ in range(10):
            assert done.acquire(timeout=5)
        done.acquire(timeout=0.1)
        assert len(started) <= 11
        fetcher.release()
        assert done.acquire(timeout=5)
    assert sorted(started) == list(range(len(started)))


def test_reading_goes_on_while_the_consumer_is_busy() -> None:
    """What is sent next is not decided in the consumer's thread."""
    follow_ups = {day: [f"{day} page {number}" for number in range(2, 30)] for day in ("a", "b")}
    read = threading.Semaphore(0)

    def fetch(request: str) -> Fetched[str, str]:
        read.release()
        return Fetched(request, follow_ups.get(request, ()))

    with Fetcher(["a", "b"], fetch, concurrency=3) as fetcher:
        results = iter(fetcher)
        assert next(results) == ("a", "a")
        for _ in range(58):
            assert read.acquire(timeout=5), "nothing was requested while the consumer was busy"
        assert len(list(results)) == 57


def test_a_consumer_that_stops_and_starts_gets_all_in_order() -> None:
    pauses = {3, 4, 50, 99}
    with Fetcher(range(100), simple(str, size=1), concurrency=8, max_bytes=7) as fetcher:
        taken = []
        for request, response in fetcher:
            if request in pauses:
                time.sleep(0.01)
            fetcher.release()
            taken.append(response)
    assert taken == [str(number) for number in range(100)]


def test_what_is_read_next_comes_before_all_others() -> None:
    again = True
    taken = []
    with Fetcher(["a", "b", "c"], simple(str.upper), concurrency=2) as fetcher:
        for request, response in fetcher:
            taken.append(response)
            if request == "a" and again:
                again = False
                fetcher.read_next(["a", "a'"])
            if response == "C" and len(taken) == 5:
                fetcher.read_next(["at the end"])
    assert taken == ["A", "A", "A'", "B", "C", "AT THE END"]


def test_after_the_end_of_a_run_nothing_is_sent() -> None:
    started: list[int] = []
    over = threading.Event()

    def fetch(request: int) -> int:
        started.append(request)
        if request:
            assert over.wait(timeout=5)
        return request

    with Fetcher(range(100), simple(fetch), concurrency=3) as fetcher:
        assert next(iter(fetcher)) == (0, 0)
        threads = fetcher._threads
        threading.Timer(0.1, over.set).start()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert len(started) <= 4


def test_requests_that_cannot_be_had_end_the_run() -> None:
    def requests() -> Iterator[int]:
        yield 1
        message = "no plan"
        raise ValueError(message)

    with Fetcher(requests(), simple(str), 1) as fetcher, pytest.raises(ValueError, match="no plan"):
        list(fetcher)


def test_requests_run_concurrently() -> None:
    meeting = threading.Barrier(4)
    with Fetcher(range(4), simple(lambda _: meeting.wait(timeout=5)), 4) as fetcher:
        assert len(list(fetcher)) == 4


def test_with_a_concurrency_of_1_requests_are_sequential() -> None:
    running = threading.Semaphore(1)

    def fetch(_: int) -> bool:
        alone = running.acquire(blocking=False)
        running.release()
        return alone

    with Fetcher(range(20), simple(fetch), concurrency=1) as fetcher:
        assert all(alone for _, alone in fetcher)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_nothing_is_fetched_without_requests(concurrency: int) -> None:
    with Fetcher([], simple(pytest.fail), concurrency) as fetcher:
        assert list(fetcher) == []


def test_a_wait_for_the_limit_is_logged_once_with_its_length_and_the_setting() -> None:
    clock = Clock()
    lines: list[str] = []
    rate_limiter = RateLimiter(
        1000,
        log=lambda line, *about: lines.append(line % about),
        clock=lambda: clock.time,
        # Several threads wait at the same time, so that none of them moves the clock.
        sleep=lambda _: None,
    )
    for _ in range(1000):
        rate_limiter.wait()
        clock.time += 0.01
    assert lines == []
    for _ in range(4):
        rate_limiter.wait()
    expected = (
        "Waiting 50 seconds: the setting requests_per_minute allows 1,000 requests per minute"
    )
    assert lines == [expected]
    clock.time += 50
    for _ in range(996):
        rate_limiter.wait()
    assert lines == [expected]
    # The next wait is another one.
    clock.time += 12
    for _ in range(8):
        rate_limiter.wait()
    assert len(lines) == 2


def test_a_wait_for_retry_after_or_a_short_one_is_not_logged() -> None:
    clock = Clock()
    lines: list[str] = []
    rate_limiter = RateLimiter(
        2, log=lambda line, *_: lines.append(line), clock=lambda: clock.time, sleep=clock.sleep
    )
    rate_limiter.pause(100)
    rate_limiter.wait()
    rate_limiter.wait()
    clock.time += 57
    rate_limiter.wait()
    assert lines == []

"""Concurrent requests, and their rate limit."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singer_reports.http.fetch import fetch_in_order
from singer_reports.http.rate_limit import RateLimiter
from tests.singer_reports.http.test_rate_limit import Clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
    """Fetch sequentially what ``fetch_in_order`` fetches concurrently."""
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
        self.started = self.handed_out = 0
        self.most_under_way = self.most_ahead = 0

    def fetch(self, node: Node) -> int:
        with self.gate:
            self.under_way.append(node)
            self.started += 1
            self.most_under_way = max(self.most_under_way, len(self.under_way))
            self.most_ahead = max(self.most_ahead, self.started - self.handed_out)
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

    def take(self, results: Iterator[tuple[Node, int]]) -> Iterator[tuple[Node, int]]:
        """Consume results, sometimes slowly, so that responses pile up."""
        for node, response in results:
            with self.gate:
                self.handed_out += 1
                if node.is_slow:
                    self.gate.wait_for(lambda: not self.under_way, timeout=0.05)
            yield node, response


@pytest.mark.timeout(600)
@given(nodes=st.lists(NODES, max_size=20), concurrency=st.integers(1, 8))
def test_results_are_those_of_sequential_requests(
    nodes: list[Node], concurrency: int, count_cases: CountCases
) -> None:
    api = Api(concurrency)
    results = fetch_in_order(nodes, api.fetch, lambda node, _: node.follow_ups, concurrency)
    assert collected(api.take(results)) == collected(sequential(nodes))
    assert api.most_under_way <= concurrency
    # Twice the concurrency for the current slice, and for later ones; one is being handed out.
    assert api.most_ahead <= 4 * concurrency + 1
    count_cases("concurrent_fetch", 1)


def test_prefetching_is_bounded() -> None:
    """Responses that are not consumed yet count as well, so memory stays bounded."""
    started: list[int] = []
    done = threading.Semaphore(0)

    def fetch(request: int) -> int:
        started.append(request)
        done.release()
        return request

    results = fetch_in_order(range(100), fetch, lambda *_: (), concurrency=4)
    assert next(results) == (0, 0)
    for _ in range(5):
        assert done.acquire(timeout=5)
    assert not done.acquire(timeout=0.05)
    assert sorted(started) == [0, 1, 2, 3, 4]
    results.close()  # type: ignore[attr-defined]


def test_the_next_request_in_order_waits_for_room() -> None:
    """Later requests may fill the room before the response comes that needs this follow-up."""
    follow_ups = {"first": ["a", "b", "c", "d"], "b": ["next"]}
    over = threading.Event()

    def fetch(request: str) -> str:
        if request in {"slow", "c", "d"}:
            assert over.wait(timeout=30)
        return request

    requests = ["first", "slow", "quick"]
    results = fetch_in_order(requests, fetch, lambda request, _: follow_ups.get(request, ()), 3)
    assert [request for request, _ in itertools.islice(results, 3)] == ["first", "a", "b"]
    over.set()
    assert [request for request, _ in results] == ["next", "c", "d", "slow", "quick"]


def test_follow_up_requests_are_prefetched() -> None:
    """Otherwise no request would be under way at the end of each day."""
    over = threading.Event()
    came = threading.Semaphore(0)

    def fetch(request: str) -> str:
        came.release()
        if request == "late":
            assert over.wait(timeout=5)
        return request

    follow_ups = {"next day": ["its second page"]}
    requests = ["first", "late", "next day"]
    results = fetch_in_order(requests, fetch, lambda request, _: follow_ups.get(request, ()), 3)
    assert next(results) == ("first", "first")
    taker = threading.Thread(target=lambda: taken.extend(request for request, _ in results))
    taken: list[str] = []
    taker.start()
    for _ in range(4):
        assert came.acquire(timeout=5)
    over.set()
    taker.join(timeout=5)
    assert taken == ["late", "next day", "its second page"]


def test_requests_run_concurrently() -> None:
    meeting = threading.Barrier(4)
    results = fetch_in_order(
        range(4), lambda _: meeting.wait(timeout=5), lambda *_: (), concurrency=4
    )
    assert len(list(results)) == 4


def test_with_a_concurrency_of_1_requests_are_sequential() -> None:
    running = threading.Semaphore(1)

    def fetch(_: int) -> bool:
        alone = running.acquire(blocking=False)
        running.release()
        return alone

    assert all(alone for _, alone in fetch_in_order(range(20), fetch, lambda *_: (), concurrency=1))


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


@pytest.mark.parametrize("concurrency", [1, 3])
def test_nothing_is_fetched_without_requests(concurrency: int) -> None:
    def fetch(_: int) -> int:
        pytest.fail("there was nothing to fetch")

    assert list(fetch_in_order([], fetch, lambda *_: (), concurrency)) == []

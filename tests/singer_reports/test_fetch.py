"""Rules about concurrent requests and the rate of them."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from singer_reports.fetch import RateBudget, in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Request = tuple[int, ...]


def follow_up(request: Request, answer: int) -> Iterable[Request]:
    """Every third request of the first generation shows the need of ``answer % 4`` more."""
    if len(request) == 1 and request[0] % 3 == 0:
        return [(*request, number) for number in range(answer % 4)]
    return ()


def sequential(
    requests: Iterable[Request], failing: Request | None
) -> Iterator[tuple[Request, int]]:
    """Do what ``in_order`` does one request after the other."""
    for request in requests:
        if request == failing:
            raise ValueError(request)
        answer = hash(request) % 100
        yield request, answer
        yield from sequential(follow_up(request, answer), failing)


def collected(
    results: Iterator[tuple[Request, int]],
) -> tuple[list[tuple[Request, int]], str | None]:
    """Take results until there are no more or one of them fails."""
    taken: list[tuple[Request, int]] = []
    try:
        taken.extend(results)
    except ValueError as error:
        return taken, str(error)
    return taken, None


@settings(deadline=None)
@given(
    count=st.integers(0, 25),
    concurrency=st.integers(1, 8),
    failing=st.none() | st.tuples(st.integers(0, 25)) | st.just((3, 1)),
    seed=st.integers(),
)
def test_it_hands_out_what_one_request_after_the_other_would(
    count: int, concurrency: int, failing: Request | None, seed: int
) -> None:
    requests: list[Request] = [(number,) for number in range(count)]
    order = random.Random(seed)  # noqa: S311
    gate = threading.Condition()
    running: list[Request] = []
    most = 0

    def fetch(request: Request) -> int:
        nonlocal most
        with gate:
            running.append(request)
            most = max(most, len(running))
            # Whoever is drawn ends first, so that answers come in any order.
            gate.wait_for(lambda: order.random() < 0.5, timeout=0.001)
            running.remove(request)
            gate.notify_all()
        if request == failing:
            raise ValueError(request)
        return hash(request) % 100

    results = collected(in_order(requests, fetch, follow_up, concurrency))
    assert results == collected(sequential(requests, failing))
    assert most <= concurrency


def test_no_more_is_fetched_than_there_is_room_for() -> None:
    """Answers that nobody has taken count as well, so memory stays bounded."""
    started: list[int] = []
    done = threading.Semaphore(0)

    def fetch(request: int) -> int:
        started.append(request)
        done.release()
        return request

    results = in_order(range(100), fetch, lambda *_: (), concurrency=4)
    assert next(results) == (0, 0)
    for _ in range(5):
        assert done.acquire(timeout=5)
    assert not done.acquire(timeout=0.05)
    assert sorted(started) == [0, 1, 2, 3, 4]
    results.close()  # type: ignore[attr-defined]


def test_requests_run_side_by_side() -> None:
    meeting = threading.Barrier(4)
    results = in_order(range(4), lambda _: meeting.wait(timeout=5), lambda *_: (), concurrency=4)
    assert len(list(results)) == 4


def test_one_request_at_a_time_when_asked() -> None:
    running = threading.Semaphore(1)

    def fetch(_: int) -> bool:
        alone = running.acquire(blocking=False)
        running.release()
        return alone

    assert all(alone for _, alone in in_order(range(20), fetch, lambda *_: (), concurrency=1))


class Clock:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@given(limit=st.integers(1, 20), gaps=st.lists(st.floats(0, 30), max_size=100))
def test_no_minute_sees_more_requests_than_the_budget(limit: int, gaps: list[float]) -> None:
    clock = Clock()
    budget = RateBudget(limit, clock=lambda: clock.time, sleep=clock.sleep)
    sent = []
    for gap in gaps:
        clock.time += gap
        budget.wait()
        sent.append(clock.time)
    for earlier, later in zip(sent, sent[limit:], strict=False):
        assert later - earlier >= 60 - 1e-6


def test_a_small_run_never_waits() -> None:
    clock = Clock()
    budget = RateBudget(1000, clock=lambda: clock.time, sleep=clock.sleep)
    for _ in range(1000):
        budget.wait()
    assert clock.time == 1000.0
    budget.wait()
    assert clock.time == 1060.0


def test_a_pause_holds_everybody() -> None:
    clock = Clock()
    budget = RateBudget(None, clock=lambda: clock.time, sleep=clock.sleep)
    budget.pause(7)
    budget.wait()
    assert clock.time == 1007.0
    budget.wait()
    assert clock.time == 1007.0


@pytest.mark.parametrize("concurrency", [1, 3])
def test_nothing_is_fetched_without_requests(concurrency: int) -> None:
    def fetch(_: int) -> int:
        pytest.fail("there was nothing to fetch")

    assert list(in_order([], fetch, lambda *_: (), concurrency)) == []

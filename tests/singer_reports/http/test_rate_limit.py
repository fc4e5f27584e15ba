"""The rate limit of requests."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from singer_reports.http.rate_limit import RateLimiter


class Clock:
    """A clock that only advances while something sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@given(limit=st.integers(1, 20), gaps=st.lists(st.floats(0, 30), max_size=100))
def test_no_minute_sees_more_requests_than_the_limit(limit: int, gaps: list[float]) -> None:
    clock = Clock()
    rate_limiter = RateLimiter(limit, clock=lambda: clock.time, sleep=clock.sleep)
    sent = []
    for gap in gaps:
        clock.time += gap
        rate_limiter.wait()
        sent.append(clock.time)
    for earlier, later in zip(sent, sent[limit:], strict=False):
        assert later - earlier >= 60 - 1e-6


def test_a_small_run_never_waits() -> None:
    clock = Clock()
    rate_limiter = RateLimiter(1000, clock=lambda: clock.time, sleep=clock.sleep)
    for _ in range(1000):
        rate_limiter.wait()
    assert clock.time == 1000.0
    rate_limiter.wait()
    assert clock.time == 1060.0


def test_a_pause_holds_all_threads() -> None:
    clock = Clock()
    rate_limiter = RateLimiter(None, clock=lambda: clock.time, sleep=clock.sleep)
    rate_limiter.pause(7)
    rate_limiter.wait()
    assert clock.time == 1007.0
    rate_limiter.wait()
    assert clock.time == 1007.0

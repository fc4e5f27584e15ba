"""Requests side by side, answers in order, and no more of either than agreed.

Nothing here knows what a request is: the caller hands in the function that makes one.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SECONDS_PER_MINUTE = 60.0
#: How long requests under way are waited for when nobody wants their answers any more.
SECONDS_TO_END = 1.0
#: How many times the concurrency may be fetched and not taken. The first pages of later days wait
#: until the day at hand has been read, and so may what these have shown to be needed.
_TIMES_AHEAD = 3

Request = TypeVar("Request")
Answer = TypeVar("Answer")


class _Pending(Generic[Request, Answer]):
    """A request in the queue, and its answer once it has been sent off."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.answer: Future[Answer] | None = None
        self.thread: threading.Thread | None = None
        self._followed_up = False

    def start(self, fetch: Callable[[Request], Answer], news: threading.Event) -> None:
        self.answer = Future()
        # A daemon, so that a request that hangs does not hold up the end of a failed run.
        thread = threading.Thread(target=self._run, args=(fetch, self.answer, news), daemon=True)
        thread.start()
        # Only now: a signal may end the run while the thread starts, and it cannot be joined then.
        self.thread = thread

    @property
    def started(self) -> bool:
        """Whether it has been sent off."""
        return self.answer is not None

    @property
    def answered(self) -> bool:
        """Whether its answer, or its failure, is there."""
        return self.answer is not None and self.answer.done()

    @property
    def under_way(self) -> bool:
        """Whether it has been sent off and not been answered."""
        return self.started and not self.answered

    def follow_ups(
        self, follow_up: Callable[[Request, Answer], Iterable[Request]]
    ) -> list[_Pending[Request, Answer]]:
        """Make what its answer shows to be needed, as soon as that is known, and once."""
        if self._followed_up or self.answer is None or not self.answered or self.answer.exception():
            return []
        self._followed_up = True
        return [_Pending(request) for request in follow_up(self.request, self.result())]

    def result(self) -> Answer:
        assert self.answer is not None, "taken before it was started"  # noqa: S101
        return self.answer.result()

    def _run(
        self, fetch: Callable[[Request], Answer], answer: Future[Answer], news: threading.Event
    ) -> None:
        try:
            answer.set_result(fetch(self.request))
        except BaseException as error:  # noqa: BLE001 - raised again where the answer is taken
            answer.set_exception(error)
        news.set()


class _Queue(Generic[Request, Answer]):
    """What has been or is to be fetched and has not been taken, in order."""

    def __init__(
        self,
        requests: Iterable[Request],
        fetch: Callable[[Request], Answer],
        follow_up: Callable[[Request, Answer], Iterable[Request]],
        concurrency: int,
    ) -> None:
        self._upcoming = iter(requests)
        self._fetch = fetch
        self._follow_up = follow_up
        self._concurrency = concurrency
        self._queue: deque[_Pending[Request, Answer]] = deque()
        #: Set by each answer.
        self._news = threading.Event()

    def start_what_fits(self) -> None:
        queue, concurrency = self._queue, self._concurrency
        free = concurrency - sum(pending.under_way for pending in queue)
        ahead = _TIMES_AHEAD * concurrency - sum(pending.started for pending in queue)
        # Answers that were fetched ahead and wait for their turn do not hold up those before them.
        position = 0
        while position < min(concurrency, len(queue)):
            self._insert_follow_ups(position)
            if not queue[position].started and free > 0 and (ahead > 0 or position == 0):
                queue[position].start(self._fetch, self._news)
                free -= 1
                ahead -= 1
            position += 1
        for request in itertools.islice(
            self._upcoming, max(0, min(free, concurrency - len(queue)))
        ):
            queue.append(_Pending(request))
            queue[-1].start(self._fetch, self._news)

    def _insert_follow_ups(self, position: int) -> None:
        for pending in reversed(self._queue[position].follow_ups(self._follow_up)):
            self._queue.insert(position + 1, pending)

    def take(self) -> tuple[Request, Answer]:
        """Wait for the first answer; what is behind may show meanwhile what else is needed."""
        while not self._queue[0].answered:
            self._news.wait()
            # Before looking, or what comes in the meantime would be overlooked.
            self._news.clear()
            self.start_what_fits()
        answer = self._queue[0].result()
        self._insert_follow_ups(0)
        request = self._queue.popleft().request
        self.start_what_fits()
        return request, answer

    def __len__(self) -> int:
        return len(self._queue)

    def end(self) -> None:
        """Wait a little: who still runs should not meet the end of the program while logging."""
        until = time.monotonic() + SECONDS_TO_END
        for pending in self._queue:
            if pending.thread is not None:
                pending.thread.join(max(0.0, until - time.monotonic()))


def in_order(
    requests: Iterable[Request],
    fetch: Callable[[Request], Answer],
    follow_up: Callable[[Request, Answer], Iterable[Request]],
    concurrency: int,
) -> Iterator[tuple[Request, Answer]]:
    """Fetch side by side, and hand out the answers as one request after the other would give them.

    At most ``concurrency`` requests are under way, and three times as many are under way or
    answered and wait for their turn: that bounds the load on the API, and the memory. The caller's
    own thread takes the answers and makes none of the requests.

    Args:
        requests: What to fetch, in order; taken no earlier than there is room to send it.
        fetch: Makes one request, in a thread of its own, and returns its answer.
        follow_up: Names the requests an answer shows to be needed: the further pages of a day, the
            halves of a window that was too large. They come right after it in order, and are sent
            off without waiting for its turn.
        concurrency: How many requests may be under way, at least 1.

    Yields:
        Each request with its answer, in order, a request's follow-ups right behind it.

    Raises:
        Exception: Whatever ``fetch`` raised, when that request's turn has come: every answer before
            it has been handed out, none after it is.
    """
    queue = _Queue(requests, fetch, follow_up, concurrency)
    try:
        queue.start_what_fits()
        while queue:
            yield queue.take()
    finally:
        queue.end()


class RateBudget:
    """At most so many requests in any minute, over all the threads and streams that share it."""

    def __init__(
        self,
        requests_per_minute: int | None = None,
        *,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        """Start with the whole budget unspent.

        Args:
            requests_per_minute: The most requests in any 60 seconds; none sets no limit.
            clock: Tells the time in seconds; the computer's own unless given.
            sleep: Waits for a number of seconds.
        """
        self._clock = clock or time.monotonic
        self._sleep = sleep or time.sleep
        self._sent: deque[float] = deque(maxlen=requests_per_minute)
        self._not_before = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait until one more request may be sent, and count it as sent."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._not_before)
            if len(self._sent) == self._sent.maxlen:
                turn = max(turn, self._sent[0] + SECONDS_PER_MINUTE)
            self._sent.append(turn)
        if turn > now:
            self._sleep(turn - now)

    def pause(self, seconds: float) -> None:
        """Let nobody send a request for ``seconds``: the API has asked one of them to wait."""
        with self._lock:
            self._not_before = max(self._not_before, self._clock() + seconds)

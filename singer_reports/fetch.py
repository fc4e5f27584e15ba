"""Requests side by side, answers in order, and no more of either than agreed.

Nothing here knows what a request is: the caller hands in the function that makes one.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SECONDS_PER_MINUTE = 60.0
#: How long requests under way are waited for when nobody wants their answers any more.
SECONDS_TO_END = 1.0

Request = TypeVar("Request")
Answer = TypeVar("Answer")


class _Pending(Generic[Request, Answer]):
    """A request in the queue, and its answer once it has been sent off."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.answer: Future[Answer] | None = None
        self.thread: threading.Thread | None = None

    def start(self, fetch: Callable[[Request], Answer]) -> None:
        self.answer = Future()
        # A daemon, so that a request that hangs does not hold up the end of a failed run.
        thread = threading.Thread(target=self._run, args=(fetch, self.answer), daemon=True)
        thread.start()
        # Only now: a signal may end the run while the thread starts, and it cannot be joined then.
        self.thread = thread

    @property
    def under_way(self) -> bool:
        """Whether it has been sent off and not been answered."""
        return self.answer is not None and not self.answer.done()

    def result(self) -> Answer:
        assert self.answer is not None, "taken before it was started"  # noqa: S101
        return self.answer.result()

    def _run(self, fetch: Callable[[Request], Answer], answer: Future[Answer]) -> None:
        try:
            answer.set_result(fetch(self.request))
        except BaseException as error:  # noqa: BLE001 - raised again where the answer is taken
            answer.set_exception(error)


def in_order(
    requests: Iterable[Request],
    fetch: Callable[[Request], Answer],
    follow_up: Callable[[Request, Answer], Iterable[Request]],
    concurrency: int,
) -> Iterator[tuple[Request, Answer]]:
    """Fetch side by side, and hand out the answers as one request after the other would give them.

    At most ``concurrency`` requests are under way, and fewer than that, once more for each
    generation of follow-ups, are answered and wait for their turn: that bounds the load on the API,
    and the memory. The caller's own thread takes the answers and makes none of the requests.

    Args:
        requests: What to fetch, in order; taken no earlier than there is room to send it.
        fetch: Makes one request, in a thread of its own, and returns its answer.
        follow_up: Names the requests an answer shows to be needed: the further pages of a day, the
            halves of a window that was too large. They come right after it in order.
        concurrency: How many requests may be under way, at least 1.

    Yields:
        Each request with its answer, in order, a request's follow-ups right behind it.

    Raises:
        Exception: Whatever ``fetch`` raised, when that request's turn has come: every answer before
            it has been handed out, none after it is.
    """
    upcoming = iter(requests)
    queue: deque[_Pending[Request, Answer]] = deque()

    def start_what_fits() -> None:
        room = concurrency - sum(pending.under_way for pending in queue)
        # Answers that were fetched ahead and wait for their turn do not hold up those before them.
        for pending in itertools.islice(queue, concurrency):
            if room and pending.answer is None:
                pending.start(fetch)
                room -= 1
        for request in itertools.islice(upcoming, max(0, min(room, concurrency - len(queue)))):
            queue.append(_Pending(request))
            queue[-1].start(fetch)

    try:
        start_what_fits()
        while queue:
            while queue[0].answer is None:
                # Requests behind it have taken all the room.
                under_way = [each.answer for each in queue if each.answer and each.under_way]
                wait(under_way, return_when=FIRST_COMPLETED)
                start_what_fits()
            pending = queue.popleft()
            answer = pending.result()
            more = follow_up(pending.request, answer)
            queue.extendleft(reversed([_Pending[Request, Answer](request) for request in more]))
            start_what_fits()
            yield pending.request, answer
    finally:
        # Whoever still runs should not meet the end of the program while writing to the log.
        until = time.monotonic() + SECONDS_TO_END
        for pending in queue:
            if pending.thread is not None:
                pending.thread.join(max(0.0, until - time.monotonic()))


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

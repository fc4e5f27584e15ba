"""Decides which request is sent next, so that the network is never idle and memory is bounded.

A part is a request with all its follow-ups, such as the pages of a day. The part at hand is the
first one that has not been yielded completely. Its requests are always sent; those of later parts
are sent ahead as long as what waits has few bytes. Nothing here blocks or starts threads.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: How much of the largest response size is still expected of the response after the next one.
_DECAY = 0.9
#: How many responses of unknown size may be expected at a time, besides those of the part at hand.
_FIRST_RESPONSES = 4

Request = TypeVar("Request")
Response = TypeVar("Response")


class Task(Generic[Request, Response]):
    """A request whose response has not been yielded."""

    response: Response

    def __init__(
        self, request: Request, place: tuple[int, ...], part: tuple[int, ...] | None = None
    ) -> None:
        """Create a task that has not been sent.

        Args:
            request: The request.
            place: Its place in the order; what comes directly after a request has its place and
                one more number.
            part: The place of the first request of its part; ``None`` if it is the first.
        """
        self.request = request
        self.place = place
        self.part = part or place
        self.error: BaseException | None = None
        self.finished = False
        #: The bytes that its response takes.
        self.size = 0

    def __lt__(self, other: Task[Request, Response]) -> bool:
        """Compare by place in the order."""
        return self.place < other.place


class ReadAhead(Generic[Request, Response]):
    """The requests whose responses have not been yielded, in order."""

    def __init__(self, requests: Iterable[Request], concurrency: int, max_bytes: int) -> None:
        """Start with no request sent.

        Args:
            requests: The requests, in order; each is taken only when it is sent.
            concurrency: The maximum number of requests under way.
            max_bytes: How many bytes of responses may wait or be expected before no request of a
                later part is sent.
        """
        self._upcoming: Iterator[tuple[int, Request]] = enumerate(requests)
        self._concurrency = concurrency
        self._max_bytes = max_bytes
        #: Heaps: the tasks that have not been yielded, and those that have not been sent.
        self._tasks: list[Task[Request, Response]] = []
        self._unsent: list[Task[Request, Response]] = []
        #: The place of the last task that was yielded.
        self._yielded: tuple[int, ...] = ()
        #: The first task in order that has failed.
        self._failed: Task[Request, Response] | None = None
        self.under_way = 0
        self._waiting_bytes = self._yielded_bytes = 0
        #: What is expected of each response; the first one shows how large they are.
        self._expected_bytes = max_bytes // _FIRST_RESPONSES
        self._is_size_known = False

    @property
    def first(self) -> Task[Request, Response] | None:
        """The task to yield next, if there is one."""
        return self._tasks[0] if self._tasks else None

    def next_to_send(self) -> Task[Request, Response] | None:
        """Return the first task that may be sent now, which counts as sent; ``None`` if none may.

        No task after one that has failed is sent: its response would never be yielded.
        """
        if self.under_way >= self._concurrency:
            return None
        if self._unsent:
            task = self._unsent[0]
            if (self._failed and self._failed < task) or not self._may_send(task.part):
                return None
            heapq.heappop(self._unsent)
        elif self._failed or not self._may_send(None):
            return None
        else:
            number, request = next(self._upcoming, (None, None))
            if number is None:
                return None
            task = Task(request, (number,))  # type: ignore[arg-type]
            heapq.heappush(self._tasks, task)
        self.under_way += 1
        return task

    def _may_send(self, part: tuple[int, ...] | None) -> bool:
        """Return whether a task of a part, or of a part that follows all others, may be sent."""
        if not self._tasks or part == self._tasks[0].part:
            return True
        expected = self._expected_bytes * (self.under_way + 1)
        return self._waiting_bytes + expected <= self._max_bytes

    def finish(
        self,
        task: Task[Request, Response],
        size: int = 0,
        follow_ups: Iterable[Request] = (),
        parts: Iterable[Request] = (),
    ) -> None:
        """Note that a task has its response or its error.

        Args:
            task: The task.
            size: The bytes that its response takes until it is released; 0 without one.
            follow_ups: The requests that come directly after it in order, and belong to its part.
            parts: Requests that come there in its stead, each a part of its own.
        """
        task.finished, task.size = True, size
        self.under_way -= 1
        self._waiting_bytes += size
        if size:
            expected = int(self._expected_bytes * _DECAY) if self._is_size_known else 0
            self._expected_bytes, self._is_size_known = max(size, expected), True
        if task.error is not None and (self._failed is None or task < self._failed):
            self._failed = task
        self._insert(follow_ups, task.place, task.part)
        self._insert(parts, task.place)

    def insert_first(self, requests: Iterable[Request]) -> None:
        """Insert requests before all others, each a part of its own."""
        self._insert(requests, self._yielded)

    def _insert(
        self,
        requests: Iterable[Request],
        place: tuple[int, ...],
        part: tuple[int, ...] | None = None,
    ) -> None:
        for number, request in enumerate(requests):
            task = Task[Request, Response](request, (*place, number), part)
            heapq.heappush(self._tasks, task)
            heapq.heappush(self._unsent, task)

    def pop(self) -> Task[Request, Response]:
        """Remove and return the first task; its bytes count until they are released."""
        task = heapq.heappop(self._tasks)
        self._yielded = task.place
        self._yielded_bytes += task.size
        return task

    def release(self) -> None:
        """Note that nothing that was yielded is kept any more."""
        self._waiting_bytes -= self._yielded_bytes
        self._yielded_bytes = 0

"""Decides which requests are sent while the response to an earlier one is still missing.

Too few would leave the network idle during a slow response, too many would fill the memory.
"""

from __future__ import annotations

import itertools
from collections import Counter, deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: The maximum number of requests that are sent and not yet yielded, as a multiple of the
#: concurrency: for the current part, and again for all later parts together.
_PREFETCH_FACTOR = 2

Request = TypeVar("Request")
Response = TypeVar("Response")


class Task(Generic[Request, Response]):
    """A request whose response has not been yielded."""

    response: Response

    def __init__(self, request: Request, place: tuple[int, ...]) -> None:
        """Create a task that has not been sent.

        Args:
            request: The request.
            place: Its place in the order: the number of its part; for a follow-up, the place of its
                request and the number among that request's follow-ups.
        """
        self.request = request
        self.place = place
        self.part = place[0]
        self.error: BaseException | None = None
        self.submitted = self.finished = False

    def __lt__(self, other: Task[Request, Response]) -> bool:
        """Compare by place in the order."""
        return self.place < other.place


class ReadAhead(Generic[Request, Response]):
    """The requests whose responses have not been yielded, in order.

    A part is a request with all its follow-ups. The current part is the first one that has not been
    yielded completely.
    """

    def __init__(self, requests: Iterable[Request], concurrency: int) -> None:
        """Start with no request sent.

        Args:
            requests: The requests, in order; each is taken only when there is room for it.
            concurrency: The maximum number of requests under way.
        """
        self._upcoming = enumerate(requests)
        self._concurrency = concurrency
        self._max_submitted = _PREFETCH_FACTOR * concurrency
        self._tasks: deque[Task[Request, Response]] = deque()
        #: The number of requests that are sent and not yet yielded, per part.
        self._submitted: Counter[int] = Counter()

    @property
    def first(self) -> Task[Request, Response] | None:
        """The task to yield next, if there is one."""
        return self._tasks[0] if self._tasks else None

    def sendable(self) -> Iterator[Task[Request, Response]]:
        """Yield the tasks that may be sent now, in order; each counts as sent."""
        room = max(0, self._concurrency - len(self._tasks))
        for part, request in itertools.islice(self._upcoming, room):
            self._tasks.append(Task(request, (part,)))
        # No later tasks: an earlier response may show that other requests are needed first.
        for task in itertools.islice(self._tasks, self._max_submitted):
            if not task.submitted and self._has_room(task):
                task.submitted = True
                self._submitted[task.part] += 1
                yield task

    def _has_room(self, task: Task[Request, Response]) -> bool:
        at_hand = self._tasks[0].part
        count = self._submitted[at_hand]
        if task.part != at_hand:
            count = self._submitted.total() - count
        return count < self._max_submitted

    def insert(self, after: Task[Request, Response], next_requests: Iterable[Request]) -> None:
        """Insert follow-ups directly after the task whose response has shown them to be needed."""
        position = self._tasks.index(after) + 1
        for number, request in enumerate(next_requests):
            task = Task[Request, Response](request, (*after.place, number))
            self._tasks.insert(position + number, task)

    def pop(self) -> Task[Request, Response]:
        """Remove and return the first task."""
        task = self._tasks.popleft()
        self._submitted[task.part] -= 1
        if not self._submitted[task.part]:
            del self._submitted[task.part]
        return task

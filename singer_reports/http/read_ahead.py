"""Reading ahead: which requests are sent while the response to an earlier one is still missing.

Too few would leave the network idle behind a response that is late, too many would fill the memory.
"""

from __future__ import annotations

import itertools
from collections import Counter, deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: How many requests may be sent and not handed out, as a multiple of the concurrency: so many of
#: the part at hand, and as many of all the parts behind it together.
_PREFETCH_FACTOR = 2

Request = TypeVar("Request")
Response = TypeVar("Response")


class Task(Generic[Request, Response]):
    """A request whose answer has not been handed out."""

    response: Response

    def __init__(self, request: Request, place: tuple[int, ...]) -> None:
        """Note a request that has not been sent.

        Args:
            request: The request.
            place: Its place in the order: the number of its part, and for a follow-up the number it
                has among the follow-ups of its request, behind the place of that request.
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
    """The requests whose answers have not been handed out, in order.

    A part is a request with all its follow-ups. The part at hand is the first one that has not been
    handed out as a whole.
    """

    def __init__(self, requests: Iterable[Request], concurrency: int) -> None:
        """Begin with nothing sent.

        Args:
            requests: The requests, in order; taken no earlier than there is room for them.
            concurrency: How many requests may be under way.
        """
        self._upcoming = enumerate(requests)
        self._concurrency = concurrency
        self._max_submitted = _PREFETCH_FACTOR * concurrency
        self._tasks: deque[Task[Request, Response]] = deque()
        #: How many are sent and not handed out, by part.
        self._submitted: Counter[int] = Counter()

    @property
    def first(self) -> Task[Request, Response] | None:
        """The request to hand out next, if there is one."""
        return self._tasks[0] if self._tasks else None

    def sendable(self) -> Iterator[Task[Request, Response]]:
        """Yield the requests that may be sent now, in order; each counts as sent."""
        room = max(0, self._concurrency - len(self._tasks))
        for part, request in itertools.islice(self._upcoming, room):
            self._tasks.append(Task(request, (part,)))
        # Those further behind come later: a response before them may show others to be needed.
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
        """Put follow-ups right behind the request whose answer has named them."""
        position = self._tasks.index(after) + 1
        for number, request in enumerate(next_requests):
            task = Task[Request, Response](request, (*after.place, number))
            self._tasks.insert(position + number, task)

    def pop(self) -> Task[Request, Response]:
        """Remove the first request, which is handed out."""
        task = self._tasks.popleft()
        self._submitted[task.part] -= 1
        if not self._submitted[task.part]:
            del self._submitted[task.part]
        return task

"""Requests side by side, responses in order, and no more of either than agreed.

Nothing here knows what a request is: the caller hands in the function that makes one.
"""

from __future__ import annotations

import heapq
import queue
import threading
import time
from typing import TYPE_CHECKING, Generic

from singer_reports.http.read_ahead import ReadAhead, Request, Response, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: Shorter waits for the limit of requests per minute are not logged.
SECONDS_WORTH_LOGGING = 5.0
#: How long requests under way are waited for when nobody wants their responses any more.
SHUTDOWN_SECONDS = 1.0


class _ThreadPool(Generic[Request, Response]):
    """Threads that make requests, each one at a time, the first in order first."""

    def __init__(self, fetch: Callable[[Request], Response], max_threads: int) -> None:
        self._fetch = fetch
        self._max_threads = max_threads
        self._threads: list[threading.Thread] = []
        # Not queue.PriorityQueue: a signal while it is used may end the run and leave it locked.
        self._lock = threading.Lock()
        self._waiting: list[Task[Request, Response]] = []
        #: One item for each request in the list above, and at the end one for each thread.
        self._calls: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._finished: queue.SimpleQueue[Task[Request, Response]] = queue.SimpleQueue()
        self._ended = False

    def submit(self, tasks: Iterable[Task[Request, Response]]) -> None:
        """Make each request as soon as a thread is free and none before it in order waits."""
        for task in tasks:
            with self._lock:
                heapq.heappush(self._waiting, task)
            self._calls.put(None)
            if len(self._threads) < self._max_threads:
                # A daemon, so that a request that hangs does not hold up the end of a failed run.
                thread = threading.Thread(target=self._run, daemon=True)
                thread.start()
                # Only now: a signal may end the run while it starts, and it cannot be joined then.
                self._threads.append(thread)

    def next_finished(self) -> Task[Request, Response]:
        """Wait for the next response, of whichever request."""
        task = self._finished.get()
        task.finished = True
        return task

    def shutdown(self) -> None:
        """Wait a little: who still runs should not meet the end of the program while logging."""
        self._ended = True
        until = time.monotonic() + SHUTDOWN_SECONDS
        for _ in self._threads:
            self._calls.put(None)
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        while True:
            self._calls.get()
            if self._ended:
                return
            with self._lock:
                task = heapq.heappop(self._waiting)
            try:
                task.response = self._fetch(task.request)
            except BaseException as error:  # noqa: BLE001 - raised where the response is taken
                task.error = error
            self._finished.put(task)
            # Or its rows would stay until the next one has come.
            del task


def fetch_in_order(
    requests: Iterable[Request],
    fetch: Callable[[Request], Response],
    next_requests: Callable[[Request, Response], Iterable[Request]],
    concurrency: int,
) -> Iterator[tuple[Request, Response]]:
    """Fetch concurrently, and yield the responses in the order of the requests.

    At most ``concurrency`` requests are under way. At most twice as many of the part at hand (the
    request to hand out next, with all its follow-ups) are sent and not handed out, and at most
    twice as many of all parts behind it. That bounds the load on the API and the memory. The parts
    behind never take room or threads that the part at hand needs. The caller's own thread takes the
    answers and makes none of the requests.

    Args:
        requests: What to fetch, in order; taken no earlier than there is room for it.
        fetch: Makes one request, in a thread of its own, and returns its response.
        next_requests: Names the requests a response shows to be needed: the further pages of a day,
            the halves of a window that was too large. They come right after it in order, and are
            sent off without waiting for its turn.
        concurrency: How many requests may be under way, at least 1.

    Yields:
        Each request with its response, in order, a request's follow-ups right behind it.

    Raises:
        Exception: Whatever ``fetch`` raised, when that request's turn has come: every response
            before it has been handed out, none after it is.
    """
    tasks = ReadAhead[Request, Response](requests, concurrency)
    pool = _ThreadPool(fetch, concurrency)
    try:
        pool.submit(tasks.sendable())
        while (first := tasks.first) is not None:
            while not first.finished:
                task = pool.next_finished()
                if task.error is None:
                    tasks.insert(task, next_requests(task.request, task.response))
                pool.submit(tasks.sendable())
            tasks.pop()
            if first.error is not None:
                raise first.error
            pool.submit(tasks.sendable())
            yield first.request, first.response
    finally:
        pool.shutdown()

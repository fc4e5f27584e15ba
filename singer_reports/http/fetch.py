"""Fetches concurrently, and yields responses in the order of the requests.

Requests can be of any type: the caller passes the function that sends one.
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

#: Shorter waits for the rate limit are not logged.
SECONDS_WORTH_LOGGING = 5.0
#: How long to wait at shutdown for requests whose responses are not needed any more.
SHUTDOWN_SECONDS = 1.0


class _ThreadPool(Generic[Request, Response]):
    """Threads that send requests, the first in order first.

    Not ``ThreadPoolExecutor``: its threads are joined at exit, so a request that hangs would delay
    the end of a failed run.
    """

    def __init__(self, fetch: Callable[[Request], Response], max_threads: int) -> None:
        self._fetch = fetch
        self._max_threads = max_threads
        self._threads: list[threading.Thread] = []
        # Not queue.PriorityQueue: a signal that ends the run may leave it locked.
        self._lock = threading.Lock()
        self._waiting: list[Task[Request, Response]] = []
        #: One item per request in the list above, and at shutdown one per thread.
        self._calls: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._finished: queue.SimpleQueue[Task[Request, Response]] = queue.SimpleQueue()
        self._ended = False

    def submit(self, tasks: Iterable[Task[Request, Response]]) -> None:
        """Queue tasks; each is sent when a thread is free and no task before it in order waits."""
        for task in tasks:
            with self._lock:
                heapq.heappush(self._waiting, task)
            self._calls.put(None)
            if len(self._threads) < self._max_threads:
                # A daemon, which is not joined at exit.
                thread = threading.Thread(target=self._run, daemon=True)
                thread.start()
                # Only now: a thread cannot be joined if a signal ends the run while it starts.
                self._threads.append(thread)

    def next_finished(self) -> Task[Request, Response]:
        """Wait until any task has finished, and return it."""
        task = self._finished.get()
        task.finished = True
        return task

    def shutdown(self) -> None:
        """Give running threads one second: logging during interpreter shutdown fails."""
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
            # Drop the reference so that the rows can be freed.
            del task


def fetch_in_order(
    requests: Iterable[Request],
    fetch: Callable[[Request], Response],
    next_requests: Callable[[Request, Response], Iterable[Request]],
    concurrency: int,
) -> Iterator[tuple[Request, Response]]:
    """Fetch concurrently, and yield the responses in the order of the requests.

    At most ``concurrency`` requests are under way. A part is a request with all its follow-ups; the
    current part is the one that is being yielded. At most twice ``concurrency`` requests of the
    current part are sent and not yet yielded, and at most as many of all later parts together. This
    bounds the load on the API and the memory. Later parts never take room or threads that the
    current part needs. The caller's own thread sends no requests.

    Args:
        requests: The requests, in order; each is taken only when there is room for it.
        fetch: Sends one request and returns its response; called in several threads.
        next_requests: Returns the requests that a response shows to be needed: the further pages of
            a day, the halves of a window that was too large. They come directly after its request
            in order, and are sent before the response is yielded.
        concurrency: The maximum number of requests under way, at least 1.

    Yields:
        Each request with its response, in order, followed directly by its follow-ups.

    Raises:
        Exception: Whatever ``fetch`` raised. All responses before that request have been yielded
            by then, and no response after it is.
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

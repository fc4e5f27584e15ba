"""Fetches concurrently, and yields responses in the order of the requests.

Requests can be of any type: the caller passes the function that sends one.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Generic, NamedTuple, Self

from singer_reports.http.read_ahead import ReadAhead, Request, Response, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

#: How many bytes of responses may wait before no later request is sent. What the caller holds, and
#: what belongs to the part at hand, may be more.
MAX_BYTES_AHEAD = 32 * 1024**2
#: How long to wait at shutdown for requests whose responses are not needed any more.
SHUTDOWN_SECONDS = 1.0


class Fetched(NamedTuple, Generic[Request, Response]):
    """What sending a request has brought."""

    response: Response
    #: The requests that complete it: the further pages of a day. They come directly after its
    #: request in order, and belong to the same part.
    follow_ups: Sequence[Request] = ()
    #: The requests that replace it: the halves of a window that was too large. They come directly
    #: after its request in order, and each is a part of its own.
    parts: Sequence[Request] = ()
    #: The bytes that the response takes in memory.
    size: int = 0


class Fetcher(Generic[Request, Response]):
    """Sends requests concurrently; iterating yields each with its response, in order.

    At most ``concurrency`` requests are under way. The threads that send them also decide what is
    sent next, so that reading goes on while the caller is busy, until ``max_bytes`` wait for it. A
    part is a request with all its follow-ups: the part at hand has priority, and is always read to
    its end. The caller's own thread sends no requests.
    """

    def __init__(
        self,
        requests: Iterable[Request],
        fetch: Callable[[Request], Fetched[Request, Response]],
        concurrency: int,
        max_bytes: int = MAX_BYTES_AHEAD,
    ) -> None:
        """Send nothing yet.

        Args:
            requests: The requests, in order; each is taken, in any thread, only when it is sent.
            fetch: Sends one request; called in several threads.
            concurrency: The maximum number of requests under way, at least 1.
            max_bytes: How many bytes of responses may wait or be expected before no request of a
                later part is sent.
        """
        self._fetch = fetch
        self._ahead = ReadAhead[Request, Response](requests, concurrency, max_bytes)
        # Not a Condition or queue.Queue: a signal that ends the run may leave them locked.
        self._lock = threading.Lock()
        #: The tasks to send, and at shutdown one ``None`` per thread.
        self._to_send: queue.SimpleQueue[Task[Request, Response] | None] = queue.SimpleQueue()
        #: One item per request that has ended.
        self._ended: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._error: BaseException | None = None
        self._closed = False
        # Not ThreadPoolExecutor: its threads are joined at exit, so a request that hangs would
        # delay the end of a failed run.
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        """Send nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give running threads one second: logging during interpreter shutdown fails."""
        # Without the lock, as a signal may have come while it was held.
        self._closed = True
        until = time.monotonic() + SHUTDOWN_SECONDS
        for _thread in self._threads:
            self._to_send.put(None)
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def __iter__(self) -> Iterator[tuple[Request, Response]]:
        """Yield each request with its response, in order, followed directly by its follow-ups.

        Raises:
            Exception: Whatever ``fetch`` raised. All responses before that request have been
                yielded by then, and no response after it is.
        """
        with self._lock:
            self._send()
        while (task := self._ahead.first) is not None:
            while not task.finished and self._error is None:
                self._ended.get()
            if error := task.error or self._error:
                raise error
            with self._lock:
                self._ahead.pop()
                self._send()
            yield task.request, task.response

    def read_next(self, requests: Iterable[Request]) -> None:
        """Send requests before all others; their responses are the next that are yielded."""
        with self._lock:
            self._ahead.insert_first(requests)
            self._send()

    def release(self) -> None:
        """Note that the responses yielded so far are kept no more, so that others may wait."""
        with self._lock:
            self._ahead.release()
            self._send()

    def _send(self) -> None:
        """Hand all tasks that may be sent now to threads."""
        while not self._closed and (task := self._ahead.next_to_send()):
            self._to_send.put(task)
            if len(self._threads) < self._ahead.under_way:
                # A daemon, which is not joined at exit.
                thread = threading.Thread(target=self._run, daemon=True)
                thread.start()
                # Only now: a thread cannot be joined if a signal ends the run while it starts.
                self._threads.append(thread)

    def _run(self) -> None:
        try:
            while (task := self._to_send.get()) and not self._closed:
                fetched: Fetched[Request, Response] | None = None
                try:
                    fetched = self._fetch(task.request)
                    task.response = fetched.response
                except BaseException as error:  # noqa: BLE001 - raised where responses are taken
                    task.error = error
                with self._lock:
                    if fetched is None:
                        self._ahead.finish(task)
                    else:
                        self._ahead.finish(task, fetched.size, fetched.follow_ups, fetched.parts)
                    self._send()
                self._ended.put(None)
                # Drop the references so that the rows can be freed.
                del task, fetched
        except BaseException as error:  # noqa: BLE001
            # The requests themselves could not be had.
            self._error = error
            self._ended.put(None)

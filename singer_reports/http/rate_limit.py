"""Limits the requests per minute."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS_PER_MINUTE = 60.0
#: Shorter waits are not logged.
SECONDS_WORTH_LOGGING = 5.0


class RateLimiter:
    """Limits the requests in any minute, over all threads and streams that share it."""

    def __init__(
        self,
        requests_per_minute: int | None = None,
        *,
        log: Callable[..., None] | None = None,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        """Create a rate limiter that has counted no request.

        Args:
            requests_per_minute: The maximum in any 60 seconds; ``None`` sets no limit.
            log: Logs a format and its arguments; ``None`` logs nothing.
            clock: Returns the time in seconds; ``time.monotonic`` unless given.
            sleep: Waits for a number of seconds; ``time.sleep`` unless given.
        """
        self._clock = clock or time.monotonic
        self._sleep = sleep or time.sleep
        self._log = log
        self._sent: deque[float] = deque(maxlen=requests_per_minute)
        self._not_before = 0.0
        self._logged_until = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait until one more request may be sent, and count it as sent."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._not_before)
            if len(self._sent) == self._sent.maxlen:
                turn = max(turn, self._sent[0] + SECONDS_PER_MINUTE)
            self._sent.append(turn)
            # A wait that the API requested has already been logged, with its response.
            seconds = turn - max(now, self._not_before)
            is_news = seconds >= SECONDS_WORTH_LOGGING and now >= self._logged_until
            if is_news:
                self._logged_until = turn
        if is_news and self._log:
            self._log(
                "Waiting %.0f seconds: the setting requests_per_minute allows %s requests per "
                "minute",
                seconds,
                f"{self._sent.maxlen:,}",
            )
        if turn > now:
            self._sleep(turn - now)

    def pause(self, seconds: float) -> None:
        """Hold back all requests for ``seconds``, as the API has requested."""
        with self._lock:
            self._not_before = max(self._not_before, self._clock() + seconds)

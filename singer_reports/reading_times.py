"""The times of a stream's readings, by which the readings of a day are told apart and ordered."""

from __future__ import annotations

import datetime
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: The field of the rows, and the key of the bookmark.
EXTRACTED_AT = "extracted_at"
_STEP = datetime.timedelta(microseconds=1)
#: No run begins then, and a stream could not go on from it.
_LAST_YEAR = 9999


def format_time(time: datetime.datetime) -> str:
    """Return a time as text of one length, so that texts are ordered as the times are.

    >>> format_time(datetime.datetime(2024, 5, 1, 12, tzinfo=datetime.UTC))
    '2024-05-01T12:00:00.000000Z'
    """
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime.datetime:
    """Parse the time of a reading; without an offset, it is in UTC.

    Raises:
        TypeError: If it is no text.
        ValueError: If it is no time, or one so late that no other could follow.
        OverflowError: If it is outside the years 1 to 9999 in UTC.
    """
    time = datetime.datetime.fromisoformat(text)
    time = time.astimezone(datetime.UTC) if time.tzinfo else time.replace(tzinfo=datetime.UTC)
    if time.year >= _LAST_YEAR:
        raise ValueError
    return time


class ReadingClock:
    """Returns the times of a stream's readings, each later than all before it."""

    def __init__(self, now: Callable[[], datetime.datetime]) -> None:
        """Create the clock of a stream.

        Args:
            now: Returns the current time in UTC.
        """
        self.now = now
        #: The latest time that was returned, or that an earlier run has saved.
        self.last: datetime.datetime | None = None
        self._lock = threading.Lock()

    def start_after(self, time: datetime.datetime) -> None:
        """Return only times after ``time`` from now on."""
        with self._lock:
            self.last = time if self.last is None else max(self.last, time)

    def next(self) -> datetime.datetime:
        """Return the current time, or the next after the last one; called in several threads."""
        with self._lock:
            now = self.now()
            self.last = now if self.last is None else max(now, self.last + _STEP)
            return self.last

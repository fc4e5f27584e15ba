"""The objects that all streams of a run share."""

from __future__ import annotations

import datetime
import time
from typing import TYPE_CHECKING, Any

from singer_reports import dates
from singer_reports.http.rate_limit import RateLimiter
from singer_reports.http.session import make_session

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    import requests
    from singer_sdk import Stream, Tap

    from singer_reports.redaction import Redactor


class Run:
    """The clock reading, session, rate limiter and redactor that all streams of a run share."""

    #: Connections to the API, for any number of threads.
    session: requests.Session
    #: Keeps all threads under the setting ``requests_per_minute``.
    rate_limiter: RateLimiter
    #: The authenticator, if all streams share one.
    authenticator: Any = None

    def __init__(
        self,
        tap: Tap,
        *,
        now: datetime.datetime,
        zone: ZoneInfo | datetime.timezone,
        earliest_day: datetime.date,
        redactor: Redactor,
    ) -> None:
        """Start a run; ``connect`` creates what needs valid settings.

        Args:
            tap: The tap, which the SDK's streams need.
            now: When the run started, in UTC.
            zone: The time zone of the API's days.
            earliest_day: The first day for which the API may have data.
            redactor: Redacts the secrets of the settings.
        """
        self.tap = tap
        self.now = now
        self._started = time.monotonic()
        self.zone = zone
        self.earliest_day = earliest_day
        self.redactor = redactor
        #: Errors of streams by name, where the run goes on after one; ``None`` where it does not.
        self.failures: dict[str, Exception] | None = None
        #: Called with the name of a stream and its ``Progress`` after each slice, if it is set.
        self.on_progress: Callable[[str, Any], None] | None = None

    def connect(self) -> None:
        """Create the session and the rate limiter from the settings; send no request."""
        config = self.tap.config
        self.rate_limiter = RateLimiter(config.get("requests_per_minute"), log=self.tap.logger.info)
        self.session = make_session(
            str(config.get("api_url", "")),
            str(config.get("user_agent") or f"{self.tap.name}/{self.tap.plugin_version}"),
            config.get("max_concurrency", 1),
            self.redactor,
        )

    def time(self) -> datetime.datetime:
        """Return the time: that of the start, and what has passed since then.

        The clock of the machine is read once per run: it may be set back in the meantime.
        """
        return self.now + datetime.timedelta(seconds=time.monotonic() - self._started)

    def stream(self, name: str) -> Stream | None:
        """Return a stream of the run."""
        return self.tap.streams.get(name)

    @property
    def today(self) -> datetime.date:
        """The API's current day, as it was when the run started."""
        return dates.today(self.now, self.zone)

    def date_setting(self, name: str) -> datetime.date | None:
        """Return the day that a setting holds; ``None`` if it is not set.

        Raises:
            ValueError: If it is neither a day nor a date-time.
            OverflowError: If its day in the API's zone is outside the years 1 to 9999.
        """
        text = self.tap.config.get(name)
        return None if text is None else dates.parse_day(text, self.zone)

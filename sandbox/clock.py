"""The clock the sandbox lives by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the sandbox what time it is: a frozen time, or the real one."""

    def __init__(self, now: datetime | None = None) -> None:
        """Set the clock.

        Args:
            now: The time to stand still at, without a zone read as UTC; ``None`` runs with the real
                clock.
        """
        self._frozen: datetime | None = None
        if now is not None:
            self.freeze(now)

    @property
    def now(self) -> datetime:
        """The time, in UTC. Setting it freezes the clock there."""
        return self._frozen or datetime.now(UTC)

    @now.setter
    def now(self, now: datetime) -> None:
        self.freeze(now)

    @property
    def frozen(self) -> bool:
        """Whether the clock stands still."""
        return self._frozen is not None

    def freeze(self, now: datetime) -> None:
        """Stand still at a time.

        Args:
            now: The time; without a zone it is read as UTC.
        """
        self._frozen = now.replace(tzinfo=UTC) if now.tzinfo is None else now.astimezone(UTC)

    def advance(self, time: timedelta) -> None:
        """Move on (or back) and stand still there.

        Args:
            time: How far.
        """
        self.freeze(self.now + time)

    def run(self) -> None:
        """Go with the real clock from now on."""
        self._frozen = None

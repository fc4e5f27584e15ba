"""The clock of the sandbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Clock of the sandbox: frozen at a time, or running with the real clock."""

    def __init__(self, now: datetime | None = None) -> None:
        """Set the clock.

        Args:
            now: The time to freeze at, in UTC if it has no zone; `None` for the real clock.
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
        """Whether the clock is frozen."""
        return self._frozen is not None

    def freeze(self, now: datetime) -> None:
        """Freeze the clock at a time, in UTC if it has no zone."""
        self._frozen = now.replace(tzinfo=UTC) if now.tzinfo is None else now.astimezone(UTC)

    def advance(self, time: timedelta) -> None:
        """Move the clock forward, or back by a negative time, and freeze it there."""
        self.freeze(self.now + time)

    def run(self) -> None:
        """Follow the real clock from now on."""
        self._frozen = None

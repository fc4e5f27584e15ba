"""Tokens of the Adcloud API. Source: Adcloud API description 1.0, Authentication."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.adcloud.settings import Settings
    from sandbox.clock import Clock


@dataclass
class _Token:
    """When a token was issued, and for how many requests it was used."""

    issued: datetime
    requests: int = 0


class Tokens:
    """Issues tokens and checks them; safe to use from several threads."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        """Start without tokens."""
        self._clock = clock
        self._settings = settings
        self._lock = Lock()
        self._tokens: dict[str, _Token] = {}

    def issue(self) -> str:
        """Issue a new token."""
        token = secrets.token_hex(20)
        with self._lock:
            self._tokens[token] = _Token(self._clock.now)
        return token

    @property
    def issued(self) -> list[str]:
        """All tokens issued so far, in that order, valid or not."""
        with self._lock:
            return list(self._tokens)

    def use(self, token: str) -> bool:
        """Count a request with a token and return whether the token is valid."""
        with self._lock:
            known = self._tokens.get(token)
            if known is None:
                return False
            known.requests += 1
            age = (self._clock.now - known.issued).total_seconds()
            limit = self._settings.token_requests
            return age < self._settings.token_lifetime_seconds and (
                limit is None or known.requests <= limit
            )

    def revoke(self, token: str) -> None:
        """Make a token invalid."""
        with self._lock:
            self._tokens.pop(token, None)

    def revoke_all(self) -> None:
        """Make all tokens invalid."""
        with self._lock:
            self._tokens.clear()

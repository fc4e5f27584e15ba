"""How often a request is sent, how long to wait in between, and what is said at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backoff

from singer_reports.http.connection_errors import describe_error
from singer_reports.http.errors import retry_after, should_split

if TYPE_CHECKING:
    from collections.abc import Generator

#: How often a request is sent at most: an outage of a minute passes in between.
MAX_TRIES = 6
#: How often a slice is requested that can be split: one that cannot is worth more attempts.
TRIES_BEFORE_SPLIT = 3
#: The longest ``Retry-After`` a run waits for, in seconds; past it the user decides.
MAX_RETRY_AFTER = 900


def wait_times() -> Generator[float, Any, None]:
    """Wait 2, 4, 8 ... seconds, or longer if the API's ``Retry-After`` says so."""
    steps = backoff.expo(factor=2)
    next(steps)
    error = yield 0
    while True:
        error = yield max(next(steps), retry_after(error) or 0)


def max_tries(error: Exception, most: int, *, can_split: bool) -> int:
    """Return after how many attempts an error is final; sooner where a split may help.

    Args:
        error: The error of the last attempt.
        most: How often a request is sent at most.
        can_split: Whether the request can be made as two smaller ones.
    """
    return min(most, TRIES_BEFORE_SPLIT) if can_split and should_split(error) else most


def asks_too_much(error: Exception) -> bool:
    """Report whether the API asks to wait longer than a run does."""
    return (retry_after(error) or 0) > MAX_RETRY_AFTER


def describe_last(error: Exception, url: str, tries: int) -> str:
    """Explain the error of the last attempt, and when to run again.

    Args:
        error: The error.
        url: The URL of the request.
        tries: How many attempts there were.
    """
    found = describe_error(error, url)
    if asks_too_much(error):
        wait = retry_after(error)
        return f"{found} It asks to wait {wait:,.0f} seconds: run again after that."
    # Where there is something to correct, waiting is no advice.
    then = "the" if found.advice else "run again later, the"
    return f"{found} That was try {tries} of {tries}: {then} next run goes on here."

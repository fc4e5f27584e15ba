"""Secrets are kept out of whatever is said: log lines, errors and what led to them."""

from __future__ import annotations

import json
import logging
from itertools import takewhile
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_REDACTED = "***"
#: What is shorter is no secret, and to replace it would make every text unreadable.
_MIN_SECRET_LENGTH = 4
#: So much of a secret is replaced as well, because a text that is too long may end in one.
_PREFIX_LENGTH = 8
_STANDARD_FIELDS = set(vars(logging.makeLogRecord({})))


class Redactor(logging.Filter):
    """Keeps secrets out of every log line, whoever writes it and at whatever level."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Take the secrets to look for; those too short to be one are ignored."""
        super().__init__()
        self._encodings: set[str] = set()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Look for one more secret: a token that was fetched while running."""
        # A new set, because other threads may be reading the old one.
        self._encodings = (
            self._encodings | set(_encodings_of(secret)) | set(_encodings_of(secret.strip()))
        )

    def redact(self, text: str) -> str:
        """Return ``text`` with every secret in it replaced, also one that is cut off."""
        encodings = self._encodings
        for prefix in sorted(
            {encoding[:_PREFIX_LENGTH] for encoding in encodings}, key=len, reverse=True
        ):
            start = text.find(prefix)
            while start >= 0:
                # The ways to write a secret may begin alike: the one that goes on longest it is.
                length = max(_common_length(encoding, text, start) for encoding in encodings)
                text = text[:start] + _REDACTED + text[start + length :]
                start = text.find(prefix, start + len(_REDACTED))
        return text

    def redact_error(self, error: BaseException) -> None:
        """Replace every secret in what an error says, and in what those say that led to it."""
        for each in chain(error):
            each.args = tuple(
                self.redact(argument) if isinstance(argument, str) else argument
                for argument in each.args
            )

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact a record's message, traceback and further fields in place; every record passes."""
        message = record.getMessage()
        redacted = self.redact(message)
        if redacted != message:
            record.msg, record.args = redacted, ()
        if record.exc_info and record.exc_info[1]:
            text = logging.Formatter().formatException(record.exc_info)
            logged = "\n".join([text, *map(repr, chain(record.exc_info[1]))])
            if self.redact(logged) != logged:
                # A handler that writes exceptions its own way must not get at the original.
                record.exc_info, record.exc_text = None, self.redact(text)
        for name in set(vars(record)) - _STANDARD_FIELDS:
            value = str(getattr(record, name))
            if self.redact(value) != value:
                setattr(record, name, self.redact(value))
        return True

    def install(self) -> None:
        """Filter what reaches any handler that has been set up.

        Takes over from the redactor of another tap in the same process, and keeps its secrets too.
        """
        loggers = [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]
        for logger in loggers:
            for handler in getattr(logger, "handlers", ()):
                for other in [old for old in handler.filters if isinstance(old, Redactor)]:
                    self._encodings |= other._encodings  # noqa: SLF001 - one of its own kind
                    handler.removeFilter(other)
                handler.addFilter(self)


def _encodings_of(secret: str) -> Iterator[str]:
    """Write a secret as it may stand in an address, a form, a JSON text or a Python one."""
    if len(secret) >= _MIN_SECRET_LENGTH:
        in_json = json.dumps(secret)[1:-1]
        yield from (secret, quote(secret), quote(secret, safe=""), quote_plus(secret))
        yield from (in_json, in_json.replace("/", "\\/"), repr(secret)[1:-1])


def _common_length(encoding: str, text: str, start: int) -> int:
    pairs = zip(encoding, text[start : start + len(encoding)], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def chain(error: BaseException) -> list[BaseException]:
    """Find the errors that led to an error, and those that are part of one; itself comes first."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and not any(each is other for other in found):
            found.append(each)
            waiting += [each.__cause__, each.__context__, *each.args]
            waiting.append(getattr(each, "reason", None))
    return found

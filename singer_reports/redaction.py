"""Removes secrets from log lines, errors and the causes of errors."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_REDACTED = "***"
#: Shorter values are not redacted: replacing them would make every text unreadable.
_MIN_SECRET_LENGTH = 4
#: This many characters of a secret are redacted too: a shortened text may end within one.
_PREFIX_LENGTH = 8
_STANDARD_FIELDS = set(vars(logging.makeLogRecord({})))


class Redactor(logging.Filter):
    """A log filter that redacts secrets, in the lines of all loggers at all levels."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Set the secrets to redact; ignore those that are too short."""
        super().__init__()
        self._encodings = {text for secret in secrets for text in _encodings_of(secret)}

    def add(self, secret: str) -> None:
        """Add a secret, such as a token that was fetched during the run."""
        # A new set, because other threads may be reading the old one.
        self._encodings = self._encodings | set(_encodings_of(secret))

    def redact(self, text: str) -> str:
        """Return ``text`` with every secret replaced, also one that is cut off."""
        encodings = self._encodings
        prefixes = {encoding[:_PREFIX_LENGTH] for encoding in encodings}
        for prefix in sorted(prefixes, key=len, reverse=True):
            if prefix in text:
                text = _replace(text, prefix, [each for each in encodings if each[0] == prefix[0]])
        return text

    def redact_error(self, error: BaseException) -> None:
        """Redact the text of an error and of all its causes, in place."""
        for each in chain(error):
            each.args = tuple(
                self.redact(argument) if isinstance(argument, str) else argument
                for argument in each.args
            )

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact a log record's message, traceback and extra fields in place; drop no record."""
        message = record.getMessage()
        redacted = self.redact(message)
        if redacted != message:
            record.msg, record.args = redacted, ()
        if record.exc_info and record.exc_info[1]:
            text = logging.Formatter().formatException(record.exc_info)
            logged = "\n".join([text, *map(repr, chain(record.exc_info[1]))])
            if self.redact(logged) != logged:
                # A handler with its own format for exceptions must not see the original.
                record.exc_info, record.exc_text = None, self.redact(text)
        for name in set(vars(record)) - _STANDARD_FIELDS:
            value = str(getattr(record, name))
            if self.redact(value) != value:
                setattr(record, name, self.redact(value))
        return True

    def install(self) -> None:
        """Add this filter to every existing log handler.

        Replaces the redactor of another tap in the same process, and redacts its secrets too.
        """
        loggers = [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]
        for logger in loggers:
            for handler in getattr(logger, "handlers", ()):
                for other in [old for old in handler.filters if isinstance(old, Redactor)]:
                    self._encodings |= other._encodings  # noqa: SLF001 - the same class
                    handler.removeFilter(other)
                handler.addFilter(self)


def _encodings_of(secret: str) -> Iterator[str]:
    """Yield a secret as it is written plainly, in URLs, in forms, in JSON and in Python."""
    # Also without the spaces and line breaks around it.
    for text in {secret, secret.strip()}:
        if len(text) >= _MIN_SECRET_LENGTH:
            in_json = json.dumps(text)[1:-1]
            yield from (text, quote(text), quote(text, safe=""), quote_plus(text))
            yield from (in_json, in_json.replace("/", "\\/"), repr(text)[1:-1])


def _replace(text: str, prefix: str, encodings: Iterable[str]) -> str:
    """Redact every match of ``encodings`` that starts with ``prefix``, also one that is cut off."""
    pieces = []
    end = 0
    while (start := text.find(prefix, end)) >= 0:
        # Several encodings may match here: replace the longest match.
        length = max(_common_length(encoding, text, start) for encoding in encodings)
        pieces += [text[end:start], _REDACTED]
        end = start + length
    return "".join([*pieces, text[end:]])


def _common_length(encoding: str, text: str, start: int) -> int:
    length = min(len(encoding), len(text) - start)
    steps = (step for step in range(length) if encoding[step] != text[start + step])
    return next(steps, length)


def chain(error: BaseException) -> list[BaseException]:
    """Return an error and, after it, all errors that it was caused by or contains."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and not any(each is other for other in found):
            found.append(each)
            waiting += [each.__cause__, each.__context__, *each.args]
            waiting.append(getattr(each, "reason", None))
    return found

"""Removes secrets and control characters from log lines, errors and the causes of errors."""

from __future__ import annotations

import base64
import json
import logging
import re
import string
import traceback
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_REDACTED = "***"
#: Shorter values are not redacted: replacing them would make every text unreadable.
_MIN_SECRET_LENGTH = 4
#: This many characters of a secret are redacted too: a shortened text may end within one.
_PREFIX_LENGTH = 8
#: Shorter parts of a longer text in base64 are not redacted.
_MIN_BASE64_LENGTH = 8
_STANDARD_FIELDS = set(vars(logging.makeLogRecord({})))
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
#: Line ends, escape sequences, what turns the direction of a text, and halves of characters.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Return a text on one line, with control characters as Python writes them in a literal."""
    return _CONTROLS.sub(lambda found: repr(found[0])[1:-1], text)


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
        # Upper and lower case are the same here: the digits in %2F, or a header in capitals.
        folded = text.translate(_LOWER)
        prefixes = {encoding[:_PREFIX_LENGTH] for encoding in encodings}
        for prefix in sorted(prefixes, key=len, reverse=True):
            if prefix in folded:
                text = _replace(
                    text, folded, prefix, [each for each in encodings if each[0] == prefix[0]]
                )
                folded = text.translate(_LOWER)
        return text

    def clean(self, text: str) -> str:
        """Return ``text`` on one line, without secrets and control characters."""
        return printable(self.redact(text))

    def redact_error(self, error: BaseException) -> None:
        """Clean the text of an error and of all its causes, in place."""
        for each in chain(error):
            each.args = tuple(
                self.clean(argument) if isinstance(argument, str) else argument
                for argument in each.args
            )

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean a log record's message, traceback and extra fields in place; drop no record."""
        message = record.getMessage()
        cleaned = self.clean(message)
        if cleaned != message:
            record.msg, record.args = cleaned, ()
        if record.exc_info and (error := record.exc_info[1]):
            text = logging.Formatter().formatException(record.exc_info)
            written = self.redact(_format_traceback(error))
            logged = "\n".join(map(repr, chain(error)))
            if written != text or self.redact(logged) != logged:
                # A handler with its own format for exceptions must not see the original.
                record.exc_info, record.exc_text = None, written
        for name in set(vars(record)) - _STANDARD_FIELDS:
            value = str(getattr(record, name))
            cleaned = self.clean(value)
            if cleaned != value:
                setattr(record, name, cleaned)
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


def _format_traceback(error: BaseException) -> str:
    """Return a traceback in which the text of each error is a single line."""
    written: list[str] = []
    for part in traceback.format_exception(error):
        # Only what stands between the errors is indented, or begins with an empty line.
        lines = part.removesuffix("\n").split("\n") if part[0].isspace() else [part.rstrip("\n")]
        written += map(printable, lines)
    return "\n".join(written)


def _encodings_of(secret: str) -> Iterator[str]:
    """Yield a secret as it is written plainly, in URLs, forms, headers, JSON and Python.

    All in lower case.
    """
    # Also without the spaces and line breaks around it.
    for text in {secret, secret.strip()}:
        if len(text) >= _MIN_SECRET_LENGTH:
            in_json = json.dumps(text)[1:-1]
            content = text.encode(errors="surrogatepass")
            for encoding in (
                *(text, quote(text, errors="replace"), quote(text, safe="", errors="replace")),
                *(quote_plus(text, errors="replace"), in_json, in_json.replace("/", "\\/")),
                *(repr(text)[1:-1], "".join(f"%{byte:02x}" for byte in content)),
                *_base64_of(content),
            ):
                yield encoding.translate(_LOWER)


def _base64_of(content: bytes) -> Iterator[str]:
    """Yield a secret in base64, also as part of a longer text such as ``user:password``."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + content).decode()
        # Leave out the characters that hold bits of what stands before and behind.
        first, last = -(-before * 8 // 6), (before + len(content)) * 8 // 6
        part = encoded[first:last]
        if len(part) >= _MIN_BASE64_LENGTH:
            yield from (part, part.replace("+", "-").replace("/", "_"))


def _replace(text: str, folded: str, prefix: str, encodings: Iterable[str]) -> str:
    """Redact every match of ``encodings`` that starts with ``prefix``, also one that is cut off.

    Args:
        text: The text.
        folded: The same in lower case, where the matches are searched.
        prefix: What a match starts with.
        encodings: What may match.
    """
    pieces = []
    end = 0
    while (start := folded.find(prefix, end)) >= 0:
        # Several encodings may match here: replace the longest match.
        length = max(_common_length(encoding, folded, start) for encoding in encodings)
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

"""Secrets and control characters are kept out of log lines, errors and what led to them."""

from __future__ import annotations

import base64
import json
import logging
import re
import string
import traceback
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
#: The shortest part of a longer text in base64 that is looked for.
_MIN_BASE64_LENGTH = 8
_STANDARD_FIELDS = set(vars(logging.makeLogRecord({})))
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
#: Line ends, escape sequences, what turns the direction of a text, and halves of characters.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Write a text on one line, with control characters as Python writes them in a literal."""
    return _CONTROLS.sub(lambda found: repr(found[0])[1:-1], text)


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
        found = {*_encodings_of(secret), *_encodings_of(secret.strip())}
        # A new set, because other threads may be reading the old one.
        self._encodings = self._encodings | {encoding.translate(_LOWER) for encoding in found}

    def redact(self, text: str) -> str:
        """Return ``text`` with every secret in it replaced, also one that is cut off."""
        encodings = self._encodings
        # Upper and lower case are the same here: the digits in %2F, or a header in capitals.
        folded = text.translate(_LOWER)
        for prefix in sorted(
            {encoding[:_PREFIX_LENGTH] for encoding in encodings}, key=len, reverse=True
        ):
            start = folded.find(prefix)
            while start >= 0:
                # The ways to write a secret may begin alike: the one that goes on longest it is.
                length = max(_common_length(encoding, folded, start) for encoding in encodings)
                text = text[:start] + _REDACTED + text[start + length :]
                folded = folded[:start] + _REDACTED + folded[start + length :]
                start = folded.find(prefix, start + len(_REDACTED))
        return text

    def clean(self, text: str) -> str:
        """Return ``text`` on one line, without secrets and control characters."""
        return printable(self.redact(text))

    def redact_error(self, error: BaseException) -> None:
        """Clean what an error says, and what those say that led to it."""
        for each in chain(error):
            each.args = tuple(
                self.clean(argument) if isinstance(argument, str) else argument
                for argument in each.args
            )

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean a record's message, traceback and further fields in place; every record passes."""
        message = record.getMessage()
        cleaned = self.clean(message)
        if cleaned != message:
            record.msg, record.args = cleaned, ()
        if record.exc_info and (error := record.exc_info[1]):
            text = logging.Formatter().formatException(record.exc_info)
            written = self.redact(_format_traceback(error))
            logged = "\n".join(map(repr, chain(error)))
            if written != text or self.redact(logged) != logged:
                # A handler that writes exceptions its own way must not get at the original.
                record.exc_info, record.exc_text = None, written
        for name in set(vars(record)) - _STANDARD_FIELDS:
            value = str(getattr(record, name))
            if self.clean(value) != value:
                setattr(record, name, self.clean(value))
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


def _format_traceback(error: BaseException) -> str:
    """Write a traceback in which all that an error says is on one line."""
    written: list[str] = []
    for part in traceback.format_exception(error):
        # Only what stands between the errors is indented, or begins with an empty line.
        lines = part.removesuffix("\n").split("\n") if part[0].isspace() else [part.rstrip("\n")]
        written += map(printable, lines)
    return "\n".join(written)


def _encodings_of(secret: str) -> Iterator[str]:
    """Write a secret as it may stand in an address, a form, a header, a JSON or a Python text."""
    if len(secret) >= _MIN_SECRET_LENGTH:
        in_json = json.dumps(secret)[1:-1]
        yield from (secret, quote(secret), quote(secret, safe=""), quote_plus(secret))
        yield from (in_json, in_json.replace("/", "\\/"), repr(secret)[1:-1])
        content = secret.encode(errors="surrogatepass")
        yield "".join(f"%{byte:02x}" for byte in content)
        yield from _base64_of(content)


def _base64_of(content: bytes) -> Iterator[str]:
    """Write a secret in base64, also as part of a longer text such as ``user:password``."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + content).decode()
        # Leave out the characters that hold bits of what stands before and behind.
        first, last = -(-before * 8 // 6), (before + len(content)) * 8 // 6
        part = encoded[first:last]
        if len(part) >= _MIN_BASE64_LENGTH:
            yield from (part, part.replace("+", "-").replace("/", "_"))


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

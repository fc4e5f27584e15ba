"""Parts of messages for the user; nothing in them may be a secret."""

from __future__ import annotations

import difflib
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from singer_sdk.exceptions import ConfigValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MAX_QUOTED_LENGTH = 60
_MAX_LISTED = 12
#: Looks like a misplaced secret: 16 or more letters and digits, also in base64, or a password.
LOOKS_SECRET = re.compile(r"(?=[\w+/=-]*\d)(?=[\w+/=-]*[^\W\d])[\w+/=-]{16,}|(?<=//)[^/\s]*(?=@)")


class ConfigError(NamedTuple):
    """Something wrong with a setting."""

    #: The setting, or the environment variable if it is no setting's.
    setting: str
    #: What is wrong, in a sentence for the user.
    message: str


def invalid_config_error(found: Sequence[str]) -> ConfigValidationError:
    """Make the error that ends a run before its first request.

    Args:
        found: All problems, a sentence each.

    Returns:
        The error. Its text holds all of them in one line, as some orchestrators show a single one.
    """
    messages = list(dict.fromkeys(found))
    if len(messages) == 1:
        text = f"{messages[0]} Nothing was read: correct this and run again."
    else:
        numbered = (f"({number}) {error}" for number, error in enumerate(messages, start=1))
        text = f"{' '.join(numbered)} Nothing was read: correct these and run again."
    return ConfigValidationError(text, errors=messages)


def alternatives(name: str, known: Iterable[str], listed_by: str) -> str:
    """End a sentence on a name that is not known.

    Args:
        name: The name.
        known: The names there are.
        listed_by: What lists them, if they are too many for a sentence.

    Returns:
        The name that was probably meant, all names, or where to find them.
    """
    known = sorted(known)
    if close := difflib.get_close_matches(name, known, n=1):
        return f"; did you mean {close[0]}?"
    return f"; there are: {', '.join(known)}." if len(known) <= _MAX_LISTED else f"; {listed_by}."


def quote_value(value: object) -> str:
    """Write a value as JSON: not more than a line of it, and nothing that may be a secret."""
    return shorten(LOOKS_SECRET.sub("***", json.dumps(value, default=_plain, ensure_ascii=False)))


def shorten(text: str) -> str:
    """Cut a text that is longer than a line."""
    return text if len(text) <= _MAX_QUOTED_LENGTH else text[:_MAX_QUOTED_LENGTH] + "…"


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else str(value)

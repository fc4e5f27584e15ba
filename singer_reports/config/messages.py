"""Builds messages for the user, without secrets."""

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
#: Looks like a misplaced secret: 16 or more letters and digits, or a password in a URL.
LOOKS_SECRET = re.compile(r"(?=[\w-]*\d)(?=[\w-]*[^\W\d])[\w-]{16,}|(?<=//)[^/\s]*(?=@)")


class ConfigError(NamedTuple):
    """An error in a setting or an environment variable."""

    #: The setting, or the environment variable if it belongs to no setting.
    setting: str
    #: A sentence for the user.
    message: str


def invalid_config_error(found: Sequence[str]) -> ConfigValidationError:
    """Return the error that ends a run before its first request.

    Args:
        found: All errors, one sentence each.

    Returns:
        The error. Its text is a single line, because some orchestrators show only one line.
    """
    messages = list(dict.fromkeys(found))
    if len(messages) == 1:
        text = f"{messages[0]} Nothing was read: correct this and run again."
    else:
        numbered = (f"({number}) {error}" for number, error in enumerate(messages, start=1))
        text = f"{' '.join(numbered)} Nothing was read: correct these and run again."
    return ConfigValidationError(text, errors=messages)


def alternatives(name: str, known: Iterable[str], listed_by: str) -> str:
    """Return the end of a sentence about an unknown name.

    Args:
        name: The unknown name.
        known: The valid names.
        listed_by: How to list them, if they are too many for a sentence.

    Returns:
        The name that was probably meant, all valid names, or ``listed_by``.
    """
    known = sorted(known)
    if close := difflib.get_close_matches(name, known, n=1):
        return f"; did you mean {close[0]}?"
    return f"; there are: {', '.join(known)}." if len(known) <= _MAX_LISTED else f"; {listed_by}."


def quote_value(value: object) -> str:
    """Return a value as JSON, shortened, with everything redacted that may be a secret."""
    return shorten(LOOKS_SECRET.sub("***", json.dumps(value, default=_plain, ensure_ascii=False)))


def shorten(text: str) -> str:
    """Shorten a long text, and mark the end with an ellipsis."""
    return text if len(text) <= _MAX_QUOTED_LENGTH else text[:_MAX_QUOTED_LENGTH] + "…"


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else str(value)

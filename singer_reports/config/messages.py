"""Builds messages for the user, without secrets."""

from __future__ import annotations

import difflib
import json
import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from singer_sdk.exceptions import ConfigValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MAX_QUOTED_LENGTH = 60
_MAX_LISTED = 12
#: User and password of a URL, with or without its scheme; or a long word, also in base64. Linear in
#: the length of the text: every match starts at the beginning of a host, of a word or of the text.
_MAY_BE_SECRET = re.compile(
    r"""((?<=//)[^/\s]*(?=@)|(?<![^\s"])[^/\s"]+(?=@))|(?:[\w+-]|(?<!/)/(?!/)){16,}+={0,2}""",
)
#: What a word may have beside letters and digits.
_SIGNS = "-+/="


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
    is_short = 0 < len(known) <= _MAX_LISTED
    return f"; there are: {', '.join(known)}." if is_short else f"; {listed_by}."


def quote_value(value: object) -> str:
    """Return a value as JSON, shortened, with everything redacted that may be a secret."""
    try:
        text = json.dumps(value, default=_plain, ensure_ascii=False)
    except ValueError:  # A number of thousands of digits.
        return "…"
    return shorten(hide_secrets(text))


def hide_secrets(text: str) -> str:
    """Redact what looks like a misplaced secret.

    That is user and password of a URL, and a word of 16 or more characters with letters and digits,
    in which the signs of base64 are allowed.
    """
    return _MAY_BE_SECRET.sub(_hidden, text)


def _hidden(match: re.Match[str]) -> str:
    text = match[0]
    has_digit = any(map(str.isdecimal, text))
    has_letter = not all(sign.isdecimal() or sign in _SIGNS for sign in text)
    return "***" if match[1] is not None or (has_digit and has_letter) else text


def shorten(text: str) -> str:
    """Shorten a long text, and mark the end with an ellipsis."""
    return text if len(text) <= _MAX_QUOTED_LENGTH else text[:_MAX_QUOTED_LENGTH] + "…"


def _plain(value: object) -> object:
    if isinstance(value, Decimal) and math.isfinite(number := float(value)):
        return number
    return str(value)

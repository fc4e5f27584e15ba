"""Parts of messages: no secret is shown, and long texts take no longer than they must."""

from __future__ import annotations

import base64
import re
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from singer_reports.config import settings
from singer_reports.config.messages import hide_secrets, quote_value
from singer_reports.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable

#: Makes texts of a length, of characters that patterns treat differently.
TEXTS: dict[str, Callable[[int], str]] = {
    "letters": lambda length: "a" * length,
    "digits": lambda length: "1" * length,
    "dashes": lambda length: "-" * length,
    "spaces": lambda length: " " * length,
    "quotes": lambda length: '"' * length,
    "slashes": lambda length: "/" * length,
    "at signs": lambda length: "@" * length,
    "short words": lambda length: "aaaaaaaaaaaaaaa " * (length // 16),
    "hosts": lambda length: "//a" * (length // 3),
    "base64": lambda length: "a/" * (length // 2),
    "users": lambda length: "//a:b@" * (length // 6),
}
PATTERNS = sorted(name for name in vars(settings) if name.endswith("_PATTERN"))
#: Ten times the length may take 20 times as long; a quadratic search takes 100 times.
MAX_RATIO = 20
#: How often it is measured, because of the noise.
MAX_ROUNDS = 3


def seconds(function: Callable[[str], object], text: str) -> float:
    """Return the shortest of several times; the processor's, which other programs do not change."""
    times = []
    for _ in range(3):
        start = time.thread_time()
        function(text)
        times.append(time.thread_time() - start)
    return min(times)


def assert_linear(function: Callable[[str], object], text: Callable[[int], str]) -> None:
    ratios: list[float] = []
    while len(ratios) < MAX_ROUNDS and min(ratios, default=MAX_RATIO) >= MAX_RATIO:
        # Less than a tenth of a millisecond cannot be measured.
        short = max(seconds(function, text(10_000)), 1e-4)
        ratios.append(seconds(function, text(100_000)) / short)
    assert min(ratios) < MAX_RATIO


@pytest.mark.parametrize("text", TEXTS)
def test_secrets_are_searched_in_linear_time(text: str) -> None:
    assert_linear(hide_secrets, TEXTS[text])
    assert_linear(quote_value, TEXTS[text])


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_of_settings_are_searched_in_linear_time(pattern: str, text: str) -> None:
    compiled = re.compile(getattr(settings, pattern))
    for sample in ("{}é", "{}\n", "http://{}é", "http://a/{}\n"):
        assert_linear(compiled.search, partial(filled, sample, TEXTS[text]))


def filled(sample: str, text: Callable[[int], str], length: int) -> str:
    return sample.format(text(length))


@pytest.mark.parametrize(
    ("secret", "part"),
    [
        ("s3cr3t-12345", "s3cr3t-12345 "),
        ("s3cr3t-1" + "x" * 100_000, "s3cr3t-1 "),
        ("a" * 1_000, "a"),
    ],
)
def test_texts_are_redacted_in_linear_time(secret: str, part: str) -> None:
    assert_linear(Redactor([secret]).redact, lambda length: part * (length // len(part)))


def test_there_are_patterns() -> None:
    assert {"URL_PATTERN", "HEADER_PATTERN", "TOKEN_PATTERN"} <= set(PATTERNS)


BYTES = bytes(range(240, 256))
TOKEN = "4f6a8c0e2b1d3957a6b8c0d2e4f6a8c0"  # noqa: S105


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (TOKEN, "***"),
        (f"token={TOKEN}&x=1", "token=***&x=1"),
        ("https://me:pa55word@example.com/path", "https://***@example.com/path"),
        ("https://the-user-number-1:pa55word@example.com", "https://***@example.com"),
        ("https://me:pa@55@word@example.com", "https://***@example.com"),
        ("me:pa55word@example.com", "***@example.com"),
        ('{"proxy": "me:pa55word@example.com"}', '{"proxy": "***@example.com"}'),
        ("a-long-word-without-digits", "a-long-word-without-digits"),
        ("2024-01-31-2024-02-01", "2024-01-31-2024-02-01"),
        ("https://example.com/a-b-c", "https://example.com/a-b-c"),
        ("2024-01-31/2024-02-01", "2024-01-31/2024-02-01"),
        # Base64, in each of its alphabets.
        (base64.b64encode(BYTES).decode(), "***"),
        (base64.urlsafe_b64encode(BYTES).decode(), "***"),
        (f"token={base64.b64encode(BYTES).decode()}&x=1", "token=***&x=1"),
        ("q1w2/e3r4+t5y6/u7i8o9==, again", "***, again"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, shown: str) -> None:
    assert hide_secrets(text) == shown


@pytest.mark.parametrize("position", range(20, 70))
def test_no_part_of_a_secret_is_shown_where_a_value_is_cut(position: int) -> None:
    """Also of one that ends behind the cut, or far behind it."""
    for secret in (TOKEN, TOKEN * 100, f"https://me:{'pa55word' * 50}@example.com"):
        shown = quote_value("." * (position - 1) + " " + secret)
        assert not any(part in shown for part in ("4f6a", "6a8c", "pa55", "me:"))
        assert len(shown) <= 61

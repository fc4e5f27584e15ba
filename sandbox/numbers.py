"""Exact numbers: pseudo-random bytes, rounding, and JSON without binary floating point."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from hashlib import shake_128
from typing import Any, TypeAlias

import msgspec

#: A number as the APIs send it: an integer if it is whole.
Number: TypeAlias = int | Decimal

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(float_hook=Decimal)


def random_bytes(name: str, count: int) -> bytes:
    """Return pseudo-random bytes that depend on `name` alone, on every machine."""
    return shake_128(name.encode()).digest(count)


def rounded_quotient(numerator: int, denominator: int) -> int:
    """Divide two natural numbers and round to the nearest integer, halves up.

    A denominator of 0 gives 0, because the APIs send 0 for a rate without a base.
    """
    if denominator == 0:
        return 0
    return (2 * numerator + denominator) // (2 * denominator)


@lru_cache(maxsize=200_000)
def decimal_number(count: int, places: int) -> Number:
    """Return `count` units of `places` decimal places as a number, such as 1154 and 3 as 1.154.

    Whole numbers are integers; decimals have no trailing zeros.
    """
    whole, rest = divmod(count, int(10**places))
    if rest == 0:
        return whole
    return Decimal(f"{whole}.{rest:0{places}d}".rstrip("0"))


def to_json(value: object) -> bytes:
    """Encode JSON; decimals keep every digit."""
    return _encoder.encode(value)


def from_json(text: bytes | str) -> Any:  # noqa: ANN401 - JSON is anything.
    """Decode JSON; numbers with a decimal point become `Decimal`."""
    return _decoder.decode(text)

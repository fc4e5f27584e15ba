"""Numbers without binary floating point: made from a name, rounded, written as JSON."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from hashlib import shake_128
from typing import Any, TypeAlias

import msgspec

#: A number as the APIs send it: an integer where it is whole.
Number: TypeAlias = int | Decimal

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(float_hook=Decimal)


def random_bytes(name: str, count: int) -> bytes:
    """Bytes that look random and are the same for the same name, on every machine.

    Args:
        name: What the bytes belong to, such as an account and a day.
        count: How many bytes.

    Returns:
        The bytes.
    """
    return shake_128(name.encode()).digest(count)


def rounded_quotient(numerator: int, denominator: int) -> int:
    """Divide two natural numbers and round to the nearest integer, halves up.

    Args:
        numerator: The dividend, 0 or more.
        denominator: The divisor; 0 gives 0, as a rate of nothing is sent as 0.

    Returns:
        The rounded quotient.
    """
    if denominator == 0:
        return 0
    return (2 * numerator + denominator) // (2 * denominator)


@lru_cache(maxsize=200_000)
def decimal_number(count: int, places: int) -> Number:
    """Turn a count of small units into the number it stands for.

    Args:
        count: How many units, such as 1154 thousandths.
        places: How many decimal places a unit has: 3 for thousandths.

    Returns:
        An integer where the number is whole, else a decimal without trailing zeros: 1.154.
    """
    whole, rest = divmod(count, int(10**places))
    if rest == 0:
        return whole
    return Decimal(f"{whole}.{rest:0{places}d}".rstrip("0"))


def to_json(value: object) -> bytes:
    """Write JSON, decimals digit by digit.

    Args:
        value: What to write.

    Returns:
        The JSON text.
    """
    return _encoder.encode(value)


def from_json(text: bytes | str) -> Any:  # noqa: ANN401 - JSON is anything.
    """Read JSON, numbers with a decimal point as decimals.

    Args:
        text: The JSON text.

    Returns:
        What it says.
    """
    return _decoder.decode(text)

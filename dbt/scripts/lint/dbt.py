"""What sqlfluff renders for dbt's own macros: any text of the right kind."""

from __future__ import annotations


def type_string() -> str:
    """Return a type."""
    return "varchar"


def type_bigint() -> str:
    """Return a type."""
    return "bigint"


def type_timestamp() -> str:
    """Return a type."""
    return "timestamp"


def dateadd(part: str, number: str, date: str) -> str:
    """Return a date."""
    return f"{part}_after({date}, {number})"


def datediff(first: str, second: str, part: str) -> str:
    """Return a number."""
    return f"{part}s_between({first}, {second})"

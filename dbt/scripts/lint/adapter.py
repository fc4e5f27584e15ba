"""What sqlfluff renders where a macro asks the database's adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def dispatch(_name: str, _package: str) -> Callable[[], str]:
    """Return a macro: the only one that is dispatched names a type."""
    return lambda: "decimal(38, 9)"

"""What surrounds the rows of a response; each API has its own."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

import msgspec

AnyRow = TypeVar("AnyRow")
#: An empty list, which PHP also writes for an empty object.
EmptyList = Annotated[list[AnyRow], msgspec.Meta(max_length=0)]


class EmptyObject(msgspec.Struct, forbid_unknown_fields=True):
    """``{}``, which PHP also writes for an empty list."""


def list_of(items: list[AnyRow] | EmptyObject) -> list[AnyRow]:
    """Return the list that a response has."""
    return items if isinstance(items, list) else []


class Envelope(msgspec.Struct, Generic[AnyRow]):
    """What surrounds the rows of a response; a tap's own are generic over the type of the rows."""

    @property
    def rows(self) -> list[AnyRow]:
        """The rows, in the order they came."""
        raise NotImplementedError

    @property
    def total_count(self) -> int | None:
        """How many rows the API says there are, on all pages together."""
        return None

    @property
    def page_count(self) -> int:
        """How many pages there are, at least 1."""
        return 1

    @property
    def has_more(self) -> bool:
        """Whether the API says that a page follows this one."""
        return False

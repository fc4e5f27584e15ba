"""The structure around the rows of a response; each API has its own."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

import msgspec

AnyRow = TypeVar("AnyRow")
#: ``[]``, which PHP also writes for an empty object.
EmptyList = Annotated[list[AnyRow], msgspec.Meta(max_length=0)]


class EmptyObject(msgspec.Struct, forbid_unknown_fields=True):
    """``{}``, which PHP also writes for an empty list."""


def list_of(items: list[AnyRow] | EmptyObject) -> list[AnyRow]:
    """Return the list of a response."""
    return items if isinstance(items, list) else []


class Envelope(msgspec.Struct, Generic[AnyRow]):
    """The structure around the rows of a response; subclasses are generic over the row type."""

    @property
    def rows(self) -> list[AnyRow]:
        """The rows, in the order of the response."""
        raise NotImplementedError

    @property
    def total_count(self) -> int | None:
        """The number of rows on all pages, if the API announces it."""
        return None

    @property
    def page_count(self) -> int:
        """The number of pages, at least 1."""
        return 1

    @property
    def has_more(self) -> bool:
        """Whether the API announces a page after this one."""
        return False

"""Checks the user's state before anything is read.

Bookmarks of streams that the tap does not have are not checked and are passed on unchanged, because
several taps may share a state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL

from singer_reports.config.bookmarks import (
    day_errors,
    definition_errors,
    reading_time_errors,
)
from singer_reports.config.json_files import Unreadable
from singer_reports.config.messages import quote_value

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo


class StreamWithBookmark(Protocol):
    """A stream that is read in windows of days, as far as a state is compared with it."""

    name: str

    @property
    def replication_method(self) -> str:
        """``INCREMENTAL``, or ``FULL_TABLE`` if the catalog sets it."""

    @property
    def definition(self) -> dict[str, Any]:
        """What the rows depend on: dimensions, filters, time zone."""


def state_errors(
    given: object, streams: Iterable[StreamWithBookmark], zone: ZoneInfo | datetime.timezone
) -> Iterator[str]:
    """Find errors in a state.

    Args:
        given: The state, as parsed JSON.
        streams: The selected streams that are read in windows of days.
        zone: The time zone of the API's days.

    Yields:
        One sentence per error.
    """
    if isinstance(given, Unreadable):
        yield f"The state in {given}"
        return
    found = list(_structure_errors(given))
    yield from found
    if found or not isinstance(given, dict):
        return
    bookmarks = given.get("bookmarks", {})
    for stream in streams:
        bookmark = bookmarks.get(stream.name, {})
        if stream.replication_method == REPLICATION_INCREMENTAL:
            yield from day_errors(stream.name, bookmark, zone)
        yield from reading_time_errors(stream.name, bookmark)
        yield from definition_errors(stream.name, bookmark, stream.definition)


def partition_errors(given: object, streams: Iterable[str]) -> Iterator[str]:
    """Find streams with partitions in the state, which another tap has written.

    Args:
        given: The state, as parsed JSON.
        streams: The names of the selected streams without partitions.

    Yields:
        One sentence per stream.
    """
    if any(_structure_errors(given)) or not isinstance(given, dict):
        return
    bookmarks = given.get("bookmarks", {})
    for name in streams:
        # The SDK would read such a stream once per partition.
        if bookmarks.get(name, {}).get("partitions"):
            yield (
                f"The state divides {name} into partitions, and this tap does not: another tap "
                "wrote it. Remove this stream from the state to read everything again."
            )


def _structure_errors(given: object) -> Iterator[str]:
    if not isinstance(given, dict):
        yield f"The state must be an object, written {{…}}, not {quote_value(given)}."
        return
    if "bookmarks" not in given:
        if "streams" in given:
            yield "The state looks like a catalog: hand it over as --catalog."
        for name, value in given.items():
            if isinstance(value, dict) and "bookmarks" in value:
                yield (
                    f"The state has its bookmarks inside of {name}: hand over only what stands "
                    f"under {name}."
                )
    bookmarks = given.get("bookmarks", {})
    if not isinstance(bookmarks, dict):
        shown = quote_value(bookmarks)
        yield f"The state: bookmarks must be an object, written {{…}}, not {shown}."
        return
    for name, bookmark in bookmarks.items():
        yield from _bookmark_form_errors(f"The state: bookmarks.{name}", bookmark)


def _bookmark_form_errors(path: str, bookmark: object) -> Iterator[str]:
    if not isinstance(bookmark, dict):
        yield f"{path} must be an object, written {{…}}, not {quote_value(bookmark)}."
        return
    # The SDK uses its own keys without checking them, for streams of other taps as well.
    partitions = bookmark.get("partitions", [])
    if not isinstance(partitions, list) or not all(isinstance(each, dict) for each in partitions):
        yield f"{path}.partitions must be a list of objects."
        partitions = []
    for holder, place in [(bookmark, ""), *((each, ".partitions") for each in partitions)]:
        if not isinstance(holder.get("progress_markers", {}), dict):
            yield f"{path}{place}.progress_markers must be an object, written {{…}}."

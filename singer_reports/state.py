"""The user's state: what is wrong with it, before anything is read.

Bookmarks of streams that the tap does not have are none of its business: several taps may share a
state, and theirs are handed on as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL

from singer_reports import problems
from singer_reports.bookmarks import bookmark_problems
from singer_reports.inputs import Unreadable

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

    from singer_reports.stream import DatedStream


def state_problems(
    given: object, streams: Iterable[DatedStream], zone: ZoneInfo | datetime.timezone
) -> Iterator[str]:
    """Say what is wrong with a state.

    Args:
        given: The state as it was read.
        streams: The dated streams that will be read.
        zone: The time zone of the API's days.

    Yields:
        A sentence a problem.
    """
    if isinstance(given, Unreadable):
        yield f"The state in {given}"
        return
    found = list(_form_problems(given))
    yield from found
    if found or not isinstance(given, dict):
        return
    bookmarks = given.get("bookmarks", {})
    for stream in streams:
        if stream.replication_method == REPLICATION_INCREMENTAL:
            bookmark = bookmarks.get(stream.name, {})
            yield from bookmark_problems(stream.name, bookmark, stream.definition, zone)


def _form_problems(given: object) -> Iterator[str]:
    if not isinstance(given, dict):
        yield f"The state must be an object, written {{…}}, not {problems.shown(given)}."
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
        shown = problems.shown(bookmarks)
        yield f"The state: bookmarks must be an object, written {{…}}, not {shown}."
        return
    for name, bookmark in bookmarks.items():
        if not isinstance(bookmark, dict):
            shown = problems.shown(bookmark)
            yield f"The state: bookmarks.{name} must be an object, written {{…}}, not {shown}."

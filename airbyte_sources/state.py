"""The state of a sync: a message per stream, whose content is the bookmark of the tap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_reports.config import bookmarks
from singer_reports.config.json_files import Unreadable
from singer_reports.config.messages import alternatives, quote_value
from singer_reports.reading_times import EXTRACTED_AT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from singer_sdk import Stream

_KEYS = {"replication_key", bookmarks.LAST_DAY, bookmarks.FIRST_DAY, bookmarks.DEFINITION}
#: The keys of a bookmark.
_BOOKMARK_KEYS = frozenset({*_KEYS, EXTRACTED_AT})


def state_errors(
    given: object, streams: Mapping[str, Stream], *, some_may_go: bool = False
) -> Iterator[str]:
    """Find errors in a state; those in the bookmarks themselves are the tap's to find.

    Args:
        given: The state, as parsed JSON.
        streams: The streams of the tap, by name.
        some_may_go: Whether settings define streams; states are kept when these have gone.

    Yields:
        One sentence per error.
    """
    if isinstance(given, Unreadable):
        yield f"The state in {given}"
        return
    if not given:
        return
    if not isinstance(given, list):
        yield "The state must be a list of messages of the type STREAM, one per stream."
        return
    for number, message in enumerate(given, start=1):
        if not _is_stream_state(message):
            if isinstance(message, dict) and message.get("type") == "STATE":
                yield (
                    f"Message {number} of the state is one that a sync has written: hand over only "
                    "what stands under its state, of the type STREAM."
                )
                continue
            yield (
                f"Message {number} of the state must be of the type STREAM, with a "
                "stream_descriptor and a stream_state: another connector wrote it."
            )
            continue
        name, bookmark = _content(message)
        if some_may_go and name in gone_streams([message], streams):
            continue
        if name not in streams:
            yield (
                f"The state has the stream {quote_value(name)}, and there is no such stream"
                f"{alternatives(name, streams, 'discover lists them')} If another connector wrote "
                "it, sync without it."
            )
        elif foreign := sorted(bookmark.keys() - _BOOKMARK_KEYS):
            yield (
                f"The state of {name} has {quote_value(foreign[0])}, which this connector does not "
                "write: another one did. Clear the stream to read everything again."
            )


def gone_streams(given: Iterable[Mapping[str, Any]], streams: Mapping[str, Stream]) -> list[str]:
    """Return the streams in a state that this connector has written, and that are no more.

    Another connector defines its reports by other things, or not at all.
    """
    forms = [each.definition.keys() for each in streams.values() if hasattr(each, "definition")]
    gone = []
    for name, bookmark in map(_content, given):
        definition = bookmark.get(bookmarks.DEFINITION)
        if name in streams:
            continue
        # A sync that failed before its first day was complete has saved only the time.
        is_begun = bookmark.keys() == {EXTRACTED_AT}
        is_read = isinstance(definition, dict) and definition.keys() in forms
        if is_begun or (is_read and bookmark.keys() <= _BOOKMARK_KEYS):
            gone.append(name)
    return gone


def _is_stream_state(message: object) -> bool:
    if not isinstance(message, dict) or message.get("type") != "STREAM":
        return False
    stream = message.get("stream")
    if not isinstance(stream, dict) or not isinstance(stream.get("stream_descriptor"), dict):
        return False
    name, bookmark = stream["stream_descriptor"].get("name"), stream.get("stream_state")
    return isinstance(name, str) and isinstance(bookmark, dict | None)


def _content(message: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    stream = message["stream"]
    return stream["stream_descriptor"]["name"], stream.get("stream_state") or {}


def tap_state(given: list[Mapping[str, Any]] | None) -> dict[str, Any]:
    """Return the state of the tap, from one without errors."""
    return {"bookmarks": dict(map(_content, given or ()))}

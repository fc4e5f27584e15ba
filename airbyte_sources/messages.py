"""The messages of the Airbyte protocol, as lines of JSON."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping

FailureType = Literal["config_error", "system_error", "transient_error"]
Status = Literal["STARTED", "RUNNING", "COMPLETE", "INCOMPLETE"]
_SECOND = 1000

encode = msgspec.json.Encoder(decimal_format="number").encode


def milliseconds(moment: datetime.datetime) -> int:
    """Return the milliseconds since 1970.

    >>> import datetime
    >>> milliseconds(datetime.datetime(1970, 1, 1, 0, 1, tzinfo=datetime.UTC))
    60000
    """
    return int(moment.timestamp() * _SECOND)


def spec(specification: Mapping[str, Any]) -> bytes:
    """Return the message that describes the settings."""
    return _line({"type": "SPEC", "spec": specification})


def connection_status(*, succeeded: bool, message: str) -> bytes:
    """Return the message that says whether the API can be read."""
    content = {"status": "SUCCEEDED" if succeeded else "FAILED", "message": _encodable(message)}
    return _line({"type": "CONNECTION_STATUS", "connectionStatus": content})


def catalog(streams: list[dict[str, Any]]) -> bytes:
    """Return the message that lists the streams."""
    return _line({"type": "CATALOG", "catalog": {"streams": streams}})


def record_frame(stream: str, emitted_at: datetime.datetime) -> tuple[bytes, bytes]:
    """Return what stands before and behind the JSON of a record in its message.

    Args:
        stream: The name of the stream.
        emitted_at: When the record was read.
    """
    prefix = b'{"type":"RECORD","record":{"stream":%s,"data":' % encode(stream)
    return prefix, b',"emitted_at":%d}}\n' % milliseconds(emitted_at)


def state(stream: str, bookmark: Mapping[str, Any], record_count: int) -> bytes:
    """Return the message with the state of a stream.

    Args:
        stream: The name of the stream.
        bookmark: Its bookmark.
        record_count: The number of its records since its last state.
    """
    content = {
        "type": "STREAM",
        "stream": {"stream_descriptor": {"name": stream}, "stream_state": bookmark},
        "sourceStats": {"recordCount": record_count},
    }
    return _line({"type": "STATE", "state": content})


def log(level: str, text: str) -> bytes:
    """Return a line of the log as a message."""
    return _line({"type": "LOG", "log": {"level": level, "message": _encodable(text)}})


def status(stream: str, value: Status) -> bytes:
    """Return the message that says how far a stream is."""
    content = {"stream_descriptor": {"name": stream}, "status": value}
    return _trace("STREAM_STATUS", {"stream_status": content})


def estimate(stream: str, rows: int) -> bytes:
    """Return the message that says how many rows a stream is expected to have."""
    return _trace(
        "ESTIMATE", {"estimate": {"name": stream, "type": "STREAM", "row_estimate": rows}}
    )


def error(text: str, failure_type: FailureType, stream: str | None = None) -> bytes:
    """Return the message that says why a run or a stream has failed.

    Args:
        text: A sentence for the user.
        failure_type: Who can do something about it.
        stream: The stream that failed; ``None`` if it was not a single one.
    """
    content: dict[str, Any] = {"message": _encodable(text), "failure_type": failure_type}
    if stream is not None:
        content["stream_descriptor"] = {"name": stream}
    return _trace("ERROR", {"error": content})


def _encodable(text: str) -> str:
    """Return a text that quotes names which are not UTF-8, such as that of a file, escaped."""
    return text.encode(errors="backslashreplace").decode()


def _trace(kind: str, content: Mapping[str, Any]) -> bytes:
    moment = int(time.time() * _SECOND)
    return _line({"type": "TRACE", "trace": {"type": kind, "emitted_at": moment, **content}})


def _line(content: Mapping[str, Any]) -> bytes:
    return encode(content) + b"\n"

"""Writes the records of a slice together, with the same bytes as the SDK writes them one by one.

For each record, the SDK looks up the selected fields, makes a message, encodes it, writes a line
and flushes. The message of an unchanged record is a constant prefix, the record's JSON and a
constant suffix, so the records of a slice can be encoded and written together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET
from singer_sdk import Stream

from singer_reports.output.stdout import SignalSafeWriter
from singer_reports.sdk_internals import SameRecordTransform, encoder, stream_version

if TYPE_CHECKING:
    import datetime

    from singer_reports.records.row_types import Row

#: Rows per write: few enough to stay in the CPU's cache.
CHUNK_ROWS = 200
_PROPERTY = 2  # The length of the breadcrumb of a top-level field.


class BulkWriter:
    """Writes the records of one stream."""

    def __init__(self, stream: Stream, deselected: list[str], writer: SignalSafeWriter) -> None:
        """Create the writer of a stream.

        Args:
            stream: The stream.
            deselected: The top-level fields that are not selected.
            writer: Writes the lines, and knows what stands around a record in its line.
        """
        self._name = stream.name
        self._version = stream_version(stream)
        self._deselected = deselected
        self._writer = writer

    def encode(self, rows: list[Row]) -> list[bytes]:
        """Encode each row as JSON.

        Args:
            rows: The rows; fields that are not selected are removed from them.
        """
        for name in self._deselected:
            for row in rows:
                setattr(row, name, UNSET)
        # One line per row: JSON escapes line breaks, so no row contains one.
        return encoder.encode_lines(rows).split(b"\n")[:-1] if rows else []

    def write(self, rows: list[bytes], time_extracted: datetime.datetime) -> None:
        """Write RECORD messages.

        Args:
            rows: The JSON of each row.
            time_extracted: When they were read.
        """
        prefix, suffix = self._writer.record_frame(self._name, self._version, time_extracted)
        separator = suffix + prefix
        for start in range(0, len(rows), CHUNK_ROWS):
            records = rows[start : start + CHUNK_ROWS]
            lines = prefix + separator.join(records) + suffix
            self._writer.write_records(self._name, lines, len(records))


def bulk_writer(stream: Stream, writer: object) -> BulkWriter | None:
    """Return a writer for a stream whose records are written unchanged, else ``None``.

    Args:
        stream: The stream.
        writer: Writes the messages of the run; one of the SDK's writes record by record.

    Stream maps, flattening, fields selected inside of fields, connection tests, partitions, parent
    and child streams and a stream's own ``post_process`` are left to the SDK.
    """
    maps = stream.stream_maps
    is_passthrough = (
        len(maps) == 1
        and type(maps[0]) is SameRecordTransform
        and not maps[0].flattening_enabled
        and stream.ABORT_AT_RECORD_COUNT is None
        and stream.partitions is None
        and stream.parent_stream_type is None
        and not stream.child_streams
        and type(stream).post_process is Stream.post_process
    )
    if not (stream.selected and is_passthrough and isinstance(writer, SignalSafeWriter)):
        return None
    unselected = [breadcrumb for breadcrumb, selected in stream.mask.items() if not selected]
    deselected = [breadcrumb[-1] for breadcrumb in unselected if len(breadcrumb) == _PROPERTY]
    nested = [breadcrumb for breadcrumb in unselected if breadcrumb[1:2] != breadcrumb[-1:]]
    if any(breadcrumb[1] not in deselected for breadcrumb in nested):
        return None
    return BulkWriter(stream, deselected, writer)

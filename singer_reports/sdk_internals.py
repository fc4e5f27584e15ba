"""The private and undocumented names of the Singer SDK that are used, and why.

Only ``sdk_expressions`` uses others. Each is here because the SDK has no public equivalent;
``tests/singer_reports/test_sdk_internals.py`` fails for each that changes.
"""

from __future__ import annotations

import copy
import logging
from typing import TYPE_CHECKING, Any

from singer_sdk import RESTStream, Stream, Tap, metrics

# Undocumented: no public function reads settings from environment variables and from .env.
from singer_sdk.configuration._dict_config import parse_environment_config

# Undocumented: the SDK's alternative writer and encoder, about ten times as fast as its default.
from singer_sdk.contrib.msgspec import MsgSpecWriter, encoder

# Undocumented: a setting the SDK reads and, up to 0.54, does not list.
from singer_sdk.helpers.capabilities import EMIT_ACTIVATE_VERSION_CONFIG

# Undocumented: the only way to detect that a stream map changes nothing.
from singer_sdk.mapper import SameRecordTransform

# Undocumented: the command that --help, --about and --discover belong to; the validator that fills
# in the defaults of settings; private: what cb_config passes to invoke.
from singer_sdk.plugin_base import JSONSchemaValidator, SingerCommand
from singer_sdk.plugin_base import _ConfigInput as ConfigInput
from singer_sdk.singerlib import Catalog

if TYPE_CHECKING:
    import datetime
    from collections.abc import Generator, Iterable, Iterator

    import requests
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import RecordMessage

__all__ = [
    "EMIT_ACTIVATE_VERSION_CONFIG",
    "ConfigInput",
    "JSONSchemaValidator",
    "MsgSpecWriter",
    "SameRecordTransform",
    "SdkStream",
    "SdkTap",
    "SingerCommand",
    "encoder",
    "parse_environment_config",
    "records_without_messages",
    "stream_version",
]


class SdkTap(Tap):
    """A tap that returns all errors of its settings at once and sets no signal handlers."""

    def validate_settings(self, settings: dict[str, Any]) -> list[str]:
        """Fill in defaults and return all errors.

        Args:
            settings: The settings; changed in place.

        Returns:
            One sentence per error.
        """
        raise NotImplementedError

    def read_environment(self) -> dict[str, Any]:
        """Read settings from environment variables."""
        raise NotImplementedError

    @classmethod
    def environment_prefix(cls) -> str:
        """Return the prefix of the tap's environment variables, such as ``TAP_ADSTERRA_``."""
        return str(cls._env_var_prefix)

    # The SDK raises at the first call, before catalog and state have been checked.
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:  # noqa: ARG002
        return self.validate_settings(self._config)

    # The SDK stops at the first variable it cannot read, and does not say which one it is.
    @property
    def _env_var_config(self) -> dict[str, Any]:
        return self.read_environment()

    # The SDK removes all fields from a stream that is not selected, and then refuses its map, for
    # the key is missing.
    def setup_mapper(self) -> None:
        """Create the stream maps of each stream as if it were selected."""
        super(Tap, self).setup_mapper()
        catalog = Catalog.from_dict(self.catalog.to_dict())
        for entry in catalog.streams:
            entry.metadata.root.selected = True
        self.mapper.register_raw_streams_from_catalog(catalog)

    # Only the SDK's sync_all removes progress markers: when a single stream is read, the SDK would
    # write them into its bookmark.
    def load_state(self, state: dict[str, Any]) -> None:
        """Load a copy of a state, without progress markers."""
        super().load_state(copy.deepcopy(state))
        self._reset_state_progress_markers()

    # The SDK sets signal handlers in every program that creates a tap.
    def _setup_signal_handlers(self) -> None:
        """Set no signal handlers."""


class SdkStream(RESTStream[Any]):
    """A stream that sets the bookmark and ``time_extracted`` per slice, not per record."""

    #: When the current slice was read, in UTC.
    time_extracted: datetime.datetime

    #: Whether other streams write the records: then the SCHEMA is written once, and no state.
    is_written_by_others = False
    _has_schema = False

    # The SDK writes the SCHEMA of a stream only when it is synced.
    def _write_schema_message(self) -> None:
        if not self._has_schema:
            super()._write_schema_message()
        self._has_schema = self.is_written_by_others

    def _write_state_message(self) -> None:
        if not self.is_written_by_others:
            super()._write_state_message()

    def write_schema(self) -> None:
        """Write the SCHEMA, unless it has been written."""
        self._write_schema_message()

    def write_records(self, records: Iterable[Record]) -> None:
        """Write records as messages, behind the SCHEMA, during the sync of another stream."""
        for record in records:
            self._write_record_message(record)

    def write_batches(self) -> None:
        """Write all records as batches, during the sync of another stream."""
        if batch_config := self.get_batch_config(self.config):
            self.write_schema()
            for encoding, manifest in self.get_batches(batch_config):
                self._write_batch_message(encoding, manifest)

    # The SDK ends a run at the first stream that fails; sync and sync_all are final.
    def sync(self, context: Context | None = None) -> None:  # type: ignore[misc]
        """Read the stream; an error that ``passes_over`` accepts does not end the run."""
        try:
            super().sync(context)
        except Exception as error:
            if not self.passes_over(error):
                raise

    def passes_over(self, error: Exception) -> bool:  # noqa: ARG002
        """Report whether the run goes on with the next stream after an error of this one."""
        return False

    # The SDK advances the bookmark with each record, and so not past days without rows.
    def _increment_stream_state(
        self, latest_record: Record, *, context: Context | None = None
    ) -> None:
        """Do not change the bookmark."""

    # The SDK writes start_date into the bookmark before anything has been read.
    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Do not change the bookmark."""

    # The SDK sets time_extracted to the moment at which each record is written.
    def _generate_record_messages(self, record: Record) -> Generator[RecordMessage, None, None]:
        for message in super()._generate_record_messages(record):
            message.time_extracted = self.time_extracted
            yield message

    def repeat_state(self) -> None:
        """Make sure that the next state is written, even if it is equal to the last one.

        The SDK skips a state that is equal to the last one. Some targets discard a state when
        another record follows it, so a state must follow the last record.
        """
        self._tap.state_writer._last_emitted_state = None  # noqa: SLF001

    def write_state(self) -> None:
        """Write a STATE message, unless it is equal to the last one."""
        self.state_manager.is_flushed = False
        self._write_state_message()

    # The SDK logs one line per request or no line, whatever the log level is.
    def log_request_duration(self, response: requests.Response) -> None:
        """Log the metric ``http_request_duration``, only at DEBUG."""
        if self.logger.isEnabledFor(logging.DEBUG):
            status = metrics.Status.SUCCEEDED if response.ok else metrics.Status.FAILED
            tags: dict[str, Any] = {
                metrics.Tag.STREAM: self.name,
                metrics.Tag.ENDPOINT: self.path,
                metrics.Tag.HTTP_STATUS_CODE: response.status_code,
                metrics.Tag.STATUS: status,
            }
            duration = response.elapsed.total_seconds()
            point = metrics.Point("timer", metrics.Metric.HTTP_REQUEST_DURATION, duration, tags)
            metrics.log(self.metrics_logger, point)

    def silence_unhandled_error(self) -> None:
        """Suppress the SDK's line "An unhandled error ...": the command logs each error itself."""
        logging.getLogger(f"{self.tap_name}.{self.name}").addFilter(_is_not_unhandled_error)


def _is_not_unhandled_error(line: logging.LogRecord) -> bool:
    return not str(line.msg).startswith("An unhandled error")


def stream_version(stream: Stream) -> int | None:
    """Return the ``version`` of the stream's records; ``None`` if they have no version."""
    return stream._stream_version  # noqa: SLF001


def records_without_messages(stream: Stream) -> Iterator[dict[str, Any]]:
    """Yield a stream's records after selection and stream maps; write no messages."""
    name = stream.stream_maps[0].stream_alias
    for record in stream._sync_records(write_messages=False):  # noqa: SLF001
        for message in stream._generate_record_messages(record):  # noqa: SLF001
            # A stream map can create further streams from this one.
            if message.stream == name:
                yield message.record

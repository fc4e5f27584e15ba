"""The names of the Singer SDK that are private or undocumented, and why each is used.

No other module uses one. Each is here because the SDK has no public name for what is needed;
``tests/singer_reports/test_sdk_internals.py`` fails for each that changes.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from singer_sdk import RESTStream, Stream, Tap, metrics

# Undocumented: no public function reads settings from environment variables and from .env.
from singer_sdk.configuration._dict_config import parse_environment_config

# Undocumented: the writer and encoder that the SDK offers beside its own, about ten times as fast.
from singer_sdk.contrib.msgspec import MsgSpecWriter, encoder

# Undocumented: a setting the SDK reads and, up to 0.54, does not list.
from singer_sdk.helpers.capabilities import EMIT_ACTIVATE_VERSION_CONFIG

# Undocumented: the only way to tell that a stream map changes nothing.
from singer_sdk.mapper import SameRecordTransform

# Undocumented: the command that --help, --about and --discover belong to; the validator that fills
# in the defaults of settings; private: what cb_config hands to invoke.
from singer_sdk.plugin_base import JSONSchemaValidator, SingerCommand
from singer_sdk.plugin_base import _ConfigInput as ConfigInput

if TYPE_CHECKING:
    import datetime
    from collections.abc import Generator, Iterator

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
    """A tap that validates its settings as a whole and leaves signals alone."""

    def validate_settings(self, settings: dict[str, Any]) -> list[str]:
        """Fill in defaults and find what is wrong.

        Args:
            settings: The settings as they were given; they are changed in place.

        Returns:
            A sentence per error.
        """
        raise NotImplementedError

    def read_environment(self) -> dict[str, Any]:
        """Read settings from environment variables."""
        raise NotImplementedError

    @classmethod
    def environment_prefix(cls) -> str:
        """Return what the names of the tap's environment variables begin with."""
        return str(cls._env_var_prefix)

    # The SDK raises at the first call, before catalog and state have been looked at.
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:  # noqa: ARG002
        return self.validate_settings(self._config)

    # The SDK stops at the first variable it cannot read, and does not say which one it is.
    @property
    def _env_var_config(self) -> dict[str, Any]:
        return self.read_environment()

    # The SDK takes over the signals of every program that makes a tap.
    def _setup_signal_handlers(self) -> None:
        """Leave the signals to the program."""


class SdkStream(RESTStream[Any]):
    """A stream whose bookmark follows slices, and whose records are dated by slice."""

    #: When the slice at hand was read, in UTC.
    time_extracted: datetime.datetime

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
        """Leave the bookmark alone."""

    # The SDK writes start_date into the bookmark before anything has been read.
    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Leave the bookmark alone."""

    # The SDK dates each record by the moment it is written.
    def _generate_record_messages(self, record: Record) -> Generator[RecordMessage, None, None]:
        for message in super()._generate_record_messages(record):
            message.time_extracted = self.time_extracted
            yield message

    def repeat_state(self) -> None:
        """Write the next state even if it is equal to the last one.

        The SDK leaves out a state equal to the last one. Some targets drop the state they hold with
        each record that follows it, so a state must stand behind the last record.
        """
        self._tap.state_writer._last_emitted_state = None  # noqa: SLF001

    def write_state(self) -> None:
        """Write a STATE message, unless it would be the last one again."""
        self.state_manager.is_flushed = False
        self._write_state_message()

    # The SDK logs a line per request or none, whatever the log level is.
    def log_request_duration(self, response: requests.Response) -> None:
        """Log the metric ``http_request_duration`` when debugging."""
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
        """Drop the SDK's line "An unhandled error ...": the command logs each error itself."""
        logging.getLogger(f"{self.tap_name}.{self.name}").addFilter(_is_not_unhandled_error)


def _is_not_unhandled_error(line: logging.LogRecord) -> bool:
    return not str(line.msg).startswith("An unhandled error")


def stream_version(stream: Stream) -> int | None:
    """Return the version that the stream's records carry, if they carry one."""
    return stream._stream_version  # noqa: SLF001


def records_without_messages(stream: Stream) -> Iterator[dict[str, Any]]:
    """Read a stream as a target would get it, with selection and stream maps, writing nothing."""
    name = stream.stream_maps[0].stream_alias
    for record in stream._sync_records(write_messages=False):  # noqa: SLF001
        for message in stream._generate_record_messages(record):  # noqa: SLF001
            # The setting stream_maps can make further streams of this one.
            if message.stream == name:
                yield message.record

"""A tap as a Python library: returns records, writes no messages, sets no signal handlers."""

from __future__ import annotations

import contextlib
import logging
import signal
from typing import TYPE_CHECKING, Any

from singer_reports.http.errors import (
    RETRIABLE_ERRORS,
    RequestError,
    TokenRefusedError,
    ends_the_run,
)
from singer_reports.output.stdout import STDOUT
from singer_reports.sdk_internals import SdkTap, records_without_messages
from singer_reports.streams.control_totals import ControlTotals
from singer_reports.streams.full_table import FullTableStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_reports.run import Run


class LibraryTap(SdkTap):
    """A tap that a Python program can use as a library."""

    #: What all streams of this run share.
    run: Run

    def records(self, stream: str) -> Iterator[dict[str, Any]]:
        """Read a stream's records; write nothing to standard output.

        The records are those that the command would write, one dictionary each. Numbers are ``int``
        or ``Decimal``, as exact as in the response. ``state`` advances as the records are consumed:
        it covers the days whose records have all been consumed. A second reading continues there.

        Args:
            stream: The name of a stream, whether or not it is selected by default.

        Returns:
            The records. The first request is sent when the first record is consumed.

        Raises:
            ValueError: If there is no such stream.
        """
        if stream not in self.streams:
            message = f"There is no stream {stream!r}. There are: {', '.join(self.streams)}."
            raise ValueError(message)
        return self._records(self.streams[stream])

    def _records(self, stream: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
        stream.selected = True
        if isinstance(stream, FullTableStream):
            stream.is_library = True
        try:
            yield from records_without_messages(stream)
        except Exception as error:
            self.run.redactor.redact_error(error)
            raise

    def read_streams(self, failures: dict[str, Exception]) -> None:
        """Sync all selected streams; one that fails does not keep the others from being read.

        Args:
            failures: Gets the errors of streams that fail, by name.

        Raises:
            RequestError: If a stream failed, and no other stream could be read either.
        """
        self.run.failures = failures
        self.sync_all()

    def sync_streams(self) -> None:
        """Sync all selected streams; one that fails does not keep the others from being read.

        Raises:
            RequestError: If a stream failed, once all others have been read; or at once, if no
                other stream could be read either.
        """
        failures: dict[str, Exception] = {}
        self.read_streams(failures)
        if failures:
            reasons = " ".join(map(str, failures.values()))
            if not any(
                stream.selected and not isinstance(stream, ControlTotals)
                for name, stream in self.streams.items()
                if name not in failures
            ):
                raise RequestError(reasons)
            message = (
                f"{reasons} All other streams were read. To read without {' or '.join(failures)}, "
                f"add '!{next(iter(failures))}.*' to select in meltano.yml, or set selected to "
                "false in the catalog."
            )
            raise RequestError(message)

    @classmethod
    def test_streams(cls, **arguments: Any) -> Iterator[tuple[str, RequestError | None]]:  # noqa: ANN401
        """Test every stream with one request.

        Args:
            arguments: The arguments of the tap, but for the catalog.

        Yields:
            The name of each stream, and the error if it cannot be read.

        Raises:
            RequestError: If no other stream would fare better.
        """
        catalog = cls(**arguments).catalog
        for entry in catalog.streams:
            entry.metadata.root.selected = True
        tap = cls(**arguments, catalog=catalog)
        tap.handle_signals()
        # In the order of the tap's own list; the SDK sorts streams by name.
        streams = tap.discover_streams()
        names = [each.name for each in streams if not isinstance(each, ControlTotals)]
        loggers = [tap.metrics_logger, *(tap.streams[name].logger for name in names)]
        with _only_warnings(loggers):
            for name in names:
                try:
                    tap.run_sync_dry_run(streams=[tap.streams[name]])
                except RequestError as error:
                    tap.run.redactor.redact_error(error)
                    is_refusal = isinstance(error.__cause__, TokenRefusedError)
                    if ends_the_run(error) or (
                        isinstance(error.__cause__, RETRIABLE_ERRORS) and not is_refusal
                    ):
                        # No other stream would fare better.
                        raise
                    yield name, error
                else:
                    yield name, None

    def handle_signals(self) -> None:
        """Make SIGINT and SIGTERM end the run after the current line of output."""
        # The state of every finished window is written; an interrupted run must not exit with 0.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: STDOUT.handle_signal(number))


@contextlib.contextmanager
def _only_warnings(loggers: Iterable[Any]) -> Iterator[None]:
    """Log no less than warnings, unless debugging, and set the levels back in the end."""
    # In SDK 0.55, the logger of a stream is an adapter of another.
    plain: list[logging.Logger] = [getattr(logger, "logger", logger) for logger in loggers]
    levels = [logger.level for logger in plain]
    for logger in plain:
        if not logger.isEnabledFor(logging.DEBUG):
            logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(plain, levels, strict=True):
            logger.setLevel(level)

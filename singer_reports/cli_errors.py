"""Logs in a sentence how a run ended, and sets the exit code."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import click
from singer_sdk.exceptions import ConfigValidationError, MappingError
from singer_sdk.logging import StructuredFormatter

from singer_reports.config.expressions import ExpressionError
from singer_reports.http.errors import RequestError
from singer_reports.output.stderr import let_go_of_stderr
from singer_reports.output.stdout import OutputError, SignalExit, require_stdout, stdout_errors
from singer_reports.sdk_internals import SingerCommand

if TYPE_CHECKING:
    from collections.abc import Iterator


class TapCommand(SingerCommand):
    """The SDK's command, which logs every error as a sentence and exits with 1."""

    def make_context(self, *args: Any, **options: Any) -> click.Context:  # noqa: ANN401
        """Read the options; some of them only print, and do so here."""
        require_stdout()
        with stdout_errors():
            return super().make_context(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401
        """Run; end without a traceback when the target stops reading."""
        logging.captureWarnings(capture=True)
        printing = stdout_errors() if ctx.params["about"] else contextlib.nullcontext()
        try:
            with printing:
                # Not the SDK's own, which logs some errors by itself and others with a traceback.
                return click.Command.invoke(self, ctx)
        except BrokenPipeError:
            discard_output()
            if not ctx.params["about"]:
                self.logger.error("The target stopped reading. Its own messages say why.")  # noqa: TRY400
            ctx.exit(1)

    def main(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        """Run; log an error as a sentence, and its traceback only at DEBUG."""
        try:
            return self._run(*args, **options)
        finally:
            let_go_of_stderr()

    def _run(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        try:
            with _flushed_stdout():
                return super().main(*args, **options)
        except SignalExit as ending:
            discard_output()
            ignore_signals()
            name = signal.Signals(ending.number).name
            self.logger.warning(
                "Ended by %s. The next run goes on after the last finished day.", name
            )
            raise
        except ConfigValidationError as error:
            self._log_last(logging.ERROR, sentence(error))
        except OutputError as error:
            discard_output()
            self._log_last(logging.CRITICAL, sentence(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends the run and is logged
            debugging = self.logger.isEnabledFor(logging.DEBUG)
            self._log_last(logging.CRITICAL, sentence(error), exc_info=debugging)
        sys.exit(1)

    def _log_last(self, level: int, text: str, *, exc_info: bool = False) -> None:
        """Log how the run ended."""
        # `meltano config test` sets a JSON log, mixes it with the messages and shows the last line
        # unchanged, so that line is written as plain text.
        if _is_log_among_messages():
            for handler in logging.getLogger().handlers:
                if isinstance(handler.formatter, StructuredFormatter):
                    handler.setFormatter(logging.Formatter("%(message)s"))
        self.logger.log(level, "%s", text, exc_info=exc_info)


def _is_log_among_messages() -> bool:
    """Return whether standard output and standard error are the same file or pipe."""
    try:
        return os.path.sameopenfile(1, 2)
    except OSError:  # One of them is closed.
        return False


@contextlib.contextmanager
def _flushed_stdout() -> Iterator[None]:
    """Write all that is printed before the run ends well; later, an error would not be noticed."""
    try:
        yield
    except SystemExit as ending:
        if not ending.code and sys.stdout:
            with stdout_errors():
                sys.stdout.flush()
        raise


def ignore_signals() -> None:
    """Ignore further signals while the last line is logged and Python ends."""
    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGALRM", None)):
        if number is not None:
            signal.signal(number, signal.SIG_IGN)


def discard_output() -> None:
    """Drop what is buffered: it cannot be written, and Python would complain about it at exit."""
    if sys.stdout:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def sentence(error: Exception) -> str:
    """Describe an error that ends a run."""
    text = str(error)
    if isinstance(error, ExpressionError | OutputError | RequestError):
        return text
    if isinstance(error, ConfigValidationError):
        # The text of the taps' own errors contains all problems, that of the SDK's does not.
        return " ".join([*(problem for problem in error.errors if problem not in text), text])
    text = text.rstrip(".")
    if isinstance(error, MappingError):
        reason = f": {error.__cause__}" if error.__cause__ else ""
        return f"stream_maps cannot be used. {text}{reason}."
    return f"{type(error).__name__}: {text}. With LOGLEVEL=DEBUG the log shows where."

"""The command line of a tap: errors are told, not dumped."""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any

import click
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.plugin_base import SingerCommand

from singer_reports.errors import RequestFailed


class TapCommand(SingerCommand):
    """The SDK's command, which tells every error in a sentence and with exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401
        """Run, and stop quietly when nobody reads any more."""
        logging.captureWarnings(capture=True)
        try:
            # Not the SDK's own, which tells some errors by itself and others with a traceback.
            return click.Command.invoke(self, ctx)
        except BrokenPipeError:
            # What is still buffered has nowhere to go; Python would complain of it at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self.logger.error("The target stopped reading. Its own messages say why.")  # noqa: TRY400
            ctx.exit(1)

    def main(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        """Run, and tell what went wrong: the traceback comes with debugging only."""
        try:
            return super().main(*args, **options)
        except ConfigValidationError as error:
            for problem in error.errors:
                self.logger.error(problem)  # noqa: TRY400
            self.logger.error(error)  # noqa: TRY400
        except Exception as error:
            debugging = self.logger.isEnabledFor(logging.DEBUG)
            self.logger.critical("%s", _sentence(error), exc_info=debugging)
        sys.exit(1)


def _sentence(error: Exception) -> str:
    if isinstance(error, RequestFailed):
        return str(error)
    if isinstance(error, json.JSONDecodeError):
        return f"The file given as --catalog or --state is not JSON: {error}."
    return f"{type(error).__name__}: {error}. With LOGLEVEL=DEBUG the log shows where."

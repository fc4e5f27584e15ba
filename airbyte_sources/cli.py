"""The command line of a source: its commands, the files they name, and exit codes."""

from __future__ import annotations

import logging
import signal
import sys
from typing import TYPE_CHECKING, Any

import click

from airbyte_sources import messages
from airbyte_sources.errors import failure_type
from airbyte_sources.logs import log_to_stdout, redacted
from airbyte_sources.source import ProtocolSource
from singer_reports.cli_errors import discard_output, ignore_signals, sentence
from singer_reports.config.json_files import read_json
from singer_reports.output.stderr import let_go_of_stderr, open_stderr
from singer_reports.output.stdout import STDOUT, OutputError, SignalExit, require_stdout

if TYPE_CHECKING:
    from collections.abc import Callable

_CONFIG = click.option("--config", required=True, metavar="FILE", help="The settings, in JSON.")
_CATALOG = click.option(
    "--catalog", required=True, metavar="FILE", help="The configured catalog, in JSON."
)
_STATE = click.option("--state", metavar="FILE", help="The state of the last sync, in JSON.")
_DEBUG = click.option("--debug", is_flag=True, help="Log more.")


class Source(ProtocolSource):
    """A source with a command line."""

    def cli(self) -> None:
        """Run the command that the arguments name."""
        open_stderr()
        self._commands()(prog_name=self.name)

    def _commands(self) -> click.Group:
        group = click.Group(help="An Airbyte source; each command writes messages in JSON.")

        def add(function: Callable[..., None], *options: Callable[..., Any]) -> None:
            for option in (*options, _DEBUG):
                function = option(function)
            group.command()(function)

        def spec(*, debug: bool) -> None:
            """Write which settings there are."""
            self._run(self.spec, debug=debug)

        def check(*, config: str, debug: bool) -> None:
            """Write whether the settings are right and the API can be read."""
            self._run(lambda: self.check(read_json(config)), debug=debug)

        def discover(*, config: str, debug: bool) -> None:
            """Write which streams there are."""
            self._run(lambda: self.discover(read_json(config)), debug=debug)

        def read(*, config: str, catalog: str, state: str | None, debug: bool) -> None:
            """Write the records of the streams in the configured catalog."""

            def run() -> bool:
                before = read_json(state) if state else None
                return self.read(read_json(config), read_json(catalog), before)

            self._run(run, debug=debug)

        add(spec)
        add(check, _CONFIG)
        add(discover, _CONFIG)
        add(read, _CONFIG, _CATALOG, _STATE)
        return group

    def _run(self, command: Callable[[], bytes | bool], *, debug: bool) -> None:
        """Run a command; end with 0 unless it fails or returns ``False``.

        Args:
            command: Returns its last message, or whether all could be read.
            debug: Whether to log more.
        """
        try:
            require_stdout()
            log_to_stdout(self.tap.name, debug=debug)
            ending = _ending(command)
            # Nothing is left to do, and some readers end a command once they have its answer.
            ignore_signals()
            if isinstance(ending, bytes):
                STDOUT.write(ending)
        except SignalExit as ended:
            name = signal.Signals(ended.number).name
            text = f"Ended by {name}. The next sync goes on after the last finished day."
            # Another signal still ends the run if nobody reads these last messages.
            if STDOUT.is_whole:
                STDOUT.write(messages.log("WARN", text))
            ignore_signals()
            _end(text)
            raise
        except BrokenPipeError:
            _end("The reader of the messages has gone away. Its own log says why.")
            sys.exit(1)
        except OutputError as error:
            _end(str(error))
            sys.exit(1)
        finally:
            let_go_of_stderr()
        sys.exit(0 if ending else 1)


def _ending(command: Callable[[], bytes | bool]) -> bytes | bool:
    """Run a command; if it fails, write why and return ``False``."""
    try:
        return command()
    except (BrokenPipeError, OutputError):
        raise
    except Exception as error:
        logging.getLogger(__name__).debug("It failed here:", exc_info=error)
        STDOUT.write(messages.error(redacted(sentence(error)), failure_type(error)))
        return False


def _end(text: str) -> None:
    """Say why there are no more messages where they do not go, and drop what is buffered."""
    click.echo(text, err=True)
    discard_output()

"""The command line of a tap: errors are told, not dumped."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import Any, ClassVar

import click
from singer_sdk import Tap
from singer_sdk.cli import plugin_cli
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.plugin_base import PluginBase, SingerCommand, _ConfigInput
from singer_sdk.tap_base import CliTestOptionValue

from singer_reports import problems
from singer_reports.errors import TRANSIENT, RequestFailed
from singer_reports.inputs import JsonFile, Unreadable, read_json
from singer_reports.library import LibraryTap
from singer_reports.lines import EndedBySignal


class TapCommand(SingerCommand):
    """The SDK's command, which tells every error in a sentence and with exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401
        """Run, and stop quietly when nobody reads any more."""
        logging.captureWarnings(capture=True)
        try:
            # Not the SDK's own, which tells some errors by itself and others with a traceback.
            return click.Command.invoke(self, ctx)
        except BrokenPipeError:
            _drop_what_is_buffered()
            self.logger.error("The target stopped reading. Its own messages say why.")  # noqa: TRY400
            ctx.exit(1)

    def main(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        """Run, and tell what went wrong: the traceback comes with debugging only."""
        try:
            return super().main(*args, **options)
        except EndedBySignal as ending:
            _drop_what_is_buffered()
            # All that is left is to say so, and an echo of the signal must not disturb that.
            for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGALRM", None)):
                if number is not None:
                    signal.signal(number, signal.SIG_IGN)
            name = signal.Signals(ending.number).name
            self.logger.warning(
                "Ended by %s; the next run goes on after the last finished days", name
            )
            raise
        except ConfigValidationError as error:
            for problem in error.errors or [str(error)]:
                self.logger.error(problem)  # noqa: TRY400
            self.logger.error(problems.REFUSED)  # noqa: TRY400
        except Exception as error:
            debugging = self.logger.isEnabledFor(logging.DEBUG)
            self.logger.critical("%s", _sentence(error), exc_info=debugging)
        sys.exit(1)


def _drop_what_is_buffered() -> None:
    # It has nowhere to go if the target has ended, and Python would complain of it at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _sentence(error: Exception) -> str:
    if isinstance(error, RequestFailed):
        return str(error)
    return f"{type(error).__name__}: {error}. With LOGLEVEL=DEBUG the log shows where."


class CommandTap(LibraryTap):
    """A tap whose command reads its files, and says of each that cannot be read why."""

    @plugin_cli
    def cli(cls) -> click.Command:  # noqa: N805 - the SDK's decorator hands over the class
        """Make the command, with the log that the environment asks for."""
        try:
            command: click.Command = PluginBase.__dict__["cli"].method(cls)
        except ValueError as error:
            variables = f"{cls._env_var_prefix}LOGLEVEL, LOGLEVEL and SINGER_SDK_LOG_CONFIG"
            sys.exit(f"There can be no log: {str(error).rstrip('.')}. Correct {variables}.")
        return command

    @classmethod
    def cb_config(
        cls,
        ctx: click.Context,  # noqa: ARG003
        param: click.Option,  # noqa: ARG003
        value: tuple[str, ...],
    ) -> _ConfigInput:
        """Read the settings files, and name each that cannot be read.

        Raises:
            ConfigValidationError: If one cannot.
        """
        config: dict[str, Any] = {}
        unreadable = []
        for path in value:
            # Once, since it may be a pipe.
            content = {} if path == "ENV" else read_json(path)
            if isinstance(content, dict):
                config |= content
            elif isinstance(content, Unreadable):
                unreadable.append(f"The settings in {content}")
            else:
                shown = problems.shown(content)
                unreadable.append(
                    f"The settings in {path} must be an object, written {{…}}, not {shown}."
                )
        if unreadable:
            raise ConfigValidationError(" ".join(unreadable), errors=unreadable)
        return _ConfigInput(config, parse_env="ENV" in value)

    #: The setting that says what may be read.
    credential: ClassVar[str]

    @classmethod
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Ask once for each stream, and say which may be read with this credential."""
        if value != CliTestOptionValue.All.value:
            super().cb_test(ctx, param, value)
            return
        given: _ConfigInput = ctx.params.get("config") or _ConfigInput()
        settings: dict[str, Any] = {"config": given.config, "parse_env_config": given.parse_env}
        catalog = cls(**settings).catalog
        for entry in catalog.streams:
            entry.metadata.root.selected = True
        tap = cls(**settings, catalog=catalog)
        tap.handle_signals()
        # In the tap's own order: one stream may ask by what another has read.
        names = [stream.name for stream in tap.discover_streams()]
        refused = []
        for name in names:
            try:
                tap.run_sync_dry_run(streams=[tap.streams[name]])
            except RequestFailed as error:
                tap.redactor.redact_error(error)
                if isinstance(error.__cause__, TRANSIENT):
                    # No other stream would fare better.
                    raise
                cls.logger.error(error)  # noqa: TRY400
                refused.append(name)
        if read := [name for name in names if name not in refused]:
            cls.logger.info("This %s reads %s.", cls.credential, ", ".join(read))
        if refused:
            cls.logger.error("This %s does not read %s.", cls.credential, ", ".join(refused))
        ctx.exit(1 if refused else 0)

    @classmethod
    def invoke(
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        **inputs: Any,  # noqa: ANN401
    ) -> None:
        """Run, with a catalog and a state that have been read already."""
        super(Tap, cls).invoke(about=about, about_format=about_format)
        cls.print_version(print_fn=cls.logger.info)
        config = config or _ConfigInput()
        if not (config.config or config.parse_env):
            told = cls._how_to_give_settings()
            raise ConfigValidationError(told, errors=[told])
        tap = cls(config=config.config, parse_env_config=config.parse_env, **inputs)
        tap.handle_signals()
        try:
            tap.sync_all()
        except Exception as error:
            tap.redactor.redact_error(error)
            raise

    @classmethod
    def _how_to_give_settings(cls) -> str:
        needed = cls.config_jsonschema["required"]
        variables = [cls._env_var_prefix + name.upper() for name in needed]
        return (
            f"There are no settings. Write {', '.join(needed)} into a JSON file and name it with "
            f"--config, or set {', '.join(variables)} and give --config=ENV."
        )

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Make the command line of the SDK, which tells errors without a traceback."""
        command = super().get_singer_command()
        for parameter in command.params:
            if parameter.name in {"catalog", "state"}:
                parameter.type = JsonFile()
        return TapCommand(
            name=command.name,
            callback=command.callback,
            params=command.params,
            context_settings=command.context_settings,
            help=command.help,
            logger=cls.logger,
        )

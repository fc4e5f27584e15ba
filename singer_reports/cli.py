"""The command line of a tap: its options, and the files they name."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, cast

import click
from singer_sdk import Tap
from singer_sdk.cli import plugin_cli

from singer_reports.cli_errors import TapCommand
from singer_reports.config.json_files import JsonFile, StateFile, Unreadable, read_json
from singer_reports.config.messages import invalid_config_error, quote_value
from singer_reports.http.errors import (
    RETRIABLE_ERRORS,
    ConnectionFailedError,
    RequestError,
    TokenRefusedError,
)
from singer_reports.library import LibraryTap
from singer_reports.output.stderr import open_stderr
from singer_reports.sdk_internals import ConfigInput


@dataclass
class Settings(ConfigInput):
    """The settings files as they were read."""

    #: Why files could not be read, a sentence each.
    problems: list[str] = field(default_factory=list)


class CommandTap(LibraryTap):
    """A tap whose command reads its files, and says of each that cannot be read why."""

    @plugin_cli
    def cli(cls) -> click.Command:  # noqa: N805 - the SDK's decorator hands over the class
        """Make the command, with the log that the environment asks for."""
        open_stderr()
        try:
            command: click.Command = super().cli
        except ValueError as error:
            variables = f"{cls.environment_prefix()}LOGLEVEL, LOGLEVEL and SINGER_SDK_LOG_CONFIG"
            sys.exit(f"Cannot configure logging: {str(error).rstrip('.')}. Correct {variables}.")
        return command

    @classmethod
    def cb_config(
        cls,
        ctx: click.Context,  # noqa: ARG003
        param: click.Option,  # noqa: ARG003
        value: tuple[str, ...],
    ) -> Settings:
        """Read the settings files; those that cannot be read become problems."""
        settings = Settings(parse_env="ENV" in value)
        for path in value:
            # Once, since it may be a pipe.
            content = {} if path == "ENV" else read_json(path)
            if isinstance(content, dict):
                settings.config |= content
            elif isinstance(content, Unreadable):
                settings.problems.append(f"The settings in {content}")
            else:
                shown = quote_value(content)
                settings.problems.append(
                    f"The settings in {path} must be an object, written {{…}}, not {shown}."
                )
        return settings

    @classmethod
    def _arguments(cls, settings: Settings | None) -> dict[str, Any]:
        """Make the tap's arguments from the settings files."""
        settings = settings or Settings()
        if not (settings.config or settings.parse_env or settings.problems):
            settings.problems = [cls._how_to_give_settings()]
        return {
            "config": settings.config,
            "parse_env_config": settings.parse_env,
            "settings_errors": settings.problems,
        }

    @classmethod
    def cb_discover(cls, ctx: click.Context, param: click.Option, value: bool) -> None:  # noqa: FBT001
        """List the streams, unless a settings file cannot be read: it may hold reports."""
        settings: Settings | None = ctx.params.get("config")
        if value and settings and settings.problems:
            raise invalid_config_error(settings.problems)
        super().cb_discover(ctx, param, value)

    #: The setting that says what may be read.
    credential_setting: ClassVar[str]

    @classmethod
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:  # noqa: ARG003
        """Ask once for each stream, and say which may be read with this credential."""
        if value == "disabled":
            return
        arguments = cls._arguments(ctx.params.get("config"))
        if value == "schema":
            cls(**arguments).write_schemas()
            ctx.exit()
        with contextlib.ExitStack() as stack:
            if sys.stdout.isatty():
                # Nobody wants to read the messages before the sentence at the end.
                nowhere = stack.enter_context(Path(os.devnull).open("w"))
                stack.enter_context(contextlib.redirect_stdout(nowhere))
            is_whole = cls._test_streams(arguments)
        ctx.exit(0 if is_whole else 1)

    @classmethod
    def _test_streams(cls, arguments: dict[str, Any]) -> bool:
        """Ask once for each stream, and report whether all of them may be read."""
        catalog = cls(**arguments).catalog
        for entry in catalog.streams:
            entry.metadata.root.selected = True
        tap = cls(**arguments, catalog=catalog)
        tap.handle_signals()
        # In the tap's own order: one stream may ask by what another has read.
        names = [stream.name for stream in tap.discover_streams()]
        for logger in (tap.metrics_logger, *(tap.streams[name].logger for name in names)):
            if not logger.isEnabledFor(logging.DEBUG):
                logger.setLevel(logging.WARNING)
        refused = []
        for name in names:
            try:
                tap.run_sync_dry_run(streams=[tap.streams[name]])
            except RequestError as error:
                tap.run.redactor.redact_error(error)
                is_refusal = isinstance(error.__cause__, TokenRefusedError)
                if not is_refusal and isinstance(
                    error.__cause__, (*RETRIABLE_ERRORS, ConnectionFailedError)
                ):
                    # No other stream would fare better.
                    raise
                cls.logger.error(error)  # noqa: TRY400
                refused.append(name)
        if read := [name for name in names if name not in refused]:
            cls.logger.info("This %s reads %s.", cls.credential_setting, ", ".join(read))
        if refused:
            cls.logger.error(
                "This %s does not read %s.", cls.credential_setting, ", ".join(refused)
            )
        return not refused

    @classmethod
    def invoke(
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: ConfigInput | None = None,
        **inputs: Any,  # noqa: ANN401
    ) -> None:
        """Run, with a catalog and a state that have been read already."""
        super(Tap, cls).invoke(about=about, about_format=about_format)
        cls.print_version(print_fn=cls.logger.info)
        tap = cls(**cls._arguments(cast("Settings | None", config)), **inputs)
        tap.handle_signals()
        try:
            tap.sync_all()
        except Exception as error:
            tap.run.redactor.redact_error(error)
            raise

    @classmethod
    def _how_to_give_settings(cls) -> str:
        needed = cls.config_jsonschema["required"]
        variables = [cls.environment_prefix() + name.upper() for name in needed]
        return (
            f"There are no settings. Write {', '.join(needed)} into a JSON file and name it with "
            f"--config, or set {', '.join(variables)} and give --config=ENV."
        )

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Make the command line of the SDK, which tells errors without a traceback."""
        command = super().get_singer_command()
        for parameter in command.params:
            if parameter.name == "catalog":
                parameter.type = JsonFile()
            elif parameter.name == "state":
                parameter.type = StateFile()
            elif parameter.name == "test":
                parameter.type = click.Choice(["all", "schema", "disabled"])
        return TapCommand(
            name=command.name,
            callback=command.callback,
            params=command.params,
            context_settings=command.context_settings,
            help=command.help,
            logger=cls.logger,
        )

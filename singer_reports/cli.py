"""The command line of a tap: its options, and the files they name."""

from __future__ import annotations

import contextlib
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
from singer_reports.config.log_config import (
    LOG_CONFIG,
    describe_log_error,
    drop_empty_log_variables,
    missing_log_config,
)
from singer_reports.config.messages import invalid_config_error, quote_value
from singer_reports.library import LibraryTap
from singer_reports.output.stderr import open_stderr
from singer_reports.sdk_internals import ConfigInput


@dataclass
class Settings(ConfigInput):
    """The merged content of the settings files."""

    #: One sentence per file that cannot be used.
    problems: list[str] = field(default_factory=list)


class CommandTap(LibraryTap):
    """A tap with a command line, which reports every file that cannot be read."""

    @plugin_cli
    def cli(cls) -> click.Command:  # noqa: N805 - the SDK's decorator hands over the class
        """Return the command, with logging configured from the environment."""
        open_stderr()
        drop_empty_log_variables()
        reason = missing_log_config()
        if reason is None:
            try:
                command: click.Command = super().cli
            except Exception as error:  # noqa: BLE001 - files may make logging fail in any way
                reason = describe_log_error(error)
            else:
                return command
        variables = f"{cls.environment_prefix()}LOGLEVEL, LOGLEVEL and {LOG_CONFIG}"
        sys.exit(f"Cannot configure logging: {reason}. Correct {variables}.")

    @classmethod
    def cb_config(
        cls,
        ctx: click.Context,  # noqa: ARG003
        param: click.Option,  # noqa: ARG003
        value: tuple[str, ...],
    ) -> Settings:
        """Read the settings files, and collect errors about those that cannot be used."""
        settings = Settings(parse_env="ENV" in value)
        for path in value:
            # Read only once: it may be a pipe.
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
        """Return the tap's arguments, from the settings files."""
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
        """List the streams, unless a settings file is unreadable: it may define further streams."""
        settings: Settings | None = ctx.params.get("config")
        if value and settings and settings.problems:
            raise invalid_config_error(settings.problems)
        super().cb_discover(ctx, param, value)

    #: The setting that holds the credential; messages name it.
    credential_setting: ClassVar[str]

    @classmethod
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:  # noqa: ARG003
        """Test every stream, and log which of them the credential can read."""
        if value == "disabled":
            return
        arguments = cls._arguments(ctx.params.get("config"))
        if value == "schema":
            cls(**arguments).write_schemas()
            ctx.exit()
        with contextlib.ExitStack() as stack:
            if sys.stdout.isatty():
                # On a terminal, the messages would hide the result.
                nowhere = stack.enter_context(Path(os.devnull).open("w"))
                stack.enter_context(contextlib.redirect_stdout(nowhere))
            is_whole = cls._test_streams(arguments)
        ctx.exit(0 if is_whole else 1)

    @classmethod
    def _test_streams(cls, arguments: dict[str, Any]) -> bool:
        """Test every stream, and return whether all of them can be read."""
        read, refused = [], []
        for name, error in cls.test_streams(**arguments):
            if error is None:
                read.append(name)
            else:
                cls.logger.error(error)
                refused.append(name)
        if read:
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
        """Run the tap; catalog and state are the contents of the files, not their paths."""
        super(Tap, cls).invoke(about=about, about_format=about_format)
        cls.print_version(print_fn=cls.logger.info)
        tap = cls(**cls._arguments(cast("Settings | None", config)), **inputs)
        tap.handle_signals()
        try:
            tap.sync_streams()
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
        """Return the SDK's command, changed to report errors without a traceback."""
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

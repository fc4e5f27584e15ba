"""What every tap of this house is: a clock, connections, settings checked and errors told."""

from __future__ import annotations

import datetime
import os
import signal
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import requests
from requests.adapters import HTTPAdapter
from singer_sdk import Tap
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers.capabilities import EMIT_ACTIVATE_VERSION_CONFIG
from singer_sdk.plugin_base import JSONSchemaValidator
from singer_sdk.singerlib import Schema

from singer_reports import dates, problems
from singer_reports.command import TapCommand
from singer_reports.errors import Redactor
from singer_reports.fetch import RateBudget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from zoneinfo import ZoneInfo

    import click


CONFIG_REFUSED = "Nothing was read: correct the settings above and run again."


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class ReportTap(Tap):
    """A tap of dated reports: one clock reading, one set of connections, one rate budget a run."""

    package_name = "ad-taps"
    message_writer_class = MsgSpecWriter
    #: Tells the time, once a run; tests set another.
    clock: ClassVar[Callable[[], datetime.datetime]] = staticmethod(_now)

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        """Check the settings and open what the streams share; nothing is sent yet."""
        self.now = type(self).clock()
        #: Whether a record has been written since the last state was.
        self.records_since_state = False
        self._reads_environment = bool(options.get("parse_env_config"))
        try:
            super().__init__(**options)
        except ValueError:
            # The SDK does not say which variable it could not read.
            if found := self._environment_problems():
                raise ConfigValidationError(CONFIG_REFUSED, errors=found) from None
            raise
        self.budget = RateBudget(self.config.get("requests_per_minute"))
        self.session = requests.Session()
        user_agent = self.config.get("user_agent") or f"{self.name}/{self.plugin_version}"
        self.session.headers["User-Agent"] = str(user_agent)
        adapter = HTTPAdapter(pool_maxsize=self.config.get("max_concurrency", 1))
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, adapter)
        # A session that sends prepared requests does not look for REQUESTS_CA_BUNDLE by itself.
        environment = self.session.merge_environment_settings("", {}, None, None, None)
        self.session.verify = environment["verify"]

    # Catalog

    def setup_mapper(self) -> None:
        """Complete the user's catalog before anything is made from it.

        A catalog written by hand may lack the keys, and without them every row would be a new one;
        one written by an older version lacks the fields added since.
        """
        if self.input_catalog is not None:
            for stream in self.discover_streams():
                if entry := self.input_catalog.get_stream(stream.name):
                    entry.key_properties = list(stream.primary_keys)
                    entry.replication_key = stream.replication_key
                    fields = Schema.from_dict(stream.schema).properties or {}
                    entry.schema.properties = {**fields, **(entry.schema.properties or {})}
        super().setup_mapper()

    # Days

    @property
    def zone(self) -> ZoneInfo | datetime.timezone:
        """The time zone of the API's days."""
        return datetime.UTC

    @property
    def today(self) -> datetime.date:
        """The API's current day, as it was when the run started."""
        return dates.today(self.now, self.zone)

    def day_setting(self, name: str) -> datetime.date | None:
        """Read a setting that holds a day, if it is set."""
        text = self.config.get(name)
        return None if text is None else dates.parse_day(text, self.zone)

    # Settings

    def problems(self, flawed: set[str]) -> Iterator[str]:
        """Say what is wrong with the settings beyond what their schema can say.

        Args:
            flawed: Settings that have a problem already, about which nothing more can be said.

        Yields:
            A sentence a problem.
        """
        days = {}
        for name in ("start_date", "end_date"):
            if name not in flawed:
                try:
                    days[name] = self.day_setting(name)
                except ValueError:
                    text = self.config[name]
                    yield f"{name} must be a day such as 2024-01-31, or a date-time, not {text!r}."
        start, end = days.get("start_date"), days.get("end_date")
        if start and end and start > end:
            yield f"start_date {start} is after end_date {end}, so there would be nothing to read."

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        # An empty setting is a setting left alone, so that its default counts.
        self._config = {name: value for name, value in self._config.items() if value is not None}
        secrets = (self._config.get(name) for name in problems.secret_settings(schema))
        self.redactor = Redactor(str(secret) for secret in secrets if secret)
        self.redactor.guard_all()
        found = list(JSONSchemaValidator(schema).iter_errors(self._config))
        flawed = {str(step) for error in found for step in list(error.absolute_path)[:1]}
        #: What is wrong with the settings; kept for discovery, which goes on without the rest.
        self.found_problems = [
            *self._environment_problems(),
            *problems.describe(found, schema),
            *self.problems(flawed),
        ]
        if self.found_problems and raise_errors:
            raise ConfigValidationError(CONFIG_REFUSED, errors=self.found_problems, schema=schema)
        return self.found_problems

    def _environment_problems(self) -> list[str]:
        if not self._reads_environment:
            return []
        schema = self.config_jsonschema
        return list(problems.describe_environment(os.environ, self._env_var_prefix, schema))

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Add the SDK's own settings, with the one it reads and does not list."""
        super().append_builtin_config(config_jsonschema)
        for name, setting in EMIT_ACTIVATE_VERSION_CONFIG["properties"].items():
            config_jsonschema["properties"].setdefault(name, setting)

    @classmethod
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:  # noqa: ANN401
        """Read the settings files, and name each that cannot be read.

        Raises:
            ConfigValidationError: If one cannot.
        """
        unreadable = []
        for path in value:
            try:
                super().cb_config(ctx, param, (path,))
            except (OSError, TypeError, ValueError) as error:
                unreadable.append(
                    f"The settings in {path} cannot be read: {str(error).rstrip('.')}."
                )
        if unreadable:
            raise ConfigValidationError(CONFIG_REFUSED, errors=unreadable)
        return super().cb_config(ctx, param, value)

    # Endings

    def _handle_termination(self, signum: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG002
        # Every finished window has its state out, and a run that was cut short must not look whole.
        name = signal.Signals(signum).name
        self.logger.warning("Ended by %s; the next run goes on after the last finished days", name)
        raise SystemExit(128 + signum)

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Make the command line of the SDK, which tells errors without a traceback."""
        command = super().get_singer_command()
        return TapCommand(
            name=command.name,
            callback=command.callback,
            params=command.params,
            context_settings=command.context_settings,
            help=command.help,
            logger=cls.logger,
        )

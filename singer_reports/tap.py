"""What every tap of this house is: a clock, connections, settings checked and errors told."""

from __future__ import annotations

import datetime
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import requests
from requests.adapters import HTTPAdapter
from singer_sdk import Tap
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers.capabilities import EMIT_ACTIVATE_VERSION_CONFIG
from singer_sdk.plugin_base import JSONSchemaValidator, SingerCommand

from singer_reports import dates, settings
from singer_reports.errors import Redactor, RequestFailed
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
        super().__init__(**options)
        self.budget = RateBudget(self.config.get("requests_per_minute"))
        self.session = requests.Session()
        adapter = HTTPAdapter(pool_maxsize=self.config.get("max_concurrency", 1))
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, adapter)
        # A session that sends prepared requests does not look for REQUESTS_CA_BUNDLE by itself.
        environment = self.session.merge_environment_settings("", {}, None, None, None)
        self.session.verify = environment["verify"]

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
        secrets = (self._config.get(name) for name in settings.secret_settings(schema))
        self.redactor = Redactor(str(secret) for secret in secrets if secret)
        self.redactor.guard_all()
        found = list(JSONSchemaValidator(schema).iter_errors(self._config))
        flawed = {str(step) for error in found for step in list(error.absolute_path)[:1]}
        #: What is wrong with the settings; kept for discovery, which goes on without the rest.
        self.found_problems = [*settings.describe(found, schema), *self.problems(flawed)]
        if self.found_problems and raise_errors:
            raise ConfigValidationError(CONFIG_REFUSED, errors=self.found_problems, schema=schema)
        return self.found_problems

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Add the SDK's own settings, with the one it reads and does not list."""
        super().append_builtin_config(config_jsonschema)
        for name, setting in EMIT_ACTIVATE_VERSION_CONFIG["properties"].items():
            config_jsonschema["properties"].setdefault(name, setting)

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
        return _Command(
            name=command.name,
            callback=command.callback,
            params=command.params,
            context_settings=command.context_settings,
            help=command.help,
            logger=cls.logger,
        )


class _Command(SingerCommand):
    def main(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        try:
            return super().main(*args, **options)
        except ConfigValidationError as error:
            for problem in error.errors:
                self.logger.error(problem)  # noqa: TRY400
            self.logger.error(error)  # noqa: TRY400
        except BrokenPipeError:
            # What is still buffered has nowhere to go; Python would complain of it at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self.logger.error("The target stopped reading. Its own messages say why.")  # noqa: TRY400
        except Exception as error:
            debugging = self.logger.isEnabledFor(logging.DEBUG)
            self.logger.critical("%s", _sentence(error), exc_info=debugging)
        sys.exit(1)


def _sentence(error: Exception) -> str:
    if isinstance(error, RequestFailed):
        return str(error)
    return f"{type(error).__name__}: {error}. With LOGLEVEL=DEBUG the log shows where."

"""Base class of the taps: validates configuration, owns what all streams of a run share."""

from __future__ import annotations

import datetime
import os
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk.configuration._dict_config import parse_environment_config
from singer_sdk.exceptions import MappingError
from singer_sdk.helpers.capabilities import EMIT_ACTIVATE_VERSION_CONFIG
from singer_sdk.plugin_base import JSONSchemaValidator
from singer_sdk.singerlib import Catalog

from singer_reports import dates
from singer_reports.cli import CommandTap
from singer_reports.config.catalog import catalog_errors, fill_missing, selected_streams
from singer_reports.config.environment import connection_setting_errors, describe_environment
from singer_reports.config.messages import invalid_config_error, quote_value
from singer_reports.config.secrets import secret_values
from singer_reports.config.settings import date_errors, sdk_setting_errors
from singer_reports.config.state import state_errors
from singer_reports.config.stream_maps import map_errors
from singer_reports.config.validation import describe_errors
from singer_reports.http.rate_limit import RateLimiter
from singer_reports.http.session import make_session
from singer_reports.output.stdout import STDOUT, SignalSafeWriter
from singer_reports.redaction import Redactor
from singer_reports.streams.date_range import DateRangeStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType
    from zoneinfo import ZoneInfo

    from singer_sdk import Stream

CATALOG_FILLED_IN = (
    "The catalog lacks what the tap has, and was completed: %s. To choose for yourself, write a "
    "new one with --discover."
)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class ReportTap(CommandTap):
    """A tap of dated reports: one clock reading, session and rate limiter per run."""

    package_name = "ad-taps"
    message_writer_class = SignalSafeWriter
    #: Tells the time, once a run; tests set another.
    clock: ClassVar[Callable[[], datetime.datetime]] = staticmethod(_now)

    def __init__(  # noqa: PLR0913 - keyword arguments of the SDK, and one of the command's
        self,
        *,
        config: Mapping[str, Any] | None = None,
        catalog: Any = None,  # noqa: ANN401 - whatever the file holds
        state: Any = None,  # noqa: ANN401
        settings_errors: Sequence[str] = (),
        validate_config: bool = True,
        setup_mapper: bool = True,
        **options: Any,  # noqa: ANN401
    ) -> None:
        """Check what the user hands over and open what the streams share; nothing is sent yet.

        Args:
            config: The settings, which are not changed.
            catalog: What to read, as ``--discover`` writes it; ``None`` for what is read by
                default.
            state: What earlier runs have read.
            settings_errors: Why settings could not be read; all else is checked all the same.
            validate_config: Whether to refuse settings, catalogs and states that are wrong.
            setup_mapper: Whether anything will be read.
            options: What else the SDK takes.

        Raises:
            ConfigValidationError: If something is wrong; it holds all problems.
        """
        self.now = type(self).clock()
        #: Whether a record has been written since the last state was.
        self.records_since_state = False
        self._settings_errors = settings_errors
        self._environment_errors: list[str] = []
        super().__init__(
            config=dict(config or {}), validate_config=False, setup_mapper=False, **options
        )
        #: What a catalog lacked and has been given, in words.
        self.filled_in = ""
        found = [*self.config_errors, *self._load_catalog_and_state(catalog, state)]
        if setup_mapper and not found:
            found = self._mapping_errors()
        if found and validate_config:
            raise invalid_config_error([self.redactor.redact(error) for error in found])
        if self.filled_in:
            self.logger.warning(CATALOG_FILLED_IN, self.filled_in)
        self.rate_limiter = RateLimiter(
            self.config.get("requests_per_minute"), log=self.logger.info
        )
        self.session = make_session(
            str(self.config.get("api_url", "")),
            str(self.config.get("user_agent") or f"{self.name}/{self.plugin_version}"),
            self.config.get("max_concurrency", 1),
            self.redactor,
        )
        self.load_state(state or {})

    # What the user hands over

    def built_in_streams(self) -> Sequence[Stream]:
        """Make the streams that the tap has whatever its settings are."""
        return self.discover_streams()

    def _load_catalog_and_state(self, catalog: object, state: object) -> Iterator[str]:
        """Take the catalog and the state, or say what is wrong with them and with stream maps.

        Yields:
            A sentence per problem.
        """
        maps = self.config.get("stream_maps")
        if catalog is None and state is None and not maps:
            return
        # Without the user's reports, nobody can say which other streams there are.
        complete = not self._settings_errors and not any(
            error.startswith(("reports", f"{self._env_var_prefix}REPORTS"))
            for error in self.config_errors
        )
        streams = self.discover_streams() if complete else self.built_in_streams()
        wanted = [stream for stream in streams if stream.selected]
        if catalog is not None:
            given = catalog.to_dict() if isinstance(catalog, Catalog) else catalog
            found = list(catalog_errors(given, streams, complete=complete))
            yield from found
            if complete and not found and isinstance(given, dict):
                self._input_catalog, self.filled_in = fill_missing(given, streams)
                wanted = [stream for stream in self.streams.values() if stream.selected]
            elif names := selected_streams(given):
                wanted = [stream for stream in streams if stream.name in names]
        if state is not None:
            dated = [stream for stream in wanted if isinstance(stream, DateRangeStream)]
            yield from state_errors(state, dated, self.zone)
        if isinstance(maps, dict):
            yield from map_errors(maps, streams, complete=complete)

    def _mapping_errors(self) -> list[str]:
        """Make the stream maps, or say what the SDK finds wrong with them."""
        try:
            self.setup_mapper()
        except MappingError as error:
            return [f"stream_maps cannot be used: {str(error).rstrip('.')}."]
        return []

    # Days

    #: No API has anything before this day.
    earliest_day = datetime.date(2000, 1, 1)

    @property
    def zone(self) -> ZoneInfo | datetime.timezone:
        """The time zone of the API's days."""
        return datetime.UTC

    @property
    def today(self) -> datetime.date:
        """The API's current day, as it was when the run started."""
        return dates.today(self.now, self.zone)

    def date_setting(self, name: str) -> datetime.date | None:
        """Read a setting that holds a day, if it is set."""
        text = self.config.get(name)
        return None if text is None else dates.parse_day(text, self.zone)

    # Settings

    def find_config_errors(self, invalid_settings: set[str]) -> Iterator[str]:
        """Say what is wrong with the settings beyond what their schema can say.

        Args:
            invalid_settings: Settings that have a problem already, about which nothing more can be
                said.

        Yields:
            A sentence per problem.
        """
        days = {}
        for name in ("start_date", "end_date"):
            if name not in invalid_settings:
                try:
                    days[name] = self.date_setting(name)
                except (OverflowError, ValueError):
                    text = quote_value(self.config[name])
                    yield f"{name} must be a day such as 2024-01-31, or a date-time, not {text}."
        yield from connection_setting_errors(
            None if "api_url" in invalid_settings else self.config.get("api_url")
        )
        yield from sdk_setting_errors(self.config)
        yield from date_errors(days, self.earliest_day, self.today)

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:  # noqa: ARG002
        """Collect what is wrong with the settings; ``__init__`` raises it with all the rest."""
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        # An empty setting is a setting left alone, so that its default counts.
        self._config = {name: value for name, value in self._config.items() if value is not None}
        self.redactor = Redactor(secret_values(self._config, schema))
        self.redactor.install()
        found = [
            error
            for error in JSONSchemaValidator(schema).iter_errors(self._config)
            # What is missing may stand in a file that could not be read.
            if not (self._settings_errors and error.validator == "required" and not error.path)
        ]
        invalid_settings = {str(step) for error in found for step in list(error.absolute_path)[:1]}
        #: What is wrong with the settings; kept for discovery, which goes on without the rest.
        self.config_errors = [
            *self._settings_errors,
            *self._environment_errors,
            *describe_errors(found, schema),
            *self.find_config_errors(invalid_settings),
        ]
        return self.config_errors

    @property
    def _env_var_config(self) -> dict[str, Any]:
        # The SDK stops at the first variable it cannot read, and does not say which it is.
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        parse_environment_config({}, self._env_var_prefix)  # Looks for a file .env.
        found = describe_environment(os.environ, self._env_var_prefix, schema)
        self._environment_errors = list(found.values())
        readable = {
            name: setting for name, setting in schema["properties"].items() if name not in found
        }
        return parse_environment_config({"properties": readable}, self._env_var_prefix)

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Add the SDK's own settings, with the one it reads and does not list."""
        super().append_builtin_config(config_jsonschema)
        for name, setting in EMIT_ACTIVATE_VERSION_CONFIG["properties"].items():
            config_jsonschema["properties"].setdefault(name, setting)

    # Endings

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        # Every finished window has its state out, and a run that was cut short must not look whole.
        STDOUT.handle_signal(signum)

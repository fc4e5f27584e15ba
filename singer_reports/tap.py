"""Base class of the taps: validates configuration, owns what all streams of a run share."""

from __future__ import annotations

import copy
import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Stream
from singer_sdk.exceptions import MappingError
from singer_sdk.singerlib import Catalog

from singer_reports.cli import CommandTap
from singer_reports.config.catalog import catalog_errors, selected_streams
from singer_reports.config.catalog_schema import check_structure
from singer_reports.config.completed_catalog import complete_catalog, deselected_fields, first_of
from singer_reports.config.environment import connection_setting_errors, read_environment
from singer_reports.config.log_config import drop_empty_log_variables
from singer_reports.config.messages import ConfigError, invalid_config_error, quote_value
from singer_reports.config.secrets import secret_values
from singer_reports.config.settings import date_errors, sdk_setting_errors
from singer_reports.config.state import partition_errors, state_errors
from singer_reports.config.stream_maps import expression_errors, map_errors
from singer_reports.config.validation import describe_errors
from singer_reports.output.stdout import SignalSafeWriter
from singer_reports.redaction import Redactor
from singer_reports.run import Run
from singer_reports.sdk_internals import EMIT_ACTIVATE_VERSION_CONFIG, JSONSchemaValidator
from singer_reports.streams.date_range import DateRangeStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _is_divided(stream: Stream) -> bool:
    """Report whether the SDK may read a stream in partitions, or once per row of another stream."""
    overrides = getattr(type(stream), "partitions", None) is not Stream.partitions
    return overrides or stream.parent_stream_type is not None


class ReportTap(CommandTap):
    """A tap for reports by day: one clock reading, session and rate limiter per run."""

    package_name = "ad-taps"
    message_writer_class = SignalSafeWriter
    #: Returns the current time; called once per run, replaced by tests.
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
        """Validate settings, catalog and state, and create what the streams share.

        Args:
            config: The settings; not changed.
            catalog: The catalog, as ``--discover`` writes it; ``None`` selects the default streams.
            state: The state that an earlier run has written.
            settings_errors: Why settings could not be read; everything else is checked anyway.
            validate_config: Whether errors in settings, catalog and state are raised.
            setup_mapper: Whether records will be read.
            options: Further arguments of the SDK's tap.

        Raises:
            ConfigValidationError: If there are errors; it contains all of them.
        """
        drop_empty_log_variables()
        self._settings_errors = settings_errors
        self._environment_errors: list[ConfigError] = []
        super().__init__(
            config=copy.deepcopy(dict(config or {})),
            validate_config=False,
            setup_mapper=False,
            **options,
        )
        #: The user's catalog with missing parts filled in, and sentences about the changes.
        self._completed_catalog: Catalog | None = None
        self._catalog_warnings: list[str] = []
        found = [
            *settings_errors,
            *(error.message for error in self.config_errors),
            *self._load_catalog_and_state(catalog, state),
        ]
        if setup_mapper and not found:
            found = self._mapping_errors()
        if found and validate_config:
            raise invalid_config_error([self.run.redactor.redact(error) for error in found])
        for warning in self._catalog_warnings:
            self.logger.warning("%s", warning)
        self.run.connect()
        self.load_state(state or {})

    # Catalog, state and stream maps

    def built_in_streams(self) -> Sequence[Stream]:
        """Create the streams that do not depend on the settings."""
        return self.discover_streams()

    def _load_catalog_and_state(self, catalog: object, state: object) -> Iterator[str]:
        """Load the catalog, and check it, the state and the stream maps.

        Yields:
            One sentence per error.
        """
        maps = self.config.get("stream_maps")
        if catalog is None and state is None and not maps:
            return
        # With errors in the settings that define streams, not all streams are known.
        invalid = {error.setting for error in self.config_errors}
        complete = not self._settings_errors and invalid.isdisjoint(self.stream_settings)
        streams = self.discover_streams() if complete else self.built_in_streams()
        wanted = [stream for stream in streams if stream.selected]
        if catalog is not None:
            given = catalog.to_dict() if isinstance(catalog, Catalog) else catalog
            structure = check_structure(given)
            found = list(catalog_errors(structure, streams, complete=complete))
            yield from found
            if complete and not found and isinstance(given, dict):
                self._completed_catalog, self._catalog_warnings = complete_catalog(given, streams)
                wanted = [stream for stream in self.streams.values() if stream.selected]
                if self.config.get("batch_config") and (left_out := deselected_fields(wanted)):
                    yield (
                        "batch_config writes files of whole rows, and the catalog deselects "
                        f"{first_of(left_out)}: select all fields, or remove batch_config."
                    )
            elif names := selected_streams(structure.entries):
                wanted = [stream for stream in streams if stream.name in names]
        if state is not None:
            dated = [stream for stream in wanted if isinstance(stream, DateRangeStream)]
            yield from state_errors(state, dated, self.run.zone)
            undivided = [each.name for each in wanted if not _is_divided(each)]
            yield from partition_errors(state, undivided)
        if isinstance(maps, dict):
            yield from map_errors(maps, streams, complete=complete)

    @property
    def input_catalog(self) -> Catalog | None:
        """The user's catalog, with missing parts filled in."""
        return self._completed_catalog

    def _mapping_errors(self) -> list[str]:
        """Set up the stream maps, and return the error that the SDK finds, if any."""
        try:
            self.setup_mapper()
        except MappingError as error:
            return [f"stream_maps cannot be used: {str(error).rstrip('.')}."]
        selected = [stream for stream in self.streams.values() if stream.selected]
        return list(expression_errors(self.config.get("stream_maps", {}), selected))

    # Settings

    #: What lists the settings, in messages.
    settings_listed_by: ClassVar[str] = "--about"
    #: The settings that define further streams.
    stream_settings: ClassVar[frozenset[str]] = frozenset()
    #: The first day for which the API may have data.
    earliest_day = datetime.date(2000, 1, 1)

    @property
    def zone(self) -> ZoneInfo | datetime.timezone:
        """The time zone of the API's days."""
        return datetime.UTC

    def find_config_errors(self, invalid_settings: set[str]) -> Iterator[ConfigError]:
        """Find errors in the settings that their schema cannot express.

        Args:
            invalid_settings: Settings that already have an error; they are not checked again.

        Yields:
            Errors, each with its setting.
        """
        days = {}
        for name in ("start_date", "end_date"):
            if name not in invalid_settings:
                try:
                    days[name] = self.run.date_setting(name)
                except (OverflowError, ValueError):
                    text = quote_value(self.config[name])
                    yield ConfigError(
                        name,
                        f"{name} must be a day such as 2024-01-31, or a date-time, not {text}.",
                    )
        yield from connection_setting_errors(
            None if "api_url" in invalid_settings else self.config.get("api_url")
        )
        yield from sdk_setting_errors(self.config)
        yield from date_errors(days, self.earliest_day, self.run.today)

    def validate_settings(self, settings: dict[str, Any]) -> list[str]:
        """Fill in defaults, and collect errors; ``__init__`` raises them together with all others.

        Args:
            settings: The settings; changed in place.

        Returns:
            One sentence per error.
        """
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        # A setting that is null counts as not set, so that its default applies.
        for name in [name for name, value in settings.items() if value is None]:
            del settings[name]
        redactor = Redactor(secret_values(settings, schema))
        redactor.install()
        found = [
            error
            for error in JSONSchemaValidator(schema).iter_errors(settings)
            # A missing setting may be in a file that could not be read.
            if not (self._settings_errors and error.validator == "required" and not error.path)
        ]
        now = type(self).clock()
        self.run = Run(
            self, now=now, zone=self.zone, earliest_day=self.earliest_day, redactor=redactor
        )
        invalid_settings = {str(step) for error in found for step in list(error.absolute_path)[:1]}
        #: Errors in the settings; kept because discovery runs in spite of most of them.
        self.config_errors = [
            *self._environment_errors,
            *describe_errors(found, schema, listed_by=self.settings_listed_by),
            *self.find_config_errors(invalid_settings),
        ]
        return [error.message for error in self.config_errors]

    def read_environment(self) -> dict[str, Any]:
        """Read settings from environment variables, and collect errors about unreadable ones."""
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        settings, self._environment_errors = read_environment(self.environment_prefix(), schema)
        return settings

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Add the SDK's own settings, including the one that it reads but does not list."""
        super().append_builtin_config(config_jsonschema)
        for name, setting in EMIT_ACTIVATE_VERSION_CONFIG["properties"].items():
            config_jsonschema["properties"].setdefault(name, setting)

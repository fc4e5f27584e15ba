"""A source: what it does with the tap that it reads with."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import ConfigValidationError

from airbyte_sources import messages
from airbyte_sources.catalog import catalog_errors, discovered, select
from airbyte_sources.spec import own_settings, specification
from airbyte_sources.state import gone_streams, state_errors, tap_state
from airbyte_sources.writer import ProtocolWriter, Silence
from singer_reports.cli_errors import sentence
from singer_reports.config.json_files import Unreadable
from singer_reports.config.messages import invalid_config_error, quote_value
from singer_reports.http.errors import RequestError
from singer_reports.output.stdout import STDOUT, OutputError

if TYPE_CHECKING:
    from singer_reports.tap import ReportTap

_DOCUMENTATION = "https://docs.airbyte.com/integrations/sources/"


class ProtocolSource:
    """The four commands of a source."""

    def __init__(self, tap: type[ReportTap]) -> None:
        """Create the source of a tap."""
        #: Only the tap's own settings: what those of the Singer SDK do, Airbyte does.
        self.tap: type[ReportTap] = type(
            tap.__name__,
            (tap,),
            {
                "__doc__": tap.__doc__,
                "config_jsonschema": own_settings(tap),
                "append_builtin_config": classmethod(lambda _, __: None),
                "settings_listed_by": "spec",
            },
        )
        self.name = tap.name.replace("tap-", "source-")

    def spec(self) -> bytes:
        """Return the message that says which settings there are."""
        name = self.name.removeprefix("source-")
        return messages.spec(specification(self.tap, _DOCUMENTATION + name))

    def check(self, config: object) -> bytes:
        """Return the message that says whether the settings are right and the API can be read."""
        read, refused = [], {}
        try:
            settings = _settings(config)
            for name, error in self.tap.test_streams(config=settings, message_writer=Silence()):
                if error is None:
                    read.append(name)
                else:
                    refused[name] = str(error)
        except (ConfigValidationError, RequestError) as error:
            return messages.connection_status(succeeded=False, message=sentence(error))
        credential = self.tap.credential_setting
        texts = [f"This {credential} reads {', '.join(read)}."] if read else []
        if refused:
            texts += [f"This {credential} does not read {', '.join(refused)}.", *refused.values()]
        return messages.connection_status(succeeded=bool(read), message=" ".join(texts))

    def discover(self, config: object) -> bytes:
        """Return the message that says which streams there are."""
        tap = self.tap(config=_settings(config), setup_mapper=False)
        return messages.catalog([discovered(stream) for stream in tap.discover_streams()])

    def read(self, config: object, catalog: Any, state: Any) -> bool:  # noqa: ANN401
        """Write the records of the selected streams; return whether all could be read.

        Args:
            config: The settings.
            catalog: The configured catalog.
            state: The state that an earlier run has written.

        Raises:
            ConfigValidationError: If there are errors in any of these; nothing was read.
        """
        settings = _settings(config)
        tap = self.tap(config=settings, setup_mapper=False)
        streams = tap.streams
        some_may_go = bool(tap.stream_settings)
        wrong_state = state_errors(state, streams, some_may_go=some_may_go)
        if found := [*catalog_errors(catalog, streams), *wrong_state]:
            raise invalid_config_error([tap.run.redactor.redact(error) for error in found])
        for name in gone_streams(state or (), streams):
            tap.logger.warning("The state has %s, which has gone from the settings.", name)
        totals = (name for name, each in streams.items() if _is_written_by_others(each))
        writer = ProtocolWriter(frozenset(totals))
        tap = self.tap(
            config=settings,
            catalog=select(tap.catalog, catalog, streams.values()),
            state=tap_state(state),
            message_writer=writer,
        )
        # The messages say how many records there are.
        tap.metrics_logger.setLevel(logging.WARNING)
        tap.run.on_progress = writer.report_progress
        tap.handle_signals()
        try:
            tap.read_streams(writer.failures)
            writer.finish()
        except (BrokenPipeError, OutputError):
            raise
        except Exception as error:
            tap.run.redactor.redact_error(error)
            tap.logger.debug("It failed here:", exc_info=error)
            writer.fail(error)
            writer.interrupt()
            return False
        except SystemExit:
            if STDOUT.is_whole:
                writer.interrupt()
            raise
        return not writer.failures


def _is_written_by_others(stream: object) -> bool:
    return bool(getattr(stream, "is_written_by_others", False))


def _settings(config: object) -> dict[str, Any]:
    """Return the settings, if the file of them holds some.

    Raises:
        ConfigValidationError: If it does not.
    """
    if isinstance(config, Unreadable):
        raise invalid_config_error([f"The settings in {config}"])
    if not isinstance(config, dict):
        shown = quote_value(config)
        raise invalid_config_error([f"The settings must be an object, written {{…}}, not {shown}."])
    return config

"""The Adcloud tap: its settings and its streams."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from singer_sdk import typing as th

from singer_reports.config.messages import ConfigError, quote_value
from singer_reports.config.settings import (
    NO_SPACE_PATTERN,
    URL_PATTERN,
    concurrency_setting,
    date_settings,
    request_settings,
)
from singer_reports.tap import ReportTap
from tap_adcloud.auth import OAuthAuthenticator
from tap_adcloud.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk import Stream

#: The path of the token endpoint, after the URL and version of the API.
TOKEN_PATH = "/oauth/access_token"  # noqa: S105 - a path


class TapAdcloud(ReportTap):
    """Reads what an advertiser spends and gets at Adcloud: the advertiser report by day, and the
    campaigns, ads, customers, products and topics it names.
    """  # noqa: D205 - the text is shown by --about

    name = "tap-adcloud"
    credential_setting = "client_id"

    config_jsonschema = th.PropertiesList(
        th.Property(
            "client_id",
            th.StringType(pattern=NO_SPACE_PATTERN),
            required=True,
            title="Client id",
            description="The id of your client, which Adcloud gave you.",
        ),
        th.Property(
            "client_secret",
            th.StringType(pattern=NO_SPACE_PATTERN),
            required=True,
            secret=True,
            title="Client secret",
            description="The secret of your client, which Adcloud gave you.",
        ),
        th.Property(
            "api_url",
            th.StringType(pattern=URL_PATTERN),
            default="https://api.adcloud.com",
            title="API address",
            description="The address of the API, without a version.",
        ),
        th.Property(
            "report_api_version",
            th.StringType(allowed_values=["v1", "v2"]),
            default="v1",
            title="Report version",
            description=(
                "The version of the API that the report is read from: `v1` or `v2`. The key and "
                "the columns are the same."
            ),
        ),
        *date_settings(
            "in the setting timezone",
            start_date=None,
            start_hint="",
            lookback_days=30,
            include_today=False,
        ),
        th.Property(
            "timezone",
            th.StringType,
            default="Europe/Berlin",
            title="Time zone",
            description=(
                "The zone of the API's days, an IANA name: it decides what yesterday is. Adcloud "
                "does not document its zone."
            ),
        ),
        th.Property(
            "page_size",
            th.IntegerType(minimum=1, maximum=200),
            default=200,
            title="Page size",
            description="Rows per page: 1 to 200, which is the most the API gives.",
        ),
        concurrency_setting(),
        *request_settings("tap-adcloud", request_timeout=300),
        additional_properties=False,
    ).to_dict()

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        """Create the authenticator that all streams share; it fetches a token when needed."""
        super().__init__(**options)
        config = self.config
        base = f"{config.get('api_url', '').rstrip('/')}/{config.get('report_api_version')}"
        self.run.authenticator = OAuthAuthenticator(
            self.run.session,
            base + TOKEN_PATH,
            {name: config.get(name, "") for name in ("client_id", "client_secret")},
            timeout=config.get("request_timeout", 0),
            redactor=self.run.redactor,
        )

    @property
    def zone(self) -> ZoneInfo | datetime.timezone:
        """The time zone of the API's days; UTC if the setting names no existing zone."""
        try:
            return ZoneInfo(self.config["timezone"])
        except (LookupError, TypeError, ValueError, OSError):
            return datetime.UTC

    def find_config_errors(self, invalid_settings: set[str]) -> Iterator[ConfigError]:
        """Find errors in the settings that their schema cannot express."""
        yield from super().find_config_errors(invalid_settings)
        if "timezone" not in invalid_settings and not isinstance(self.zone, ZoneInfo):
            name = quote_value(self.config.get("timezone"))
            yield ConfigError(
                "timezone", f"timezone must be an IANA name such as Europe/Berlin, not {name}."
            )

    def discover_streams(self) -> list[Stream]:
        """Create the streams; send no request."""
        return [stream(self.run) for stream in STREAMS]

"""The Adsterra tap: its settings and its streams."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from singer_reports.config.messages import ConfigError, invalid_config_error
from singer_reports.config.settings import (
    COUNTRY_PATTERN,
    NAME_PATTERN,
    TOKEN_PATTERN,
    URL_PATTERN,
    concurrency_setting,
    date_settings,
    request_settings,
)
from singer_reports.tap import ReportTap
from tap_adsterra.reports import DIMENSIONS, ReportStream, ordered_dimensions
from tap_adsterra.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk import Stream

#: The first day for which there are statistics (API 3.0.0, Statistics, start_date).
FIRST_DAY = datetime.date(2016, 12, 17)
#: The API accepts 499, which make a URL of 15 kB or more; most servers accept 8 kB.
MAX_PLACEMENTS = 180
#: At most 3 besides the date; with 3, each day is requested separately.
MAX_DIMENSIONS_BESIDES_DATE = 3

REPORT = th.ObjectType(
    th.Property(
        "name",
        th.StringType(pattern=NAME_PATTERN),
        required=True,
        description="The stream's name.",
    ),
    th.Property(
        "group_by",
        th.ArrayType(th.StringType(allowed_values=list(DIMENSIONS))),
        required=True,
        minItems=1,
        uniqueItems=True,
        description=(
            "What to break the numbers down by: date, domain, placement, country, "
            "placement_sub_id. The date is always one of them; at most three others."
        ),
    ),
    th.Property("domain", th.IntegerType(minimum=1), description="Only this domain."),
    th.Property(
        "placement_ids",
        th.ArrayType(th.IntegerType(minimum=1, maximum=2**63 - 1)),
        minItems=1,
        maxItems=MAX_PLACEMENTS,
        uniqueItems=True,
        description=f"Only these placements, at most {MAX_PLACEMENTS}.",
    ),
    th.Property(
        "country",
        th.StringType(pattern=COUNTRY_PATTERN),
        description="Only visitors from this country, ISO 3166-1 alpha-2.",
    ),
    additional_properties=False,
)


class TapAdsterra(ReportTap):
    """Reads what a publisher has and earns at Adsterra: domains, placements, smart links and
    statistics by day, from the Publishers API.
    """  # noqa: D205 - the text is shown by --about

    name = "tap-adsterra"
    stream_settings = frozenset({"reports"})
    credential_setting = "api_token"
    earliest_day = FIRST_DAY

    config_jsonschema = th.PropertiesList(
        th.Property(
            "api_token",
            th.StringType(pattern=TOKEN_PATTERN),
            required=True,
            secret=True,
            title="API token",
            description=(
                "A token of a publisher's account, from Settings, API. It lives one year."
            ),
        ),
        th.Property(
            "auth_method",
            th.StringType(allowed_values=["header", "path"]),
            default="header",
            title="Authentication method",
            description=(
                "Where the token goes: `header` (X-API-Key, version 3 of the API) or `path` (a "
                "segment of the address, version 2)."
            ),
        ),
        th.Property(
            "api_url",
            th.StringType(pattern=URL_PATTERN),
            default="https://api3.adsterratools.com/publisher",
            title="API address",
            description="The address of the API.",
        ),
        *date_settings(
            "in UTC",
            start_date=str(FIRST_DAY),
            start_hint=f" There are no statistics before {FIRST_DAY}.",
            lookback_days=7,
            include_today=True,
        ),
        th.Property(
            "window_days",
            th.IntegerType(minimum=1, maximum=365),
            default=30,
            title="Window",
            description=(
                "The most days per request, 1 to 365. A window is read in smaller ones if it keeps "
                "failing with a timeout or a server error, if rows of it are missing, or if its "
                "answer has more than 8 MB."
            ),
        ),
        th.Property(
            "reports",
            th.ArrayType(REPORT),
            title="Own reports",
            description=(
                "Reports of your own, one stream each: a `name`, what to `group_by` (distinct ones "
                "of date, domain, placement, country, placement_sub_id; the date is always one; at "
                "most three others) and, if wanted, a `domain`, `placement_ids` (1 to "
                f"{MAX_PLACEMENTS}) or a `country` to restrict it to."
            ),
        ),
        concurrency_setting(),
        th.Property(
            "requests_per_minute",
            th.IntegerType(minimum=1, maximum=1200),
            default=1000,
            title="Requests per minute",
            description="The most requests in any minute: 1 to 1200. The API allows a user 1200.",
        ),
        *request_settings("tap-adsterra", request_timeout=120),
        additional_properties=False,
    ).to_dict()

    def find_config_errors(self, invalid_settings: set[str]) -> Iterator[ConfigError]:
        """Find errors in the settings that their schema cannot express."""
        yield from super().find_config_errors(invalid_settings)
        reports = self.config.get("reports")
        if isinstance(reports, list):
            yield from (ConfigError("reports", text) for text in _report_errors(reports))

    def built_in_streams(self) -> list[Stream]:
        """Create the built-in streams."""
        return [stream(self.run) for stream in STREAMS]

    def discover_streams(self) -> list[Stream]:
        """Create the built-in streams and one stream per report of the user; send no request.

        Raises:
            ConfigValidationError: If there are errors in the setting ``reports``. Errors in other
                settings do not prevent discovery.
        """
        report_errors = [
            error.message for error in self.config_errors if error.setting == "reports"
        ]
        if report_errors:
            raise invalid_config_error(report_errors)
        streams = self.built_in_streams()
        for report in self.config.get("reports", ()):
            filters: dict[str, Any] = {"country": report.get("country")}
            # JSON Schema accepts 1.0 as an integer, and the API does not.
            if domain := report.get("domain"):
                filters["domain"] = int(domain)
            if placements := report.get("placement_ids"):
                filters["placement_ids[]"] = [int(each) for each in placements]
            streams.append(
                ReportStream(
                    self.run, report["name"], ordered_dimensions(report["group_by"]), filters
                )
            )
        return streams


def _report_errors(reports: list[Any]) -> Iterator[str]:
    """Find errors in reports that their schema cannot express; skip values of a wrong type."""
    taken = {stream.name: "a stream of the tap" for stream in STREAMS}
    for index, report in enumerate(reports):
        path = f"reports[{index}]"
        if not isinstance(report, dict):
            continue
        name, group_by = report.get("name"), report.get("group_by")
        if isinstance(name, str):
            # Databases ignore case, and two streams in one table would overwrite each other.
            if other := taken.get(name.lower()):
                yield f"{path}.name must be another one: {name!r} is already the name of {other}."
            taken.setdefault(name.lower(), path)
        others = set(DIMENSIONS[1:]).intersection(group_by if isinstance(group_by, list) else ())
        if len(others) > MAX_DIMENSIONS_BESIDES_DATE:
            yield (
                f"{path}.group_by must name at most {MAX_DIMENSIONS_BESIDES_DATE} dimensions "
                f"beside the date, not {len(others)}: the API groups by at most three, and the "
                "date can be had by asking day by day."
            )

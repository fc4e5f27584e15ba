"""The reports, whose dimensions determine key, schema, windows and requests.

Source: *Adsterra Publishers API*, version 3.0.0, Statistics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET
from singer_sdk import StreamSchema

from singer_reports.reading_times import EXTRACTED_AT
from singer_reports.records.totals import TotalFields
from singer_reports.streams.date_range import DateRangeStream
from tap_adsterra.client import SCHEMAS, AdsterraStream

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from singer_sdk.helpers.types import Context

    from singer_reports.dates import Window
    from singer_reports.records.page import Page
    from singer_reports.records.row_types import Row
    from singer_reports.run import Run
    from tap_adsterra.client import ItemsResponse

#: All dimensions that the API can group by, in the order of the keys (Statistics, group_by).
DIMENSIONS = ("date", "domain", "placement", "country", "placement_sub_id")
#: The maximum number of dimensions per request (Statistics, group_by, maxItems).
MAX_DIMENSIONS = 3
#: The field that a filter restricts (Statistics, parameters).
FILTERED_FIELDS = {"domain": "domain", "placement_ids[]": "placement", "country": "country"}
#: A field's value where the API names none, by the field's type.
_NULL_KEY_VALUES = {"integer": 0, "string": "-"}


def ordered_dimensions(group_by: Collection[str]) -> tuple[str, ...]:
    """Return the dimensions of a report in order, always including the date.

    >>> ordered_dimensions(["country", "placement"])
    ('date', 'placement', 'country')
    """
    return tuple(name for name in DIMENSIONS if name == "date" or name in group_by)


def report_schema(dimensions: Collection[str], without: Collection[str] = ()) -> dict[str, Any]:
    """Return the JSON Schema of a report, made from that of all statistics.

    Args:
        dimensions: The report's dimensions.
        without: Further fields to leave out.
    """
    schema = SCHEMAS.get_schema("stats")
    excluded = (set(DIMENSIONS) - set(dimensions)) | set(without)
    properties = {
        name: field for name, field in schema["properties"].items() if name not in excluded
    }
    required = [name for name in properties if name in dimensions or name in schema["required"]]
    return {**schema, "properties": properties, "required": required}


def needs_daily_requests(dimensions: Collection[str]) -> bool:
    """Return whether a report has one dimension more than a request may have.

    Such a report is requested one day per request, without the dimension date.
    """
    return len(dimensions) > MAX_DIMENSIONS


class ReportSchema(StreamSchema):
    """Returns the schema of each report, from its dimensions."""

    def get_stream_schema(  # type: ignore[override]
        self,
        stream: ReportStream,
        stream_class: type[ReportStream],  # noqa: ARG002
    ) -> dict[str, Any]:
        """Return the JSON Schema of ``stream``."""
        return report_schema(stream.dimensions)


class ReportStream(AdsterraStream, DateRangeStream):
    """Statistics by day and up to three more dimensions; incremental on ``date``."""

    schema = ReportSchema(SCHEMAS)
    path = "/stats.json"
    # The API sends db_last_update_time per response.
    computed_fields = ("db_last_update_time", EXTRACTED_AT)
    #: The dimensions of the report, the date first; also its primary key.
    dimensions: tuple[str, ...]
    total_fields = TotalFields(
        impressions="impression", clicks="clicks", amount="revenue", default_currency="USD"
    )
    #: Parameters of the request that restrict the report.
    filters: Mapping[str, Any] = {}

    def __init__(
        self,
        run: Run,
        name: str | None = None,
        dimensions: tuple[str, ...] | None = None,
        filters: Mapping[str, Any] | None = None,
    ) -> None:
        """Create a built-in report, or one of the user from its name, dimensions and filters."""
        self.dimensions = dimensions or self.dimensions
        self.filters = filters or self.filters
        self.primary_keys = self.dimensions
        self.daily_requests = needs_daily_requests(self.dimensions)
        self.window_days = 1 if self.daily_requests else run.tap.config.get("window_days", 1)
        fields = self.schema["properties"]
        self.null_key_values = {
            name: _NULL_KEY_VALUES[fields[name]["type"]]
            for name in self.dimensions
            if name != "date"
        }
        super().__init__(run, name=name)

    @property
    def definition(self) -> dict[str, Any]:
        """The dimensions, and the filters that are set, such as ``country=DE``."""
        filters = []
        for name, value in self.filters.items():
            if value is not None:
                values = sorted(value) if isinstance(value, list) else [value]
                filters.append(f"{name.removesuffix('[]')}={','.join(map(str, values))}")
        return {"dimensions": list(self.dimensions), "filters": sorted(filters)}

    @property
    def response_schema(self) -> dict[str, Any]:
        """The schema without the fields that the tap adds; in daily requests, rows need no date."""
        schema = report_schema(self.dimensions, self.computed_fields)
        if not self.daily_requests:
            return schema
        # Read where it is sent nevertheless: it may be another day than the one requested.
        date = {**schema["properties"]["date"], "type": ["string", "null"]}
        required = [name for name in schema["required"] if name != "date"]
        return {**schema, "properties": schema["properties"] | {"date": date}, "required": required}

    def get_url_params(
        self,
        context: Context | None,  # noqa: ARG002
        next_page_token: Page | None,
    ) -> dict[str, Any]:
        """Return the parameters for one window, whose first and last day are both inclusive."""
        assert next_page_token is not None, "a report is always asked for by window"  # noqa: S101
        window = next_page_token.slice
        return {
            "start_date": str(window.first),
            "finish_date": str(window.last),
            "group_by[]": list(self.dimensions[1:] if self.daily_requests else self.dimensions),
            **self.filters,
        }

    def requested_values(self, stream_slice: Window) -> dict[str, Collection[Any]]:
        """Return the days of a window, and the filters as far as the rows show them."""
        wanted = super().requested_values(stream_slice)
        for parameter, value in self.filters.items():
            field = FILTERED_FIELDS[parameter]
            if value is not None and field in self.dimensions:
                wanted[field] = value if isinstance(value, list) else [value]
        return wanted

    def total_details(self, envelope: ItemsResponse[Row]) -> dict[str, Any]:
        """Return the time of the last update, which a day without rows has, too."""
        return {"db_last_update_time": envelope.db_last_update_time}

    def post_process_rows(
        self, rows: list[Row], page: Page, envelope: ItemsResponse[Row]
    ) -> list[Row]:
        """Add the time of the last update to each row and, if it has none, the date."""
        for row in rows:
            row.db_last_update_time = envelope.db_last_update_time
            if self.daily_requests and row.date in (UNSET, None):
                row.date = str(page.slice.first)
        return super().post_process_rows(rows, page, envelope)

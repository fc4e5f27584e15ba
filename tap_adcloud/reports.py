"""The report of the Adcloud API, in both versions; its schema names each field's source.

Source: *Adcloud API description*, version 1.0, Fetch advertiser reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from singer_reports.records.decoder import ResponseSchemaError
from singer_reports.records.totals import TotalFields
from singer_reports.streams.date_range import DateRangeStream
from tap_adcloud.client import AdcloudStream
from tap_adcloud.envelopes import ResponseV1, ResponseV2

if TYPE_CHECKING:
    from singer_reports.dates import Window
    from singer_reports.records.page import Page
    from singer_reports.records.row_types import Row, Schema
    from singer_reports.run import Run

#: What identifies a row of the report besides the date (Fetch advertiser reports).
DIMENSIONS = ("ad_placement_id", "topic_id", "booking_id", "ad_id", "ad_count", "ad_position")


class AdvertiserReport(AdcloudStream, DateRangeStream):
    """The advertiser report, with 42 fields; one day per slice, from either version of the API."""

    name = "advertiser_report"
    path = "/reports/advertiser"
    primary_keys = ("date", *DIMENSIONS)
    null_key_values = dict.fromkeys(DIMENSIONS, 0)
    computed_fields = ("extracted_at",)
    total_fields = TotalFields(
        impressions="ad_impressions", clicks="clicks", amount="costs", currency="currency"
    )

    def __init__(self, run: Run) -> None:
        """Create the report, for the version in the setting ``report_api_version``."""
        self.version = run.tap.config.get("report_api_version", "v1")
        self.envelope = ResponseV1 if self.version == "v1" else ResponseV2
        super().__init__(run)

    @property
    def definition(self) -> dict[str, Any]:
        """The key, and the time zone that determines when a day is over."""
        return {"dimensions": ["date", *DIMENSIONS], "timezone": self.config["timezone"]}

    @property
    def response_schema(self) -> Schema:
        """The schema with the other field names of version 2, and with both types of page_type."""
        fields = dict(self.schema["properties"])
        fields |= {"campaign_id": {"type": ["integer", "null"]}, "campaign": fields["booking"]}
        # Documented as text, but also sent as an integer.
        fields["page_type"] = {"type": ["string", "integer", "null"]}
        required = [name for name in self.schema["required"] if name != "booking_id"]
        for name in self.computed_fields:
            del fields[name]
        return {**self.schema, "properties": fields, "required": required}

    def filters(self, stream_slice: Window) -> dict[str, Any]:
        """Return the filter for a single day: no syntax for several days is known."""
        return {"filter[date]": str(stream_slice.first)}

    def post_process_rows(self, rows: list[Row], page: Page, envelope: Any) -> list[Row]:  # noqa: ANN401
        """Convert booking and page type to the documented names and types."""
        for index, row in enumerate(rows):
            if row.booking_id is UNSET or row.campaign_id not in (UNSET, None):
                row.booking_id = row.campaign_id
            if row.booking_id is UNSET:
                message = f"neither a booking_id nor a campaign_id, at rows[{index}]"
                raise ResponseSchemaError(message)
            if row.campaign is not UNSET:
                row.booking = row.campaign
            row.campaign_id = row.campaign = UNSET
            if isinstance(row.page_type, int):
                row.page_type = str(row.page_type)
        return super().post_process_rows(rows, page, envelope)

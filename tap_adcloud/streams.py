"""The streams of the Adcloud API; their schemas name each field's source.

Source of the entities, which only version 2 of the API serves: Adcloud's own clients.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import UNSET, UnsetType
from singer_sdk import StreamSchema

from singer_reports.records.row_types import as_dictionary, row_type
from singer_reports.streams.control_totals import ControlTotals
from tap_adcloud.client import SCHEMAS, AdcloudStream
from tap_adcloud.reports import AdvertiserReport

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from singer_reports.records.page import Page
    from singer_reports.records.row_types import Row, Schema
    from singer_reports.run import Run

#: Campaigns per request for their performance.
CAMPAIGNS_PER_REQUEST = 100
_MAX_EXAMPLES = 5


class ListFieldStream(AdcloudStream):
    """A stream with lists of texts, which the API also sends as a single text or as null."""

    @property
    def response_schema(self) -> Schema:
        """The schema with lists in every form that the API sends."""
        fields = {
            name: {"type": ["string", "array", "null"], "items": {"type": ["string", "integer"]}}
            for name in self._list_fields
        }
        return {**self.schema, "properties": {**self.schema["properties"], **fields}}

    @property
    def _list_fields(self) -> list[str]:
        fields = self.schema["properties"].items()
        return [name for name, field in fields if field.get("items") == {"type": "string"}]

    def post_process_rows(self, rows: list[Row], page: Page, envelope: Any) -> list[Row]:  # noqa: ANN401
        """Convert every form of a list to a list, because a column has one type."""
        for name in self._list_fields:
            for row in rows:
                setattr(row, name, _as_list(getattr(row, name)))
        return super().post_process_rows(rows, page, envelope)


def _as_list(value: str | list[Any] | UnsetType | None) -> list[str] | None:
    if isinstance(value, str):
        # Not split: the documentation names no separator.
        return [value] if value else []
    return None if value is None or value is UNSET else [str(item) for item in value]


class Campaigns(ListFieldStream):
    """The campaigns, which the report calls bookings."""

    name = "campaigns"
    path = "/campaigns"


class Advertisements(ListFieldStream):
    """The ads."""

    name = "advertisements"
    path = "/advertisements"


class Customers(AdcloudStream):
    """The advertisers."""

    name = "customers"
    path = "/customers"


class Products(AdcloudStream):
    """The advertisers' products."""

    name = "products"
    path = "/products"


class Topics(AdcloudStream):
    """The topics of websites, with their names and discounts nested."""

    name = "topics"
    path = "/topics"


class TopicDiscounts(AdcloudStream):
    """The discounts of ``topics`` by country, one row each."""

    name = "topic_discounts"
    path = "/topics"
    primary_keys = ("topic_id", "country_code")
    null_key_values = {"country_code": "-"}  # noqa: RUF012 - never mutated
    # Also checked, because a topic that comes twice may have no discounts.
    source_keys = ("id",)

    @property
    def response_schema(self) -> Schema:
        """The schema of the topics, which the response contains."""
        return SCHEMAS.get_schema("topics")

    def post_process_rows(self, rows: list[Row], page: Page, envelope: Any) -> list[Row]:  # noqa: ANN401, ARG002
        """Return one row per discount."""
        return [
            self._row(**{"topic_id": topic.id, "country_code": None, **as_dictionary(discount)})
            for topic in rows
            for discount in topic.discounts or ()
        ]

    @cached_property
    def _row(self) -> Any:  # noqa: ANN401
        return row_type(self.schema)


class CampaignChunk(NamedTuple):
    """Campaigns that are requested together."""

    ids: tuple[int, ...]

    def __str__(self) -> str:
        """Name the chunk by its ends."""
        if len(self.ids) == 1:
            return f"campaign {self.ids[0]}"
        return f"campaigns {self.ids[0]} to {self.ids[-1]}"


class CampaignPerformance(AdcloudStream):
    """A snapshot of what each campaign has delivered so far, and today."""

    name = "campaign_performance"
    path = "/campaign_performance_data"
    primary_keys = ("campaign_id",)
    slice_unit = "campaigns"
    logs_progress = True

    def __init__(self, run: Run, **options: Any) -> None:  # noqa: ANN401
        """Make a stream of a run."""
        super().__init__(run, **options)
        self._with_row: set[int] = set()

    def slices(self) -> list[CampaignChunk]:
        """Read the ids of all campaigns, and divide them into chunks."""
        campaigns = Campaigns(self.run)
        campaigns.ABORT_AT_RECORD_COUNT = self.ABORT_AT_RECORD_COUNT
        ids = [row["id"] for _, rows in campaigns.read_slices(campaigns.slices()) for row in rows]
        chunks = [
            CampaignChunk(tuple(ids[start : start + CAMPAIGNS_PER_REQUEST]))
            for start in range(0, len(ids), CAMPAIGNS_PER_REQUEST)
        ]
        if self.is_connection_test:
            chunks = chunks[:1]
        plural = "" if len(chunks) == 1 else "s"
        self.log("%s: %d campaigns, %d request%s", self.name, len(ids), len(chunks), plural)
        return chunks

    def slice_size(self, stream_slice: CampaignChunk) -> int:
        """Return the number of campaigns."""
        return len(stream_slice.ids)

    def split(self, stream_slice: CampaignChunk) -> Sequence[CampaignChunk]:
        """Return the halves of a chunk; empty for a single campaign."""
        ids = stream_slice.ids
        if len(ids) == 1:
            return ()
        middle = len(ids) // 2
        return CampaignChunk(ids[:middle]), CampaignChunk(ids[middle:])

    def requested_values(self, stream_slice: CampaignChunk) -> dict[str, Collection[int]]:
        """Return the campaigns of a chunk."""
        return {"campaign_id": frozenset(stream_slice.ids)}

    def post_process_rows(self, rows: list[Row], page: Page, envelope: Any) -> list[Row]:  # noqa: ANN401
        """Note which campaigns have a row."""
        self._with_row.update(row.campaign_id for row in rows)
        return super().post_process_rows(rows, page, envelope)

    def finish_slice(self, stream_slice: CampaignChunk) -> None:
        """Name the campaigns that have no row."""
        super().finish_slice(stream_slice)
        without = [str(number) for number in stream_slice.ids if number not in self._with_row]
        if without and not self.is_connection_test:
            listed = ", ".join(without[:_MAX_EXAMPLES])
            more = f" and {len(without) - _MAX_EXAMPLES} more" * (len(without) > _MAX_EXAMPLES)
            self.log("%s: Adcloud has no row for the campaigns %s%s", self.name, listed, more)

    def filters(self, stream_slice: CampaignChunk) -> dict[str, Any]:
        """Return the ids of the campaigns, joined with commas."""
        return {"campaign_ids": ",".join(map(str, stream_slice.ids))}


class Totals(ControlTotals):
    """The control totals of the reports."""

    schema = StreamSchema(SCHEMAS)


STREAMS: Sequence[type[AdcloudStream | ControlTotals]] = (
    AdvertiserReport,
    Campaigns,
    Advertisements,
    Customers,
    Products,
    Topics,
    TopicDiscounts,
    CampaignPerformance,
    Totals,
)

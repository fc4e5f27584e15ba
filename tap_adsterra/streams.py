"""The streams of the Adsterra Publishers API, version 3.0.0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from singer_sdk import StreamSchema

from singer_reports.records.envelope import AnyRow, EmptyList, Envelope
from singer_reports.streams.control_totals import ControlTotals
from tap_adsterra.client import SCHEMAS, AdsterraStream, ItemsResponse
from tap_adsterra.reports import ReportStream

if TYPE_CHECKING:
    from collections.abc import Sequence


class Domains(AdsterraStream):
    """The publisher's websites (Domains)."""

    name = "domains"
    path = "/domains.json"


class Placements(AdsterraStream):
    """All placements of all domains, in one request (Placements)."""

    name = "placements"
    path = "/placements.json"


class SmartLinksResponse(Envelope[AnyRow], Generic[AnyRow]):
    """The response of smart links: nested in ``data``, without a total (SmartLinks)."""

    # PHP writes an empty list where there is no smart link.
    data: ItemsResponse[AnyRow] | EmptyList[AnyRow]

    @property
    def rows(self) -> list[AnyRow]:
        """The rows."""
        return self.data if isinstance(self.data, list) else self.data.rows


class SmartLinks(AdsterraStream):
    """The publisher's smart links, active and inactive (SmartLinks)."""

    name = "smart_links"
    path = "/smart-links.json"
    envelope = SmartLinksResponse


class Stats(ReportStream):
    """Statistics by day, domain and placement (Statistics)."""

    name = "stats"
    dimensions = ("date", "domain", "placement")


class StatsByCountry(ReportStream):
    """Statistics by day, placement and country of the visitors (Statistics)."""

    name = "stats_by_country"
    dimensions = ("date", "placement", "country")
    selected_by_default = False


class StatsBySubId(ReportStream):
    """Statistics by day, placement and the publisher's own sub ids (Statistics)."""

    name = "stats_by_sub_id"
    dimensions = ("date", "placement", "placement_sub_id")
    selected_by_default = False


class Totals(ControlTotals):
    """The control totals of the reports."""

    schema = StreamSchema(SCHEMAS)


STREAMS: Sequence[type[AdsterraStream | ControlTotals]] = (
    Domains,
    Placements,
    SmartLinks,
    Stats,
    StatsByCountry,
    StatsBySubId,
    Totals,
)

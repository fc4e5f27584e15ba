"""Adcloud's advertiser report as a tap made with the SDK's template.

Like the template: ``RESTStream``, ``records_jsonpath``, a page number paginator, a schema of
``th.PropertiesList``, the SDK's defaults. In its favour: the token is a setting, so it need not be
requested, and no body is parsed a second time to see whether there is a next page.
"""

from __future__ import annotations

import decimal
from typing import TYPE_CHECKING, Any

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.helpers.jsonpath import extract_jsonpath
from singer_sdk.pagination import PageNumberPaginator

if TYPE_CHECKING:
    from collections.abc import Iterable

    import requests
    from singer_sdk.helpers.types import Context


class Pages(PageNumberPaginator):
    """Paginator by page number, until there is no next page."""

    def has_more(self, response: requests.Response) -> bool:
        """Return whether there is a URL of a next page, which comes before the rows."""
        return b'"next_url":null' not in response.content[:1000]


class AdvertiserReport(RESTStream[int]):
    """The report, a partition per day."""

    name = "advertiser_report"
    path = "/v1/reports/advertiser"
    records_jsonpath = "$.result[*]"
    primary_keys = (
        *("date", "ad_placement_id", "topic_id", "booking_id"),
        *("ad_id", "ad_count", "ad_position"),
    )
    replication_key = "date"
    schema = th.PropertiesList(
        th.Property("date", th.DateType),
        th.Property("website_id", th.IntegerType),
        th.Property("website", th.StringType),
        th.Property("topic_id", th.IntegerType),
        th.Property("topic", th.StringType),
        th.Property("ad_placement_id", th.IntegerType),
        th.Property("position", th.StringType),
        th.Property("product_id", th.IntegerType),
        th.Property("product", th.StringType),
        th.Property("ad_id", th.IntegerType),
        th.Property("ad", th.StringType),
        th.Property("booking_id", th.IntegerType),
        th.Property("booking", th.StringType),
        th.Property("page_type", th.StringType),
        th.Property("publisher", th.StringType),
        th.Property("language", th.StringType),
        th.Property("country", th.StringType),
        th.Property("currency", th.StringType),
        th.Property("design_id", th.IntegerType),
        th.Property("design", th.StringType),
        th.Property("ad_position", th.IntegerType),
        th.Property("ad_count", th.IntegerType),
        th.Property("ad_impressions", th.IntegerType),
        th.Property("ad_impressions_costs", th.NumberType),
        th.Property("clicks", th.IntegerType),
        th.Property("clicks_overdelivered", th.IntegerType),
        th.Property("clicks_filtered", th.IntegerType),
        th.Property("clicks_image", th.IntegerType),
        th.Property("clicks_head", th.IntegerType),
        th.Property("clicks_txt", th.IntegerType),
        th.Property("clicks_link", th.IntegerType),
        th.Property("clicks_costs", th.NumberType),
        th.Property("postclick_conversions", th.IntegerType),
        th.Property("postclick_conversions_overdelivered", th.IntegerType),
        th.Property("postclick_conversions_filtered", th.IntegerType),
        th.Property("postclick_conversions_costs", th.NumberType),
        th.Property("postview_conversions", th.IntegerType),
        th.Property("postview_conversions_overdelivered", th.IntegerType),
        th.Property("postview_conversions_filtered", th.IntegerType),
        th.Property("postview_conversions_costs", th.NumberType),
        th.Property("cancellations", th.IntegerType),
        th.Property("costs", th.NumberType),
    ).to_dict()

    @property
    def url_base(self) -> str:
        """The base URL of the API."""
        return str(self.config["api_url"])

    @property
    def authenticator(self) -> BearerTokenAuthenticator:
        """The authenticator, which sends the token in the header."""
        return BearerTokenAuthenticator(token=self.config["token"])

    @property
    def partitions(self) -> list[dict[str, Any]]:
        """The days."""
        return [{"date": day} for day in self.config["days"]]

    def get_new_paginator(self) -> Pages:
        """Return a paginator from page 1 on."""
        return Pages(1)

    def get_url_params(
        self, context: Context | None, next_page_token: int | None
    ) -> dict[str, Any]:
        """Return the parameters for a page of a day."""
        date = context["date"] if context else None
        return {"filter[date]": date, "page": next_page_token, "per_page": 200}

    def parse_response(self, response: requests.Response) -> Iterable[dict[str, Any]]:
        """Yield the rows of a response."""
        yield from extract_jsonpath(
            self.records_jsonpath, input=response.json(parse_float=decimal.Decimal)
        )


class TapStockAdcloud(Tap):
    """Tap for Adcloud's report."""

    name = "tap-stock-adcloud"
    config_jsonschema = th.PropertiesList(
        th.Property("api_url", th.StringType, required=True),
        th.Property("token", th.StringType, required=True, secret=True),
        th.Property("days", th.ArrayType(th.DateType), required=True),
    ).to_dict()

    def discover_streams(self) -> list[AdvertiserReport]:
        """Return the stream."""
        return [AdvertiserReport(self)]


if __name__ == "__main__":
    TapStockAdcloud.cli()

"""Adsterra's statistics by placement and country as a tap made with the SDK's template."""

from __future__ import annotations

import decimal
from typing import TYPE_CHECKING, Any

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import APIKeyAuthenticator
from singer_sdk.helpers.jsonpath import extract_jsonpath

if TYPE_CHECKING:
    from collections.abc import Iterable

    import requests
    from singer_sdk.helpers.types import Context


class StatsByCountry(RESTStream[None]):
    """The statistics, all in one response."""

    name = "stats_by_country"
    path = "/stats.json"
    records_jsonpath = "$.items[*]"
    primary_keys = ("date", "placement", "country")
    replication_key = "date"
    schema = th.PropertiesList(
        th.Property("date", th.DateType),
        th.Property("placement", th.IntegerType),
        th.Property("country", th.StringType),
        th.Property("impression", th.IntegerType),
        th.Property("clicks", th.IntegerType),
        th.Property("ctr", th.NumberType),
        th.Property("cpm", th.NumberType),
        th.Property("revenue", th.NumberType),
    ).to_dict()

    @property
    def url_base(self) -> str:
        """The base URL of the API."""
        return str(self.config["api_url"])

    @property
    def authenticator(self) -> APIKeyAuthenticator:
        """The authenticator, which sends the token in the header."""
        return APIKeyAuthenticator(key="X-API-Key", value=self.config["token"], location="header")

    def get_url_params(
        self,
        context: Context | None,  # noqa: ARG002
        next_page_token: None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Return the parameters for all days."""
        return {
            "start_date": self.config["days"][0],
            "finish_date": self.config["days"][-1],
            "group_by[]": ["date", "placement", "country"],
        }

    def parse_response(self, response: requests.Response) -> Iterable[dict[str, Any]]:
        """Yield the rows of a response."""
        yield from extract_jsonpath(
            self.records_jsonpath, input=response.json(parse_float=decimal.Decimal)
        )


class TapStockAdsterra(Tap):
    """Tap for Adsterra's statistics."""

    name = "tap-stock-adsterra"
    config_jsonschema = th.PropertiesList(
        th.Property("api_url", th.StringType, required=True),
        th.Property("token", th.StringType, required=True, secret=True),
        th.Property("days", th.ArrayType(th.DateType), required=True),
    ).to_dict()

    def discover_streams(self) -> list[StatsByCountry]:
        """Return the stream."""
        return [StatsByCountry(self)]


if __name__ == "__main__":
    TapStockAdsterra.cli()

"""The Adcloud API of the sandbox: both versions, tokens, pages, and restated data."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.adcloud import (
    CLIENT_ID,
    CLIENT_SECRET,
    DOCUMENTED_DAY,
    DOCUMENTED_ROWS,
    SETTLED_AFTER_DAYS,
    entities,
    expected_rows,
    performance,
)
from tests.sandbox.clients import NOW, get_token

if TYPE_CHECKING:
    import requests

    from sandbox import Sandbox
    from tests.sandbox.clients import AdcloudClient

KEY = ("ad_placement_id", "topic_id", "booking_id", "ad_id", "ad_count", "ad_position")
REPORT = "v1/reports/advertiser"
DAY = {"filter[date]": "2024-03-05"}
# fmt: off
FIELDS = [
    "date", "website_id", "website", "topic_id", "topic", "ad_placement_id", "position",
    "product_id", "product", "ad_id", "ad", "booking_id", "booking", "page_type", "publisher",
    "language", "country", "currency", "design_id", "design", "ad_position", "ad_count",
    "ad_impressions", "ad_impressions_costs", "clicks", "clicks_overdelivered", "clicks_filtered",
    "clicks_image", "clicks_head", "clicks_txt", "clicks_link", "clicks_costs",
    "postclick_conversions", "postclick_conversions_overdelivered",
    "postclick_conversions_filtered", "postclick_conversions_costs", "postview_conversions",
    "postview_conversions_overdelivered", "postview_conversions_filtered",
    "postview_conversions_costs", "cancellations", "costs",
]
# fmt: on


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in KEY)


class TestToken:
    def url(self, sandbox: Sandbox, version: str = "v1") -> str:
        return f"{sandbox.adcloud_url}/{version}/oauth/access_token"

    @pytest.mark.parametrize("version", ["v1", "v2"])
    def test_issued(self, sandbox: Sandbox, session: requests.Session, version: str) -> None:
        form = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "grant_type": "none"}
        response = session.post(self.url(sandbox, version), data=form, timeout=60)
        assert response.status_code == 200
        body = response.json()
        # The client of version 2 reads it from the one place, the documents from the other.
        if version == "v2":
            assert body.pop("_meta")["access_token"] == body["access_token"]
        assert body.keys() == {"access_token", "scope"}
        assert body["scope"] == ""
        assert sandbox.requests[-1].body.endswith("grant_type=none")

    def test_in_meta(self, sandbox: Sandbox, session: requests.Session) -> None:
        sandbox.adcloud.token_in_meta = True
        form = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "grant_type": "none"}
        response = session.post(self.url(sandbox, "v2"), data=form, timeout=60).json()
        assert list(response) == ["_meta"]
        assert response["_meta"]["access_token"]

    @pytest.mark.parametrize("status", [401, 200])
    def test_refused(self, sandbox: Sandbox, session: requests.Session, status: int) -> None:
        sandbox.adcloud.refusal_status = status
        form = {"client_id": CLIENT_ID, "client_secret": "x", "grant_type": "none"}
        response = session.post(self.url(sandbox), data=form, timeout=60)
        assert response.status_code == status
        assert response.json() == {
            "error": "invalid_client",
            "error_description": "Client ID and client secret do not match.",
        }

    def test_grant_type_is_none(self, sandbox: Sandbox, session: requests.Session) -> None:
        form = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        assert session.post(self.url(sandbox), data=form, timeout=60).status_code == 400
        assert session.get(self.url(sandbox), timeout=60).status_code == 405

    def test_bearer_or_parameter(
        self, sandbox: Sandbox, session: requests.Session, token: str
    ) -> None:
        url = f"{sandbox.adcloud_url}/{REPORT}"
        assert session.get(url, params=DAY, timeout=60).status_code == 401
        query = {**DAY, "access_token": token}
        assert session.get(url, params=query, timeout=60).status_code == 200

    def test_lives_two_hours(self, sandbox: Sandbox, adcloud: AdcloudClient) -> None:
        sandbox.clock.advance(timedelta(hours=2, seconds=-1))
        assert adcloud(REPORT, DAY)[0] == 200
        sandbox.clock.advance(timedelta(seconds=1))
        assert adcloud(REPORT, DAY) == (
            401,
            {"status": 401, "errors": [{"message": "Unauthorized"}]},
        )
        code, body = adcloud("v2/campaigns")
        assert code == body["_meta"]["status"] == 401

    def test_lifetime_and_requests_are_settable(
        self, sandbox: Sandbox, session: requests.Session, adcloud: AdcloudClient
    ) -> None:
        sandbox.adcloud.token_requests = 2
        assert [adcloud(REPORT, DAY)[0] for _ in range(4)] == [200, 200, 401, 401]
        sandbox.adcloud.token_requests = None
        sandbox.adcloud.token_lifetime_seconds = 5
        assert get_token(sandbox, session)
        sandbox.clock.advance(timedelta(seconds=5))
        assert adcloud(REPORT, DAY)[0] == 401

    def test_revoked(self, sandbox: Sandbox, adcloud: AdcloudClient) -> None:
        sandbox.tokens.revoke_all()
        assert adcloud(REPORT, DAY)[0] == 401


class TestReport:
    def test_documented_day(self, adcloud: AdcloudClient) -> None:
        query = {"filter[date]": str(DOCUMENTED_DAY), "per_page": 200}
        rows = []
        for page in range(1, 61):
            code, body = adcloud(REPORT, {**query, "page": page})
            assert code == 200
            assert body["collection"]["size"] == DOCUMENTED_ROWS == 11_955
            rows += body["result"]
        assert len(rows) == len({key(row) for row in rows}) == 11_955
        assert rows == expected_rows(DOCUMENTED_DAY)
        assert adcloud(REPORT, {**query, "page": 61})[1]["result"] == []

    def test_documented_fields(self) -> None:
        rows = expected_rows(date(2024, 1, 3))
        assert all(list(row) == FIELDS for row in rows)
        assert {row["date"] for row in rows} == {"2024-01-03"}
        assert {row["currency"] for row in rows} == {"EUR", "USD"}
        assert "" in {row["position"] for row in rows}
        assert {type(row["costs"]) for row in rows} == {int, Decimal}
        for row in rows:
            costs = [row[name] for name in row if name.endswith("_costs")]
            assert row["costs"] == sum(costs)
            parts = [row[f"clicks_{part}"] for part in ("image", "head", "txt", "link")]
            assert row["clicks"] == sum(parts)

    def test_rows_name_entities_that_exist(self) -> None:
        ids = {name: {row["id"]: row for row in entities(name)} for name in ("campaigns", "topics")}
        ads = {row["id"]: row for row in entities("advertisements")}
        for row in expected_rows(DOCUMENTED_DAY):
            assert row["booking"] == ids["campaigns"][row["booking_id"]]["name"]
            assert row["topic"] == ids["topics"][row["topic_id"]]["names"]["en"]
            assert row["ad"] == ads[row["ad_id"]]["name"]
            assert row["product_id"] == ads[row["ad_id"]]["product_id"]
            assert row["booking_id"] == ads[row["ad_id"]]["campaign_id"]

    @pytest.mark.parametrize("version", ["v1", "v2"])
    @pytest.mark.parametrize(
        "query",
        [
            {},
            {"filter[date]": ""},
            {"filter[date]": "yesterday"},
            {**DAY, "page": 0},
            {**DAY, "page": "x"},
            {**DAY, "per_page": -1},
        ],
    )
    def test_refused(self, adcloud: AdcloudClient, version: str, query: dict[str, Any]) -> None:
        code, body = adcloud(f"{version}/reports/advertiser", query)
        assert code == 400
        if version == "v1":
            assert body["status"] == 400
            assert body["errors"][0]["message"]
        else:
            assert body["_meta"]["status"] == 400
            assert body["_meta"]["details"]

    def test_version_1_envelope(self, adcloud: AdcloudClient, token: str) -> None:
        _, body = adcloud(REPORT, {**DAY, "page": 2})
        assert list(body) == ["collection", "result", "status"]
        collection = body["collection"]
        assert (body["status"], collection["per_page"], len(body["result"])) == (200, 50, 50)
        assert collection["size"] == len(expected_rows(date(2024, 3, 5)))
        assert "pages" not in collection
        for name, page in (("first", 1), ("prev", 1), ("next", 3), ("last", 6)):
            assert collection[f"{name}_url"].endswith(
                f"/{REPORT}?access_token={token}&filter%5Bdate%5D=2024-03-05&page={page}"
            )
        _, body = adcloud(REPORT, {**DAY, "page": 6})
        assert body["collection"]["next_url"] is None
        assert adcloud(REPORT, DAY)[1]["collection"]["prev_url"] is None

    def test_pages_are_announced_sometimes(self, sandbox: Sandbox, adcloud: AdcloudClient) -> None:
        other_day = {"filter[date]": "2024-03-06"}
        pages = -(-len(expected_rows(date(2024, 3, 6))) // 50)
        assert adcloud(REPORT, other_day)[1]["collection"]["pages"] == pages
        sandbox.adcloud.pages = "never"
        assert "pages" not in adcloud(REPORT, other_day)[1]["collection"]
        sandbox.adcloud.pages = "always"
        assert "pages" in adcloud(REPORT, DAY)[1]["collection"]

    def test_version_2_envelope(self, adcloud: AdcloudClient) -> None:
        total = len(expected_rows(date(2024, 3, 5)))
        _, body = adcloud("v2/reports/advertiser", {**DAY, "page": 2, "per_page": 200})
        meta = body["_meta"]
        assert len(meta.pop("uuid")) == 36
        assert meta == {
            "type": "Collection",
            "page": 2,
            "size": total - 200,
            "per_page": 200,
            "total_count": total,
            "total_pages": 2,
            "sort": None,
        }
        assert all(row.pop("_meta") == {"type": "AdvertiserReport"} for row in body["items"])
        assert body["items"] == expected_rows(date(2024, 3, 5))[200:]

    def test_too_large_a_page_is_cut(self, adcloud: AdcloudClient) -> None:
        _, body = adcloud(REPORT, {**DAY, "per_page": 1000})
        assert len(body["result"]) == body["collection"]["per_page"] == 200

    def test_new_backend(self, sandbox: Sandbox, adcloud: AdcloudClient) -> None:
        sandbox.adcloud.new_backend = True
        rows = adcloud("v2/reports/advertiser", DAY)[1]["items"]
        expected = expected_rows(date(2024, 3, 5))[:50]
        assert [row["campaign_id"] for row in rows] == [row["booking_id"] for row in expected]
        assert [row["campaign"] for row in rows] == [row["booking"] for row in expected]
        assert "booking_id" not in rows[0]
        assert "booking_id" in adcloud(REPORT, DAY)[1]["result"][0]

    @pytest.mark.parametrize(
        ("value", "is_new"), [("true", True), ("1", True), ("false", False), ("0", False)]
    )
    def test_new_backend_as_a_parameter(
        self, sandbox: Sandbox, adcloud: AdcloudClient, value: str, *, is_new: bool
    ) -> None:
        """As Adcloud's own client requests the report."""
        sandbox.adcloud.new_backend = not is_new
        query = {**DAY, "new_backend": value}
        row = adcloud("v2/reports/advertiser", query)[1]["items"][0]
        assert ("campaign_id" in row, "booking_id" in row) == (is_new, not is_new)
        assert "booking_id" in adcloud(REPORT, query)[1]["result"][0]

    @pytest.mark.parametrize("new_backend", ["true", "false"])
    @pytest.mark.parametrize(
        "name",
        ["filter[booking_id][]", "filter[booking_id]", "filter[campaign]", "filter[campaign_id]"],
    )
    def test_bookings_of_the_report(
        self, adcloud: AdcloudClient, name: str, new_backend: str
    ) -> None:
        rows = expected_rows(date(2024, 3, 5))
        wanted = {rows[0]["booking_id"], rows[7]["booking_id"]}
        query = [*DAY.items(), ("new_backend", new_backend), ("per_page", "200")]
        query += [(name, str(number)) for number in wanted]
        _, body = adcloud("v2/reports/advertiser", query)
        field = "campaign_id" if new_backend == "true" else "booking_id"
        assert [row[field] for row in body["items"]] == [
            row["booking_id"] for row in rows if row["booking_id"] in wanted
        ]
        assert body["_meta"]["total_count"] == len(body["items"]) > 1

    def test_an_empty_list_of_bookings_means_all(self, adcloud: AdcloudClient) -> None:
        _, body = adcloud("v2/reports/advertiser", {**DAY, "filter[booking_id][]": ""})
        assert body["_meta"]["total_count"] == len(expected_rows(date(2024, 3, 5)))

    def test_page_type(self, sandbox: Sandbox, adcloud: AdcloudClient) -> None:
        for setting, types in (("text", {str}), ("integer", {int}), ("mixed", {int, str})):
            sandbox.adcloud.page_type = setting  # type: ignore[assignment]
            rows = adcloud(REPORT, DAY)[1]["result"]
            assert {type(row["page_type"]) for row in rows} == types

    def test_number_of_rows_is_settable(self, sandbox: Sandbox, adcloud: AdcloudClient) -> None:
        sandbox.adcloud.rows_per_day = 1_000
        assert 900 <= adcloud(REPORT, DAY)[1]["collection"]["size"] <= 1_100

    def test_some_days_are_empty(self, adcloud: AdcloudClient) -> None:
        start = date(2023, 1, 1)
        empty = [
            start + timedelta(number)
            for number in range(365)
            if not expected_rows(start + timedelta(number), rows_per_day=10)
        ]
        assert 5 < len(empty) < 40
        _, body = adcloud(REPORT, {"filter[date]": str(empty[0])})
        assert body["result"] == []
        assert body["collection"]["size"] == 0
        assert body["collection"]["next_url"] is None
        _, body = adcloud("v2/reports/advertiser", {"filter[date]": str(empty[0])})
        assert body["items"] == []
        assert body["_meta"]["total_pages"] == body["_meta"]["total_count"] == 0


class TestTime:
    def test_future_days_have_no_rows(self) -> None:
        assert expected_rows(date(2024, 5, 2), NOW) == []
        assert expected_rows(date(2024, 5, 1), NOW)

    def test_days_are_those_of_berlin(self) -> None:
        late = datetime(2024, 5, 1, 21, 59, tzinfo=UTC)
        assert expected_rows(date(2024, 5, 2), late) == []
        assert expected_rows(date(2024, 5, 2), late + timedelta(hours=2))
        assert not expected_rows(
            date(2024, 5, 2), late + timedelta(hours=2), timezone="America/New_York"
        )

    def test_days_are_restated_until_they_settle(self) -> None:
        vanished = appeared = changed = 0
        for number in range(12):
            day = date(2024, 1, 1) + timedelta(number)
            final = {key(row): row for row in expected_rows(day)}
            conversions = []
            for age in (1, 2, 3, 10, 29, SETTLED_AFTER_DAYS, 100):
                now = datetime(2024, 1, 1, 12, tzinfo=UTC) + timedelta(number + age)
                known = {key(row): row for row in expected_rows(day, now)}
                if age >= SETTLED_AFTER_DAYS:
                    assert known == final
                vanished += len(known.keys() - final.keys())
                appeared += len(final.keys() - known.keys())
                common = known.keys() & final.keys()
                changed += sum(known[name] != final[name] for name in common)
                conversions.append(sum(known[name]["postclick_conversions"] for name in common))
            assert conversions == sorted(conversions)
        assert vanished > 20
        assert appeared > 20
        assert changed > 1_000

    def test_documented_day_has_its_rows_at_every_age(self) -> None:
        for age in (1, 7, 40):
            now = datetime(2011, 10, 5, 12, tzinfo=UTC) + timedelta(age)
            assert len(expected_rows(DOCUMENTED_DAY, now)) == DOCUMENTED_ROWS


class TestEntities:
    @pytest.mark.parametrize(
        ("resource", "kind"),
        [
            ("campaigns", "Campaign"),
            ("advertisements", "Advertisement"),
            ("customers", "Customer"),
            ("products", "Product"),
            ("topics", "Topic"),
        ],
    )
    def test_all_of_them(self, adcloud: AdcloudClient, resource: str, kind: str) -> None:
        rows: list[Any] = []
        page = 0
        while True:
            page += 1
            _, body = adcloud(f"v2/{resource}", {"page": page, "per_page": 200})
            rows += body["items"]
            if page >= body["_meta"]["total_pages"]:
                break
        assert all(row.pop("_meta") == {"type": kind} for row in rows)
        assert rows == list(entities(resource))
        assert len({row["id"] for row in rows}) == len(rows) == body["_meta"]["total_count"]
        assert all(row["created"] <= row["modified"] for row in rows)
        assert adcloud(f"v1/{resource}")[0] == 404
        one = adcloud(f"v2/{resource}/{rows[-1]['id']}")[1]
        assert one == {**rows[-1], "_meta": {"type": kind}}
        assert adcloud(f"v2/{resource}/999999")[0] == 404

    def test_they_refer_to_each_other(self) -> None:
        ids = {
            name: {row["id"] for row in entities(name)}
            for name in ("customers", "products", "campaigns", "topics")
        }
        for row in entities("products"):
            assert row["customer_id"] in ids["customers"]
        for row in entities("campaigns"):
            assert row["product_id"] in ids["products"]
            assert set(row["topic_ids"]) <= ids["topics"]
        for row in entities("advertisements"):
            assert row["campaign_id"] in ids["campaigns"]

    def test_keywords_are_text_or_list_or_null(self) -> None:
        for resource, names in (
            ("campaigns", ("keywords", "exclusion_keywords", "locations")),
            ("advertisements", ("keywords", "machine_keywords")),
        ):
            for name in names:
                kinds = {type(row[name]) for row in entities(resource)}
                assert kinds == {str, list, type(None)}

    def test_discounts(self) -> None:
        discounts = [discount for row in entities("topics") for discount in row["discounts"]]
        assert all(
            isinstance(row[name], str) for row in discounts for name in ("discount", "reach")
        )
        assert any(not row["discounts"] for row in entities("topics"))

    @pytest.mark.parametrize(
        ("value", "status"),
        [("online", 1), ("true", 1), ("1", 1), ("paused", 6), ("approval_rejected", 13)],
    )
    def test_status_in_words(self, adcloud: AdcloudClient, value: str, status: int) -> None:
        _, body = adcloud("v2/campaigns", {"filter[status]": value, "per_page": 200})
        expected = [row["id"] for row in entities("campaigns") if row["status"] == status]
        assert [row["id"] for row in body["items"]] == expected != []

    @pytest.mark.parametrize(
        ("resource", "name", "field", "value"),
        [
            ("advertisements", "campaign", "campaign_id", 103),
            ("advertisements", "product", "product_id", 5_003),
            ("campaigns", "customer", "customer_id", 3_002),
            ("campaigns", "company", "company_id", 703),
            ("campaigns", "delivery_type", "delivery_type", 2),
            ("campaigns", "type", "type", 1),
        ],
    )
    def test_filters_of_the_client(
        self, adcloud: AdcloudClient, resource: str, name: str, field: str, value: int
    ) -> None:
        _, body = adcloud(f"v2/{resource}", {f"filter[{name}]": value, "per_page": 200})
        expected = [row["id"] for row in entities(resource) if row[field] == value]
        assert [row["id"] for row in body["items"]] == expected != []

    def test_a_name_is_searched_for(self, adcloud: AdcloudClient) -> None:
        _, body = adcloud("v2/campaigns", {"filter[name]": "ESPRESSO", "per_page": 200})
        assert body["items"]
        assert all("Espresso" in row["name"] for row in body["items"])

    @pytest.mark.parametrize("name", ["country", "destination", "managed", "active"])
    def test_filters_on_no_field_are_ignored(self, adcloud: AdcloudClient, name: str) -> None:
        _, body = adcloud("v2/campaigns", {f"filter[{name}]": "x"})
        assert body["_meta"]["total_count"] == len(entities("campaigns"))

    def test_filter(self, adcloud: AdcloudClient) -> None:
        _, body = adcloud("v2/campaigns", {"filter[status]": 6, "per_page": 200})
        assert {row["status"] for row in body["items"]} == {6}
        assert body["_meta"]["total_count"] == len(body["items"])

    def test_performance(self, adcloud: AdcloudClient) -> None:
        _, body = adcloud("v2/campaign_performance_data", {"campaign_ids": "102,101,9"})
        assert all(row.pop("_meta") for row in body["items"])
        assert [row["campaign_id"] for row in body["items"]] == [102, 101]
        assert body["items"] == performance([102, 101], NOW)
        assert adcloud("v2/campaign_performance_data")[0] == 400
        assert adcloud("v2/campaign_performance_data", {"campaign_ids": "a"})[0] == 400

    def test_unknown_path(self, adcloud: AdcloudClient) -> None:
        assert adcloud("v1/x") == (404, {"status": 404, "errors": [{"message": "Not Found"}]})
        assert adcloud("v2/x")[1]["_meta"]["status"] == 404

"""The Adsterra API of the sandbox: its errors, its samples, and consistent data."""

from __future__ import annotations

from collections import defaultdict
from csv import DictReader
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.adsterra import (
    ADVERTISER_TOKEN,
    DEMO,
    DEMO_TOKEN,
    DOCUMENTS_TOKEN,
    LARGE,
    LARGE_TOKEN,
    REVOKED_TOKEN,
    SETTLED_AFTER_DAYS,
    expected_rows,
)
from sandbox.adsterra.reports import DIMENSIONS
from tests.sandbox.clients import NOW

if TYPE_CHECKING:
    import requests

    from sandbox import Sandbox
    from tests.sandbox.clients import AdsterraClient

DAYS = [("start_date", "2024-04-01"), ("finish_date", "2024-04-10")]
BY_DATE = [*DAYS, ("group_by[]", "date")]
PATHS = ["domains.json", "domain/1385226/placements.json", "placements.json", "smart-links.json"]
MAY_FIRST = date(2024, 5, 1)


def group_by(*names: str) -> list[tuple[str, str]]:
    return [("group_by[]", name) for name in names]


def days(start: str, finish: str) -> list[tuple[str, str]]:
    return [("start_date", start), ("finish_date", finish)]


class TestAccess:
    @pytest.mark.parametrize("path", [*PATHS, "stats.json"])
    @pytest.mark.parametrize(
        ("token", "code", "message"),
        [
            ("", 401, "Token not found"),
            ("a" * 32, 401, "Token not found"),
            (REVOKED_TOKEN, 403, "Invalid token"),
            (ADVERTISER_TOKEN, 403, "Invalid owner type"),
        ],
    )
    def test_bad_tokens(
        self, adsterra: AdsterraClient, path: str, token: str, code: int, message: str
    ) -> None:
        expected = {"code": code, "message": message, "data": None}
        assert adsterra(path, BY_DATE, token) == (code, expected)

    @pytest.mark.parametrize("path", [*PATHS, "stats.json"])
    def test_token_in_path(
        self, sandbox: Sandbox, session: requests.Session, adsterra: AdsterraClient, path: str
    ) -> None:
        query = BY_DATE if path == "stats.json" else []
        url = f"{sandbox.adsterra_url}/{DEMO_TOKEN}/{path}"
        assert session.get(url, params=query, timeout=60).text
        by_path = session.get(url, params=query, timeout=60).json()
        by_header = adsterra(path, query)[1]
        assert str(by_path) == str(by_header).replace("Decimal('", "").replace("')", "")

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD"])
    def test_only_get(self, sandbox: Sandbox, session: requests.Session, method: str) -> None:
        headers = {"X-API-Key": DEMO_TOKEN}
        url = f"{sandbox.adsterra_url}/domains.json"
        response = session.request(method, url, headers=headers, timeout=60)
        assert response.status_code == 405
        assert response.headers["Allow"] == "GET"
        if method != "HEAD":
            assert response.json() == {
                "code": 405,
                "message": f'No route found for "{method} /publisher/domains.json":'
                " Method Not Allowed (Allow: GET)",
                "data": None,
            }

    def test_unknown_path(self, adsterra: AdsterraClient) -> None:
        code, body = adsterra("balance.json")
        assert code == 404
        assert body["message"] == 'No route found for "GET /publisher/balance.json"'

    def test_other_formats_are_refused(self, adsterra: AdsterraClient) -> None:
        assert adsterra("domains.xml")[0] == 406
        assert adsterra("domains.pdf")[0] == 404
        code, body = adsterra("domains.csv", token="0" * 32)
        assert code == body["code"] == 401

    @pytest.mark.parametrize(
        "requested",
        [
            ("domains", ()),
            ("placements", ()),
            ("smart-links", {"status": "3"}),
            ("stats", [*DAYS, ("group_by[]", "date"), ("group_by[]", "placement_sub_id")]),
        ],
    )
    def test_csv_has_the_same_rows(
        self,
        sandbox: Sandbox,
        session: requests.Session,
        adsterra: AdsterraClient,
        requested: tuple[str, Any],
    ) -> None:
        """The official file says that every path answers in this format."""
        path, query = requested
        response = session.get(
            f"{sandbox.adsterra_url}/{path}.csv",
            params=query,
            headers={"X-API-Key": DEMO_TOKEN},
            timeout=60,
        )
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/csv")
        _, body = adsterra(f"{path}.json", query)
        items = (body.get("data") or body)["items"]
        rows = list(DictReader(StringIO(response.text)))
        assert len(rows) == len(items) > 1
        for row, item in zip(rows, items, strict=True):
            assert {name: value for name, value in row.items() if value} == {
                name: str(value) for name, value in item.items()
            }

    @pytest.mark.parametrize("domain", [1, LARGE.domains[0]["id"]])
    def test_unknown_and_foreign_domain(self, adsterra: AdsterraClient, domain: int) -> None:
        expected = {"code": 404, "message": "'Zone' entity does not exist", "data": None}
        assert adsterra(f"domain/{domain}/placements.json") == (404, expected)


class TestLists:
    def test_domains(self, adsterra: AdsterraClient) -> None:
        _, body = adsterra("domains.json")
        assert body == {"items": list(DEMO.domains), "itemCount": len(DEMO.domains)}
        assert {"id": 3486860, "title": "smart-link-3486860"} in body["items"]

    def test_placements_agree_with_those_of_the_domains(self, adsterra: AdsterraClient) -> None:
        _, body = adsterra("placements.json")
        assert body["itemCount"] == len(body["items"]) == 12
        assert any("direct_url" not in row for row in body["items"])
        assert any("direct_url" in row for row in body["items"])
        by_domain = [
            {"domain_id": domain["id"], **row}
            for domain in DEMO.domains
            for row in adsterra(f"domain/{domain['id']}/placements.json")[1]["items"]
        ]
        assert sorted(by_domain, key=str) == sorted(
            ({"domain_id": row["domain_id"], **row} for row in body["items"]), key=str
        )

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ({}, 5),
            ({"status": 3}, 3),
            ({"status": 4}, 2),
            ({"traffic_type": 1}, 3),
            ({"status": 4, "traffic_type": 2}, 1),
        ],
    )
    def test_smart_links(self, adsterra: AdsterraClient, query: dict[str, int], count: int) -> None:
        code, body = adsterra("smart-links.json", query)
        assert code == 200
        assert list(body) == ["data"]
        assert list(body["data"]) == ["items"]
        assert len(body["data"]["items"]) == count
        for row in body["data"]["items"]:
            assert row["status"] == {4: "Inactive"}.get(query.get("status", 0), row["status"])

    @pytest.mark.parametrize("query", [{"status": 5}, {"traffic_type": "Adult"}, {"limit": 1}])
    def test_smart_links_refused(self, adsterra: AdsterraClient, query: dict[str, Any]) -> None:
        code, body = adsterra("smart-links.json", query)
        assert code == body["code"] == 422
        assert list(body["errors"]) == list(query)


class TestRefusedStatistics:
    @pytest.mark.parametrize(
        ("query", "parameter", "message"),
        [
            ([], "start_date", "Start date is required"),
            (BY_DATE[1:], "start_date", "Start date is required"),
            (BY_DATE[:1], "finish_date", "Finish date is required"),
            (days("2024-4-1", "2024-04-10"), "start_date", "Invalid date format"),
            (days("2024-02-30", "2024-04-10"), "start_date", "Invalid date format"),
            (days("20240401", "2024-04-10"), "start_date", "Invalid date format"),
            (days("2024-04-01", "10.04.2024"), "finish_date", "Invalid date format"),
            (
                days("2016-12-16", "2017-01-10"),
                "start_date",
                "Start date must be on or after 2016-12-17",
            ),
            (
                days("2016-12-01", "2016-12-02"),
                "finish_date",
                "Finish date must be on or after 2016-12-17",
            ),
            (
                days("2024-04-02", "2024-04-01"),
                "start_date",
                "Start date must be before or equal to finish date",
            ),
            (
                days("2023-01-01", "2024-01-02"),
                "start_date",
                "Date range cannot exceed 366 days",
            ),
            ([*BY_DATE, ("domain", "site.com")], "domain", "Invalid domain ID value"),
            ([*BY_DATE, ("domain", "2147483648")], "domain", "Invalid domain ID value"),
            ([*BY_DATE, ("domain", "9" * 5000)], "domain", "Invalid domain ID value"),
            ([*BY_DATE, ("domain[]", "1")], "domain", "Invalid domain ID value"),
            ([*DAYS, ("group_by", "")], "group_by", f"Group by must be of {', '.join(DIMENSIONS)}"),
            (
                DAYS + group_by("dates"),
                "group_by",
                "Group by must be of date, domain, placement, country, placement_sub_id",
            ),
            (DAYS + group_by("date", "date"), "group_by", "Group by values must be unique"),
            (DAYS + group_by(*DIMENSIONS[:4]), "group_by", "Group by cannot exceed 3 values"),
            ([*BY_DATE, ("placement", "x")], "placement", "Invalid placement ID value"),
            (
                [*BY_DATE, ("placement", "1"), ("placement_ids[]", "1")],
                "placement",
                "Placement and placement_ids cannot be used together",
            ),
            (
                [*BY_DATE, ("placement_ids", "1")],
                "placement_ids",
                "Placement ids must be a list, placement_ids[]=1",
            ),
            (
                BY_DATE + [("placement_ids[]", str(number)) for number in range(1, 501)],
                "placement_ids",
                "Placement ids count should be less than 500",
            ),
            ([*BY_DATE, ("placement_ids[]", "0")], "placement_ids", "Invalid placement ID value"),
            (
                [*BY_DATE, ("country", "Germany")],
                "country",
                "Country must be a two-letter ISO code",
            ),
            ([*BY_DATE, ("country", "de")], "country", "Country must be a two-letter ISO code"),
            ([*BY_DATE, ("limit", "100")], "limit", "This parameter is not known"),
        ],
    )
    def test_refused(
        self, adsterra: AdsterraClient, query: list[tuple[str, str]], parameter: str, message: str
    ) -> None:
        code, body = adsterra("stats.json", query)
        assert code == body["code"] == 422
        assert body["message"] == "Data validation error"
        assert body["errors"][parameter] == [message]

    def test_all_problems_are_named(self, adsterra: AdsterraClient) -> None:
        query = {"limit": 1, "domain": "x", "start_date": "x", "group_by": "x"}
        _, body = adsterra("stats.json", query)
        assert set(body["errors"]) == {"limit", "domain", "start_date", "finish_date", "group_by"}

    @pytest.mark.parametrize(
        "query",
        [
            days("2023-01-01", "2024-01-01") + group_by("date"),
            days("2016-12-17", "2016-12-17") + group_by("date"),
            days("2024-05-01", "2024-12-31") + group_by("date"),
            BY_DATE + [("placement_ids[]", str(number)) for number in range(1, 500)],
            [*DAYS, ("group_by", "date")],
            [*BY_DATE, ("domain", str(LARGE.domains[0]["id"]))],
        ],
    )
    def test_at_the_limits(self, adsterra: AdsterraClient, query: list[tuple[str, str]]) -> None:
        assert adsterra("stats.json", query)[0] == 200

    def test_rows_are_grouped_by_date_unless_something_else_is_requested(
        self, adsterra: AdsterraClient
    ) -> None:
        code, body = adsterra("stats.json", DAYS)
        assert code == 200
        assert body == adsterra("stats.json", BY_DATE)[1]
        assert set(body["items"][0]) & set(DIMENSIONS) == {"date"}

    def test_without_brackets_only_the_last_value_counts(self, adsterra: AdsterraClient) -> None:
        query = [*DAYS, ("group_by", "date"), ("group_by", "country")]
        _, body = adsterra("stats.json", query)
        assert {"country"} == set(body["items"][0]) & set(DIMENSIONS)


class TestStatistics:
    @pytest.mark.parametrize(
        "names", [names for size in (1, 2, 3) for names in combinations(DIMENSIONS, size)]
    )
    def test_rows_are_the_expected_rows(
        self, adsterra: AdsterraClient, names: tuple[str, ...]
    ) -> None:
        code, body = adsterra("stats.json", DAYS + group_by(*names))
        assert code == 200
        assert list(body) == ["items", "itemCount", "dbLastUpdateTime", "dbDateTime"]
        assert body["itemCount"] == len(body["items"])
        assert body["dbLastUpdateTime"] == "2024-05-01 12:30:00"
        assert body["dbDateTime"] == "2024-05-01 12:34:56"
        measures = ["impression", "clicks", "ctr", "cpm", "revenue"]
        assert all(list(row) == [*names, *measures] for row in body["items"])
        expected = expected_rows(DEMO, names, date(2024, 4, 1), date(2024, 4, 10), NOW)
        assert sorted(map(str, body["items"])) == sorted(map(str, expected))
        keys = {tuple(row[name] for name in names) for row in body["items"]}
        assert len(keys) == len(body["items"])

    def test_rates_and_whole_numbers(self) -> None:
        rows = expected_rows(
            DEMO, ["date", "placement", "country"], date(2024, 1, 1), date(2024, 3, 31)
        )
        assert any(row["impression"] == 0 for row in rows)
        for row in rows:
            assert 0 <= row["clicks"] <= row["impression"]
            impressions = row["impression"] or 1
            assert abs(Decimal(100 * row["clicks"]) / impressions - row["ctr"]) <= Decimal("0.0005")
            # Revenue is rounded as well, so CPM is only approximate.
            difference = abs(1_000 * row["revenue"] - impressions * row["cpm"]) / impressions
            assert difference <= Decimal("0.0005") + Decimal("0.5") / impressions
            for name in ("ctr", "cpm", "revenue"):
                assert isinstance(row[name], int) == (row[name] == int(row[name]))
                assert abs(Decimal(row[name]).as_tuple().exponent) <= 3  # type: ignore[arg-type]

    def test_breakdowns_agree(self) -> None:
        start, finish = date(2024, 1, 1), date(2024, 1, 31)
        whole = {row["date"]: row for row in expected_rows(DEMO, ["date"], start, finish)}
        for other in DIMENSIONS[1:]:
            sums: dict[str, dict[str, Any]] = defaultdict(lambda: defaultdict(Decimal))
            for row in expected_rows(DEMO, ["date", other], start, finish):
                for name in ("impression", "clicks", "revenue"):
                    sums[row["date"]][name] += row[name]
                sums[row["date"]]["rows"] += 1
            assert sums.keys() == whole.keys()
            for day, row in whole.items():
                assert sums[day]["impression"] == row["impression"]
                assert sums[day]["clicks"] == row["clicks"]
                rounding = Decimal("0.0005") * (1 + sums[day]["rows"])
                assert abs(sums[day]["revenue"] - row["revenue"]) <= rounding

    def test_filters(self, adsterra: AdsterraClient) -> None:
        by_all = DAYS + group_by("date", "placement", "country")
        everything = adsterra("stats.json", by_all)[1]["items"]
        domain = DEMO.domains[1]["id"]
        of_domain = {row["id"] for row in DEMO.placements_by_domain[domain]}
        some = sorted(of_domain)[:2]
        for query, keeps in (
            ([("domain", domain)], lambda row: row["placement"] in of_domain),
            ([("country", "US")], lambda row: row["country"] == "US"),
            ([("placement", some[0])], lambda row: row["placement"] == some[0]),
            (
                [("placement_ids[]", some[0]), ("placement_ids[]", some[1])],
                lambda row: row["placement"] in some,
            ),
        ):
            found = adsterra("stats.json", by_all + query)[1]["items"]
            assert found
            assert sorted(map(str, found)) == sorted(str(row) for row in everything if keeps(row))

    def test_rows_are_sparse_and_in_no_order(self, adsterra: AdsterraClient) -> None:
        year = expected_rows(DEMO, ["date", "placement"], date(2023, 1, 1), date(2023, 12, 31))
        seen_days = {row["date"] for row in year}
        assert 340 < len(seen_days) < 365
        assert len(year) < len(seen_days) * len(DEMO.placements)
        items = adsterra("stats.json", DAYS + group_by("date", "placement"))[1]["items"]
        assert items != sorted(items, key=lambda row: (row["date"], row["placement"]))
        again = adsterra("stats.json", DAYS + group_by("date", "placement"))[1]["items"]
        assert items == again

    def test_sub_ids(self) -> None:
        rows = expected_rows(DEMO, ["placement_sub_id"], date(2024, 4, 1), date(2024, 4, 1))
        assert {row["placement_sub_id"] for row in rows} >= {"-", "Größe-ß"}

    def test_any_year(self, adsterra: AdsterraClient, sandbox: Sandbox) -> None:
        sandbox.clock.now = datetime(2031, 1, 1, tzinfo=UTC)
        for year in range(2017, 2031):
            query = days(f"{year}-01-01", f"{year}-12-31") + group_by("date")
            assert adsterra("stats.json", query)[1]["itemCount"] > 340


class TestTime:
    def test_future_days_have_no_rows(self, adsterra: AdsterraClient) -> None:
        query = days("2024-05-01", "2024-05-10") + group_by("date")
        rows = adsterra("stats.json", query)[1]["items"]
        assert [row["date"] for row in rows] == ["2024-05-01"]
        query = days("2024-05-02", "2024-05-10") + group_by("date")
        assert adsterra("stats.json", query)[1]["items"] == []

    def test_today_grows_every_ten_minutes(
        self, adsterra: AdsterraClient, sandbox: Sandbox
    ) -> None:
        query = days("2024-05-01", "2024-05-01") + group_by("date")
        seen = []
        sandbox.clock.now = datetime(2024, 5, 1, tzinfo=UTC)
        for _ in range(24 * 12):
            rows = adsterra("stats.json", query)[1]["items"]
            seen.append(rows[0]["impression"] if rows else 0)
            sandbox.clock.advance(timedelta(minutes=5))
        assert seen[0] == 0
        assert seen == sorted(seen)
        assert seen[::2] == seen[1::2]
        assert len(set(seen)) == 24 * 6

    def test_days_are_restated_until_they_settle(self) -> None:
        names = ("date", "placement", "country")
        vanished = appeared = changed = 0
        for number in range(60):
            day = MAY_FIRST + timedelta(number)
            begin = datetime.combine(day, datetime.min.time(), UTC)
            final = {
                tuple(row[name] for name in names): row
                for row in expected_rows(DEMO, names, day, day)
            }
            for age in range(1, 3 * SETTLED_AFTER_DAYS):
                now = begin + timedelta(age, hours=13)
                rows = expected_rows(DEMO, names, day, day, now)
                known = {tuple(row[name] for name in names): row for row in rows}
                if age >= SETTLED_AFTER_DAYS:
                    assert known == final
                vanished += len(known.keys() - final.keys())
                appeared += len(final.keys() - known.keys())
                changed += sum(known[key] != final[key] for key in known.keys() & final.keys())
        assert vanished > 100
        assert appeared > 100
        assert changed > 1_000

    def test_rows_by_placement_come_and_go(self) -> None:
        day, names = date(2024, 4, 1), ("date", "placement")
        final = {
            tuple(row[name] for name in names) for row in expected_rows(DEMO, names, day, MAY_FIRST)
        }
        fresh = {
            tuple(row[name] for name in names)
            for number in range(31)
            for row in expected_rows(
                DEMO,
                names,
                day + timedelta(number),
                day + timedelta(number),
                datetime(2024, 4, 2, 12, tzinfo=UTC) + timedelta(number),
            )
        }
        assert fresh - final
        assert final - fresh


class TestDocuments:
    def test_statistics_by_date(self, adsterra: AdsterraClient) -> None:
        query = days("2018-10-04", "2018-10-05") + group_by("date")
        assert adsterra("stats.json", query, DOCUMENTS_TOKEN) == (
            200,
            {
                "items": [
                    {
                        "date": "2018-10-04",
                        "impression": 3014,
                        "clicks": 175,
                        "ctr": Decimal("5.806"),
                        "cpm": Decimal("0.383"),
                        "revenue": Decimal("1.154"),
                    },
                    {
                        "date": "2018-10-05",
                        "impression": 3485,
                        "clicks": 155,
                        "ctr": Decimal("4.448"),
                        "cpm": Decimal("0.396"),
                        "revenue": Decimal("1.379"),
                    },
                ],
                "itemCount": 2,
                "dbLastUpdateTime": "2018-10-08 14:47:49",
                "dbDateTime": "2018-10-08 14:47:54",
            },
        )

    @pytest.mark.parametrize(
        ("names", "first_day", "count"),
        [
            (["country"], "2018-10-04", 3),
            (["domain"], "2018-10-04", 2),
            (["placement"], "2018-10-04", 4),
            (["placement_sub_id"], "2018-10-04", 1),
            (["placement", "country"], "2025-12-23", 3),
        ],
    )
    def test_other_statistics(
        self, adsterra: AdsterraClient, names: list[str], first_day: str, count: int
    ) -> None:
        finish = date.fromisoformat(first_day) + timedelta(1)
        query = days(first_day, str(finish)) + group_by(*names)
        _, body = adsterra("stats.json", query, DOCUMENTS_TOKEN)
        assert body["itemCount"] == len(body["items"]) == count
        query = days(str(finish), str(finish)) + group_by(*names)
        assert adsterra("stats.json", query, DOCUMENTS_TOKEN)[1]["items"] == []

    def test_one_day_of_the_sample(self, adsterra: AdsterraClient) -> None:
        query = days("2018-10-05", "2018-10-30") + group_by("date")
        rows = adsterra("stats.json", query, DOCUMENTS_TOKEN)[1]["items"]
        assert [row["impression"] for row in rows] == [3485]

    @pytest.mark.parametrize(
        ("path", "count"),
        [
            ("domains.json", 2),
            ("placements.json", 2),
            ("domain/11104450/placements.json", 4),
            ("domain/11561045/placements.json", 0),
        ],
    )
    def test_lists(self, adsterra: AdsterraClient, path: str, count: int) -> None:
        _, body = adsterra(path, token=DOCUMENTS_TOKEN)
        assert body["itemCount"] == len(body["items"]) == count

    def test_smart_links(self, adsterra: AdsterraClient) -> None:
        _, body = adsterra("smart-links.json", token=DOCUMENTS_TOKEN)
        assert body["data"]["items"][0]["traffic_type"] == "Adult"


class TestSize:
    def test_fifty_thousand_rows(self, adsterra: AdsterraClient) -> None:
        query = days("2024-03-01", "2024-03-30") + group_by("date", "placement", "country")
        _, body = adsterra("stats.json", query, LARGE_TOKEN)
        assert 45_000 < body["itemCount"] == len(body["items"]) < 55_000

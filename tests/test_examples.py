"""The example queries return the figures of the sandbox, on DuckDB and on PostgreSQL."""

from __future__ import annotations

import re
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg
import pytest

from benchmarks.postgresql import INITDB, postgresql_server
from sandbox.adcloud import entities
from sandbox.adsterra import DEMO
from tap_adcloud.streams import STREAMS
from tests.reliability.databases import PostgreSQL
from tests.support import NOW, REPORT_KEY, day
from tests.warehouse import (
    ADSTERRA_STREAMS,
    FIRST,
    KEYS,
    LATER,
    Row,
    Written,
    add_up,
    expected_stream_rows,
    fill,
    filled_duckdb,
    rows_at,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUERIES = Path(__file__).parent.parent / "examples" / "queries"
VIEWS = (QUERIES.parent / "views.sql").read_text()
REPORT = "advertiser_report"
ADSTERRA_SUMS = ("impression", "clicks", "revenue")
ADCLOUD_SUMS = ("ad_impressions", "clicks", "costs")
NAMES = {
    resource: {row["id"]: row["name"] for row in entities(resource)}
    for resource in ("campaigns", "advertisements", "customers")
}
NAMES["topics"] = {row["id"]: row["names"]["en"] for row in entities("topics")}
CUSTOMERS = {row["id"]: row["customer_id"] for row in entities("campaigns")}
DOMAINS = {row["id"]: row["title"] for row in DEMO.domains}
PLACEMENTS = {row["id"]: row["alias"] for row in DEMO.placements}


QueryResult = tuple[list[str], list[Any]]


class Warehouse:
    """A database that was filled twice, and a function to query it."""

    def __init__(self, written: dict[str, Written], run: Callable[[str], QueryResult]) -> None:
        self.written = written
        self.run = run

    def query(self, query: str) -> list[Row]:
        """Run one of the files."""
        names, rows = self.run((QUERIES / f"{query}.sql").read_text())
        return [dict(zip(names, row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A DuckDB file."""
    file, written = filled_duckdb(tmp_path_factory)
    with duckdb.connect() as database:
        # The file is that of all tests, so the views are kept out of it.
        database.sql(f"attach '{file}' as ads (read_only); use ads")
        database.sql(VIEWS.replace("create or replace view", "create temp view"))

        def run(query: str) -> QueryResult:
            result = database.sql(query)
            return result.columns, result.fetchall()

        yield Warehouse(written, run)


@pytest.fixture
def postgresql(tmp_path: Path) -> Iterator[Warehouse]:
    """A schema of a PostgreSQL server."""
    if INITDB is None:
        pytest.skip("PostgreSQL is not installed")
    with postgresql_server() as port:
        written = fill("target-postgres", tmp_path, **PostgreSQL(port, "ads").settings)
        address = f"host=127.0.0.1 port={port} user=ads dbname=postgres options=-csearch_path=ads"
        with psycopg.connect(address) as connection:
            connection.execute(VIEWS.encode())

            def run(query: str) -> QueryResult:
                result = connection.execute(query.encode())
                assert result.description is not None
                return [column.name for column in result.description], result.fetchall()

            yield Warehouse(written, run)


def check_sums(
    found: list[Row], key: Callable[[Row], Any], expected: dict[Any, tuple[Any, ...]]
) -> None:
    """Compare sums exactly, and ratios with those of the sums."""
    amount = "revenue_usd" if "revenue_usd" in found[0] else "costs"
    sums = {key(row): (row["impressions"], row["clicks"], row[amount]) for row in found}
    assert len(sums) == len(found)
    assert sums == expected
    for row in found:
        impressions, clicks, total = expected[key(row)]
        assert impressions
        assert float(row["ctr_percent"]) == pytest.approx(100 * clicks / impressions, rel=1e-12)
        cpm = row["cpm_usd"] if "cpm_usd" in row else row["cpm"]
        assert float(cpm) == pytest.approx(float(1000 * total / impressions), rel=1e-12)
        if "cpc" in row and not clicks:
            assert row["cpc"] is None
        elif "cpc" in row:
            assert float(row["cpc"]) == pytest.approx(float(total / clicks), rel=1e-12)


def test_every_row_of_adsterras_newest_reading_has_its_names(warehouse: Warehouse) -> None:
    found = warehouse.query("adsterra_newest_reading")
    assert [
        (
            *(str(row["date"]), row["domain_id"], row["domain"], row["placement_id"]),
            *(row["placement"], row["impressions"], row["clicks"], row["revenue_usd"]),
        )
        for row in found
    ] == [
        (
            *(row["date"], row["domain"], DOMAINS[row["domain"]], row["placement"]),
            PLACEMENTS[row["placement"]],
            *(row[column] for column in ADSTERRA_SUMS),
        )
        for row in expected_stream_rows("stats")
    ]
    # Rows that vanished after the first reading are still in the table.
    assert warehouse.written["stats"].rows > len(found) > 250


def test_every_row_of_adclouds_newest_reading_has_its_names(warehouse: Warehouse) -> None:
    found = {
        (
            *(str(row["date"]), row["ad_placement_id"], row["topic_id"], row["campaign_id"]),
            *(row["advertisement_id"], row["ad_count"], row["ad_position"]),
        ): row
        for row in warehouse.query("adcloud_newest_reading")
    }
    expected = {
        tuple(row[name] for name in REPORT_KEY): row for row in expected_stream_rows(REPORT)
    }
    assert found.keys() == expected.keys()
    for key, row in found.items():
        true = expected[key]
        customer = CUSTOMERS[true["booking_id"]]
        assert (row["costs"], row["currency"]) == (true["costs"], true["currency"])
        assert (row["impressions"], row["clicks"]) == (true["ad_impressions"], true["clicks"])
        assert (row["customer_id"], row["customer"]) == (customer, NAMES["customers"][customer])
        assert row["campaign"] == NAMES["campaigns"][true["booking_id"]]
        assert row["advertisement"] == NAMES["advertisements"][true["ad_id"]]
        assert row["topic"] == NAMES["topics"][true["topic_id"]]
    assert warehouse.written[REPORT].rows > len(found) > 1_000


def test_adsterras_days_add_up(warehouse: Warehouse) -> None:
    found = warehouse.query("adsterra_daily")
    rows = expected_stream_rows("stats")
    expected = add_up(rows, lambda row: row["date"], *ADSTERRA_SUMS)
    check_sums(found, lambda row: str(row["date"]), expected)
    assert [str(row["date"]) for row in found if not row["finished"]] == ["2024-05-07"]
    # The wrong results of a query that averages the ratios of the rows.
    averages = [mean(row["ctr"] for row in rows if row["date"] == date) for date in expected]
    differences = [
        abs(float(row["ctr_percent"]) - float(average))
        for row, average in zip(found, averages, strict=True)
    ]
    assert max(differences) > 0.1


def test_adsterras_placements_add_up(warehouse: Warehouse) -> None:
    found = warehouse.query("adsterra_by_placement")
    expected = add_up(
        expected_stream_rows("stats"), lambda row: (row["domain"], row["placement"]), *ADSTERRA_SUMS
    )
    check_sums(found, lambda row: (row["domain_id"], row["placement_id"]), expected)
    for row in found:
        assert row["domain"] == DOMAINS[row["domain_id"]]
        assert row["placement"] == PLACEMENTS[row["placement_id"]]
    sites = list(dict.fromkeys(row["domain_id"] for row in found))
    totals = add_up(found, lambda row: row["domain_id"], "revenue_usd")
    assert sites == sorted(totals, key=lambda site: -totals[site][0])


def test_adsterras_countries_add_up(warehouse: Warehouse) -> None:
    found = warehouse.query("adsterra_by_country")
    rows = expected_stream_rows("stats_by_country")
    expected = add_up(rows, lambda row: row["country"], *ADSTERRA_SUMS)
    check_sums(found, lambda row: row["country"], expected)
    assert [row["revenue_usd"] for row in found] == sorted(
        (row["revenue_usd"] for row in found), reverse=True
    )


@pytest.mark.parametrize(
    ("query", "column", "true"),
    [
        ("adcloud_daily", "date", "date"),
        ("adcloud_by_campaign", "campaign_id", "booking_id"),
        ("adcloud_by_website", "website_id", "website_id"),
        ("adcloud_by_country", "country", "country"),
    ],
)
def test_adclouds_costs_add_up_by_currency(
    warehouse: Warehouse, query: str, column: str, true: str
) -> None:
    found = warehouse.query(query)
    expected = add_up(
        expected_stream_rows(REPORT), lambda row: (row["currency"], str(row[true])), *ADCLOUD_SUMS
    )
    check_sums(found, lambda row: (row["currency"], str(row[column])), expected)
    assert {row["currency"] for row in found} == {"EUR", "USD"}
    if query == "adcloud_daily":
        assert all(row["finished"] for row in found)
    if query == "adcloud_by_campaign":
        for row in found:
            customer = CUSTOMERS[row["campaign_id"]]
            assert row["campaign"] == NAMES["campaigns"][row["campaign_id"]]
            assert (row["customer_id"], row["customer"]) == (customer, NAMES["customers"][customer])


def test_freshness_counts_rows_and_days(warehouse: Warehouse) -> None:
    found = {row["stream"]: row for row in warehouse.query("freshness")}
    for stream in KEYS:
        rows = expected_stream_rows(stream)
        dates = sorted({day(row["date"]) for row in rows})
        last = warehouse.written[stream].read_on
        over = [date for date in dates if date < last]
        assert found[stream]["rows"] == len(rows)
        assert found[stream]["rows_taken_back"] == warehouse.written[stream].rows - len(rows) > 0
        assert (found[stream]["first_day"], found[stream]["last_day"]) == (dates[0], dates[-1])
        assert found[stream]["days_without_rows"] == (last - dates[0]).days - len(over)
        assert found[stream]["read_at"].startswith(str(last))
    others = {"topic_discounts", "campaign_performance", "control_totals", REPORT}
    for stream in {stream.name for stream in STREAMS} - others:
        assert found[stream]["rows"] == len(entities(stream))
        assert found[stream]["read_at"] is None
    assert found["placements"]["rows"] == len(DEMO.placements)
    streams = {*ADSTERRA_STREAMS, *(stream.name for stream in STREAMS)}
    assert found.keys() == streams - {"control_totals"}


def test_days_without_rows_are_named(warehouse: Warehouse) -> None:
    found = warehouse.query("missing_days")
    named = {
        (row["stream"], date)
        for row in found
        for date in range(row["first_day"].toordinal(), row["last_day"].toordinal() + 1)
    }
    expected = set()
    for stream in KEYS:
        dates = {day(row["date"]).toordinal() for row in expected_stream_rows(stream)}
        whole = set(range(min(dates), warehouse.written[stream].read_on.toordinal()))
        expected |= {(stream, date) for date in whole - dates}
    assert named == expected
    assert expected
    assert sum(row["days"] for row in found) == len(named)


def test_rows_are_counted_by_day(warehouse: Warehouse) -> None:
    found = {
        (row["stream"], str(row["date"])): row["rows"] for row in warehouse.query("rows_per_day")
    }
    expected: dict[tuple[str, str], int] = {}
    for stream in KEYS:
        for row in expected_stream_rows(stream):
            key = (stream, row["date"])
            expected[key] = expected.get(key, 0) + 1
    assert found == expected


def test_every_day_is_proven(warehouse: Warehouse) -> None:
    assert warehouse.query("unproven_days") == []
    found = {row["report"]: row for row in warehouse.query("proven_days")}
    assert found.keys() == KEYS.keys()
    for stream, row in found.items():
        first, last = FIRST, warehouse.written[stream].read_on
        days = (last - first).days + (stream != REPORT)
        assert (row["days"], row["proven"], row["differing"]) == (days, days, 0)
        assert (row["without_totals"], row["first_proven_day"]) == (0, first)


def test_two_reports_of_adsterra_agree(warehouse: Warehouse) -> None:
    found = warehouse.query("adsterra_reconciliation")
    assert len(found) == (LATER.date() - FIRST).days + 1
    assert all(row["agrees"] for row in found)
    assert {row["impressions_difference"] for row in found} == {0}
    assert {row["clicks_difference"] for row in found} == {0}
    assert max(abs(row["difference_cents"]) for row in found) > 0


@pytest.mark.parametrize(("stream", "settled"), [("stats", 5), (REPORT, 30)])
def test_restatements_are_those_of_the_sandbox(
    warehouse: Warehouse, stream: str, settled: int
) -> None:
    """Days were read twice, six days apart, so changes are found at most that much later."""
    amount = "revenue" if stream == "stats" else "costs"
    found = [row for row in warehouse.query("restated_days") if row["report"] == stream]
    before = {
        key: total
        for key, (total,) in add_up(
            rows_at(stream, NOW), lambda row: (row["date"], row.get("currency", "USD")), amount
        ).items()
    }
    after = {
        key: total
        for key, (total,) in add_up(
            expected_stream_rows(stream),
            lambda row: (row["date"], row.get("currency", "USD")),
            amount,
        ).items()
    }
    assert len(found) > 5
    for row in found:
        key = (str(row["date"]), row["currency"])
        assert row["first_amount"] == before.get(key, 0)
        assert row["amount"] == after.get(key, 0)
        assert row["change"] == row["amount"] - row["first_amount"]
    by_age = [row for row in warehouse.query("restatements") if row["report"] == stream]
    ages = {row["age_days"] for row in by_age if row["changed"]}
    assert ages
    assert max(ages) < settled + (LATER - NOW).days
    assert sum(row["change"] for row in by_age) == sum(row["change"] for row in found)
    assert sum(row["readings"] for row in by_age) == len(found)


@pytest.mark.timeout(300)
def test_postgresql_gives_the_same_results(warehouse: Warehouse, postgresql: Warehouse) -> None:
    for file in sorted(QUERIES.glob("*.sql")):
        here, there = warehouse.query(file.stem), postgresql.query(file.stem)
        assert len(here) == len(there)
        assert bool(here) == (file.stem != "unproven_days")
        for row, other in zip(here, there, strict=True):
            assert row.keys() == other.keys()
            for column, value in row.items():
                if isinstance(value, float):
                    assert float(other[column]) == pytest.approx(value, rel=1e-12)
                elif not column.endswith("read_at") and not (column == "position" and not value):
                    assert other[column] == value, (file.stem, column)


def test_every_query_is_tested_and_listed() -> None:
    tests = Path(__file__).read_text()
    readme = (QUERIES.parent.parent / "README.md").read_text()
    names = sorted(file.stem for file in QUERIES.glob("*.sql"))
    assert all(f'"{name}"' in tests for name in names)
    assert (
        sorted(re.findall(r"`(\w+)\.sql`", readme.split("## Queries")[1].split("They name")[0]))
        == names
    )

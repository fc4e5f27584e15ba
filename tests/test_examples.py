"""The example queries return the figures of the sandbox, on DuckDB and on PostgreSQL."""

from __future__ import annotations

import re
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg
import pytest

from sandbox.adcloud import entities
from sandbox.adsterra import DEMO
from tap_adcloud.streams import STREAMS
from tests.reliability.databases import INITDB, PostgreSQL, postgresql_server
from tests.support import REPORT_KEY, day
from tests.warehouse import (
    ADSTERRA_STREAMS,
    KEYS,
    Row,
    Written,
    add_up,
    expected_stream_rows,
    fill,
    filled_duckdb,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUERIES = Path(__file__).parent.parent / "examples" / "queries"
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
    with duckdb.connect(str(file), read_only=True) as database:

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
    derived = {"topic_discounts", "campaign_performance"}
    streams = {stream.name for stream in STREAMS} - {"control_totals"}
    for stream in streams - derived - {REPORT}:
        assert found[stream]["rows"] == len(entities(stream))
        assert found[stream]["read_at"] is None
    assert found["placements"]["rows"] == len(DEMO.placements)
    assert found.keys() == {*ADSTERRA_STREAMS, *streams}


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


@pytest.mark.parametrize("query", ["adsterra_daily", "adcloud_daily"])
def test_days_are_kept_whose_time_of_reading_is_unknown(query: str) -> None:
    """Adsterra's time may be null: such rows count until there are newer ones."""
    columns, time = {
        "adsterra_daily": ("impression, clicks, revenue", "db_last_update_time"),
        "adcloud_daily": (
            "ad_impressions, clicks, costs, 0 as postclick_conversions, "
            "0 as postview_conversions, 'EUR' as currency",
            "extracted_at",
        ),
    }[query]
    table = "stats" if query == "adsterra_daily" else REPORT
    renamed = columns.split(", ")[:3]
    with duckdb.connect() as database:
        database.sql(
            f"create table {table} as select date, {columns}, {time} from (values "  # noqa: S608
            "('2024-05-01', 0, 0, 0.5, null), ('2024-05-02', 10, 1, 1.5, null), "
            "('2024-05-02', 20, 2, 2.5, '2024-05-03 00:00:00')) "
            f"as rows(date, {', '.join(renamed)}, {time})"
        )
        result = database.sql((QUERIES / f"{query}.sql").read_text())
        rows = [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]
    assert [(row["impressions"], row["clicks"], row["ctr_percent"]) for row in rows] == [
        (0, 0, None),
        (20, 2, 10),
    ]


@pytest.mark.timeout(300)
def test_postgresql_gives_the_same_results(warehouse: Warehouse, postgresql: Warehouse) -> None:
    for file in sorted(QUERIES.glob("*.sql")):
        here, there = warehouse.query(file.stem), postgresql.query(file.stem)
        assert len(here) == len(there) > 0
        for row, other in zip(here, there, strict=True):
            assert row.keys() == other.keys()
            for column, value in row.items():
                if isinstance(value, float):
                    assert float(other[column]) == pytest.approx(value, rel=1e-12)
                elif column != "read_at" and not (column == "position" and not value):
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

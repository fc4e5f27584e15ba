"""The models give the figures of the sandbox and of the queries, on DuckDB and PostgreSQL."""

from __future__ import annotations

import re
import shutil
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from benchmarks.postgresql import INITDB, postgresql_server
from examples.database import QUERIES, VIEWS, Database
from sandbox.adcloud import entities
from sandbox.adsterra import DEMO
from tests.dbt.projects import PACKAGE, DuckDBModels, Models, PostgreSQLModels, Row, needs_dbt
from tests.reliability.databases import PostgreSQL
from tests.warehouse import add_up, expected_stream_rows, fill, filled_duckdb

if TYPE_CHECKING:
    from collections.abc import Iterator

REPORT = "advertiser_report"
ADSTERRA_SUMS = ("impression", "clicks", "revenue")
ADCLOUD_SUMS = ("ad_impressions", "clicks", "costs")
#: Each report: its stream, its key in the model, and the key in the rows of the stream.
REPORTS = {
    "adsterra__account_report": ("stats", ("date",), ("date",)),
    "adsterra__domain_report": ("stats", ("date", "domain_id"), ("date", "domain")),
    "adsterra__placement_report": (
        "stats",
        ("date", "domain_id", "placement_id"),
        ("date", "domain", "placement"),
    ),
    "adsterra__country_report": ("stats_by_country", ("date", "country"), ("date", "country")),
    "adcloud__account_report": (REPORT, ("date", "currency"), ("date", "currency")),
    "adcloud__campaign_report": (
        REPORT,
        ("date", "campaign_id", "currency"),
        ("date", "booking_id", "currency"),
    ),
    "adcloud__ad_report": (
        REPORT,
        ("date", "campaign_id", "ad_id", "currency"),
        ("date", "booking_id", "ad_id", "currency"),
    ),
    "adcloud__website_report": (
        REPORT,
        ("date", "website_id", "currency"),
        ("date", "website_id", "currency"),
    ),
    "adcloud__country_report": (
        REPORT,
        ("date", "country", "currency"),
        ("date", "country", "currency"),
    ),
}
#: Names, by the columns of a model that have them.
NAMES = {
    ("domain_id", "domain_name"): {row["id"]: row["title"] for row in DEMO.domains},
    ("placement_id", "placement_name"): {row["id"]: row["alias"] for row in DEMO.placements},
    ("campaign_id", "campaign_name"): {row["id"]: row["name"] for row in entities("campaigns")},
    ("campaign_id", "customer_id"): {
        row["id"]: row["customer_id"] for row in entities("campaigns")
    },
    ("customer_id", "customer_name"): {row["id"]: row["name"] for row in entities("customers")},
    ("ad_id", "ad_name"): {row["id"]: row["name"] for row in entities("advertisements")},
}


@pytest.fixture(scope="module")
def built_duckdb(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """The models in a copy of the DuckDB file of all tests."""
    folder = tmp_path_factory.mktemp("duckdb")
    file = folder / "ads.duckdb"
    shutil.copy(filled_duckdb(tmp_path_factory)[0], file)
    models = DuckDBModels(folder, file)
    models.build()
    return models


@pytest.fixture(scope="module")
def built_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    """The models in a PostgreSQL server."""
    if INITDB is None:
        pytest.skip("PostgreSQL is not installed")
    folder = tmp_path_factory.mktemp("postgresql")
    with postgresql_server() as port:
        fill("target-postgres", folder, **PostgreSQL(port, "ads").settings)
        models = PostgreSQLModels(folder, port, "ads")
        models.build()
        yield models


@pytest.fixture(params=["duckdb", "postgresql"])
def models(request: pytest.FixtureRequest) -> Models:
    found: Models = request.getfixturevalue(f"built_{request.param}")
    return found


@needs_dbt
@pytest.mark.timeout(400)
def test_every_test_of_the_package_passes(models: Models) -> None:
    statuses = set(models.results().values())
    assert statuses == {"success", "pass"}


@needs_dbt
@pytest.mark.timeout(400)
@pytest.mark.parametrize("report", REPORTS)
def test_a_report_adds_up_with_its_names(models: Models, report: str) -> None:
    stream, key, source = REPORTS[report]
    sums = ADCLOUD_SUMS if stream == REPORT else ADSTERRA_SUMS
    amount = "costs" if stream == REPORT else "revenue"
    expected = add_up(
        expected_stream_rows(stream), lambda row: tuple(str(row[name]) for name in source), *sums
    )
    found = models.rows(report)
    assert {
        tuple(str(row[name]) for name in key): (row["impressions"], row["clicks"], row[amount])
        for row in found
    } == expected
    assert len(found) == len(expected)
    for row in found:
        for (identifier, column), names in NAMES.items():
            if column in row:
                assert row[column] == names[row[identifier]]
        assert row["is_proven"]
        ratios = {
            "ctr_percent": (100 * row["clicks"], row["impressions"]),
            "cpm": (1000 * row[amount], row["impressions"]),
            "cpc": (row[amount], row["clicks"]),
        }
        for ratio in row.keys() & ratios.keys():
            above, below = ratios[ratio]
            assert row[ratio] == (pytest.approx(float(above / below)) if below else None)


@needs_dbt
@pytest.mark.timeout(400)
def test_the_report_over_both_networks_keeps_currencies_apart(models: Models) -> None:
    found = {
        (str(row["date"]), row["network"], row["side"], row["currency"]): row["amount"]
        for row in models.rows("ad_reporting__daily_report")
    }
    expected = {
        (row["date"], "adsterra", "earned", "USD"): Decimal(0)
        for row in expected_stream_rows("stats")
    }
    for row in expected_stream_rows("stats"):
        expected[row["date"], "adsterra", "earned", "USD"] += row["revenue"]
    for row in expected_stream_rows(REPORT):
        place = (row["date"], "adcloud", "spent", row["currency"])
        expected[place] = expected.get(place, Decimal(0)) + row["costs"]
    assert found == expected
    incomplete = {
        str(row["date"])
        for row in models.rows("ad_reporting__daily_report")
        if not row["is_complete"]
    }
    assert incomplete == {"2024-05-07"}


def ask(models: Models, query: str) -> list[Row]:
    """Run a query of the examples on the tables of the models' database."""
    if isinstance(models, DuckDBModels):
        columns, rows, _ = Database(models.file).run(QUERIES / f"{query}.sql")
        return [dict(zip(columns, row, strict=True)) for row in rows]
    models.execute(VIEWS.read_text())
    return models.execute((QUERIES / f"{query}.sql").read_text())


@needs_dbt
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", ["restatements", "restated_days"])
def test_a_model_says_what_the_query_of_its_name_says(models: Models, name: str) -> None:
    model, query = models.rows(name), ask(models, name)
    key = ("report", "currency", "date" if name == "restated_days" else "age_days")
    found = {tuple(row[column] for column in key): row for row in model}
    assert len(found) == len(model) == len(query) > 10
    for row in query:
        ours = found[tuple(row[column] for column in key)]
        for column in row.keys() - {"read_at"}:
            value = row[column]
            if isinstance(value, Decimal | float):
                assert float(ours[column]) == pytest.approx(float(value), rel=1e-9), column
            else:
                assert ours[column] == value, column


@needs_dbt
@pytest.mark.timeout(400)
def test_readings_say_what_the_queries_on_days_say(models: Models) -> None:
    readings = models.rows("readings")
    assert len({(row["report"], row["date"], row["currency"]) for row in readings}) == len(readings)
    proven = {row["report"]: row["proven"] for row in ask(models, "proven_days")}
    days = {(row["report"], row["date"]) for row in readings if row["status"] == "proven"}
    for report, count in proven.items():
        assert len([1 for name, _ in days if name == report]) == count
    named = {
        (row["stream"], date)
        for row in ask(models, "missing_days")
        for date in range(row["first_day"].toordinal(), row["last_day"].toordinal() + 1)
    }
    with_rows = {(row["report"], row["date"].toordinal()) for row in readings if row["stored_rows"]}
    without = {(row["report"], row["date"].toordinal()) for row in readings} - with_rows
    assert without == named
    assert without


@pytest.mark.parametrize(
    "view", ["stored_readings", "counted_readings", "total_readings", "day_proofs"]
)
def test_which_rows_count_is_said_once(view: str) -> None:
    """The view of the examples is the text of the model, with names of tables."""
    model = (PACKAGE / "models" / "intermediate" / f"int_ad_reporting__{view}.sql").read_text()
    text = re.sub(r"\{\{ ref\('int_ad_reporting__(\w+)'\) \}\}", r"\1", model)
    assert f"create or replace view {view} as\n{text.strip()};\n" in VIEWS.read_text()

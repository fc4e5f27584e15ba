"""Tables that are not there, older tables, and networks that are not used."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.dbt.projects import SCHEMA, DuckDBModels, needs_dbt
from tests.warehouse import filled_duckdb

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [needs_dbt, pytest.mark.timeout(400)]


@pytest.fixture
def models(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> DuckDBModels:
    file = tmp_path / "ads.duckdb"
    shutil.copy(filled_duckdb(tmp_path_factory)[0], file)
    return DuckDBModels(tmp_path, file)


def test_tables_that_are_not_there_leave_their_models_empty_and_are_named(
    models: DuckDBModels,
) -> None:
    for table in ("stats_by_country", "domains"):
        models.execute(f"drop table {table}")
    said = models.build()
    for table in ("stats_by_country", "stats_by_sub_id", "domains"):
        sentence = (
            f'"ads"."main"."{table}" does not exist, so the models over it are empty. To have them,'
            f" select the stream {table} of tap-adsterra and run it."
        )
        assert said.count(sentence) == 1
    assert models.rows("adsterra__country_report") == []
    found = models.rows("adsterra__domain_report")
    assert found
    assert {row["domain_name"] for row in found} == {None}


def test_a_network_that_is_not_used_leaves_its_models_out(models: DuckDBModels) -> None:
    for table in ("advertiser_report", "campaigns", "advertisements", "customers"):
        models.execute(f"drop table {table}")
    said = models.build(adcloud_enabled=False)
    built = models.reports()
    assert said.count("does not exist") == 1
    assert not any("adcloud" in name for name in built)
    assert {row["network"] for row in built["ad_reporting__daily_report"]} == {"adsterra"}
    assert {row["network"] for row in built["readings"]} == {"adsterra"}


def test_the_other_network_alone(models: DuckDBModels) -> None:
    models.build(adsterra_enabled=False)
    built = models.reports()
    assert not any("adsterra" in name for name in built)
    assert {row["network"] for row in built["ad_reporting__daily_report"]} == {"adcloud"}


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (
            "extracted_at",
            "has no column extracted_at: an older version of tap-adsterra has written it. Run the"
            " present version once (meltano run tap-adsterra and your loader), which adds the"
            " column; then run dbt again.",
        ),
        ("revenue", "has no column revenue: select these fields of the stream stats"),
    ],
)
def test_a_table_without_a_column_ends_the_run_with_a_sentence(
    models: DuckDBModels, column: str, sentence: str
) -> None:
    models.execute(f"create table older as select * exclude ({column}) from stats")  # noqa: S608
    models.execute("drop table stats")
    models.execute("alter table older rename to stats")
    said = models.dbt("run", "--select", "stg_adsterra__stats", succeeds=False)
    assert f'"ads"."main"."stats" {sentence}' in " ".join(said.split())


def test_rows_that_differ_from_their_totals_are_flagged_and_do_not_end_the_run(
    models: DuckDBModels,
) -> None:
    models.execute("delete from stats where date = '2024-04-25' and placement % 2 = 0")
    models.build()
    assert models.results()["days_that_differ"] == "warn"
    rows = models.rows("adsterra__account_report")
    assert {str(row["date"]) for row in rows if not row["is_proven"]} == {"2024-04-25"}
    (day,) = [row for row in models.rows("readings") if row["status"] == "differing"]
    assert (day["report"], str(day["date"])) == ("stats", "2024-04-25")
    assert day["row_count"] > day["stored_rows"]


def test_control_totals_that_were_loaded_twice_count_once(models: DuckDBModels) -> None:
    models.build()
    once = models.reports()
    models.execute("create table twice as from control_totals union all from control_totals")
    models.execute("drop table control_totals")
    models.execute("alter table twice rename to control_totals")
    models.build("--full-refresh")
    assert set(models.results().values()) == {"success", "pass"}
    assert models.reports() == once


def test_a_report_that_leaves_something_out_fails(models: DuckDBModels) -> None:
    models.build("--exclude", "resource_type:test")
    models.execute(f"delete from {SCHEMA}.adcloud__campaign_report where date = '2024-04-25'")  # noqa: S608
    models.execute(f"update {SCHEMA}.adcloud__ad_report set currency = 'XXX'")  # noqa: S608
    models.dbt("test", "--select", "adcloud__campaign_report adcloud__ad_report", succeeds=False)
    failed = {
        name.split("_adcloud__")[0] for name, status in models.results().items() if status == "fail"
    }
    assert {"equals_control_totals", "accepted_values"} <= failed


def test_freshness_is_told_from_the_last_reading(models: DuckDBModels) -> None:
    models.dbt("source", "freshness", succeeds=False)
    found = json.loads((models.folder / "target" / "sources.json").read_text())["results"]
    assert {result["unique_id"].split(".", 2)[2]: result["status"] for result in found} == {
        "adsterra.control_totals": "error",
        "adcloud.control_totals": "error",
    }
    assert {result["max_loaded_at"][:13] for result in found} == {"2024-05-07T12"}

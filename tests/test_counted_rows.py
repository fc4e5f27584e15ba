"""Which rows count: the money of a day is right whatever its readings went through."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb
import psycopg
import pytest

from benchmarks.postgresql import INITDB, postgresql_server
from examples.database import QUERIES, VIEWS, Database
from sandbox.adsterra import DEMO, expected_rows
from sandbox.adsterra.cells import SETTLED_AFTER_DAYS
from sandbox.server import Sandbox
from tests.reliability.databases import PostgreSQL
from tests.support import NOW, Adsterra, RunResult, day
from tests.warehouse import Row, add_up, load, views_of_stats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DAY = "2024-04-28"
#: Times of readings, in their order.
FIRST, SECOND, THIRD, FOURTH = (
    f"2024-{day}T12:00:00.000000Z" for day in ("04-29", "04-30", "05-01", "05-02")
)
AHEAD = "2031-01-01T00:00:00.000000Z"
#: What is loaded into the tables: rows of each report, and control totals.
COLUMNS = {
    "stats": """
        date varchar(10), domain bigint, placement bigint, impression bigint, clicks bigint,
        revenue numeric(20, 6), db_last_update_time text, extracted_at text""",
    "stats_by_country": """
        date varchar(10), placement bigint, country text, impression bigint, clicks bigint,
        revenue numeric(20, 6), db_last_update_time text, extracted_at text""",
    "advertiser_report": """
        date varchar(10), ad_id bigint, currency text, ad_impressions bigint, clicks bigint,
        costs numeric(20, 6), postclick_conversions bigint, postview_conversions bigint,
        extracted_at text""",
    "control_totals": """
        report text, date varchar(10), currency text, extracted_at text, row_count bigint,
        currency_count bigint, impressions bigint, clicks bigint, amount numeric(20, 6),
        complete boolean""",
}
KEYS = {
    "stats": "date, domain, placement",
    "stats_by_country": "date, placement, country",
    "advertiser_report": "date, ad_id",
    "control_totals": "report, date, currency, extracted_at",
}


class Reading(NamedTuple):
    """A reading of a day: the money of each placement or advertisement."""

    time: str | None
    amounts: dict[int, str]
    date: str = DAY
    updated: str | None = "2024-04-29 12:00:00"
    currency: str = "EUR"
    currency_count: int | None = 1


class Tables:
    """The tables of a report in a database, and the queries on them."""

    def __init__(self, execute: Callable[[str], tuple[list[str], list[Any]]], report: str) -> None:
        self.execute = execute
        self.report = report
        self.currency = "USD" if report != "advertiser_report" else "EUR"
        for table, columns in COLUMNS.items():
            execute(f"create table {table} ({columns}, primary key ({KEYS[table]}))")
        execute(VIEWS.read_text())

    def drop_keys(self) -> None:
        """Make the tables those of a target that only adds rows."""
        for table, columns in COLUMNS.items():
            self.execute(f"drop table {table} cascade; create table {table} ({columns})")
        self.execute(VIEWS.read_text())

    def add_rows(self, reading: Reading, only: tuple[int, ...] | None = None) -> None:
        """Write the rows of a reading; a run that dies writes only some."""
        for number, amount in reading.amounts.items():
            if only is not None and number not in only:
                continue
            if self.report == "stats":
                row: Row = {"domain": 1, "placement": number, "impression": 100 * number}
                row |= {"revenue": amount, "db_last_update_time": reading.updated}
            elif self.report == "stats_by_country":
                row = {"country": "DE", "placement": number, "impression": 100 * number}
                row |= {"revenue": amount, "db_last_update_time": reading.updated}
            else:
                row = {"ad_id": number, "ad_impressions": 100 * number, "costs": amount}
                row |= {"currency": reading.currency}
            row |= {"date": reading.date, "clicks": number, "extracted_at": reading.time}
            self._upsert(self.report, row)

    def add_totals(self, reading: Reading) -> None:
        """Write the control totals of a reading."""
        amounts = reading.amounts
        currency = "USD" if self.currency == "USD" else reading.currency if amounts else "-"
        row = {
            "report": self.report,
            "date": reading.date,
            "currency": currency,
            "extracted_at": reading.time,
            "row_count": len(amounts),
            "currency_count": reading.currency_count,
            "impressions": 100 * sum(amounts),
            "clicks": sum(amounts),
            "amount": str(sum(map(Decimal, amounts.values()), Decimal())),
            "complete": (reading.time or "")[:10] > reading.date,
        }
        self._upsert("control_totals", row)

    def _upsert(self, table: str, row: Row) -> None:
        values = ", ".join(
            "null" if value is None else f"'{value}'" if isinstance(value, str) else str(value)
            for value in row.values()
        )
        has_key = self.execute(
            "select 1 from information_schema.table_constraints"  # noqa: S608
            f" where table_name = '{table}' and constraint_type = 'PRIMARY KEY'"
        )[1]
        changes = ", ".join(f"{name} = excluded.{name}" for name in row)
        names = ", ".join(row)
        self.execute(
            f"insert into {table} ({names}) values ({values})"  # noqa: S608
            + (f" on conflict ({KEYS[table]}) do update set {changes}" if has_key else "")
        )

    def add(self, *readings: Reading) -> None:
        """Load readings as they were read."""
        for reading in readings:
            self.add_rows(reading)
            self.add_totals(reading)

    def query(self, name: str) -> list[Row]:
        """Run one of the queries."""
        names, rows = self.execute((QUERIES / f"{name}.sql").read_text())
        return [dict(zip(names, row, strict=True)) for row in rows]

    def money(self) -> dict[str, Decimal]:
        """Return the money of each day, from the queries by day."""
        if self.report == "stats_by_country":
            ((total,),) = self.execute("select sum(exact_revenue) from counted_stats_by_country")[1]
            return {DAY: total} if total is not None else {}
        network = "adsterra" if self.report == "stats" else "adcloud"
        column = "revenue_usd" if self.report == "stats" else "costs"
        return {str(row["date"]): row[column] for row in self.query(f"{network}_daily")}

    def unproven(self) -> dict[str, tuple[Decimal, Decimal]]:
        """Return the money of the unproven days, from their totals and their rows."""
        return {
            str(row["date"]): (row["amount"], row["stored_amount"])
            for row in self.query("unproven_days")
        }


@pytest.fixture(scope="module")
def postgresql_port() -> Iterator[int]:
    if INITDB is None:
        pytest.skip("PostgreSQL is not installed")
    with postgresql_server() as port:
        yield port


@pytest.fixture(params=["duckdb", "postgresql"])
def execute(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Any]]:
    """A function that runs SQL in an empty database."""
    if request.param == "duckdb":
        with duckdb.connect() as database:

            def run(sql: str) -> tuple[list[str], list[Any]]:
                result = database.execute(sql)
                return [column[0] for column in result.description or ()], result.fetchall()

            yield run
        return
    port = request.getfixturevalue("postgresql_port")
    with psycopg.connect(f"host=127.0.0.1 port={port} user=ads dbname=postgres") as connection:

        def run_there(sql: str) -> tuple[list[str], list[Any]]:
            result = connection.execute(sql.encode())
            columns = [column.name for column in result.description or ()]
            return columns, result.fetchall() if columns else []

        yield run_there
        # Nothing was committed, so the next test finds an empty database again.
        connection.rollback()


@pytest.fixture(params=["stats", "stats_by_country", "advertiser_report"])
def tables(request: pytest.FixtureRequest, execute: Callable[[str], Any]) -> Tables:
    """The empty tables, for the rows of one report."""
    return Tables(execute, request.param)


def amount(text: str) -> dict[str, Decimal]:
    """Return the money of the day."""
    return {DAY: Decimal(text)}


@pytest.mark.parametrize("updated", ["2024-04-29 11:50:00", None])
def test_the_networks_own_time_does_not_count(tables: Tables, updated: str | None) -> None:
    """It was ten minutes older at the second reading, or missing."""
    tables.add(
        Reading(FIRST, {1: "30.0", 2: "0.5"}),
        Reading(SECOND, {1: "30.3"}, updated=updated),
    )
    assert tables.money() == amount("30.3")
    assert tables.unproven() == {}


def test_an_older_output_loaded_last_is_not_mixed_with_a_newer_one(tables: Tables) -> None:
    """Its rows have replaced the newer ones; what was read later is still known by its totals."""
    older, newer = Reading(FIRST, {1: "30.0", 2: "0.3"}), Reading(SECOND, {1: "30.1", 3: "0.5"})
    tables.add(newer, older)
    assert tables.money() == amount("30.3")
    assert tables.unproven() == {DAY: (Decimal("30.6"), Decimal("30.3"))}
    tables.add(Reading(THIRD, {1: "30.1", 3: "0.5"}))
    assert tables.money() == amount("30.6")
    assert tables.unproven() == {}


def test_an_older_output_does_not_bring_a_day_back_that_has_vanished(tables: Tables) -> None:
    tables.add(Reading(SECOND, {}), Reading(FIRST, {1: "30.3"}))
    assert tables.money() == {}
    assert tables.unproven() == {}


def test_where_rows_are_only_added_the_last_reading_counts(tables: Tables) -> None:
    """In any order of loading, as with files."""
    tables.drop_keys()
    older, newer = Reading(FIRST, {1: "30.0", 2: "0.5"}), Reading(SECOND, {1: "30.3"})
    tables.add(newer, older)
    assert tables.money() == amount("30.3")
    assert tables.unproven() == {}


def test_a_clock_that_was_ahead_changes_nothing(tables: Tables) -> None:
    """The state holds the time of the last reading, so the next is later."""
    after = AHEAD.replace("000000Z", "000001Z")
    tables.add(Reading(AHEAD, {1: "30.0", 2: "0.5"}), Reading(after, {1: "30.3"}))
    assert tables.money() == amount("30.3")
    assert tables.unproven() == {}


def test_a_clock_that_was_ahead_and_a_lost_state_change_no_money(tables: Tables) -> None:
    tables.add(Reading(AHEAD, {1: "30.0", 2: "0.5"}), Reading(SECOND, {1: "30.3"}))
    assert tables.money() == amount("30.3")


@pytest.mark.parametrize("before", [{1: "1.0", 2: "2.0", 9: "4.0"}, {9: "4.0"}, {}])
def test_a_run_that_dies_while_it_replaces_rows_takes_nothing_away(
    tables: Tables, before: dict[int, str]
) -> None:
    """Its rows count with those it has not replaced yet; rows that vanished before do not.

    The first reading is whole in the table if all its rows have vanished, or if it had none.
    """
    tables.add(Reading(FIRST, before))
    tables.add(Reading(SECOND, {1: "30.0", 2: "0.3"}))
    tables.add_rows(Reading(THIRD, {1: "30.1", 3: "0.5"}), only=(1,))
    assert tables.money() == amount("30.4")
    assert tables.unproven() == {DAY: (Decimal("30.3"), Decimal("30.4"))}
    # The next run completes the day.
    tables.add(Reading(FOURTH, {1: "30.1", 3: "0.5"}))
    assert tables.money() == amount("30.6")
    assert tables.unproven() == {}


def test_a_run_that_dies_before_it_replaces_a_row_changes_nothing(tables: Tables) -> None:
    tables.add(Reading(FIRST, {1: "30.0", 2: "0.3"}))
    tables.add_rows(Reading(SECOND, {1: "30.0", 2: "0.3", 3: "0.5"}), only=(3,))
    assert tables.money() == amount("30.3")
    assert tables.unproven() == {}


def test_totals_without_their_rows_do_not_empty_a_day(tables: Tables) -> None:
    tables.add(Reading(FIRST, {1: "30.0", 2: "0.3"}))
    tables.add_totals(Reading(SECOND, {1: "30.0"}))
    assert tables.money() == amount("30.3")
    assert tables.unproven() == {DAY: (Decimal("30.0"), Decimal("30.3"))}


def test_a_day_that_vanishes_is_gone_until_it_comes_back(tables: Tables) -> None:
    other = Reading(FIRST, {1: "1.0"}, date="2024-04-27")
    tables.add(other, Reading(FIRST, {1: "30.3"}))
    tables.add(Reading(SECOND, {}))
    if tables.report != "stats_by_country":
        assert tables.money() == {"2024-04-27": 1}
    assert tables.unproven() == {}
    missing = tables.query("missing_days")
    assert [(str(row["first_day"]), row["days"], row["was_read"]) for row in missing] == [
        (DAY, 1, True),
        ("2024-04-29", 1, False),
    ]
    tables.add(Reading(THIRD, {2: "30.2"}))
    money = tables.money()
    assert money.pop(DAY) in (Decimal("30.2"), Decimal("31.2"))
    assert tables.unproven() == {}


def test_rows_without_a_time_are_the_oldest_reading(tables: Tables) -> None:
    """An older version wrote none at Adsterra, and no control totals."""
    tables.add_rows(Reading(None, {1: "30.0", 2: "0.5"}))
    tables.add_rows(Reading(None, {3: "0.1"}, updated="2024-04-30 12:00:00"))
    assert tables.money() == amount("30.6")
    assert tables.unproven() == {}
    tables.add(Reading(FIRST, {1: "30.3"}))
    assert tables.money() == amount("30.3")


def test_without_control_totals_the_newest_rows_count(tables: Tables) -> None:
    tables.add_rows(Reading(FIRST, {1: "30.0", 2: "0.5"}))
    tables.add_rows(Reading(SECOND, {1: "30.3"}))
    assert tables.money() == amount("30.3")
    (row,) = tables.query("proven_days")
    assert (row["days"], row["proven"], row["without_totals"]) == (1, 0, 1)


@pytest.mark.parametrize("fault", ["lost", "doubled", "changed"])
def test_what_lies_between_tap_and_table_is_noticed(tables: Tables, fault: str) -> None:
    tables.drop_keys()
    whole = Reading(FIRST, {1: "30.0", 2: "0.3", 3: "0.000001"})
    tables.add(whole)
    assert tables.unproven() == {}
    (row,) = tables.query("proven_days")
    assert (row["days"], row["proven"], row["differing"]) == (1, 1, 0)
    money = "revenue" if tables.currency == "USD" else "costs"
    changes = {
        "lost": ("delete from {table} where {money} < 0.01", "30.3"),
        "doubled": ("insert into {table} select * from {table}", "60.600002"),
        "changed": ("update {table} set {money} = {money} + 0.000001", "30.300004"),
    }
    change, found = changes[fault]
    tables.execute(change.format(table=tables.report, money=money))
    assert tables.unproven() == {DAY: (Decimal("30.300001"), Decimal(found))}
    (row,) = tables.query("proven_days")
    assert (row["days"], row["proven"], row["differing"]) == (1, 0, 1)


@pytest.mark.parametrize("lost", [(DAY,), ("2024-04-27", DAY)])
def test_days_whose_rows_have_all_been_lost_are_noticed(
    tables: Tables, lost: tuple[str, ...]
) -> None:
    """Also if the report has no other days; and they are not said to be without traffic."""
    tables.add(Reading(SECOND, {1: "1.0"}, date="2024-04-27"), Reading(SECOND, {1: "30.3"}))
    for date in lost:
        tables.execute(f"delete from {tables.report} where date = '{date}'")  # noqa: S608
    assert tables.unproven().keys() == set(lost)
    (row,) = tables.query("proven_days")
    assert (row["days"], row["differing"]) == (2, len(lost))
    assert not any(row["was_read"] for row in tables.query("missing_days"))


def test_control_totals_that_were_added_twice_count_once(tables: Tables) -> None:
    tables.drop_keys()
    tables.add(Reading(FIRST, {1: "10.0", 2: "0.5"}), Reading(SECOND, {1: "30.3"}))
    tables.add_totals(Reading(SECOND, {1: "30.3"}))
    assert tables.money() == amount("30.3")
    assert tables.unproven() == {}


@pytest.mark.parametrize("execute", ["duckdb"], indirect=True)
def test_large_amounts_are_compared_by_the_digits_that_a_double_keeps(
    execute: Callable[[str], Any],
) -> None:
    """As target-duckdb stores them."""
    tables = Tables(execute, "advertiser_report")
    for table, money in (("advertiser_report", "costs"), ("control_totals", "amount")):
        columns = COLUMNS[table].replace(f"{money} numeric(20, 6)", f"{money} double")
        execute(f"drop table {table}; create table {table} ({columns})")
    tables.add(Reading(FIRST, dict.fromkeys(range(1, 8), "123456789012.12346")))
    assert tables.unproven() == {}
    execute("update advertiser_report set costs = costs + 0.01 where ad_id = 1")
    assert tables.unproven().keys() == {DAY}


def test_a_reading_whose_totals_are_cut_short_changes_nothing(
    execute: Callable[[str], Any],
) -> None:
    """A target that gets SIGTERM stores what it has received so far."""
    tables = Tables(execute, "advertiser_report")

    def both(time: str) -> tuple[Reading, Reading]:
        euros = Reading(time, {1: "30.0"}, currency="EUR", currency_count=2)
        return euros, Reading(time, {2: "5.0"}, currency="USD", currency_count=2)

    first, cut, repaired = both(FIRST), both(SECOND), both(THIRD)
    tables.add(*first)
    assert tables.query("unproven_days") == []
    for reading in cut:
        tables.add_rows(reading)
    tables.add_totals(cut[0])
    unproven = {row["currency"]: row["stored_amount"] for row in tables.query("unproven_days")}
    assert unproven == {"EUR": 30, "USD": 5}
    costs = {row["currency"]: row["costs"] for row in tables.query("adcloud_daily")}
    assert costs == {"EUR": 30, "USD": 5}
    tables.add(*repaired)
    assert tables.query("unproven_days") == []
    changes = tables.query("restatements")
    assert [(row["currency"], row["changed"]) for row in changes] == [("EUR", 0), ("USD", 0)]


def test_totals_that_do_not_say_how_many_there_are_count(tables: Tables) -> None:
    """A development version had no such field."""
    tables.add(Reading(FIRST, {1: "30.0"}, currency_count=None))
    tables.add(Reading(SECOND, {1: "32.0"}, currency_count=None))
    assert tables.query("unproven_days") == []
    assert len(tables.query("restated_days")) == 1


def test_a_currency_that_vanishes_is_compared(execute: Callable[[str], Any]) -> None:
    tables = Tables(execute, "advertiser_report")
    tables.add(Reading(FIRST, {1: "30.0"}, currency="EUR"))
    tables.add(Reading(SECOND, {1: "32.0"}, currency="USD"))
    assert tables.unproven() == {}
    found = {
        row["currency"]: (row["first_amount"], row["amount"], row["change_percent"])
        for row in tables.query("restated_days")
    }
    assert found == {"EUR": (30, 0, -100), "USD": (0, 32, None)}


def test_ages_at_which_totals_changed(tables: Tables) -> None:
    """The first day changed until it was two days old, the second until three, then no more."""
    tables.add(
        Reading("2024-04-28T12:00:00.000000Z", {1: "9.0"}),
        Reading("2024-04-29T12:00:00.000000Z", {1: "20.0"}),
        Reading("2024-04-29T12:00:00.000000Z", {1: "5.0"}, date="2024-04-27"),
        Reading("2024-04-30T12:00:00.000000Z", {1: "22.0"}),
        Reading("2024-04-30T12:00:00.000000Z", {1: "4.5", 2: "0.0"}, date="2024-04-27"),
        Reading("2024-05-01T12:00:00.000000Z", {1: "22.0"}),
    )
    found = [
        tuple(row[name] for name in ("age_days", "readings", "changed", "change"))
        for row in tables.query("restatements")
    ]
    # What a day amounted to before its end is not compared.
    assert found == [(2, 1, 1, 2), (3, 2, 1, Decimal("-0.5"))]
    percent = [
        tuple(float(row[name]) for name in ("changed_percent", "change_percent"))
        for row in tables.query("restatements")
    ]
    assert percent[0] == (100, 10)
    assert percent[1] == pytest.approx((50, 100 * -0.5 / 27))
    days = {str(row["date"]): row for row in tables.query("restated_days")}
    assert days[DAY]["readings"] == 3
    assert (days[DAY]["first_amount"], days[DAY]["amount"], days[DAY]["change"]) == (20, 22, 2)
    assert (days[DAY]["last_change_days"], days["2024-04-27"]["last_change_days"]) == (2, 3)


def test_readings_of_the_same_calendar_day_count_if_they_differ(tables: Tables) -> None:
    """A run that is repeated after minutes tells nothing of the age at which days settle."""
    tables.add(
        Reading("2024-04-30T12:00:00.000000Z", {1: "20.0"}),
        Reading("2024-04-30T12:05:00.000000Z", {1: "20.0"}),
    )
    assert tables.query("restatements") == tables.query("restated_days") == []
    tables.add(Reading("2024-04-30T18:00:00.000000Z", {1: "21.0"}))
    (row,) = tables.query("restatements")
    assert (row["age_days"], row["readings"], row["changed"], row["change"]) == (2, 1, 1, 1)
    (row,) = tables.query("restated_days")
    assert (row["first_amount"], row["amount"], row["last_change_days"]) == (20, 21, 2)


def test_a_day_read_again_by_a_clock_that_takes_it_for_unfinished(tables: Tables) -> None:
    """Both queries leave that reading out: the page shows what is in both."""
    tables.add(Reading(FIRST, {1: "20.0"}), Reading(THIRD, {1: "21.0"}))
    tables.add(Reading(SECOND, {1: "20.0"}))
    tables.execute(f"update control_totals set complete = false where extracted_at = '{SECOND}'")  # noqa: S608
    (age,) = tables.query("restatements")
    (day,) = tables.query("restated_days")
    assert (age["readings"], age["changed"], age["change"]) == (1, 1, 1)
    assert (day["readings"], day["change"], day["last_change_days"]) == (2, 1, age["age_days"])


def test_two_reports_are_reconciled(execute: Callable[[str], Any]) -> None:
    tables = Tables(execute, "stats")
    tables.add(Reading(FIRST, {1: "30.0", 2: "0.3"}), Reading(FIRST, {1: "1"}, date="2024-04-27"))
    tables.report = "stats_by_country"
    tables.add(Reading(SECOND, {1: "30.002", 2: "0.3"}), Reading(SECOND, {2: "1"}, "2024-04-27"))
    tables.add(Reading(FIRST, {1: "1"}, "2024-04-27"))
    found = {str(row.pop("date")): row for row in tables.query("adsterra_reconciliation")}
    assert found[DAY]["agrees"]
    assert found[DAY]["difference_cents"] == Decimal("0.2")
    assert found[DAY]["read_at"] < found[DAY]["other_read_at"]
    assert not found["2024-04-27"]["agrees"]
    assert found["2024-04-27"]["impressions_difference"] == 100
    tables.add(Reading(THIRD, {1: "30.003", 2: "0.3"}))
    found = {str(row.pop("date")): row for row in tables.query("adsterra_reconciliation")}
    assert found[DAY]["impressions_difference"] == found[DAY]["clicks_difference"] == 0
    assert not found[DAY]["agrees"], "more than rounding explains"


def as_an_older_version(run: RunResult) -> bytes:
    """Return the messages of a version without extracted_at and control totals."""
    lines = []
    for message in run.messages:
        if message.get("stream") == "control_totals":
            continue
        if message["type"] == "SCHEMA":
            message["schema"]["properties"].pop("extracted_at", None)
        if message["type"] == "RECORD":
            message["record"].pop("extracted_at", None)
        lines.append(json.dumps(message, default=float) + "\n")
    return "".join(lines).encode()


@pytest.mark.parametrize("target", ["target-duckdb", "target-postgres"])
def test_tables_of_an_older_version_are_brought_up_to_date_by_the_next_run(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    daily = (QUERIES / "adsterra_daily.sql").read_text()
    if target == "target-duckdb":
        settings: Row = {"path": str(tmp_path / "ads.duckdb"), "default_target_schema": "main"}
    else:
        port = request.getfixturevalue("postgresql_port")
        settings = PostgreSQL(port, "upgraded").settings
    with Sandbox(now=NOW) as sandbox:
        adsterra = Adsterra(sandbox, monkeypatch)
        first = adsterra.run("stats", start_date="2024-04-01")
        load(target, tmp_path, as_an_older_version(first), **settings)
        sandbox.clock.advance(datetime.timedelta(days=2))
        state = first.state
        second = adsterra.run("stats", "control_totals", state=state, start_date="2024-04-01")
        load(target, tmp_path, second.output, **settings)
    if target == "target-duckdb":
        with duckdb.connect(settings["path"]) as database:
            database.execute(views_of_stats())
            rows = database.execute(daily).fetchall()
    else:
        address = f"host=127.0.0.1 port={port} user=ads dbname=postgres"
        with psycopg.connect(f"{address} options=-csearch_path=upgraded") as connection:
            connection.execute(views_of_stats().encode())
            rows = connection.execute(daily.encode()).fetchall()
    read_again = {total["date"] for total in second.records("control_totals")}
    expected = [row for row in first.records("stats") if row["date"] not in read_again]
    expected += second.records("stats")
    assert {str(row[0]): (row[3],) for row in rows} == add_up(
        expected, lambda row: row["date"], "revenue"
    )
    assert len(rows) > 25


def cut_inside_a_window(run: RunResult) -> bytes:
    """Return the output of a run that died halfway through the rows of a report."""
    lines = run.output.splitlines(keepends=True)
    rows = [number for number, line in enumerate(lines) if b'"RECORD","stream":"stats"' in line]
    assert len(rows) > 20
    return b"".join(lines[: rows[len(rows) // 2]])


@pytest.mark.parametrize("faults", [frozenset(), frozenset({"ahead", "killed"})])
def test_three_weeks_of_runs_with_a_kill_and_a_wrong_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faults: frozenset[str]
) -> None:
    """In these weeks, the sandbox takes one whole day back, and another one arrives late."""
    first, taken_back, late = day("2024-08-20"), "2024-08-22", "2024-08-30"
    file, outputs = tmp_path / "ads.duckdb", list[bytes]()
    now = datetime.datetime(2024, 8, 21, 12, tzinfo=datetime.UTC)
    state: Any = None
    with Sandbox(now=now) as sandbox:
        adsterra = Adsterra(sandbox, monkeypatch)
        for number in range(20):
            ahead = datetime.timedelta(hours=30 if "ahead" in faults and number == 5 else 0)
            clock = sandbox.clock.now + ahead
            monkeypatch.setattr(adsterra.tap_class, "clock", staticmethod(lambda now=clock: now))
            run = adsterra.run("stats", "control_totals", state=state, start_date=str(first))
            assert run.error is None
            if "killed" in faults and number == 12:
                outputs.append(cut_inside_a_window(run))
            else:
                outputs.append(run.output)
                state = run.state
            now = sandbox.clock.now
            sandbox.clock.advance(datetime.timedelta(days=1))
    load("target-duckdb", tmp_path, b"".join(outputs), path=str(file), default_target_schema="main")

    rows = expected_rows(DEMO, ("date", "domain", "placement"), first, now.date(), now)
    expected = {
        date: total for date, (total,) in add_up(rows, lambda row: row["date"], "revenue").items()
    }
    assert money_by_day(file) == expected
    assert taken_back not in expected
    assert late in expected
    assert ask(file, "unproven_days") == []
    missing = [(str(row["first_day"]), row["was_read"]) for row in ask(file, "missing_days")]
    assert (taken_back, True) in missing
    ages = [row["age_days"] for row in ask(file, "restatements") if row["changed"]]
    # After a run that died, a change is found a day later; a clock that is ahead dates it so.
    assert max(ages) == SETTLED_AFTER_DAYS + bool(faults)

    # An older output is loaded last: what each day has then is what it had in one of its readings.
    load("target-duckdb", tmp_path, outputs[8], path=str(file), default_target_schema="main")
    with duckdb.connect(str(file), read_only=True) as database:
        totals = database.sql("select date, amount::decimal(38, 9) from control_totals").fetchall()
    found = money_by_day(file)
    assert found.keys() == expected.keys()
    assert found.items() <= set(totals)
    assert found != expected
    unproven = {str(row["date"]) for row in ask(file, "unproven_days")}
    assert unproven >= {date for date in found if found[date] != expected[date]}


@pytest.mark.parametrize("remedy", ["all of the stream but its time", "no state"])
def test_everything_is_read_again_after_a_clock_that_was_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remedy: str
) -> None:
    """Days that were still to come were read as days without rows then."""
    file, first = tmp_path / "ads.duckdb", day("2024-04-20")
    settings = {"path": str(file), "default_target_schema": "main"}
    with Sandbox(now=NOW) as sandbox:
        adsterra = Adsterra(sandbox, monkeypatch)

        def run_at(clock: datetime.datetime, state: Any) -> Any:
            monkeypatch.setattr(adsterra.tap_class, "clock", staticmethod(lambda: clock))
            run = adsterra.run("stats", "control_totals", state=state, start_date=str(first))
            assert run.error is None
            load("target-duckdb", tmp_path, run.output, **settings)
            return run.state

        state = run_at(NOW + datetime.timedelta(days=180), None)
        sandbox.clock.advance(datetime.timedelta(days=2))
        now = sandbox.clock.now
        time = state["bookmarks"]["stats"]["extracted_at"]
        run_at(now, {"bookmarks": {"stats": {"extracted_at": time}}} if "but" in remedy else None)
    rows = expected_rows(DEMO, ("date", "domain", "placement"), first, now.date(), now)
    sums = add_up(rows, lambda row: row["date"], "revenue")
    expected = {date: total for date, (total,) in sums.items()}
    if "but" not in remedy:
        assert money_by_day(file) != expected
        with duckdb.connect(str(file)) as database:
            tomorrow = str(now.date() + datetime.timedelta(days=1))
            database.execute("delete from control_totals where extracted_at > ?", [tomorrow])
            assert database.execute("select count(*) from control_totals").fetchone() == (14,)
    assert money_by_day(file) == expected
    assert ask(file, "unproven_days") == []


def ask(file: Path, query: str) -> list[Row]:
    """Run a query on a DuckDB file."""
    columns, rows, _ = Database(file).run(QUERIES / f"{query}.sql")
    return [dict(zip(columns, row, strict=True)) for row in rows]


def money_by_day(file: Path) -> dict[str, Decimal]:
    return {str(row["date"]): row["revenue_usd"] for row in ask(file, "adsterra_daily")}

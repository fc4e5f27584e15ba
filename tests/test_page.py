"""The figures on the page are correct, by currency, whichever streams were read."""

from __future__ import annotations

import html
import io
import re
import shutil
import subprocess
import sys
import webbrowser
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from examples import page
from examples.corrections import lookback
from examples.text import day as format_day
from sandbox.adsterra import DEMO, expected_rows
from tests.paths import PROJECT
from tests.support import NOW, day
from tests.warehouse import (
    ADSTERRA_STREAMS,
    DEFAULT_STREAMS,
    KEYS,
    MOVED,
    TEN_YEARS_LATER,
    add_up,
    expected_stream_rows,
    filled_duckdb,
    rows_at,
    ten_years_duckdb,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

NOT_FOUND = re.compile(r"\.sql|[Ee]rror|does not exist|not in ")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled_duckdb(tmp_path_factory)[0]


@pytest.fixture(scope="module")
def text(database: Path) -> str:
    return readable(page.render(database, "Made-up <numbers>"))


@pytest.fixture(scope="module")
def ten_years(tmp_path_factory: pytest.TempPathFactory) -> str:
    return readable(page.render(ten_years_duckdb(tmp_path_factory)))


def readable(written: str) -> str:
    """Return a page without its scripts."""
    return written.split("</footer>", maxsplit=1)[0]


def panels(text: str) -> list[str]:
    return re.findall(r"<article.*?</article>", text, flags=re.DOTALL)


def looks(panel: str) -> dict[str, tuple[str, Decimal, str]]:
    """Return the periods of a panel: their currency, money and days."""
    found = re.findall(
        r"<dt>(.*?)</dt>\s*<dd class=\"sum\"><span>(.*?)</span> (.*?)</dd>\s*"
        r"<dd class=\"small\">(.*?)</dd>",
        panel,
    )
    return {
        name: (currency, Decimal(money.replace(",", "")), days)
        for name, currency, money, days in found
    }


def table(part: str, caption: str) -> dict[str, Decimal]:
    """Return the money of each row of the tables with a caption."""
    found: dict[str, Decimal] = {}
    for one in re.findall(r"<table.*?</table>", part, flags=re.DOTALL):
        if f"<caption>{caption}" in one:
            for name, money in re.findall(r'<th scope="row">(.*?)</th>\s*<td.*?>([\d,.]+)', one):
                found[html.unescape(name)] = Decimal(money.replace(",", ""))
    return found


def cents(amount: Any) -> Decimal:
    return Decimal(f"{amount:.2f}")


def test_the_totals_are_correct_and_separate_by_currency(text: str) -> None:
    costs = add_up(expected_stream_rows("advertiser_report"), lambda row: row["currency"], "costs")
    ((revenue,),) = add_up(expected_stream_rows("stats"), lambda _: "USD", "revenue").values()
    assert [looks(panel)["All days"][:2] for panel in panels(text)] == [
        ("USD", cents(revenue)),
        *((name, cents(costs[name][0])) for name in ("EUR", "USD")),
    ]


def true_sum(rows: Iterable[dict[str, Any]], first: str, last: str) -> Decimal:
    return cents(sum((row["revenue"] for row in rows if first <= row["date"] <= last), Decimal()))


def test_the_figures_at_the_top_are_correct_after_ten_years(ten_years: str) -> None:
    rows = expected_rows(
        DEMO,
        ("date", "domain", "placement"),
        *(day("2016-12-17"), TEN_YEARS_LATER.date(), TEN_YEARS_LATER),
    )
    (panel,) = panels(ten_years)
    assert looks(panel) == {
        name: ("USD", true_sum(rows, first, last), days)
        for name, first, last, days in [
            ("Yesterday", "2026-12-16", "2026-12-16", "16 Dec 2026"),
            ("Last 7 days", "2026-12-10", "2026-12-16", "10 to 16 Dec 2026"),
            ("Last 30 days", "2026-11-17", "2026-12-16", "17 Nov to 16 Dec 2026"),
            ("This month", "2026-12-01", "2026-12-16", "1 to 16 Dec 2026"),
            ("Last month", "2026-11-01", "2026-11-30", "1 to 30 Nov 2026"),
            ("All days", "2016-12-17", "2026-12-17", "17 Dec 2016 to 17 Dec 2026"),
        ]
    }
    same_days = true_sum(rows, "2026-11-01", "2026-11-16")
    change = 100 * true_sum(rows, "2026-12-01", "2026-12-16") / same_days - 100
    assert f"{change:+.1f} % against 1 to 16 Nov 2026" in panel

    months = table(panel, "By month")
    assert len(months) == 121
    assert months["Feb 2024"] == true_sum(rows, "2024-02-01", "2024-02-29")
    assert months["Dec 2026, so far"] == true_sum(rows, "2026-12-01", "2026-12-17")
    assert months["Dec 2016, from 17 Dec 2016"] == true_sum(rows, "2016-12-17", "2016-12-31")
    days = table(panel, "By day")
    assert len(days) == len({row["date"] for row in rows if row["date"] >= "2026-09-18"}) <= 91
    assert days["Thu 17 Dec 2026, so far"] == true_sum(rows, "2026-12-17", "2026-12-17")
    # The placements are those of the same days.
    placements = sum(table(ten_years, "Revenue by placement").values())
    assert placements == pytest.approx(true_sum(rows, "2026-09-18", "2026-12-17"), abs=1)
    assert "18 Sep to 17 Dec 2026. CTR and CPM" in ten_years
    # Days without rows are listed, but not every one of ten years.
    assert re.search(r"and \d+ times before", ten_years)
    assert len(ten_years) < 400_000


def test_a_screen_reader_finds_its_way(text: str) -> None:
    assert '<html lang="en">' in text
    assert text.count("<h1>") == 1
    assert text.count("<table") == text.count("<caption>") > 10
    assert not re.findall(r"<th(?! scope)[ >]", text)
    assert text.count("<figcaption>") == text.count("<figure") == 3 + len(KEYS) + len(MOVED)
    # Each chart of money is a table as well, with a row per day.
    days = len({row["date"] for row in expected_stream_rows("stats")})
    assert len(table(panels(text)[0], "By day")) == days


def rendered_after(change: str, database: Path, folder: Path, **options: str) -> str:
    """Change a copy of the database, and render the page of it."""
    file = folder / "ads.duckdb"
    shutil.copy(database, file)
    with duckdb.connect(str(file)) as connection:
        connection.sql(change)
    return page.render(file, **options)


def test_names_from_outside_stay_text(database: Path, tmp_path: Path) -> None:
    text = rendered_after(
        "update domains set title = '</script><script>alert(1)</script>'", database, tmp_path
    )
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def drop_all_but(database: Path, *streams: str) -> str:
    """Write the SQL that leaves a database with some of its tables."""
    with duckdb.connect(str(database), read_only=True) as connection:
        tables = {table for (table,) in connection.sql("show tables").fetchall()}
    assert tables.issuperset(streams)
    return "; ".join(f"drop table {table}" for table in sorted(tables.difference(streams)))


@pytest.mark.parametrize(
    ("streams", "title", "sections"),
    [
        (ADSTERRA_STREAMS, "Earned at Adsterra", ["site", "country"]),
        (DEFAULT_STREAMS, "Earned at Adsterra", ["site"]),
        (("stats",), "Earned at Adsterra", ["site"]),
        (("advertiser_report", "topics"), "Spent at Adcloud", ["country", "website"]),
    ],
)
def test_a_page_shows_the_streams_that_are_there(
    database: Path, tmp_path: Path, streams: tuple[str, ...], title: str, sections: list[str]
) -> None:
    change = drop_all_but(database, *streams)
    text = readable(rendered_after(change, database, tmp_path))
    assert f"<h1>{title}</h1>" in text
    assert ("Adsterra" in text) != ("Adcloud" in text)
    assert not NOT_FOUND.search(text)
    assert re.findall(r"<h2>(?:Adsterra by|By|Adcloud by) (\w+)", text) == sections
    named = set(re.findall(r"<code>(\w+)</code>", text.split("How fresh")[1]))
    assert named == set(streams)


def test_without_days_there_is_only_a_sentence(database: Path, tmp_path: Path) -> None:
    text = readable(rendered_after(drop_all_but(database, "domains"), database, tmp_path))
    assert "<h1>No days yet</h1>" in text
    assert "There are no rows of <code>stats</code> or <code>advertiser_report</code>" in text
    assert "<section" not in text


def facts(section: str, heading: str) -> dict[str, str]:
    """Return what a section says of a stream, without tags."""
    figure = section.split(heading, maxsplit=1)[1].split("</figcaption>", maxsplit=1)[0]
    found = re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", figure, flags=re.DOTALL)
    return {name: html.unescape(re.sub(r"<.*?>", "", said)) for name, said in found}


def test_proven_days_are_counted(text: str) -> None:
    section = text.split("How fresh")[1].split("How numbers moved", maxsplit=1)[0]
    assert facts(section, "<code>stats</code>")["Proven"] == "28 of 28 days"
    assert facts(section, "<code>advertiser_report</code>")["Proven"] == "27 of 27 days"
    assert "Differ" not in section


def test_days_that_differ_are_named(database: Path, tmp_path: Path) -> None:
    change = (
        "delete from stats where date in ('2024-04-12', '2024-04-13') and placement % 2 = 0;"
        "update stats set revenue = revenue + 0.001 where date = '2024-05-02'"
    )
    text = readable(rendered_after(change, database, tmp_path))
    said = facts(text.split("How fresh")[1], "<code>stats</code>")
    assert said["Proven"] == "25 of 28 days"
    assert said["Differ"] == "12 to 13 Apr 2024, 2 May 2024"


def test_days_that_the_network_left_without_rows_are_not_red(
    database: Path, tmp_path: Path
) -> None:
    change = (
        "delete from stats where date in ('2024-04-12', '2024-04-20');"
        "delete from control_totals where date = '2024-04-12';"
        "update control_totals set row_count = 0, impressions = 0, clicks = 0, amount = 0"
        " where date = '2024-04-20'"
    )
    text = readable(rendered_after(change, database, tmp_path))
    figure = text.split("<code>stats</code>", maxsplit=1)[1].split("</figcaption>", maxsplit=1)[0]
    (said,) = re.findall(r"<dt>Without rows</dt>\s*<dd>(.*?)</dd>", figure)
    assert '<span class="gap">12 Apr 2024</span>' in said
    assert "<span>20 Apr 2024</span>" in said


def test_a_report_whose_rows_have_all_been_lost_is_named(database: Path, tmp_path: Path) -> None:
    text = readable(rendered_after("delete from stats_by_country", database, tmp_path))
    lists = text.split("Rows of the lists")[1].split("</ul>", maxsplit=1)[0]
    (said,) = [item for item in lists.split("<li>") if "lost" in item]
    assert said.startswith("<code>stats_by_country</code> 0: its rows have been lost, those of 26")


def test_days_without_control_totals_are_counted(database: Path, tmp_path: Path) -> None:
    change = "delete from control_totals where date < '2024-04-20'"
    text = readable(rendered_after(change, database, tmp_path))
    said = facts(text.split("How fresh")[1], "<code>stats</code>")
    assert said["Proven"] == "18 of 28 days, 10 without control totals"


def test_how_numbers_moved(text: str) -> None:
    section = text.split("How numbers moved")[1]
    headings = re.findall(r"<h3><code>(\w+)</code> in (\w+)</h3>", section)
    assert headings == list(MOVED)
    before, after = (
        {
            row["date"]: sum(
                (each["revenue"] for each in rows if each["date"] == row["date"]), Decimal()
            )
            for row in rows
            if "2024-04-24" <= row["date"] <= "2024-04-30"
        }
        for rows in (rows_at("stats", NOW), expected_stream_rows("stats"))
    )
    said = facts(section, "<code>stats</code> in USD")
    changed = [date for date in before if before[date] != after[date]]
    assert said["Changed"] == f"{len(changed)} of {len(before)} days read again"
    change = sum(after.values()) - sum(before.values())
    assert said["In all"].startswith(
        f"USD {change:.2f}, {100 * change / sum(before.values()):+.1f}"
    )
    assert said["Lookback"] == (
        "10 days would have sufficed: nothing changed later, in 3 readings up to an age of 13 days."
    )
    caption = "stats: changed since first read, USD"
    shown = table(section, caption)
    assert {format_day(day(date)) for date in changed} == shown.keys()


@pytest.mark.parametrize(
    ("ages", "said"),
    [
        ({2: 1, 3: 1, 4: 0}, "3 days would have sufficed: nothing changed later, in 5 readings"),
        (
            {2: 0, 8: 0},
            "0 days would have sufficed: no day changed once it was over, in 10 readings",
        ),
        ({1: 1, 2: 0, 8: 1}, "not known: days still changed at an age of 8 days, the oldest"),
    ],
)
def test_the_lookback_that_would_have_sufficed(ages: dict[int, int], said: str) -> None:
    rows = [{"age_days": age, "changed": changed, "readings": 5} for age, changed in ages.items()]
    assert lookback(rows).startswith(said)


@pytest.mark.parametrize("times", ["= (select min(extracted_at) from control_totals)", "< ''"])
def test_before_the_second_reading_there_is_a_sentence(
    database: Path, tmp_path: Path, times: str
) -> None:
    change = f"delete from control_totals where not extracted_at {times}"  # noqa: S608
    text = readable(rendered_after(change, database, tmp_path))
    assert "No finished day has been read on two days yet." in text


def test_a_schema_is_a_page_of_its_own(database: Path, tmp_path: Path) -> None:
    """An account may have its own schema."""
    change = "create schema blog; create table blog.stats as from stats where date < '2024-04-20'"
    text = rendered_after(change, database, tmp_path, schema="blog")
    rows = [row for row in expected_stream_rows("stats") if row["date"] < "2024-04-20"]
    (panel,) = panels(text)
    assert looks(panel)["All days"][1] == cents(sum(row["revenue"] for row in rows))


def run_page(database: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "examples.page", *arguments, database],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_page_is_written_beside_its_database_and_not_labelled_made_up(
    database: Path, tmp_path: Path
) -> None:
    file = tmp_path / "my ads.duckdb"
    shutil.copy(database, file)
    result = run_page(file)
    assert (result.returncode, result.stderr) == (0, "")
    written = Path(result.stdout.strip())
    assert written == tmp_path / "my ads.html"
    assert "Made-up" not in readable(written.read_text())


def test_errors_are_explained_in_a_sentence(database: Path, tmp_path: Path) -> None:
    def message_for(file: Path, *arguments: str) -> str:
        result = run_page(file, *arguments)
        assert result.returncode == 1
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        return result.stderr

    file = tmp_path / "ads.duckdb"
    assert "There is no file" in message_for(file)
    file.write_text("no database")
    assert "cannot be read" in message_for(file)
    shutil.copy(database, file)
    assert "SCHEMA=name names another: main." in message_for(file, "--schema", "blog")
    with duckdb.connect(str(file)) as connection:
        assert "another program is writing to it" in message_for(file)
        connection.sql("alter table stats drop column revenue")
    assert "adsterra_daily cannot be run" in message_for(file)
    assert not list(tmp_path.glob("*.html"))


@pytest.mark.parametrize(
    ("terminal", "environment", "opened"),
    [
        (True, {"DISPLAY": ":0"}, True),
        (True, {"WAYLAND_DISPLAY": "wayland-0"}, True),
        (True, {}, False),
        (False, {"DISPLAY": ":0"}, False),
        (True, {"DISPLAY": ":0", "CI": "true"}, False),
    ],
)
def test_the_page_is_opened_on_a_desktop(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,  # noqa: FBT001 - a parameter of the test.
    environment: dict[str, str],
    opened: bool,  # noqa: FBT001 - a parameter of the test.
) -> None:
    class Output(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    file, output, urls = tmp_path / "ads.html", Output(), list[str]()
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "CI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys, "argv", ["page", str(tmp_path / "ads.duckdb")])
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setattr(webbrowser, "open", urls.append)
    monkeypatch.setattr(page, "render", lambda *_: "<!doctype html>")
    page.main()
    assert output.getvalue() == f"{file}\n"
    assert urls == ([file.as_uri()] if opened else [])

"""The page at the end of the demo: its numbers are true, and a browser shows all of it."""

from __future__ import annotations

import io
import re
import shutil
import sys
import webbrowser
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import pytest
from playwright.sync_api import Browser, sync_playwright

from examples import page
from tests.warehouse import KEYS, add_up, filled_duckdb, true_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
#: Two of revenue and costs in two currencies, and one a stream with days.
CHARTS = 3 + len(KEYS)

#: What can be wrong with each chart and table, measured where they are drawn.
LOOK = """() => {
  const size = element => element.getBoundingClientRect();
  const rgb = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = colour => {
    const [r, g, b] = rgb(colour).map(part => part / 255)
      .map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = light(getComputedStyle(document.body).backgroundColor);
  const contrast = colour => {
    const [low, high] = [ground, light(colour)].sort((one, other) => one - other);
    return (high + 0.05) / (low + 0.05);
  };
  const texts = [...document.querySelectorAll("h1, h2, h3, p, th, td, dt, dd, summary, code")];
  const bars = [...document.querySelectorAll(".bars_marks path")];
  return {
    ground,
    width: document.documentElement.scrollWidth,
    room: document.documentElement.clientWidth,
    first: size(document.querySelector(".chart")).bottom,
    charts: [...document.querySelectorAll(".chart")].map(chart => ({
      width: size(chart.querySelector("svg")).width,
      room: chart.clientWidth,
      bars: [...chart.querySelectorAll(".bars_marks path")].map(bar => size(bar))
        .map(({ width, height }) => ({ width, height })),
      labels: [...chart.querySelectorAll(".role-axis-label text")].map(text => text.textContent),
      named: chart.querySelector("[aria-label]") !== null,
    })),
    shares: [...document.querySelectorAll("section > table .bar, .columns > div > table .bar")]
      .map(bar => size(bar).width * size(bar).height),
    text: Math.min(...texts.map(text => contrast(getComputedStyle(text).color))),
    colours: Math.min(...bars.map(bar => contrast(getComputedStyle(bar).fill))),
  };
}"""


class Seen(NamedTuple):
    """What a browser had to say."""

    said: list[str]
    asked: list[str]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled_duckdb(tmp_path_factory)[0]


@pytest.fixture(scope="module")
def written(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("picture") / "ads.html"
    file.write_text(page.render(database, "Made-up <numbers>"), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        # Chromium keeps no sandbox for root, whom continuous integration often is.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize(("width", "scheme"), list(product([360, 1280], ["light", "dark"])))
def test_a_browser_shows_every_chart(
    browser: Browser, written: Path, width: int, scheme: str
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    tab = context.new_page()
    seen = Seen([], [])
    tab.on("console", lambda message: seen.said.append(message.text))
    tab.on("pageerror", lambda error: seen.said.append(str(error)))
    tab.on("request", lambda request: seen.asked.append(request.url))
    tab.goto(written.as_uri())
    tab.wait_for_function(f"document.querySelectorAll('.days_marks').length === {CHARTS}")
    look = tab.evaluate(LOOK)
    tab.mouse.move(width / 2, look["first"] - 60)
    tooltip = tab.locator("#vg-tooltip-element.visible").inner_text()
    context.close()

    assert seen.said == []
    assert seen.asked == [written.as_uri()]
    assert look["width"] <= look["room"] == width
    # The money of each day is the first thing one sees.
    assert look["first"] < 600
    days = [len({row["date"] for row in true_rows(stream)}) for stream in expected_streams()]
    assert [len(chart["bars"]) for chart in look["charts"]] == days
    for chart in look["charts"]:
        assert 0 < chart["width"] <= chart["room"]
        assert min(bar["width"] for bar in chart["bars"]) > 0
        assert min(bar["height"] for bar in chart["bars"]) > 0
        assert max(bar["height"] for bar in chart["bars"]) > 20
        assert len(set(chart["labels"])) > 1
        assert chart["named"]
    assert len(look["shares"]) > 30
    assert all(area > 0 for area in look["shares"])
    assert re.search(r"Earned\s+USD [\d.]+\s+Impressions", tooltip)
    # What the Web Content Accessibility Guidelines ask of texts and of graphics.
    assert look["text"] >= 4.5
    assert look["colours"] >= 3
    assert (look["ground"] < 0.1) == (scheme == "dark")


def expected_streams() -> list[str]:
    """The stream behind each chart, in the order of the page."""
    report = "advertiser_report"
    return ["stats", report, report, *sorted(KEYS)]


def test_the_totals_are_true_and_kept_apart_by_currency(written: Path) -> None:
    text = written.read_text()
    costs = add_up(true_rows("advertiser_report"), lambda row: row["currency"], "costs")
    ((revenue,),) = add_up(true_rows("stats"), lambda _: "USD", "revenue").values()
    totals = re.findall(r'class="total">([^<]+)<', text)
    assert totals == [
        f"USD {revenue:,.2f}",
        *(f"{name} {costs[name][0]:,.2f}" for name in ("EUR", "USD")),
    ]


def test_a_screen_reader_finds_its_way(written: Path) -> None:
    text = written.read_text().split("</footer>")[0]
    assert '<html lang="en">' in text
    assert text.count("<h1>") == 1
    assert text.count("<table") == text.count("<caption>") > 10
    assert not re.findall(r"<th(?! scope)[ >]", text)
    assert text.count("<figcaption>") == text.count("<figure") == CHARTS
    # Each chart of money stands in a table as well, day by day.
    days = len({row["date"] for row in true_rows("stats")})
    assert text.split("</figure>")[0].count('<tr><th scope="row">') == days


def rendered_after(change: str, database: Path, folder: Path) -> str:
    """Change a copy of the database, and make the page of it."""
    file = folder / "ads.duckdb"
    shutil.copy(database, file)
    with duckdb.connect(str(file)) as connection:
        connection.sql(change)
    return page.render(file)


def test_names_from_outside_stay_text(database: Path, tmp_path: Path) -> None:
    text = rendered_after(
        "update domains set title = '</script><script>alert(1)</script>'", database, tmp_path
    )
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_what_cannot_be_shown_is_named(database: Path, tmp_path: Path) -> None:
    text = rendered_after("drop table stats_by_country", database, tmp_path)
    assert "Adsterra revenue by country" not in text
    assert "Revenue by placement" in text
    assert re.search(r"adsterra_by_country\.sql: .*stats_by_country", text)


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
def test_the_page_is_opened_where_somebody_can_see_it(
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
    monkeypatch.setattr(sys, "argv", ["page", "ads.duckdb", str(file)])
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setattr(webbrowser, "open", urls.append)
    monkeypatch.setattr(page, "render", lambda *_: "<!doctype html>")
    page.main()
    assert output.getvalue() == f"{file}\n"
    assert urls == ([file.as_uri()] if opened else [])

"""A browser shows the page: narrow and wide, light and dark, also with ten years of rows."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from examples import page
from examples.picture import CHROMIUM
from tests.support import NOW
from tests.warehouse import (
    KEYS,
    MOVED,
    add_up,
    expected_stream_rows,
    filled_duckdb,
    rows_at,
    ten_years_duckdb,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WIDTHS_AND_SCHEMES = list(product([360, 1280], ["light", "dark"]))

#: Measures the drawn charts and tables for faults of layout.
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
  const texts = [...document.querySelectorAll(
    "h1, h2, h3, p, th, td, dt, dd, strong, span, figcaption, summary, code")];
  const bars = [...document.querySelectorAll(".bars_marks path")];
  return {
    ground,
    width: document.documentElement.scrollWidth,
    room: document.documentElement.clientWidth,
    looks: size(document.querySelector(".looks")).bottom,
    sums: [...document.querySelectorAll(".sum")]
      .every(sum => sum.scrollWidth <= sum.parentElement.clientWidth),
    first: size(document.querySelector(".chart")).bottom,
    charts: [...document.querySelectorAll(".chart")].map(chart => ({
      width: size(chart.querySelector("svg")).width,
      room: chart.clientWidth,
      bars: [...chart.querySelectorAll(".bars_marks path")].map(bar => size(bar))
        .map(({ width, height }) => ({ width, height })),
      labels: [...chart.querySelectorAll(".role-axis-label text")].map(text => text.textContent),
      named: chart.querySelector("[aria-label]") !== null,
    })),
    shares: [...document.querySelectorAll(".bar")].filter(bar => !bar.closest("details"))
      .map(bar => size(bar).width * size(bar).height),
    text: Math.min(...texts.map(text => contrast(getComputedStyle(text).color))),
    colours: Math.min(...bars.map(bar => contrast(getComputedStyle(bar).fill))),
  };
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        # Chromium has no sandbox for root, and continuous integration often runs as root.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("picture") / "ads.html"
    database, _ = filled_duckdb(tmp_path_factory)
    file.write_text(page.render(database, "Made-up <numbers>"), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def ten_years(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("picture") / "ads.html"
    file.write_text(page.render(ten_years_duckdb(tmp_path_factory)), encoding="utf-8")
    return file


def look(browser: Browser, file: Path, width: int, scheme: str, bars: list[int]) -> dict[str, Any]:
    """Open a page, check what holds for every page, and return the measures.

    Args:
        browser: The browser.
        file: The page.
        width: The width of the browser window.
        scheme: ``light`` or ``dark``.
        bars: The expected number of bars of each chart.
    """
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    tab = context.new_page()
    said, requested = list[str](), list[str]()
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: requested.append(request.url))
    tab.goto(file.as_uri())
    tab.wait_for_function(f"document.querySelectorAll('.days_marks').length === {len(bars)}")
    drawn: dict[str, Any] = tab.evaluate(LOOK)
    tab.mouse.move(width / 2, drawn["first"] - 60)
    drawn["tooltip"] = tab.locator("#vg-tooltip-element.visible").inner_text()
    context.close()

    assert said == []
    assert requested == [file.as_uri()]
    assert drawn["width"] <= drawn["room"] == width
    # The most important figures are visible without scrolling.
    assert drawn["looks"] < 600
    assert drawn["first"] < 800
    assert drawn["sums"]
    assert [len(chart["bars"]) for chart in drawn["charts"]] == bars
    for chart in drawn["charts"]:
        assert 0 < chart["width"] <= chart["room"]
        assert min(bar["width"] for bar in chart["bars"]) > 1
        assert min(bar["height"] for bar in chart["bars"]) > 0
        assert max(bar["height"] for bar in chart["bars"]) > 20
        assert len(set(chart["labels"])) > 1
        assert chart["named"]
    assert all(area > 0 for area in drawn["shares"])
    # The contrast that the Web Content Accessibility Guidelines require of texts and graphics.
    assert drawn["text"] >= 4.5
    assert drawn["colours"] >= 3
    assert (drawn["ground"] < 0.1) == (scheme == "dark")
    return drawn


def days_that_moved(report: str, currency: str) -> int:
    """Count the days whose money has changed between the two readings."""
    money = "costs" if report == "advertiser_report" else "revenue"
    before, after = (
        add_up(
            [row for row in rows if row.get("currency", "USD") == currency],
            lambda row: row["date"],
            money,
        )
        for rows in (rows_at(report, NOW), expected_stream_rows(report))
    )
    over = {date for date in before if date < str(NOW.date())}
    return sum(before[date] != after.get(date, (0,)) for date in over)


@pytest.mark.parametrize(("width", "scheme"), WIDTHS_AND_SCHEMES)
def test_a_browser_shows_every_chart(
    browser: Browser, written: Path, width: int, scheme: str
) -> None:
    money = ["stats", "advertiser_report", "advertiser_report"]
    bars = [len({row["date"] for row in expected_stream_rows(stream)}) for stream in money]
    bars += [len({row["date"] for row in expected_stream_rows(stream)}) for stream in sorted(KEYS)]
    bars += [days_that_moved(report, currency) for report, currency in MOVED]
    drawn = look(browser, written, width, scheme, bars)
    assert len(drawn["shares"]) > 30
    assert re.search(r"Earned\s+USD [\d.]+\s+Impressions", drawn["tooltip"])


@pytest.mark.parametrize(("width", "scheme"), WIDTHS_AND_SCHEMES)
def test_ten_years_fit_on_a_screen(
    browser: Browser, ten_years: Path, width: int, scheme: str
) -> None:
    """The last days, and all of them by month; the rows by month."""
    drawn = look(browser, ten_years, width, scheme, [91, 121, 121])
    assert re.search(r"Day\s+\w+ \d+ \w+ 2026\s+Earned\s+USD [\d.]+", drawn["tooltip"])
    years = [label for label in drawn["charts"][1]["labels"] if re.fullmatch(r"Jan \d{4}", label)]
    assert len(set(years)) > 1

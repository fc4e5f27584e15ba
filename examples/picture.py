"""A picture of the top of a page, taken by Chromium: ``make picture`` writes the README's."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: The path of Chromium; `None` if it is not installed.
CHROMIUM = next(filter(None, map(shutil.which, _NAMES)), None)


def main() -> None:
    """Take the picture."""
    parser = argparse.ArgumentParser(prog="python -m examples.picture", description=__doc__)
    parser.add_argument("page", type=Path, help="the page")
    parser.add_argument("picture", type=Path, help="the PNG file to write")
    arguments = parser.parse_args()
    if CHROMIUM is None:
        sys.exit("Chromium is not installed, and nothing else takes the picture.")
    with sync_playwright() as playwright:
        # Chromium refuses to start its sandbox as root, the usual user in containers.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 1160}, color_scheme="light")
        tab.goto(arguments.page.absolute().as_uri())
        tab.wait_for_function(
            "document.querySelectorAll('.chart').length"
            " === document.querySelectorAll('.days_marks').length"
        )
        tab.screenshot(path=arguments.picture)
        browser.close()
    print(arguments.picture)


if __name__ == "__main__":
    main()

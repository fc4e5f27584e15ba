"""CONTRIBUTING.md: its steps lead to streams and a tap that work, its files and commands exist."""

from __future__ import annotations

import json
import re
import runpy
import sys
from http.server import ThreadingHTTPServer
from operator import itemgetter
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.adsterra import DEMO, DEMO_TOKEN, expected_rows
from sandbox.server import Sandbox
from tests.paths import PROJECT
from tests.singer_reports.test_imports import GRAPH
from tests.support import NOW, day, select
from tests.walkthrough import Walkthrough

if TYPE_CHECKING:
    from pathlib import Path

TEXT = (PROJECT / "CONTRIBUTING.md").read_text()
ADD_A_TAP = (PROJECT / "docs" / "add-a-tap.md").read_text()
PACKAGES = ("singer_reports", "tap_adsterra", "tap_adcloud", "airbyte_sources")
#: Tests that an added stream can make fail, beside those that CONTRIBUTING.md names.
TESTS = (
    "tests/test_contributing.py::test_what_is_named_exists",
    "tests/test_meltano.py::test_the_streams_selected_are_those_of_the_tap",
    "tests/test_docs_meltano.py::test_what_the_page_names_exists",
    "tests/test_packaging.py::test_the_installed_tap_finds_its_schemas",
    "tests/test_readme.py::test_every_block_of_the_documents_is_run",
)
FIRST, LAST = "2024-04-01", "2024-04-30"

Message = dict[str, Any]


def section(heading: str) -> str:
    """Return a section of the document."""
    return TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]


@pytest.fixture
def report(tmp_path: Path) -> Walkthrough:
    return Walkthrough(section("Add a report"), tmp_path / "copy")


@pytest.fixture
def listing(tmp_path: Path) -> Walkthrough:
    return Walkthrough(section("Add a list"), tmp_path / "copy")


@pytest.fixture
def tap(tmp_path: Path) -> Walkthrough:
    return Walkthrough(ADD_A_TAP, tmp_path / "copy")


def read(
    walkthrough: Walkthrough,
    tap: str,
    streams: list[str],
    state: Message | None = None,
    **config: Any,
) -> tuple[dict[str, list[Message]], Message]:
    """Run a tap in a copy; return the records of each stream, and the last state."""
    catalog = select(json.loads(walkthrough.run(sys.executable, "-m", tap, "--discover")), streams)
    options = []
    for name, content in (("config", config), ("catalog", catalog), ("state", state or {})):
        (walkthrough.copy / f"{name}.json").write_text(json.dumps(content))
        options += [f"--{name}", f"{name}.json"]
    lines = walkthrough.run(sys.executable, "-m", tap, *options).splitlines()
    messages: list[Message] = list(map(json.loads, lines))
    records: dict[str, list[Message]] = {name: [] for name in streams}
    for message in messages:
        if message["type"] == "RECORD":
            records[message["stream"]].append(message["record"])
    return records, [message["value"] for message in messages if message["type"] == "STATE"][-1]


@pytest.mark.timeout(900)
def test_the_tests_pass_after_a_report_is_added(report: Walkthrough) -> None:
    assert not report.new
    assert report.changed == {"tap_adsterra/streams.py", "README.md", "meltano.yml"}
    assert report.commands[0] == "make plugins"
    report.run_commands(*TESTS)


def test_the_added_report_is_read(report: Walkthrough) -> None:
    with Sandbox(NOW) as sandbox:
        records, state = read(
            report,
            "tap_adsterra",
            ["stats_by_domain"],
            api_token=DEMO_TOKEN,
            api_url=sandbox.adsterra_url,
            start_date=FIRST,
            end_date=LAST,
        )
    numbers = itemgetter("date", "domain", "impression")
    found = list(map(numbers, records["stats_by_domain"]))
    expected = expected_rows(DEMO, ("date", "domain"), day(FIRST), day(LAST), NOW)
    assert found == sorted(map(numbers, expected))
    assert found
    assert state["bookmarks"]["stats_by_domain"]["replication_key_value"] == LAST


@pytest.mark.timeout(900)
def test_the_tests_pass_after_a_list_is_added(listing: Walkthrough) -> None:
    assert listing.new == {"schemas/adcloud/languages.json"}
    assert len(listing.changed) == 4
    assert listing.commands[0].startswith("AD_TAPS_WRITE_SNAPSHOTS=1")
    listing.run_commands(
        "tests/tap_adcloud/test_entities.py::test_all_entities_are_read[languages-v2]", *TESTS
    )


@pytest.mark.timeout(900)
def test_the_tests_pass_after_a_tap_is_added(tap: Walkthrough) -> None:
    assert tap.changed == {"pyproject.toml"}
    assert len(tap.new) == 10
    assert tap.commands[0].startswith(".venv/bin/python -m tap_example")
    tap.run(sys.executable, "-m", "mypy", "tap_example", "tests/tap_example")
    tap.run_commands("tests/test_readme.py::test_every_block_of_the_documents_is_run")


def test_the_added_tap_reads_from_where_the_state_ends(tap: Walkthrough) -> None:
    api = runpy.run_path(str(tap.copy / "tests" / "tap_example" / "example_api.py"))
    streams = ["sites", "daily_report"]
    with ThreadingHTTPServer(("127.0.0.1", 0), api["ExampleApi"]) as server:
        Thread(target=server.serve_forever).start()
        config = {
            "api_url": f"http://127.0.0.1:{server.server_port}",
            "api_token": api["TOKEN"],
            "start_date": FIRST,
            "lookback_days": 2,
        }
        first, state = read(tap, "tap_example", streams, **config, end_date="2024-04-10")
        second, end = read(tap, "tap_example", streams, state, **config, end_date=LAST)
        server.shutdown()
    for records in (first, second):
        assert [site["id"] for site in records["sites"]] == [1, 2, 3]
    expected = [row for number in range(1, 11) for row in api["report"](f"2024-04-{number:02}")]
    key = itemgetter("date", "site_id")
    assert first["daily_report"] == sorted(expected, key=key)
    assert state["bookmarks"]["daily_report"]["replication_key_value"] == "2024-04-10"
    assert second["daily_report"][0]["date"] == "2024-04-09"
    assert end["bookmarks"]["daily_report"]["replication_key_value"] == LAST


def tree() -> list[str]:
    """Return the files and folders of the tree, in its order, as paths."""
    block = section("Where things are").split("```text\n")[1].split("```")[0]
    paths: list[str] = []
    folders: list[str] = []
    for line in block.splitlines():
        name = line.split()[0]
        depth = (len(line) - len(line.lstrip())) // 2
        folders[depth:] = [name]
        paths.append("".join(folders))
    return paths


def test_the_tree_has_every_module_and_nothing_else() -> None:
    listed = tree()
    assert len(listed) == len(set(listed))
    for path in listed:
        found = PROJECT / path
        assert found.is_dir() if path.endswith("/") else found.is_file(), path
    modules = {
        str(path.relative_to(PROJECT))
        for package in PACKAGES
        for path in (PROJECT / package).rglob("*.py")
        if path.name != "__init__.py"
    }
    assert {path for path in listed if path.endswith(".py")} == modules


def test_the_tree_is_in_the_order_of_imports() -> None:
    names = [path.removesuffix(".py").replace("/", ".") for path in tree() if path[-3:] == ".py"]
    for number, name in enumerate(names):
        later = GRAPH[name].intersection(names[number:])
        assert not later, f"{name} imports {later}"


def test_what_is_named_exists() -> None:
    for document in ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs/add-a-tap.md"):
        file = PROJECT / document
        for link in re.findall(r"\]\(([^)#]+)\)", file.read_text()):
            assert link.startswith("https://") or (file.parent / link).exists(), link
    makefile = (PROJECT / "Makefile").read_text()
    targets = re.findall(r"make ([a-z]+)`|^ *make ([a-z]+)$", TEXT, flags=re.MULTILINE)
    assert targets
    for target in targets:
        assert f"\n{''.join(target)}:" in makefile, target


def test_the_contents_are_the_headings() -> None:
    headings = re.findall(r"^## (.+)$", TEXT, flags=re.MULTILINE)
    listed = re.findall(r"\[([^\]]+)\]\(#([a-z-]+)\)", TEXT)
    assert listed == [(name, name.lower().replace(" ", "-")) for name in headings]

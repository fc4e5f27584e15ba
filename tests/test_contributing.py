"""CONTRIBUTING.md: its example stream works, its files and commands exist."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.adsterra import DEMO, DEMO_TOKEN, expected_rows
from sandbox.server import Sandbox
from tests import documents
from tests.paths import PROJECT
from tests.support import NOW, day, select

if TYPE_CHECKING:
    from pathlib import Path

FILE = PROJECT / "CONTRIBUTING.md"
TEXT = FILE.read_text()
#: The tests that have failed when a stream was added.
TESTS = (
    "tests/tap_adsterra/test_command_line.py",
    "tests/tap_adsterra/test_errors.py::test_a_connection_test_sends_one_request_per_stream",
    "tests/tap_adsterra/test_settings.py",
    "tests/tap_adsterra/test_streams.py",
    "tests/test_contributing.py::test_what_is_named_exists",
    "tests/test_meltano.py::test_the_streams_selected_are_those_of_the_tap",
    "tests/test_docs_meltano.py::test_what_the_page_names_exists",
    "tests/test_packaging.py::test_the_installed_tap_finds_its_schemas",
    "tests/test_plugins.py",
    "tests/test_readme.py::test_the_streams_are_those_of_discovery",
    "tests/test_readme.py::test_every_block_of_the_documents_is_run",
)


def insert(file: Path, text: str, before: str) -> None:
    """Insert a text before another in a file, unless it is there already."""
    content = file.read_text()
    if text.strip() not in content:
        assert before in content, f"{before} is not in {file}"
        file.write_text(content.replace(before, text + before, 1))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project in which the steps of "Add a stream" have been followed by hand."""
    copy = documents.copy_project(tmp_path / "copy")
    (example,) = documents.blocks(FILE, "python")
    streams = copy / "tap_adsterra" / "streams.py"
    insert(streams, f"{example}\n\n", "STREAMS: Sequence[type[AdsterraStream]] = (\n")
    insert(streams, "    StatsByDomain,\n", "    StatsBySubId,\n")
    row = documents.block(FILE, "| `stats_by_domain`", "markdown")
    insert(copy / "README.md", row, "| your own reports |")
    (exclusion,) = documents.blocks(FILE, "yaml")
    # The last of these lines is in the tap's settings, the one before it in the sandbox's.
    begin, last, end = (copy / "meltano.yml").read_text().rpartition("    - '!stats_by_sub_id.*'\n")
    if exclusion not in begin + end:
        (copy / "meltano.yml").write_text(f"{begin}{last}    {exclusion}{end}")
    return copy


def run_in(copy: Path, *command: str) -> str:
    """Run a command on a copy's code."""
    result = subprocess.run(
        command,
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.timeout(500)
def test_the_steps_to_add_a_stream_lead_to_green_tests(copy: Path) -> None:
    make, snapshot = documents.block(FILE, "make plugins").splitlines()
    assert make == "make plugins"
    run_in(copy, sys.executable, "plugins/generate.py")
    variable, _, _, arguments = snapshot.split()
    test = arguments.removeprefix("ARGUMENTS=")
    pytest_here = ("-m", "pytest", "-n", "0", "-q", "-p", "no:cacheprovider")
    run_in(copy, "env", variable, sys.executable, *pytest_here, test)
    run_in(copy, sys.executable, *pytest_here, test, *TESTS)
    run_in(copy, sys.executable, "-m", "ruff", "check", "--no-cache", "tap_adsterra")
    run_in(copy, sys.executable, "-m", "ruff", "format", "--no-cache", "--check", "tap_adsterra")


def test_the_stream_of_the_example_is_discovered_and_read(copy: Path) -> None:
    tap = (sys.executable, "-m", "tap_adsterra")
    catalog = json.loads(run_in(copy, *tap, "--discover"))
    streams = {entry["tap_stream_id"]: entry for entry in catalog["streams"]}
    assert streams["stats_by_domain"]["key_properties"] == ["date", "domain"]
    first, last = "2024-04-01", "2024-04-30"
    with Sandbox(NOW) as sandbox:
        settings = {
            "api_token": DEMO_TOKEN,
            "api_url": sandbox.adsterra_url,
            "start_date": first,
            "end_date": last,
        }
        (copy / "config.json").write_text(json.dumps(settings))
        (copy / "catalog.json").write_text(json.dumps(select(catalog, ["stats_by_domain"])))
        files = ("--config", "config.json", "--catalog", "catalog.json")
        messages: list[dict[str, Any]] = [
            json.loads(line) for line in run_in(copy, *tap, *files).splitlines()
        ]
    numbers = itemgetter("date", "domain", "impression")
    found = [numbers(message["record"]) for message in messages if message["type"] == "RECORD"]
    assert found == sorted(
        map(numbers, expected_rows(DEMO, ("date", "domain"), day(first), day(last), NOW))
    )
    assert found
    state = messages[-1]["value"]["bookmarks"]["stats_by_domain"]
    assert state["replication_key_value"] == last


def test_what_is_named_exists() -> None:
    for document in ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"):
        for link in re.findall(r"\]\(([^)]+)\)", (PROJECT / document).read_text()):
            assert link.startswith("https://") or (PROJECT / link).exists(), link
    makefile = (PROJECT / "Makefile").read_text()
    targets = re.findall(r"make ([a-z]+)`|^ *make ([a-z]+)$", TEXT, flags=re.MULTILINE)
    assert targets
    for target in targets:
        assert f"\n{''.join(target)}:" in makefile, target

"""The README tells the truth: its tables, and every command in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.adsterra import DEMO_TOKEN
from tap_adcloud.tap import TapAdcloud
from tap_adsterra.tap import TapAdsterra

if TYPE_CHECKING:
    from sandbox.server import Sandbox
    from singer_reports.tap import ReportTap

PROJECT = Path(__file__).resolve().parent.parent
README = (PROJECT / "README.md").read_text()
BIN = Path(sys.executable).parent
BADGE = "https://img.shields.io/badge"
TAPS: list[type[ReportTap]] = [TapAdsterra, TapAdcloud]

#: Commands that continuous integration runs as they stand, or that another test runs.
RUN_ELSEWHERE = {
    "make demo": ".ci/run",
    "make test": ".ci/run",
    "make lint": ".ci/run",
    "make meltano": "Makefile",
    'echo "TAP_ADSTERRA_API_TOKEN=your-token" >> .env': "tests/test_meltano.py",
    ".venv/bin/meltano --environment=production run tap-adsterra target-duckdb": (
        "tests/test_meltano.py"
    ),
    "pip install .": "tests/test_packaging.py",
}


def shell_blocks() -> list[list[str]]:
    """Return the commands of the README, block by block."""
    blocks = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    return [block.strip().splitlines() for block in blocks]


def table(heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without its head."""
    rows = README.split(heading)[1].split("\n\n|")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def names(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


@pytest.mark.parametrize("tap", TAPS)
def test_the_settings_are_those_of_about(tap: type[ReportTap]) -> None:
    begin = f"<!-- settings of {tap.name}: from {tap.name} --about --format=markdown -->\n"
    written = README.split(begin)[1].split("<!-- end of settings -->")[0]
    output = subprocess.run(
        [BIN / tap.name, "--about", "--format=markdown"], capture_output=True, check=True, text=True
    ).stdout
    lines = [line for line in output.splitlines() if line.startswith("|")]
    ours = ("faker", "stream_map", "flattening", "batch", "emit_activate")
    expected = "\n".join(line for line in lines if not line[2:].startswith(ours))
    assert written.strip() == expected


@pytest.mark.parametrize("tap", TAPS)
def test_the_streams_are_those_of_discovery(tap: type[ReportTap]) -> None:
    streams = tap(config={}, validate_config=False).streams
    rows = {row[0].strip("`"): row for row in table(f"## Streams of {tap.name}")}
    assert {name for name in rows if name != "your own reports"} == set(streams)
    for name, stream in streams.items():
        _, endpoint, key, replication, *selected = rows[name]
        assert names(key) == list(stream.primary_keys)
        assert endpoint.strip("`").endswith(str(stream.path))  # type: ignore[attr-defined]
        assert ("incremental" in replication) == (stream.replication_key == "date")
        if selected:
            assert selected == ["yes" if stream.selected_by_default else "no"]


def test_the_example_of_own_reports_is_taken() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", README, flags=re.DOTALL)
    tap = TapAdsterra(config={"api_token": "t0ken", **json.loads(example)})
    assert {"countries", "one_site", "in_full"} <= set(tap.streams)


def test_what_the_tap_says_is_what_the_readme_says_it_says() -> None:
    packages = [PROJECT / name for name in ("singer_reports", "tap_adsterra", "tap_adcloud")]
    source = "".join(path.read_text() for folder in packages for path in folder.glob("*.py"))
    source = re.sub(r'"\s*\n\s*f?"', "", source)
    for said, _ in table("## When something goes wrong"):
        for piece in re.split("…|try 6 of 6|SIGTERM", said.strip("`")):
            assert piece.strip(" `,") in source, piece


def test_every_link_leads_somewhere() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert link.startswith("https://") or (PROJECT / link).exists()


def test_the_badges_are_true() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    pythons = [item.split()[-1] for item in project["classifiers"] if "Python :: 3." in item]
    supported = f"{pythons[0]} to {pythons[-1]}"
    assert f"![Python {supported}]({BADGE}/python-{supported.replace(' ', '%20')}-blue)" in README
    licence = project["license"]
    badge = f"{BADGE}/licence-{licence.replace('-', '--')}-blue"
    assert f"[![{licence}]({badge})](LICENSE)" in README


def test_every_command_is_run(sandbox: Sandbox, tmp_path: Path) -> None:
    """Each block runs in one folder, one after the other, as a user would type them."""
    ran = []
    environment = {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "TAP_ADSTERRA_LOGLEVEL": "WARNING",
    }
    for block in shell_blocks():
        for command in block:
            if command in RUN_ELSEWHERE:
                where = PROJECT / RUN_ELSEWHERE[command]
                assert where.exists()
                continue
            here = command.replace(
                '"api_token": "your-token", "start_date": "2024-01-01"',
                f'"api_token": "{DEMO_TOKEN}", "start_date": "2024-04-01", '
                f'"end_date": "2024-04-10", "api_url": "{sandbox.adsterra_url}"',
            )
            assert "your-token" not in here
            subprocess.run(
                [str(shutil.which("bash")), "-euo", "pipefail", "-c", here],
                cwd=tmp_path,
                env=environment,
                check=True,
                timeout=60,
            )
            ran.append(command)
    assert any("--state state.json" in command for command in ran)
    assert any("--catalog catalog.json" in command for command in ran)
    state = json.loads((tmp_path / "state.json").read_text())
    assert state["bookmarks"]["stats"]["replication_key_value"] == "2024-04-10"
    assert list(tmp_path.glob("*stats*.csv"))


def test_commands_for_continuous_integration_are_in_it() -> None:
    script = (PROJECT / ".ci" / "run").read_text()
    for command, where in RUN_ELSEWHERE.items():
        if where == ".ci/run":
            assert command.removeprefix("make ") in script
    assert shutil.which("bash")

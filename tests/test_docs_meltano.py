"""docs/meltano.md: its commands and its project work as written."""

from __future__ import annotations

import csv
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import yaml

from sandbox.adsterra import DEMO, DEMO_TOKEN, LARGE, LARGE_TOKEN, expected_rows
from sandbox.server import Sandbox
from tap_adsterra.tap import TapAdsterra
from tests import documents
from tests.documents import Shell
from tests.meltano import meltano, needs_meltano
from tests.paths import PROJECT
from tests.support import day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

FILE = PROJECT / "docs" / "meltano.md"
PAGE = FILE.read_text()
ACCOUNTS = {"blog": (DEMO, DEMO_TOKEN), "shop": (LARGE, LARGE_TOKEN)}
FIRST, LAST = "2026-01-01", "2026-01-10"


def written(key: str) -> Any:
    """Return the page's only project snippet that has this key."""
    blocks = map(yaml.safe_load, documents.blocks(FILE, "yaml"))
    (found,) = [block for block in blocks if key in block]
    return found


def merged(definition: Any, addition: Any) -> Any:
    """Merge a snippet into a project, list by list."""
    if isinstance(definition, list):
        return definition + addition
    return definition | {
        name: merged(definition[name], value) if name in definition else value
        for name, value in addition.items()
    }


@needs_meltano
@pytest.mark.timeout(400)
def test_each_account_has_its_own_token_state_and_tables(tmp_path: Path) -> None:
    definition = yaml.safe_load((PROJECT / "meltano.yml").read_text())
    definition = merged(definition, written("plugins"))
    (tmp_path / "meltano.yml").write_text(yaml.safe_dump(definition, sort_keys=False))
    documents.link_plugins(tmp_path)
    state = f"file://{tmp_path}/state"
    assert "state_backend.uri: file:///" in PAGE
    assert "MELTANO_STATE_BACKEND_URI" in PAGE
    here = ("--environment=production",)
    with Sandbox() as sandbox:
        lines = [
            f"TAP_ADSTERRA_API_URL={sandbox.adsterra_url}",
            f"TAP_ADSTERRA_START_DATE={FIRST}",
            f"TAP_ADSTERRA_END_DATE={LAST}",
            f"TAP_ADSTERRA_BLOG_API_TOKEN={DEMO_TOKEN}",
        ]
        (tmp_path / ".env").write_text("\n".join(lines))
        said = meltano(
            tmp_path,
            *(*here, "run", "tap-adsterra-shop", "target-duckdb-shop"),
            project=tmp_path,
            succeeds=False,
        )
        assert "api_token" in said
        assert not sandbox.requests
        lines.append(f"TAP_ADSTERRA_SHOP_API_TOKEN={LARGE_TOKEN}")
        (tmp_path / ".env").write_text("\n".join(lines))
        runs = {FIRST: ("schedule", "run", "accounts-daily"), "2026-01-04": ("run", "accounts")}
        for first, arguments in runs.items():
            sandbox.requests.clear()
            said = meltano(
                tmp_path,
                *(*here, *arguments),
                project=tmp_path,
                MELTANO_STATE_BACKEND_URI=state,
            )
            requested = [request for request in sandbox.requests if "stats" in request.path]
            assert [request.values("start_date") for request in requested] == [[first], [first]]
            tokens = {request.headers["x-api-key"] for request in requested}
            assert tokens == {DEMO_TOKEN, LARGE_TOKEN}
            assert not any(token in said for token in tokens)
    assert {path.name for path in (tmp_path / "state").iterdir()} == {
        f"production:tap-adsterra-{name}-to-target-duckdb-{name}" for name in ACCOUNTS
    }
    with duckdb.connect(str(tmp_path / "ads.duckdb"), read_only=True) as database:
        for name, (account, _) in ACCOUNTS.items():
            rows = expected_rows(account, ("date", "domain", "placement"), day(FIRST), day(LAST))
            query = f"select count(*), sum(revenue::decimal(38, 9)) from {name}.stats"  # noqa: S608
            expected = (len(rows), sum(row["revenue"] for row in rows))
            assert database.sql(query).fetchall() == [expected]


def edit(file: Path, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> None:
    """Edit a project's definition as the page says: its plugins and its only tap."""
    definition = yaml.safe_load(file.read_text())
    (tap,) = definition["plugins"]["extractors"]
    change(definition["plugins"], tap)
    file.write_text(yaml.safe_dump(definition, sort_keys=False))


def rows(files: Iterable[Path]) -> dict[tuple[str, ...], dict[str, str]]:
    """Return the newest row of each key in CSV files."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for file in sorted(files):
        with file.open(newline="") as lines:
            for row in csv.DictReader(lines):
                found[row["date"], row["domain"], row["placement"]] = row
    return found


def make_project(folder: Path, sandbox: Sandbox) -> Shell:
    """Make a project as the page says, from ``meltano init`` up to the file ``.env``."""
    (folder / "ad-taps").symlink_to(PROJECT)
    shell = Shell(folder, sandbox, TAP_ADSTERRA_END_DATE="2024-02-10")
    shell.run(documents.block(FILE, "meltano init"))
    shell.folder /= "project"
    file = shell.folder / "meltano.yml"
    environments = {item["name"] for item in yaml.safe_load(file.read_text())["environments"]}
    assert environments == {"dev", "staging", "prod"}
    shell.run(documents.block(FILE, "meltano add"))
    definition = PROJECT / "plugins" / "extractors" / "tap-adsterra--ad-taps.yml"

    def follow(plugins: dict[str, Any], tap: dict[str, Any]) -> None:
        assert "Replace `pip_url: ad-taps` with `pip_url: -e ../ad-taps`" in PAGE
        assert tap["pip_url"] == "ad-taps"
        assert "select" not in tap
        sensitive = {item["name"] for item in tap["settings"] if "sensitive" in item}
        assert sensitive == {"api_token"}
        tap["pip_url"] = "-e ../ad-taps"
        tap |= yaml.safe_load("select:" + definition.read_text().split("\nselect:")[1])
        plugins |= written("loaders")

    edit(file, follow)
    shell.run(documents.block(FILE, "meltano install"))
    shell.run(documents.block(FILE, "echo "))
    return shell


@needs_meltano
@pytest.mark.timeout(400)
def test_a_project_of_ones_own_keeps_every_day_in_its_files(tmp_path: Path) -> None:
    run = documents.block(FILE, "meltano --environment=prod run")
    with Sandbox() as sandbox:
        shell = make_project(tmp_path, sandbox)
        output = shell.folder / "output" / "csv"
        shell.run(run)
        assert {path.name for path in output.iterdir()} == selected_by_default()
        # The next run, ten days later, reads recent days only.
        sandbox.requests.clear()
        shell.environment["TAP_ADSTERRA_END_DATE"] = "2024-02-20"
        shell.run(run)
        requested = [request for request in sandbox.requests if "stats" in request.path]
        assert [request.values("start_date") for request in requested] == [["2024-02-04"]]
    expected = expected_rows(
        DEMO, ("date", "domain", "placement"), day("2024-01-01"), day("2024-02-20")
    )
    stored = rows((output / "stats").glob("*.csv"))
    assert {key: Decimal(row["revenue"]) for key, row in stored.items()} == {
        (row["date"], str(row["domain"]), str(row["placement"])): row["revenue"] for row in expected
    }


@needs_meltano
@pytest.mark.timeout(400)
def test_what_is_selected_mapped_and_scheduled_is_what_the_page_says(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        shell = make_project(tmp_path, sandbox)
        # An exclusion overrides every other pattern, until it is removed.
        assert "meltano select tap-adsterra\nstats_by_country '*'` alone changes nothing" in PAGE
        shell.run("meltano select tap-adsterra stats_by_country '*'")
        listed = shell.run("meltano select tap-adsterra --list")
        assert "stats.revenue" in listed
        assert "stats_by_country.revenue" not in listed
        shell.run(documents.block(FILE, "meltano select tap-adsterra --rm"))
        shell.run(documents.block(FILE, "meltano select tap-adsterra --exclude"))

        def add_maps(_plugins: dict[str, Any], tap: dict[str, Any]) -> None:
            tap |= written("config")
            # The page warns that Meltano drops this one.
            tap["config"]["stream_maps"]["stats"]["clicks"] = None

        edit(shell.folder / "meltano.yml", add_maps)
        shell.run(documents.block(FILE, "meltano job add"))
        shell.run(documents.block(FILE, "meltano --environment=prod schedule"))
        said = shell.run(documents.block(FILE, "meltano state"))
    output = shell.folder / "output" / "csv"
    assert {path.name for path in output.iterdir()} == {*selected_by_default(), "stats_by_country"}
    (file,) = (output / "stats").glob("*.csv")
    columns = set(file.read_text().splitlines()[0].split(","))
    assert {"date", "revenue", "clicks"} <= columns
    assert not {"cpm", "ctr"} & columns
    assert "prod:tap-adsterra-to-target-csv" in said
    (state,) = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    bookmark = state["singer_state"]["bookmarks"]["stats"]["replication_key_value"]
    assert bookmark == "2024-02-10"


def selected_by_default() -> set[str]:
    """Return the names of the streams that are selected by default."""
    streams = TapAdsterra(config={}, validate_config=False).streams.values()
    return {stream.name for stream in streams if stream.selected_by_default}


def test_the_loaders_are_those_of_this_project() -> None:
    ours = yaml.safe_load((PROJECT / "meltano.yml").read_text())["plugins"]["loaders"]
    for loader in written("loaders")["loaders"]:
        (known,) = [item for item in ours if item["name"] == loader["name"]]
        values = {setting["name"]: setting.get("value") for setting in known["settings"]}
        assert loader["pip_url"] == known["pip_url"]
        assert loader["config"].items() <= values.items()


def test_what_the_page_names_exists() -> None:
    definition = yaml.safe_load((PROJECT / "meltano.yml").read_text())
    schedules = {item["name"]: item for item in definition["schedules"]}
    assert schedules["adsterra-daily"]["job"] == "adsterra-to-duckdb"
    assert schedules["adsterra-daily"]["job"] in {job["name"] for job in definition["jobs"]}
    cron = re.findall(r"```\n(.*) cd .* --environment=prod schedule run (.*)\n```", PAGE)
    assert cron == [(schedules["adsterra-daily"]["interval"], "adsterra-daily")]
    assert f'--interval "{cron[0][0]}"' in documents.block(FILE, "meltano job add")
    assert "production" in {item["name"] for item in definition["environments"]}
    for link in re.findall(r"\]\(([^)]+)\)", PAGE):
        assert link.startswith("https://") or (PROJECT / "docs" / link).resolve().exists(), link
    assert ": docs/meltano.md\n" in (PROJECT / "README.md").read_text()

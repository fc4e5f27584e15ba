"""The page on Meltano tells the truth: its commands and its project are tried as they stand."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import yaml

from sandbox.adsterra import DEMO, DEMO_TOKEN, LARGE, LARGE_TOKEN, truth
from sandbox.server import Sandbox
from tests.meltano import BIN, PROJECT, meltano, needs_meltano
from tests.support import day

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (PROJECT / "docs" / "meltano.md").read_text()
README = (PROJECT / "README.md").read_text()
ACCOUNTS = {"blog": (DEMO, DEMO_TOKEN), "shop": (LARGE, LARGE_TOKEN)}
FIRST, LAST = "2026-01-01", "2026-01-10"


def command(word: str) -> list[str]:
    """Return the arguments of the page's only command with this word in it."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL)
    lines = [shlex.split(line) for block in blocks for line in block.splitlines()]
    (found,) = [arguments for _, *arguments in lines if word in arguments]
    return found


def written(key: str) -> Any:
    """Return the page's only piece of a project with this key in it."""
    blocks = map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL))
    (found,) = [block for block in blocks if key in block]
    return found


def write_project(folder: Path, definition: dict[str, Any]) -> None:
    """Write a project that uses the plugins installed for this one."""
    (folder / "meltano.yml").write_text(yaml.safe_dump(definition, sort_keys=False))
    (folder / ".meltano").mkdir()
    for kind in ("extractors", "loaders"):
        (folder / ".meltano" / kind).symlink_to(PROJECT / ".meltano" / kind)


def merged(definition: Any, addition: Any) -> Any:
    """Add to a project what the page says, list by list."""
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
    write_project(tmp_path, merged(definition, written("plugins")))
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
            asked = [request for request in sandbox.requests if "stats" in request.path]
            assert [request.values("start_date") for request in asked] == [[first], [first]]
            tokens = {request.headers["x-api-key"] for request in asked}
            assert tokens == {DEMO_TOKEN, LARGE_TOKEN}
            assert not any(token in said for token in tokens)
    assert {path.name for path in (tmp_path / "state").iterdir()} == {
        f"production:tap-adsterra-{name}-to-target-duckdb-{name}" for name in ACCOUNTS
    }
    with duckdb.connect(str(tmp_path / "ads.duckdb"), read_only=True) as database:
        for name, (account, _) in ACCOUNTS.items():
            rows = truth(account, ("date", "domain", "placement"), day(FIRST), day(LAST))
            query = f"select count(*), sum(revenue::decimal(38, 9)) from {name}.stats"  # noqa: S608
            expected = (len(rows), sum(row["revenue"] for row in rows))
            assert database.sql(query).fetchall() == [expected]


@needs_meltano
@pytest.mark.timeout(400)
def test_another_project_takes_over_the_definition(tmp_path: Path) -> None:
    add = command("--from-ref")
    reference = add[add.index("--from-ref") + 1]
    assert reference.startswith("../ad-taps/")
    (tmp_path / "ad-taps").symlink_to(PROJECT)
    project = tmp_path / "project"
    project.mkdir()
    write_project(
        project,
        {"send_anonymous_usage_stats": False, "requires_meltano": ">=4.0", "project_id": "x"},
    )
    meltano(tmp_path, *add, project=project)
    # What the page says of a checkout; the tap is installed there, and its command known.
    file = project / "meltano.yml"
    definition = yaml.safe_load(file.read_text())
    (extractor,) = definition["plugins"]["extractors"]
    assert extractor["pip_url"] == "ad-taps"
    assert "select" not in extractor
    assert {"api_token"} == {item["name"] for item in extractor["settings"] if "sensitive" in item}
    del extractor["pip_url"]
    extractor |= {"executable": str(BIN / "tap-adsterra"), **written("select")}
    file.write_text(yaml.safe_dump(definition))
    with Sandbox() as sandbox:
        output = meltano(
            tmp_path,
            *("invoke", "tap-adsterra"),
            project=project,
            TAP_ADSTERRA_API_TOKEN=DEMO_TOKEN,
            TAP_ADSTERRA_API_URL=sandbox.adsterra_url,
            TAP_ADSTERRA_START_DATE=FIRST,
            TAP_ADSTERRA_END_DATE=LAST,
        )
        asked = {request.path.split("/")[-1] for request in sandbox.requests}
        assert asked == {"domains.json", "placements.json", "smart-links.json", "stats.json"}
    messages = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    schemas = [message["stream"] for message in messages if message["type"] == "SCHEMA"]
    assert schemas == ["domains", "placements", "smart_links", "stats"]
    assert messages[-1]["value"]["bookmarks"]["stats"]["replication_key_value"] == LAST


def test_what_the_page_names_exists() -> None:
    definition = yaml.safe_load((PROJECT / "meltano.yml").read_text())
    schedules = {item["name"]: item for item in definition["schedules"]}
    assert schedules["adsterra-daily"]["job"] == "adsterra-to-duckdb"
    assert schedules["adsterra-daily"]["job"] in {job["name"] for job in definition["jobs"]}
    cron = re.findall(r"```\n(.*) cd .* schedule run (.*)\n```", PAGE)
    assert cron == [(schedules["adsterra-daily"]["interval"], "adsterra-daily")]
    for link in re.findall(r"\]\(([^)]+)\)", PAGE):
        assert link.startswith("https://") or (PROJECT / "docs" / link).resolve().exists(), link
    assert "(docs/meltano.md)" in README

"""The workflows: pinned actions, few permissions, all supported versions of Python."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.paths import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOWS = sorted((PROJECT / ".github" / "workflows").iterdir())
MAKEFILE = (PROJECT / "Makefile").read_text()

workflows = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def read(path: Path) -> dict[str, Any]:
    workflow: dict[str, Any] = yaml.safe_load(path.read_text())
    return workflow


def jobs(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = read(path)["jobs"]
    return found


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(path).values() for step in job.get("steps", ())]


@workflows
def test_actions_are_pinned_by_commit_with_their_version(path: Path) -> None:
    for line in path.read_text().splitlines():
        if "uses:" in line and "uses: $/" not in line:
            assert re.search(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_an_action_has_one_pin_in_all_workflows() -> None:
    uses = {step["uses"] for path in WORKFLOWS for step in steps(path) if "uses" in step}
    assert len(uses) == len({action.split("@")[0] for action in uses})


@workflows
def test_rights_are_given_by_job_and_no_more_than_needed(path: Path) -> None:
    assert read(path)["permissions"] == {}
    for name, job in jobs(path).items():
        publishes = (path.stem, name) == ("release", "publish")
        assert job["permissions"] == ({"id-token": "write"} if publishes else {"contents": "read"})
        assert "timeout-minutes" in job or "uses" in job
    assert "concurrency" in read(path)
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"] == {"persist-credentials": False}


@workflows
def test_commands_take_no_expression_and_targets_exist(path: Path) -> None:
    for step in steps(path):
        command = step.get("run", "")
        assert "${{" not in command
        for target in re.findall(r"\bmake ([a-z]+)", command):
            assert f"\n{target}:" in MAKEFILE, target


def test_every_supported_python_is_tested() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    supported = [
        item.rpartition(" ")[2] for item in project["classifiers"] if "Python :: 3." in item
    ]
    matrix = jobs(PROJECT / ".github" / "workflows" / "ci.yml")["test"]["strategy"]["matrix"]
    assert matrix["python"] == supported


def test_what_is_published_is_what_ci_has_built_from_the_tag() -> None:
    ci = PROJECT / ".github" / "workflows" / "ci.yml"
    release = PROJECT / ".github" / "workflows" / "release.yml"
    publish = jobs(release)["publish"]
    assert jobs(release)[publish["needs"]]["uses"] == "$/.github/workflows/ci.yml"
    assert publish["environment"]
    assert not any("build" in str(step) for step in publish["steps"])
    (upload,) = [step for step in steps(ci) if "upload-artifact" in step.get("uses", "")]
    (download,) = [step for step in steps(release) if "download-artifact" in step.get("uses", "")]
    assert upload["with"]["name"] == download["with"]["name"]
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert f"dist/{project['name'].replace('-', '_')}-" in publish["steps"][1]["run"]

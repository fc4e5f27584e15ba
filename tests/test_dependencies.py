"""Everything installed is pinned by version and hash, and is compatible."""

from __future__ import annotations

import re
import subprocess
from importlib.metadata import distributions
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.paths import BIN, PROJECT

if TYPE_CHECKING:
    from pathlib import Path

FILES = sorted((PROJECT / "requirements").glob("*.txt"))
ENVIRONMENTS = [PROJECT / name for name in (".venv", ".venv-airbyte", ".venv-meltano")]


def pins(file: Path) -> list[tuple[Requirement, list[str]]]:
    """Return the requirements of a file, each with its hashes."""
    lines = file.read_text().replace("\\\n", " ").splitlines()
    split = [line.split("--hash=") for line in lines if line.strip()]
    return [(Requirement(name), [text.strip() for text in hashes]) for name, *hashes in split]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_requirement_has_one_version_and_its_hashes(file: Path) -> None:
    assert pins(file)
    for requirement, hashes in pins(file):
        (only,) = requirement.specifier
        assert only.operator == "==", requirement
        assert "*" not in only.version, requirement
        assert requirement.url is None, requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", text) for text in hashes), requirement


def test_what_is_tested_is_what_is_pinned() -> None:
    wanted = {
        canonicalize_name(requirement.name): str(requirement.specifier).removeprefix("==")
        for requirement, _ in pins(PROJECT / "requirements" / "development.txt")
        if requirement.marker is None or requirement.marker.evaluate()
    }
    installed = {canonicalize_name(found.name): found.version for found in distributions()}
    assert {name: installed.get(name) for name in wanted} == wanted


def test_an_image_of_a_source_has_what_is_tested() -> None:
    """Those of the taps alone, in the versions of the tests."""
    tested, image = (
        {canonicalize_name(each.name): str(each.specifier) for each, _ in pins(file)}
        for file in (PROJECT / "requirements" / f"{name}.txt" for name in ("development", "image"))
    )
    assert image
    assert {name: tested.get(name) for name in image} == image


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda environment: environment.name)
def test_what_is_installed_fits_together(environment: Path) -> None:
    if not environment.exists():
        pytest.skip(f"{environment.name} is not installed")
    check = subprocess.run(
        [BIN / "uv", "pip", "check", "--python", environment / "bin" / "python"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert check.returncode == 0, check.stderr

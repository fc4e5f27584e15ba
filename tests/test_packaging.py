"""The wheel, installed outside of the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import import_module
from typing import TYPE_CHECKING

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement

from tests.paths import NETWORKS, PROJECT, TAPS

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = {"airbyte_sources", "singer_reports", *TAPS}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The content of the wheel in its own folder."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=PROJECT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def test_the_wheel_holds_the_taps_their_schemas_and_nothing_else(installed: Path) -> None:
    folders = {path.name for path in installed.iterdir()}
    assert {name for name in folders if not name.endswith(".dist-info")} == PACKAGES
    (metadata,) = installed.glob("*.dist-info")
    entry_points = (metadata / "entry_points.txt").read_text()
    for tap in TAPS:
        assert (installed / tap / "py.typed").exists()
        inside = {path.name for path in (installed / tap / "schemas").iterdir()}
        schemas = PROJECT / "schemas" / tap.removeprefix("tap_")
        assert inside == {path.name for path in schemas.iterdir()}
        assert f"{tap.replace('_', '-')} = {tap}.__main__:main" in entry_points
    for network in NETWORKS:
        assert f"source-{network} = airbyte_sources.commands:{network}" in entry_points
    assert (metadata / "licenses" / "LICENSE").exists()


def test_the_source_distribution_holds_what_the_wheel_is_built_from(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist"]
    subprocess.run(
        [*command, "--directory", tmp_path], cwd=PROJECT, check=True, capture_output=True
    )
    (file,) = tmp_path.glob("*.tar.gz")
    shutil.unpack_archive(file, tmp_path / "unpacked", filter="data")
    (folder,) = (tmp_path / "unpacked").iterdir()
    inside = {path.name for path in folder.iterdir()}
    packages = {"schemas", *PACKAGES}
    texts = {"CHANGELOG.md", "LICENSE", "README.md"}
    # Every source distribution has the last three.
    assert inside == packages | texts | {"pyproject.toml", "PKG-INFO", ".gitignore"}


def test_every_file_of_the_packages_is_in_the_wheel_and_no_other(installed: Path) -> None:
    for package in PACKAGES:
        wheel, source = installed / package, PROJECT / package
        inside = {path.relative_to(wheel) for path in wheel.rglob("*") if path.is_file()}
        files = [path for path in source.rglob("*") if path.suffix in (".py", ".typed")]
        assert files
        assert {path for path in inside if path.suffix != ".json"} == {
            path.relative_to(source) for path in files
        }


def test_the_metadata_is_valid_and_that_of_the_project(installed: Path) -> None:
    (folder,) = installed.glob("*.dist-info")
    metadata = Metadata.from_email((folder / "METADATA").read_bytes(), validate=True)
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert metadata.name == project["name"]
    assert str(metadata.version) == project["version"]
    assert metadata.summary == project["description"]
    assert metadata.description == (PROJECT / "README.md").read_text()
    assert metadata.description_content_type == "text/markdown"
    assert metadata.license_expression == "Apache-2.0"
    assert metadata.license_files == ["LICENSE"]
    assert str(metadata.requires_python) == project["requires-python"]
    assert set(metadata.requires_dist or ()) == set(map(Requirement, project["dependencies"]))
    supported = project["classifiers"]
    assert set(metadata.classifiers or ()) == set(supported)
    assert min(item for item in supported if "Python :: 3." in item).endswith(
        project["requires-python"].removeprefix(">=")
    )


def test_the_changelog_has_the_version() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    changelog = (PROJECT / "CHANGELOG.md").read_text()
    released = f"\n## [{project['version']}] - 20" in changelog
    assert released or f"\n## [Unreleased]\n\nTo become {project['version']}" in changelog


@pytest.mark.parametrize("tap", TAPS)
def test_the_installed_tap_finds_its_schemas(installed: Path, tmp_path: Path, tap: str) -> None:
    command = f"import {tap}, runpy; assert {str(installed)!r} in {tap}.__file__; "
    command += f"runpy.run_module('{tap}', run_name='__main__')"
    result = subprocess.run(
        [sys.executable, "-c", command, "--discover"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        check=True,
    )
    streams = {stream["tap_stream_id"] for stream in json.loads(result.stdout)["streams"]}
    assert streams == {stream.name for stream in import_module(f"{tap}.streams").STREAMS}


@pytest.mark.parametrize("network", NETWORKS)
def test_the_installed_source_has_its_tap(installed: Path, tmp_path: Path, network: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", f"airbyte_sources.{network}", "spec"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        check=True,
    )
    assert json.loads(result.stdout)["type"] == "SPEC"


def test_files_stay_small() -> None:
    for path in (path for folder in PACKAGES for path in (PROJECT / folder).rglob("*.py")):
        assert len(path.read_text().splitlines()) <= 250, path

"""What is installed: the wheel, by itself, far from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content in a folder of its own."""
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
    assert {name for name in folders if not name.endswith(".dist-info")} == {
        *("singer_reports", "tap_adcloud", "tap_adsterra"),
    }
    for tap in ("adcloud", "adsterra"):
        assert (installed / f"tap_{tap}" / "py.typed").exists()
        inside = {path.name for path in (installed / f"tap_{tap}" / "schemas").iterdir()}
        assert inside == {path.name for path in (PROJECT / "schemas" / tap).iterdir()}
    (metadata,) = installed.glob("*.dist-info")
    entry_points = (metadata / "entry_points.txt").read_text()
    assert "tap-adsterra = tap_adsterra.tap:TapAdsterra.cli" in entry_points
    assert "tap-adcloud = tap_adcloud.tap:TapAdcloud.cli" in entry_points
    assert (metadata / "licenses" / "LICENSE").exists()


@pytest.mark.parametrize("tap", ["tap_adsterra", "tap_adcloud"])
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
    assert len(streams) in (6, 8)


def test_nothing_in_the_wheel_imports_the_sandbox_and_imports_run_one_way() -> None:
    for package in ("singer_reports", "tap_adsterra", "tap_adcloud"):
        others = {"sandbox", "tests", "tap_adsterra", "tap_adcloud"} - {package}
        for path in (PROJECT / package).glob("*.py"):
            for line in path.read_text().splitlines():
                words = line.split()
                if words[:1] in (["import"], ["from"]):
                    assert words[1].split(".")[0] not in others, f"{path}: {line}"


def test_files_stay_small() -> None:
    folders = ("singer_reports", "tap_adsterra", "tap_adcloud")
    for path in (path for folder in folders for path in (PROJECT / folder).glob("*.py")):
        assert len(path.read_text().splitlines()) <= 250, path

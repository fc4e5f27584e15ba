"""What Airbyte's registry asks for, and an image with few rights."""

from __future__ import annotations

import re
import subprocess
import tomllib
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.airbyte_sources.support import Output, configured
from tests.paths import BIN, NETWORKS, PROJECT

if TYPE_CHECKING:
    from tests.airbyte_sources.support import SourceRunner

CONNECTORS = PROJECT / "connectors"
DOCKERFILE = (CONNECTORS / "Dockerfile").read_text()
VERSION = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]

networks = pytest.mark.parametrize("network", NETWORKS)


def metadata(network: str) -> dict[str, Any]:
    text = (CONNECTORS / f"source-{network}" / "metadata.yaml").read_text()
    found: dict[str, Any] = yaml.safe_load(text)["data"]
    return found


@networks
def test_the_metadata_is_that_of_the_source(network: str) -> None:
    data = metadata(network)
    assert data["dockerImageTag"] == VERSION
    assert data["dockerRepository"] == f"ad-taps/source-{network}"
    assert re.fullmatch(r"[0-9a-f-]{36}", data["definitionId"])
    done = subprocess.run([BIN / f"source-{network}", "spec"], capture_output=True, check=True)
    (spec,) = Output(done.stdout).of_type("SPEC")
    assert data["documentationUrl"] == spec["documentationUrl"]


def test_each_source_has_an_id_of_its_own() -> None:
    assert len({metadata(network)["definitionId"] for network in NETWORKS}) == len(NETWORKS)


@networks
def test_the_icon_is_a_square_picture(network: str) -> None:
    icon = ET.parse(CONNECTORS / f"source-{network}" / "icon.svg").getroot()  # noqa: S314 - ours
    assert icon.tag == "{http://www.w3.org/2000/svg}svg"
    assert icon.attrib["viewBox"] == "0 0 250 250"


def test_the_page_has_all_streams_and_settings(source: SourceRunner) -> None:
    network = source.source.name.removeprefix("source-")
    page = (CONNECTORS / source.source.name / f"{network}.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE)
    streams = [each["name"] for each in source.streams()]
    assert sorted(name for name in rows if name in streams) == sorted(streams)
    required = source.source.tap.config_jsonschema["required"]
    assert set(required) <= set(re.findall(r"`(\w+)`", page.split("## Setup")[1]))
    headings = re.findall(r"^## (.+)$", page, flags=re.MULTILINE)
    assert headings == [
        "Prerequisites",
        "Setup guide",
        "Supported sync modes",
        "Supported streams",
        "Performance considerations",
        "Data type map",
        "Changelog",
    ]
    assert f"| {VERSION} |" in page


def test_the_image_has_no_rights_and_all_it_copies_exists() -> None:
    (user,) = re.findall(r"^USER (.+)$", DOCKERFILE, flags=re.MULTILINE)
    assert all(int(number) > 0 for number in user.split(":"))
    for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, flags=re.MULTILINE):
        assert all((PROJECT / name).exists() for name in copied.split())
    assert f'io.airbyte.version="{VERSION}"' in DOCKERFILE
    assert "--require-hashes" in DOCKERFILE


def test_no_file_is_written(source: SourceRunner) -> None:
    """A limit of the system on the size of files stands for a read-only file system."""
    path = source.write("catalog.json", configured(source.streams()))
    code, run, log = source.command(
        "read",
        "--catalog",
        path,
        before=("bash", "-c", 'ulimit -f 0 && exec "$@"', "bash"),
        environment=dict(re.findall(r"(\w+)=([01])\b", DOCKERFILE)),
    )
    assert (code, log) == (0, "")
    assert run.of_type("RECORD")

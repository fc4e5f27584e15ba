"""docs/airbyte.md: each command and program is run as written, against the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.adsterra import DEMO, DEMO_TOKEN, expected_rows
from tests import documents
from tests.documents import Shell
from tests.paths import PROJECT
from tests.support import NOW, day

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox

PAGE = PROJECT / "docs" / "airbyte.md"
PYTHON = PROJECT / ".venv-airbyte" / "bin" / "python"


@pytest.fixture
def shell(sandbox: Sandbox, tmp_path: Path) -> Shell:
    folder = tmp_path / "project"
    folder.mkdir()
    return Shell(folder, sandbox)


def messages(printed: str, kind: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, printed.splitlines()) if line["type"] == kind]


def test_the_commands(shell: Shell) -> None:
    printed = shell.run(documents.block(PAGE, "pipx install"))
    (spec,) = messages(printed, "SPEC")
    assert "api_token" in spec["spec"]["connectionSpecification"]["properties"]
    printed = shell.run(documents.block(PAGE, "echo '{"))
    (status,) = messages(printed, "CONNECTION_STATUS")
    assert status["connectionStatus"]["status"] == "SUCCEEDED"
    (catalog,) = messages(printed, "CATALOG")
    assert "stats" in {stream["name"] for stream in catalog["catalog"]["streams"]}


@pytest.mark.timeout(300)
@pytest.mark.skipif(not PYTHON.exists(), reason="PyAirbyte is not installed; make airbyte does it")
def test_from_pipx_to_a_pandas_frame(shell: Shell) -> None:
    shell.run("pipx install .\n")
    (program,) = documents.blocks(PAGE, "python")
    url = f'"api_token": "{DEMO_TOKEN}", "api_url": "{shell.sandbox.adsterra_url}"'
    program = program.replace('"api_token": "your-token"', url)
    more = "\nprint('TOTAL', frame['revenue'].sum())"
    ended = subprocess.run(
        [PYTHON, "-c", program + more],
        cwd=shell.folder,
        env={
            "PATH": os.pathsep.join([str(shell.programs), "/usr/bin", "/bin"]),
            "HOME": str(shell.folder),
            "AIRBYTE_LOGGING_ROOT": str(shell.folder / "logs"),
            "AIRBYTE_OFFLINE_MODE": "1",
            "DO_NOT_TRACK": "1",
            "PYTHONWARNINGS": "ignore",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    dimensions = ("date", "domain", "placement")
    rows = expected_rows(DEMO, dimensions, day("2024-04-01"), day("2024-05-01"), NOW)
    revenue = sum((Decimal(row["revenue"]) for row in rows), Decimal())
    total = ended.stdout.split("TOTAL ")[1]
    assert float(total) == pytest.approx(float(revenue))


def test_the_connectors_are_of_this_version() -> None:
    folder = PROJECT / "connectors"
    assert "not built" not in (folder / "Dockerfile").read_text()
    for line in PAGE.read_text().splitlines():
        if line.startswith("docker build"):
            assert line.split(" --")[0] == "docker build"
            assert f"#   {line}" in (folder / "Dockerfile").read_text()

"""Airbyte's standard tests and PyAirbyte judge the sources, in an environment of their own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tests.airbyte_sources.support import COMMAND
from tests.paths import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.airbyte_sources.support import SourceRunner

PYTHON = PROJECT / ".venv-airbyte" / "bin" / "python"
JUDGES = PROJECT / "tests" / "airbyte_sources" / "judges"
#: PyAirbyte sends nothing, and looks nothing up.
OFFLINE = {"AIRBYTE_OFFLINE_MODE": "1", "DO_NOT_TRACK": "1", "PYTHONWARNINGS": "ignore"}
REPORTS = {"adsterra": ("stats", "revenue"), "adcloud": ("advertiser_report", "costs")}

pytestmark = [
    pytest.mark.skipif(
        not PYTHON.exists(), reason="PyAirbyte is not installed; make airbyte does it"
    ),
    pytest.mark.timeout(400),
]


def executable(source: SourceRunner) -> Path:
    """Write the command of a source with the clock of the sandbox."""
    tap = source.runner.tap_class
    network = tap.name.removeprefix("tap-")
    code = COMMAND.format(module=tap.__module__, name=tap.__name__, source=network)
    now = f'os.environ["NOW"] = "{source.sandbox.clock.now.isoformat()}"'
    path = source.folder / source.source.name
    path.write_text(f"#!{sys.executable}\nimport os\n{now}\n{code}")
    path.chmod(0o755)
    return path


def judge(source: SourceRunner, *arguments: str, **environment: str) -> str:
    """Run a program in the environment of Airbyte; return what it prints."""
    kept = {"PATH": os.environ["PATH"], "HOME": str(source.folder), **OFFLINE}
    ended = subprocess.run(
        [PYTHON, *arguments],
        cwd=source.folder,
        env={**kept, "AIRBYTE_LOGGING_ROOT": str(source.folder / "logs"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_standard_tests_pass(source: SourceRunner) -> None:
    command = executable(source)
    connector = source.folder / "connector"
    shutil.copytree(PROJECT / "connectors" / source.source.name, connector)
    secrets = connector / "secrets"
    secrets.mkdir()
    settings = source.runner.settings()
    (secrets / "config.json").write_text(json.dumps(settings))
    wrong = {**settings, "start_date": "yesterday"}
    (secrets / "invalid_config.json").write_text(json.dumps(wrong))
    shutil.copy(JUDGES / "standard_tests.py", connector / "test_standard.py")
    (connector / "conftest.py").write_text(
        'pytest_plugins = ["airbyte_cdk.test.standard_tests.pytest_hooks"]\n'
    )
    options = ("-q", "-rs", "-p", "no:cacheprovider", "-k", "not docker")
    printed = judge(
        source, "-m", "pytest", *options, str(connector), COMMAND=json.dumps([str(command)])
    )
    # With the wrong settings, only the check of the connection is run.
    assert re.search(r"^7 passed, 4 skipped, \d+ deselected in ", printed, flags=re.MULTILINE)


def read_twice(source: SourceRunner) -> tuple[dict[str, Any], Path]:
    """Sync twice with PyAirbyte; return what it says, and its database."""
    command = executable(source)
    config = source.write("config.json", source.runner.settings(lookback_days=2))
    judge(source, str(JUDGES / "pyairbyte.py"), str(command), config, str(source.folder))
    found = json.loads((source.folder / "found.json").read_text())
    return found, source.folder / "cache.duckdb"


def test_pyairbyte_has_every_row_once_after_two_syncs(source: SourceRunner) -> None:
    found, database = read_twice(source)
    streams = [each["name"] for each in source.streams()]
    run = source.runner.run(*streams)
    expected = {name: len(run.records(name)) for name in streams}
    assert found["first"]["tables"] == expected
    assert found["first"]["records"] == sum(expected.values())
    report, amount = REPORTS[source.source.name.removeprefix("source-")]
    assert found["frame"] == expected[report]
    # Only what may have changed is read again. Each reading has control totals of its own.
    assert found["second"]["records"] < found["first"]["records"]
    again = found["second"]["tables"]
    assert again.pop("control_totals") > expected.pop("control_totals")
    assert again == expected
    with duckdb.connect(database, read_only=True) as connection:
        amounts = connection.table(report).project(amount).fetchall()
    assert sum(value for (value,) in amounts) == sum(
        (row[amount] for row in run.records(report)), Decimal()
    )

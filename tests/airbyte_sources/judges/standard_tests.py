"""Airbyte's standard tests of a connector, run against the command of a source.

Run in .venv-airbyte, in a folder with the acceptance-test-config.yml of a connector. The variable
COMMAND holds the command, in JSON.
"""

from __future__ import annotations

import json
import os
import subprocess

from airbyte_cdk.test import entrypoint_wrapper
from airbyte_cdk.test.standard_tests import SourceTestSuiteBase

COMMAND = json.loads(os.environ["COMMAND"])


def run_command(source, args, expecting_exception=None, *, expected_outcome=None):  # noqa: ANN001, ANN201, ARG001
    """Run the command of the source in place of a source in this process."""
    ended = subprocess.run([*COMMAND, *args], capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    lines = [line for line in ended.stdout.split("\n") if line]
    messages = [entrypoint_wrapper.EntrypointOutput._parse_message(line) for line in lines]
    # What is no message of the protocol is taken for a line of the log.
    logs = [each for each in messages if each.type.value == "LOG"]
    assert len(logs) == sum(json.loads(line)["type"] == "LOG" for line in lines)
    output = entrypoint_wrapper.EntrypointOutput(messages=lines, command=[*COMMAND, *args])
    assert (ended.returncode == 0) == (not output.errors)
    return output


entrypoint_wrapper._run_command = run_command


class Connector:
    """Stands for the command, of which the tests want an object."""

    def spec(self, logger):  # noqa: ANN001, ANN201
        """Do nothing: the command is run instead."""


class TestSource(SourceTestSuiteBase):
    """The standard tests."""

    connector = Connector

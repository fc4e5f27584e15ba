"""Run the command of a tap in another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Generic

from tests.reliability.secret_scan import leaks, secrets_of
from tests.support import Runner, TapClass

if TYPE_CHECKING:
    from pathlib import Path


#: The command of a tap with the sandbox's clock and without waiting; otherwise as it is installed.
COMMAND = """
import datetime, os, time
time.sleep = lambda seconds: None
from {module} import {name}
now = datetime.datetime.fromisoformat(os.environ["NOW"])
{name}.clock = staticmethod(lambda: now)
{name}.cli()
"""


class CommandLine(Generic[TapClass]):
    """The command of a tap, as users run it."""

    def __init__(self, runner: Runner[TapClass], folder: Path) -> None:
        """Run in a folder; the settings are written to a file in it."""
        self.runner = runner
        self.folder = folder
        tap = runner.tap_class
        self.command = COMMAND.format(module=tap.__module__, name=tap.__name__)

    def write(self, name: str, content: Any) -> str:
        """Write a file in JSON, and return its path."""
        path = self.folder / name
        path.write_text(json.dumps(content))
        return str(path)

    def start(
        self,
        *arguments: str,
        environment: dict[str, str] | None = None,
        stdout: int = subprocess.PIPE,
        **settings: Any,
    ) -> subprocess.Popen[bytes]:
        """Start the command with settings for the sandbox, which ``CONFIG`` stands for."""
        config = self.write("config.json", self.runner.settings(**settings))
        given = [config if argument == "CONFIG" else argument for argument in arguments]
        return subprocess.Popen(
            [sys.executable, "-c", self.command, *(given or ["--config", config])],
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env={
                **{name: text for name, text in os.environ.items() if not name.startswith("TAP_")},
                "NOW": self.runner.sandbox.clock.now.isoformat(),
                **(environment or {}),
            },
        )

    def run(self, *arguments: str, **options: Any) -> tuple[int, bytes, str]:
        """Run the command; return its exit code, its output and its log."""
        process = self.start(*arguments, **options)
        output, log = process.communicate(timeout=60)
        shown = leaks(output.decode() + log.decode(), secrets_of(self.runner.sandbox))
        assert not shown, f"secrets are shown: {shown}"
        return process.returncode, output, log.decode()

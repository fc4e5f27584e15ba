"""Run a source in this process or as a command, and parse what it writes."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airbyte_sources.source import ProtocolSource
from singer_reports.output.stdout import STDOUT
from tests.reliability.secret_scan import leaks, secrets_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support import Message, Runner

#: The command of a source with the sandbox's clock and without waiting; otherwise as installed.
COMMAND = """
import datetime, os, time
time.sleep = lambda seconds: None
from {module} import {name}
now = datetime.datetime.fromisoformat(os.environ["NOW"])
{name}.clock = staticmethod(lambda: now)
from airbyte_sources.{source} import SOURCE
SOURCE.cli()
"""


@dataclass
class Output:
    """The messages of a command, and the error it ended with."""

    output: bytes
    error: Exception | None = None
    #: Whether all streams were read.
    whole: bool | None = None
    messages: list[Message] = field(init=False)

    def __post_init__(self) -> None:
        """Parse the messages; every number keeps its decimal value."""
        lines = self.output.split(b"\n")
        self.messages = [json.loads(line, parse_float=Decimal) for line in lines if line]

    def of_type(self, kind: str) -> list[Message]:
        """Return the contents of the messages of a type."""
        names = {"CONNECTION_STATUS": "connectionStatus"}
        name = names.get(kind, kind.lower())
        return [message[name] for message in self.messages if message["type"] == kind]

    def records(self, stream: str) -> list[dict[str, Any]]:
        """Return a stream's records in the order written."""
        return [each["data"] for each in self.of_type("RECORD") if each["stream"] == stream]

    def rows(self, stream: str) -> list[dict[str, Any]]:
        """Return a stream's records without the time that the tap adds."""
        return [
            {name: value for name, value in record.items() if name != "extracted_at"}
            for record in self.records(stream)
        ]

    @property
    def state(self) -> list[dict[str, Any]]:
        """The last state of each stream, as the next sync gets it."""
        found = {
            each["stream"]["stream_descriptor"]["name"]: each for each in self.of_type("STATE")
        }
        return [{"type": "STREAM", "stream": each["stream"]} for each in found.values()]

    def bookmark(self, stream: str) -> str | None:
        """Return the last day of a stream in the last state."""
        for each in self.state:
            if each["stream"]["stream_descriptor"]["name"] == stream:
                value = each["stream"]["stream_state"].get("replication_key_value")
                return None if value is None else str(value)
        return None

    def traces(self, kind: str) -> list[dict[str, Any]]:
        """Return the contents of the trace messages of a type."""
        return [each[kind.lower()] for each in self.of_type("TRACE") if each["type"] == kind]

    def statuses(self, stream: str) -> list[str]:
        """Return how far a stream was, in the order written."""
        return [
            each["status"]
            for each in self.traces("STREAM_STATUS")
            if each["stream_descriptor"]["name"] == stream
        ]


def configured(
    streams: list[dict[str, Any]], *names: str, mode: str | None = None
) -> dict[str, Any]:
    """Return a configured catalog.

    Args:
        streams: The streams that discovery has found.
        names: Those to read; all if there are none.
        mode: How they are read; incrementally where that is possible, unless it is set.
    """
    return {
        "streams": [
            {
                "stream": stream,
                "sync_mode": mode or stream["supported_sync_modes"][-1],
                "destination_sync_mode": "append",
            }
            for stream in streams
            if not names or stream["name"] in names
        ]
    }


class SourceRunner:
    """A source against the sandbox."""

    def __init__(self, runner: Runner[Any], folder: Path) -> None:
        """Take the clock and the settings of a tap; files are written to a folder."""
        self.runner = runner
        self.sandbox = runner.sandbox
        self.folder = folder
        self.source = ProtocolSource(runner.tap_class)

    # In this process

    def run(self, command: Callable[[], bytes | bool]) -> Output:
        """Run a command until it ends or fails."""
        output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        error: Exception | None = None
        whole: bytes | bool | None = None
        with contextlib.redirect_stdout(output):
            try:
                whole = command()
                if isinstance(whole, bytes):
                    STDOUT.write(whole)
            except Exception as raised:  # noqa: BLE001 - the test looks at it
                error = raised
        assert isinstance(output.buffer, io.BytesIO)
        return Output(output.buffer.getvalue(), error, whole if isinstance(whole, bool) else None)

    def check(self, **settings: Any) -> dict[str, Any]:
        """Return the status of the connection."""
        run = self.run(lambda: self.source.check(self.runner.settings(**settings)))
        assert run.error is None
        (message,) = run.messages
        status: dict[str, Any] = message["connectionStatus"]
        return status

    def streams(self, **settings: Any) -> list[dict[str, Any]]:
        """Return the streams that discovery finds."""
        run = self.run(lambda: self.source.discover(self.runner.settings(**settings)))
        assert run.error is None, run.error
        (message,) = run.messages
        streams: list[dict[str, Any]] = message["catalog"]["streams"]
        return streams

    def read(
        self, *names: str, state: Any = None, mode: str | None = None, **settings: Any
    ) -> Output:
        """Read these streams, or all."""
        catalog = configured(self.streams(**settings), *names, mode=mode)
        return self.read_catalog(catalog, state, **settings)

    def read_catalog(self, catalog: Any, state: Any = None, **settings: Any) -> Output:
        """Read what a configured catalog selects."""
        config = self.runner.settings(**settings)
        return self.run(lambda: self.source.read(config, catalog, state))

    # As a command

    def write(self, name: str, content: Any) -> str:
        """Write a file in JSON, and return its path."""
        path = self.folder / name
        path.write_text(json.dumps(content))
        return str(path)

    def start(
        self,
        *arguments: str,
        environment: dict[str, str] | None = None,
        before: tuple[str, ...] = (),
        code: str = "",
        **settings: Any,
    ) -> subprocess.Popen[bytes]:
        """Start the command with settings for the sandbox.

        Args:
            arguments: Its arguments, but for the settings.
            environment: Further variables.
            before: A command that starts it.
            code: Code that is run before it.
            settings: Further settings.
        """
        tap = self.runner.tap_class
        command = COMMAND.format(
            module=tap.__module__, name=tap.__name__, source=tap.name.removeprefix("tap-")
        )
        given = [*arguments]
        if "--config" not in given and given != ["spec"]:
            given += ["--config", self.write("config.json", self.runner.settings(**settings))]
        return subprocess.Popen(
            [*before, sys.executable, "-c", code + command, *given],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env={
                **{name: text for name, text in os.environ.items() if not name.startswith("TAP_")},
                "NOW": self.sandbox.clock.now.isoformat(),
                **(environment or {}),
            },
        )

    def command(self, *arguments: str, **options: Any) -> tuple[int, Output, str]:
        """Run the command; return its exit code, its messages and what else it has printed."""
        process = self.start(*arguments, **options)
        output, log = process.communicate(timeout=60)
        shown = leaks(output.decode() + log.decode(), secrets_of(self.sandbox))
        assert not shown, f"secrets are shown: {shown}"
        return process.returncode, Output(output), log.decode()

"""Command line of the sandbox: `python -m sandbox`."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from sandbox.adcloud import CLIENT_ID, CLIENT_SECRET, Settings
from sandbox.adsterra import DEMO_TOKEN
from sandbox.server import Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SIGNAL_EXIT_CODE = 128


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sandbox until a signal stops it, or while another command runs.

    Args:
        arguments: The command line; `None` for that of the process.

    Returns:
        The exit code: 0, or that of the command.
    """
    options = _parser().parse_args(arguments)
    port = options.port
    if port is None:
        port = 0 if options.command else 8765
    ended = Event()
    for number in _SIGNALS:
        signal.signal(number, lambda *_: ended.set())
    settings = Settings(rows_per_day=options.rows_per_day)
    with Sandbox(options.now, host=options.host, port=port, adcloud=settings) as sandbox:
        if options.ready_file:
            options.ready_file.write_text(f"{sandbox.url}\n", encoding="utf-8")
        print(_ready_line(sandbox), file=sys.stderr if options.command else sys.stdout, flush=True)
        if options.command:
            return _run(options.command, sandbox, ended)
        ended.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="The Adsterra and Adcloud APIs as a local server with made-up data.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (%(default)s)")
    parser.add_argument(
        "--port", type=int, help="port to listen at; 0 picks a free one (8765; with --exec 0)"
    )
    parser.add_argument(
        "--now",
        type=datetime.fromisoformat,
        help="time to stand still at, such as 2024-05-01T12:00:00Z (the real clock)",
    )
    parser.add_argument(
        "--rows-per-day",
        type=int,
        default=Settings.rows_per_day,
        help="about how many rows a day of the Adcloud report has (%(default)s)",
    )
    parser.add_argument("--ready-file", type=Path, help="file to write the URL to once it answers")
    parser.add_argument(
        "--exec",
        dest="command",
        nargs=argparse.REMAINDER,
        metavar="COMMAND",
        help="command to run, with SANDBOX_URL, SANDBOX_ADSTERRA_URL and SANDBOX_ADCLOUD_URL set;"
        " when it ends the sandbox ends, with its exit code",
    )
    return parser


def _ready_line(sandbox: Sandbox) -> str:
    """Return the line with the URLs and credentials of both APIs."""
    return (
        f"Sandbox ready: Adsterra {sandbox.adsterra_url} (token {DEMO_TOKEN}),"
        f" Adcloud {sandbox.adcloud_url} (client {CLIENT_ID}, secret {CLIENT_SECRET})"
    )


def _run(command: Sequence[str], sandbox: Sandbox, ended: Event) -> int:
    """Run a command beside the sandbox and forward stop signals to it."""
    environment = os.environ | {
        "SANDBOX_URL": sandbox.url,
        "SANDBOX_ADSTERRA_URL": sandbox.adsterra_url,
        "SANDBOX_ADCLOUD_URL": sandbox.adcloud_url,
    }
    with subprocess.Popen(command, env=environment) as process:  # noqa: S603 - the user's own.
        for number in _SIGNALS:
            signal.signal(number, lambda received, _: process.send_signal(received))
        if ended.is_set():
            process.terminate()
        code = process.wait()
    return code if code >= 0 else _SIGNAL_EXIT_CODE - code


if __name__ == "__main__":
    sys.exit(main())

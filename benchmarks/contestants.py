"""The contestants, and the commands that start them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from benchmarks.responses import TOKEN
from benchmarks.workloads import START

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.workloads import Workload

PROJECT = Path(__file__).resolve().parent.parent
_NOTHING: Mapping[str, Any] = MappingProxyType({})
#: The commands of this project's environment.
BIN = Path(sys.executable).parent
#: Python of the environment with the contestants that are not installed with this project.
PEERS_PYTHON = PROJECT / ".venv-benchmarks" / "bin" / "python"


@dataclass(frozen=True)
class Contestant:
    """A program that reads a workload.

    Attributes:
        name: Its name on the command line, for ``--only``.
        title: Its title in the table.
        command: Makes its command line from a workload, the server's URL and a folder, and writes
            the files it needs into the folder.
        rows_in: Where its rows go: ``singer`` or ``airbyte`` messages on the standard output,
            ``files`` of JSON lines in the folder, or ``nowhere``.
        adds: Fields that it adds to the rows.
        distribution: Its distribution, if it is installed in the environment of the peers.
        workloads: The workloads that it takes part in.
    """

    name: str
    title: str
    command: Callable[[Workload, str, Path], list[str]]
    rows_in: str = "singer"
    adds: frozenset[str] = frozenset()
    distribution: str | None = None
    workloads: str = "ABCD"

    def takes_part_in(self, workload: Workload) -> bool:
        """Return whether the contestant reads a workload."""
        return workload.name in self.workloads or workload.name.startswith(START)

    @property
    def version(self) -> str | None:
        """The version of the peer's distribution; ``None`` if it is not installed."""
        code = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
        if self.distribution is None or not PEERS_PYTHON.exists():
            return None
        command = [str(PEERS_PYTHON), "-c", code, self.distribution]
        result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        return result.stdout.strip() or None

    @property
    def installed(self) -> bool:
        """Whether the contestant can be measured."""
        return self.distribution is None or self.version is not None


def environment(folder: Path) -> dict[str, str]:
    """Return a contestant's environment variables: no settings of the user's, no telemetry.

    Python's own are left out because PYTHONUNBUFFERED writes every line at once, and
    PYTHONDONTWRITEBYTECODE compiles all modules again at every start.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "TAP_", "TARGET_", "LOGLEVEL", "PG"))
    }
    return {
        **kept,
        "NO_PROXY": "127.0.0.1",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DLT_DATA_DIR": str(folder / "dlt"),
        "DLT_PROJECT_DIR": str(folder / "dlt"),
        "DATA_WRITER__DISABLE_COMPRESSION": "true",
    }


def _ours(concurrency: int | None = None) -> Callable[[Workload, str, Path], list[str]]:
    def command(workload: Workload, url: str, folder: Path) -> list[str]:
        tap = f"tap-{workload.api}"
        days = {"start_date": workload.data.days[0], "end_date": workload.data.days[-1]}
        own: dict[str, dict[str, Any]] = {
            "adcloud": {"client_id": "benchmark", "client_secret": "benchmark-secret"},
            "adsterra": {"api_token": TOKEN},
        }
        settings = {"api_url": url, **days, **own[workload.api], **workload.settings}
        if most := concurrency or workload.concurrency:
            settings["max_concurrency"] = most
        config = write_settings(folder / "config.json", settings)
        selected = json.loads(_catalog(tap, workload.stream))
        catalog = write_settings(folder / "catalog.json", selected)
        return [str(BIN / tap), "--config", config, "--catalog", catalog]

    return command


@cache
def _catalog(tap: str, stream: str) -> str:
    """Discover a catalog and select one stream in it, with all fields."""
    discover = [str(BIN / tap), "--discover"]
    found = subprocess.run(discover, capture_output=True, check=True)  # noqa: S603
    catalog = json.loads(found.stdout)
    for entry in catalog["streams"]:
        for metadata in entry["metadata"]:
            if not metadata["breadcrumb"]:
                metadata["metadata"]["selected"] = entry["tap_stream_id"] == stream
    return json.dumps(catalog)


def _stock(workload: Workload, url: str, folder: Path) -> list[str]:
    settings = _settings(workload, url, folder)
    return [sys.executable, "-m", f"benchmarks.stock.{workload.api}", "--config", settings]


def _limit(kind: str) -> Callable[[Workload, str, Path], list[str]]:
    def command(workload: Workload, url: str, folder: Path) -> list[str]:
        settings = _settings(workload, url, folder)
        return [sys.executable, "-m", "benchmarks.limits", kind, settings]

    return command


def peer(
    kind: str, further: Mapping[str, Any] = _NOTHING
) -> Callable[[Workload, str, Path], list[str]]:
    """Return what makes the command line of a module of ``peers``, with further settings."""

    def command(workload: Workload, url: str, folder: Path) -> list[str]:
        settings = _settings(workload, url, folder, further)
        return [str(PEERS_PYTHON), "-m", f"benchmarks.peers.{kind}", settings, str(folder)]

    return command


def _settings(
    workload: Workload, url: str, folder: Path, further: Mapping[str, Any] = _NOTHING
) -> str:
    settings = {
        **further,
        "api": workload.api,
        "api_url": url,
        "token": TOKEN,
        "days": list(workload.data.days),
        "concurrency": workload.concurrency or 1,
    }
    return write_settings(folder / "settings.json", settings)


def write_settings(path: Path, content: dict[str, Any]) -> str:
    """Write settings as JSON and return the path."""
    path.write_text(json.dumps(content), "utf-8")
    return str(path)


_OUR_FIELDS = frozenset({"extracted_at", "db_last_update_time"})
CONTESTANTS = (
    Contestant("ours", "these taps", _ours(), adds=_OUR_FIELDS, workloads="ABCDEF"),
    Contestant(
        "serial",
        "these taps, `max_concurrency` 1",
        _ours(1),
        adds=_OUR_FIELDS,
        workloads="AC",
    ),
    Contestant("stock", "stock SDK tap", _stock),
    Contestant(
        "dlt",
        "dlt `rest_api`, to files",
        peer("dlt_source"),
        "files",
        frozenset({"_dlt_id", "_dlt_load_id"}),
        "dlt",
    ),
    Contestant(
        "airbyte",
        "airbyte-cdk declarative source",
        peer("airbyte_source"),
        "airbyte",
        distribution="airbyte-cdk",
    ),
    Contestant("bare", "limit: bare loop, exact decimals", _limit("bare")),
    Contestant("raw", "limit: raw bytes, no field touched", _limit("raw")),
    Contestant("fetch", "limit: fetch only, nothing written", _limit("fetch"), "nowhere"),
)

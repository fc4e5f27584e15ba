"""The command of the sandbox, and its control endpoints."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from sandbox import Sandbox
from sandbox.adcloud import CLIENT_ID
from sandbox.adsterra import DEMO_TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    import requests

COMMAND = [sys.executable, "-m", "sandbox"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_runs_until_stopped(
    session: requests.Session, tmp_path: Path, number: signal.Signals
) -> None:
    ready = tmp_path / "ready"
    options = ["--port", "0", "--now", "2024-05-01T12:00:00Z", "--ready-file", str(ready)]
    with subprocess.Popen(
        [*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            url = ready.read_text(encoding="utf-8").strip()
            assert line.startswith("Sandbox ready: ")
            assert all(text in line for text in (url, DEMO_TOKEN, CLIENT_ID))
            clock = session.get(f"{url}/_sandbox/clock", timeout=60).json()
            assert clock == {"now": "2024-05-01T12:00:00Z", "frozen": True}
            process.send_signal(number)
            assert process.wait(60) == 0
            assert process.communicate() == ("", "")
        finally:
            process.kill()


def test_runs_another_command() -> None:
    program = (
        "import os, sys, urllib.request as r;"
        "print(r.urlopen(os.environ['SANDBOX_URL'] + '/_sandbox/clock').status);"
        "print(os.environ['SANDBOX_ADSTERRA_URL'], os.environ['SANDBOX_ADCLOUD_URL']);"
        "sys.exit(7)"
    )
    done = subprocess.run(
        [*COMMAND, "--exec", sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 7
    assert done.stderr.startswith("Sandbox ready: ")
    first, second = done.stdout.splitlines()
    assert first == "200"
    assert second.split()[0] == f"{second.split()[1]}/publisher"


def test_passes_signals_on(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    program = f"import time; open({str(ready)!r}, 'w').close(); time.sleep(60)"
    with subprocess.Popen(
        [*COMMAND, "--exec", sys.executable, "-c", program], stderr=subprocess.DEVNULL
    ) as process:
        try:
            deadline = time.monotonic() + 60
            while not ready.exists():
                assert time.monotonic() < deadline
            process.terminate()
            assert process.wait(60) == 128 + signal.SIGTERM
        finally:
            process.kill()


class TestOwnPaths:
    @pytest.fixture
    def url(self, sandbox: Sandbox) -> str:
        return f"{sandbox.url}/_sandbox"

    def test_faults(self, sandbox: Sandbox, session: requests.Session, url: str) -> None:
        body = [{"kind": "status", "status": 503, "query": {"a": "b"}}, {"kind": "html"}]
        added = session.post(f"{url}/faults", json=body, timeout=60).json()
        assert [fault["kind"] for fault in added] == ["status", "html"]
        domains = f"{sandbox.adsterra_url}/domains.json"
        assert session.get(domains, params={"a": "b"}, timeout=60).status_code == 503
        assert session.get(domains, timeout=60).status_code == 502
        assert session.get(f"{url}/faults", timeout=60).json()[0]["triggered"] == 1
        assert session.delete(f"{url}/faults", timeout=60).json() == []
        assert session.get(domains, timeout=60).status_code == 401

    @pytest.mark.parametrize("body", [{"kind": "nonsense"}, {}, 5, {"kind": "html", "times": "x"}])
    def test_bad_fault(self, session: requests.Session, url: str, body: object) -> None:
        response = session.post(f"{url}/faults", json=body, timeout=60)
        assert response.status_code == 400
        assert response.json()["error"]

    def test_clock(self, session: requests.Session, url: str) -> None:
        new = {"now": "2031-01-01T01:00:00+01:00"}
        response = session.put(f"{url}/clock", json=new, timeout=60).json()
        assert response == {"now": "2031-01-01T00:00:00Z", "frozen": True}
        response = session.put(f"{url}/clock", json={"now": None}, timeout=60).json()
        assert response["frozen"] is False
        assert session.put(f"{url}/clock", json={"time": 1}, timeout=60).status_code == 400

    def test_requests(self, sandbox: Sandbox, session: requests.Session, url: str) -> None:
        session.get(f"{sandbox.adsterra_url}/domains.json", params={"a": "b"}, timeout=60)
        (seen,) = session.get(f"{url}/requests", timeout=60).json()
        assert seen["path"] == "/publisher/domains.json"
        assert seen["query"] == [["a", "b"]]
        assert seen["status"] == 401
        assert session.delete(f"{url}/requests", timeout=60).json() == []

    def test_settings(self, sandbox: Sandbox, session: requests.Session, url: str) -> None:
        response = session.put(f"{url}/adcloud", json={"rows_per_day": 7}, timeout=60).json()
        assert response["rows_per_day"] == sandbox.adcloud.rows_per_day == 7
        assert session.get(f"{url}/adcloud", timeout=60).json() == response
        for body in ({"rows": 7}, {"rows_per_day": "many"}):
            assert session.put(f"{url}/adcloud", json=body, timeout=60).status_code == 400
        assert sandbox.adcloud.rows_per_day == 7


def test_stops_twice(sandbox: Sandbox) -> None:
    sandbox.stop()
    sandbox.stop()


def test_never_started() -> None:
    sandbox = Sandbox()
    sandbox.stop()


def test_port_taken(sandbox: Sandbox) -> None:
    with pytest.raises(OSError, match="in use"):
        Sandbox(port=int(sandbox.url.rpartition(":")[2]))

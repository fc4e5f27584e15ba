"""The commands: exit codes, the log as messages, and runs that are killed and go on."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.faults import Fault
from tests.airbyte_sources.support import Output, configured
from tests.paths import BIN

if TYPE_CHECKING:
    from tests.airbyte_sources.support import SourceRunner

SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGINT]


@pytest.fixture
def waits() -> list[float]:
    """Do not replace sleeping: these tests wait for other processes."""
    return []


def catalog(source: SourceRunner, *streams: str) -> str:
    """Write a configured catalog, and return its path."""
    return source.write("catalog.json", configured(source.streams(), *streams))


@pytest.mark.parametrize("name", ["source-adsterra", "source-adcloud"])
def test_the_installed_commands_write_their_specification(name: str) -> None:
    done = subprocess.run([BIN / name, "spec"], capture_output=True, check=True)
    (spec,) = Output(done.stdout).of_type("SPEC")
    assert spec["documentationUrl"].endswith(name.removeprefix("source-"))
    assert done.stderr == b""


def test_commands_without_their_files_are_explained() -> None:
    done = subprocess.run([BIN / "source-adsterra", "read"], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"Missing option '--catalog'" in done.stderr


def test_each_command_ends_with_0(source: SourceRunner) -> None:
    for command, kind in (("check", "CONNECTION_STATUS"), ("discover", "CATALOG")):
        code, run, log = source.command(command)
        assert (code, log) == (0, "")
        assert len(run.of_type(kind)) == 1
    code, run, log = source.command("read", "--catalog", catalog(source))
    assert (code, log) == (0, "")
    assert run.of_type("RECORD")


def test_the_log_is_messages_of_the_level_of_the_tap(source_adsterra: SourceRunner) -> None:
    arguments = ("read", "--catalog", catalog(source_adsterra, "stats"))
    source_adsterra.sandbox.faults.add(Fault("status", status=500, path="stats", times=1))
    code, run, _ = source_adsterra.command(*arguments)
    assert code == 0
    levels = {each["level"] for each in run.of_type("LOG")}
    assert levels == {"INFO", "WARN"}
    assert any("trying again" in each["message"] for each in run.of_type("LOG"))
    _, run, _ = source_adsterra.command(
        *arguments, environment={"TAP_ADSTERRA_LOGLEVEL": "warning"}
    )
    assert run.of_type("LOG") == []
    _, run, _ = source_adsterra.command(*arguments, "--debug")
    assert "DEBUG" in {each["level"] for each in run.of_type("LOG")}


def test_a_stream_that_fails_ends_with_1(source_adsterra: SourceRunner) -> None:
    source_adsterra.sandbox.faults.add(Fault("status", status=404, path="placements"))
    arguments = ("read", "--catalog", catalog(source_adsterra, "domains", "placements", "stats"))
    code, run, log = source_adsterra.command(*arguments)
    assert (code, log) == (1, "")
    assert run.statuses("placements") == ["STARTED", "INCOMPLETE"]
    assert run.statuses("stats") == ["STARTED", "RUNNING", "COMPLETE"]
    (error,) = run.traces("ERROR")
    assert error["failure_type"] == "system_error"


def test_an_error_that_time_may_heal_is_told_as_one(source_adsterra: SourceRunner) -> None:
    source_adsterra.sandbox.faults.add(Fault("status", status=503, path="domains"))
    arguments = ("read", "--catalog", catalog(source_adsterra, "domains", "stats"))
    code, run, _ = source_adsterra.command(*arguments)
    assert code == 1
    (error,) = run.traces("ERROR")
    assert error["failure_type"] == "transient_error"


def test_a_reader_that_goes_away_is_told_on_standard_error(source_adsterra: SourceRunner) -> None:
    process = source_adsterra.start("read", "--catalog", catalog(source_adsterra))
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    log = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(30) == 1
    assert log == "The reader of the messages has gone away. Its own log says why.\n"


def test_a_full_disk_is_told_on_standard_error() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [BIN / "source-adsterra", "spec"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"Standard output cannot be written to: no space left on device")


def test_an_error_that_cannot_be_written_is_told_on_standard_error() -> None:
    command = [str(BIN / "source-adsterra"), "discover", "--config", "none.json"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(b"Standard output cannot be written to: no space left on device")
    assert done.stderr.count(b"\n") == 1


def test_an_error_of_the_code_shows_no_secret(source_adsterra: SourceRunner) -> None:
    """It is a sentence, as all others."""
    broken = "import tap_adsterra.tap as t; t.TapAdsterra.discover_streams = lambda self: 1 / 0\n"
    code = broken.replace("1 / 0", "[][self.config['api_token']]")
    process = source_adsterra.start("check", code=code)
    output, log = process.communicate(timeout=30)
    assert (process.returncode, log) == (1, b"")
    (error,) = Output(output).traces("ERROR")
    assert error["failure_type"] == "system_error"
    assert error["message"].startswith("TypeError: list indices")
    code = broken.replace("1 / 0", "{}[self.config['api_token']]")
    _, run, _ = source_adsterra.command("check", code=code)
    (error,) = run.traces("ERROR")
    assert error["message"] == "KeyError: '***'. With LOGLEVEL=DEBUG the log shows where."
    _, run, _ = source_adsterra.command("check", code=code, environment={"LOGLEVEL": "DEBUG"})
    (shown,) = (each for each in run.of_type("LOG") if "Traceback" in each["message"])
    assert "discover_streams" in shown["message"]


def test_a_name_that_is_not_utf_8_is_told(source_adsterra: SourceRunner) -> None:
    code, run, log = source_adsterra.command("check", "--config", "\udcff.json")
    assert (code, log) == (0, "")
    (status,) = run.of_type("CONNECTION_STATUS")
    assert status["message"].startswith("The settings in \\udcff.json cannot be read: no such file")


def kill_after(process: subprocess.Popen[bytes], records: int, number: int) -> bytes:
    """Send a signal after some records, and return all whole lines."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        records -= b'"RECORD"' in line
        if records == 0:
            process.send_signal(number)
    process.stdout.close()
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read().decode()
    process.stderr.close()
    if not lines[-1].endswith(b"\n"):
        assert number == signal.SIGKILL
        lines.pop()
    return b"".join(lines)


@pytest.mark.parametrize("number", SIGNALS)
def test_killed_runs_go_on_and_end_with_all_rows(source: SourceRunner, number: int) -> None:
    """Kill each sync at another moment, hand its last states to the next one, and merge by key."""
    options: dict[str, Any]
    if source.source.name == "source-adsterra":
        report, options = "stats", {"window_days": 3, "lookback_days": 0}
        keys = ["date", "domain", "placement"]
        slow = Fault("hang", seconds=0.05, path="stats")
    else:
        source.sandbox.adcloud.rows_per_day = 80
        report, options = "advertiser_report", {"start_date": "2024-04-21", "lookback_days": 0}
        slow = Fault("hang", seconds=0.05, path="reports")
        keys = [
            key
            for (key,) in next(each for each in source.streams() if each["name"] == report)[
                "source_defined_primary_key"
            ]
        ]
    expected = source.runner.run(report, **options).rows(report)
    path = catalog(source, report, "control_totals")
    source.sandbox.faults.add(slow)
    random = Random(number)  # noqa: S311 - the same moments in every run
    rows: dict[tuple[Any, ...], Any] = {}
    totals: dict[tuple[str, str], Any] = {}
    states: dict[str, Any] = {}
    killed = 0
    for turn in range(30):
        arguments = ["read", "--catalog", path]
        if states:
            arguments += ["--state", source.write("state.json", list(states.values()))]
        process = source.start(*arguments, **options)
        records = random.randint(20, 150) if turn < 6 else -1
        run = Output(kill_after(process, records, number))
        code = process.wait(30)
        for row in run.rows(report):
            rows[tuple(row[key] for key in keys)] = row
        for row in run.records("control_totals"):
            totals[row["date"], row["currency"]] = row["row_count"]
        for state in run.state:
            states[state["stream"]["stream_descriptor"]["name"]] = state
        if code == 0:
            break
        assert code == (-number if number == signal.SIGKILL else 128 + number)
        killed += 1
        if number != signal.SIGKILL:
            assert run.statuses(report)[-1] == "INCOMPLETE"
            last = run.of_type("LOG")[-1]
            assert last["message"].startswith(f"Ended by {signal.Signals(number).name}.")
    assert code == 0
    assert killed >= 2
    assert sorted(rows.values(), key=str) == sorted(expected, key=str)
    assert sum(totals.values()) == len(rows)


def test_a_reader_may_end_a_command_once_it_has_the_answer(source_adsterra: SourceRunner) -> None:
    process = source_adsterra.start("check")
    assert process.stdout is not None
    for line in process.stdout:
        if b'"CONNECTION_STATUS"' in line:
            process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=30)
    assert (process.returncode, log) == (0, b"")


def test_a_signal_ends_a_run_that_waits(source_adsterra: SourceRunner) -> None:
    source_adsterra.sandbox.faults.add(Fault("hang", seconds=20, path="domains"))
    process = source_adsterra.start("read", "--catalog", catalog(source_adsterra, "domains"))
    for _ in range(200):
        if source_adsterra.sandbox.requests:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=10)
    assert process.returncode == 128 + signal.SIGTERM
    assert Output(output).statuses("domains") == ["STARTED", "INCOMPLETE"]

"""The command as users run it: its exit code, its output and its log."""

from __future__ import annotations

import json
import os
import signal
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.adsterra import DEMO_TOKEN
from sandbox.faults import Fault
from tap_adsterra.streams import STREAMS
from tap_adsterra.tap import TapAdsterra
from tests.command_line import CommandLine
from tests.support import Adsterra, RunResult

if TYPE_CHECKING:
    from pathlib import Path


class AdsterraCommandLine(CommandLine[TapAdsterra]):
    """Runs ``tap-adsterra`` against the sandbox."""

    def __init__(self, adsterra: Adsterra, folder: Path) -> None:
        super().__init__(adsterra, folder)
        self.adsterra = adsterra


@pytest.fixture
def command_line(adsterra: Adsterra, tmp_path: Path) -> AdsterraCommandLine:
    return AdsterraCommandLine(adsterra, tmp_path)


def test_it_writes_what_a_run_in_this_process_writes(command_line: AdsterraCommandLine) -> None:
    code, output, _ = command_line.run()
    assert code == 0
    here = command_line.adsterra.run()
    assert RunResult(output).without_times() == here.without_times()


def test_settings_come_from_the_environment(command_line: AdsterraCommandLine) -> None:
    reports = [{"name": "own", "group_by": ["country"], "placement_ids": [15928739]}]
    code, output, log = command_line.run(
        "--config=ENV",
        environment={
            "TAP_ADSTERRA_API_TOKEN": DEMO_TOKEN,
            "TAP_ADSTERRA_API_URL": command_line.adsterra.sandbox.adsterra_url,
            "TAP_ADSTERRA_START_DATE": "2024-04-01T00:00:00.123456",
            "TAP_ADSTERRA_WINDOW_DAYS": "7",
            "TAP_ADSTERRA_INCLUDE_TODAY": "false",
            "TAP_ADSTERRA_REPORTS": json.dumps(reports),
        },
    )
    assert code == 0, log
    assert RunResult(output).bookmark("own") == "2024-04-30"
    assert "2024-04-01..2024-04-07" in command_line.adsterra.windows()


def test_a_run_continues_from_a_state_file(command_line: AdsterraCommandLine) -> None:
    _, output, _ = command_line.run()
    state = command_line.write("state.json", RunResult(output).state)
    command_line.adsterra.sandbox.requests.clear()
    code, output, _ = command_line.run("--config", "CONFIG", "--state", state)
    assert code == 0
    assert command_line.adsterra.windows() == ["2024-04-24..2024-05-01"]


def test_an_error_is_one_sentence_and_no_traceback(command_line: AdsterraCommandLine) -> None:
    code, output, log = command_line.run(api_token="0" * 32)
    assert code == 1
    assert "Traceback" not in log
    assert "unhandled" not in log
    last = log.splitlines()[-1]
    assert last.endswith(
        "domains: Adsterra does not know this api_token. Copy it again as Settings, API showed it, "
        "or generate a new one there."
    )
    assert "CRITICAL" in last
    assert RunResult(output).rows("domains") == []


def test_a_traceback_is_logged_at_debug_level(command_line: AdsterraCommandLine) -> None:
    _, _, log = command_line.run(api_token="0" * 32, environment={"TAP_ADSTERRA_LOGLEVEL": "DEBUG"})
    assert "Traceback" in log


@pytest.mark.parametrize("arguments", [("--config", "CONFIG"), ("--config", "CONFIG", "--test")])
def test_bad_settings_are_refused_together_before_the_first_request(
    command_line: AdsterraCommandLine, arguments: tuple[str, ...]
) -> None:
    code, output, log = command_line.run(*arguments, window_days=0, start_date="soon", colour="red")
    assert code == 1
    assert output == b""
    assert "Traceback" not in log
    assert "window_days must be at least 1, not 0." in log
    assert 'start_date must be a day such as 2024-01-31, or a date-time, not "soon".' in log
    assert "colour is not a setting" in log
    # Meltano and others show only one line, so all problems are in it.
    last = log.splitlines()[-1]
    assert last.endswith(
        "(1) colour is not a setting; see --about. (2) window_days must be at least 1, not 0. (3) "
        'start_date must be a day such as 2024-01-31, or a date-time, not "soon". Nothing was '
        "read: correct these and run again."
    )
    assert command_line.adsterra.sandbox.requests == []


@pytest.mark.parametrize(
    ("file", "expected"),
    [("missing.json", "missing.json"), ("broken.json", "broken.json")],
)
def test_a_settings_file_that_cannot_be_read_is_named(
    command_line: AdsterraCommandLine, file: str, expected: str
) -> None:
    (command_line.folder / "broken.json").write_text('{"api_token": "s3cr3t')
    code, _, log = command_line.run("--config", str(command_line.folder / file))
    assert code == 1
    assert "Traceback" not in log
    assert "s3cr3t" not in log
    assert expected in log


def test_an_environment_variable_that_cannot_be_read_is_named(
    command_line: AdsterraCommandLine,
) -> None:
    code, _, log = command_line.run(
        "--config=ENV",
        environment={
            "TAP_ADSTERRA_API_TOKEN": "s3cr3t",
            "TAP_ADSTERRA_WINDOW_DAYS": "many",
            "TAP_ADSTERRA_INCLUDE_TODAY": "maybe",
            "TAP_ADSTERRA_REPORTS": "[{",
        },
    )
    assert code == 1
    assert "Traceback" not in log
    assert "s3cr3t" not in log
    assert 'TAP_ADSTERRA_WINDOW_DAYS must be a whole number, not "many".' in log
    assert 'TAP_ADSTERRA_INCLUDE_TODAY must be true or false, not "maybe".' in log
    assert "TAP_ADSTERRA_REPORTS is not JSON; look at line 1, column 3." in log


def test_streams_are_not_listed_without_the_reports_in_a_file_that_cannot_be_read(
    command_line: AdsterraCommandLine,
) -> None:
    (command_line.folder / "broken.json").write_text('{"reports": [')
    code, output, log = command_line.run("--config", "broken.json", "--discover")
    assert (code, output) == (1, b"")
    assert "The settings in broken.json cannot be read: it is not JSON; look at line 1," in log


def test_a_stream_map_that_fails_on_a_record_is_explained(
    command_line: AdsterraCommandLine,
) -> None:
    code, _, log = command_line.run(stream_maps={"domains": {"name": "int(title)"}})
    assert code == 1
    assert "Traceback" not in log
    assert (
        "| stream_maps.domains.name cannot be computed, int(title): invalid literal for int() with "
        "base 10: 'site-1.example' (ValueError). All other streams were read."
    ) in log.splitlines()[-1]


def test_a_connection_test_reports_no_error(command_line: AdsterraCommandLine) -> None:
    code, output, log = command_line.run("--config", "CONFIG", "--test")
    assert code == 0
    assert "ERROR" not in log
    run = RunResult(output)
    streams = [message["stream"] for message in run.of_type("RECORD")]
    assert sorted([*streams, "control_totals"]) == sorted(stream.name for stream in STREAMS)


def test_on_a_terminal_a_connection_test_only_names_the_readable_streams(
    command_line: AdsterraCommandLine,
) -> None:
    pty = pytest.importorskip("pty")
    main, terminal = pty.openpty()
    with os.fdopen(main, "rb", buffering=0) as screen, os.fdopen(terminal, "wb") as output:
        process = command_line.start("--config", "CONFIG", "--test", stdout=output.fileno())
        _, log = process.communicate(timeout=60)
        output.write(b"the end")
        output.flush()
        shown = screen.read(65536)
    assert process.returncode == 0
    assert shown == b"the end"
    (line,) = [line for line in log.decode().splitlines() if "env var settings" not in line]
    names = ", ".join(stream.name for stream in STREAMS if stream.name != "control_totals")
    assert line.endswith(f"This api_token reads {names}.")


def test_a_connection_test_at_debug_level_logs_everything(
    command_line: AdsterraCommandLine,
) -> None:
    _, _, log = command_line.run(
        *("--config", "CONFIG", "--test"), environment={"TAP_ADSTERRA_LOGLEVEL": "DEBUG"}
    )
    assert "Beginning sync of 'domains'" in log
    assert "METRIC" in log


def test_a_test_of_the_schemas_writes_only_these(command_line: AdsterraCommandLine) -> None:
    code, output, _ = command_line.run("--config", "CONFIG", "--test=schema")
    assert code == 0
    assert (
        len(RunResult(output).of_type("SCHEMA")) == len(RunResult(output).messages) == len(STREAMS)
    )
    assert command_line.adsterra.sandbox.requests == []


@pytest.mark.parametrize("option", ["--test=foo", "--test=all,schema"])
def test_an_unknown_test_is_refused(command_line: AdsterraCommandLine, option: str) -> None:
    code, output, log = command_line.run("--config", "CONFIG", option)
    assert code == 2
    assert output == b""
    assert "Invalid value for '--test'" in log
    assert command_line.adsterra.sandbox.requests == []


@pytest.mark.parametrize(
    "options", [("--about",), ("--about", "--format=json"), ("--discover",), ("--test=schema",)]
)
def test_commands_without_records_end_silently_on_a_closed_pipe(
    command_line: AdsterraCommandLine, options: tuple[str, ...]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as output:
        process = command_line.start("--config", "CONFIG", *options, stdout=output.fileno())
    _, log = process.communicate(timeout=60)
    assert process.returncode == 1
    assert [line for line in log.decode().splitlines() if "env var settings" not in line] == []


def test_discovery_needs_neither_settings_nor_network(command_line: AdsterraCommandLine) -> None:
    code, output, _ = command_line.run("--discover")
    assert code == 0
    catalog = json.loads(output)
    names = [stream["tap_stream_id"] for stream in catalog["streams"]]
    assert sorted(names) == sorted(stream.name for stream in STREAMS)
    assert command_line.adsterra.sandbox.requests == []


def test_version_and_about(command_line: AdsterraCommandLine) -> None:
    code, output, _ = command_line.run("--version")
    assert code == 0
    assert output.decode().startswith(f"tap-adsterra v{version('ad-taps')}, Meltano SDK v")
    code, output, _ = command_line.run("--about", "--format=json")
    assert code == 0
    about = json.loads(output)
    assert set(about["capabilities"]) >= {"catalog", "state", "discover", "about", "batch"}
    assert about["settings"]["properties"]["api_token"]["secret"]


@pytest.mark.parametrize("auth_method", ["header", "path"])
@pytest.mark.parametrize("kind", [None, "status", "reset", "redirect", "cut"])
def test_the_token_is_not_shown_even_at_debug_level(
    command_line: AdsterraCommandLine, auth_method: str, kind: Any
) -> None:
    if kind:
        # Adsterra's own message may repeat the URL, which may contain the token.
        message = f'No route found for "GET /publisher/{DEMO_TOKEN}/stats.json"'
        fault = Fault(kind, path="stats", status=404 if kind == "status" else None, message=message)
        command_line.adsterra.sandbox.faults.add(fault)
    code, output, log = command_line.run(
        auth_method=auth_method, environment={"TAP_ADSTERRA_LOGLEVEL": "DEBUG"}
    )
    assert code == (1 if kind else 0)
    assert "DEBUG" in log
    assert DEMO_TOKEN not in log
    assert DEMO_TOKEN.encode() not in output


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_run_ended_by_a_signal_does_not_look_complete(
    command_line: AdsterraCommandLine, ending: signal.Signals
) -> None:
    adsterra = command_line.adsterra
    query = {"start_date": "2024-04-21"}
    adsterra.sandbox.faults.add(Fault("hang", path="stats", query=query, seconds=60))
    process = command_line.start(window_days=10)
    while "2024-04-21..2024-04-30" not in adsterra.windows():
        os.sched_yield()
    assert process.stdout is not None
    output = b""
    while b'_value":"2024-04-20"' not in output.rpartition(b'"STATE"')[2]:
        output += process.stdout.readline()
    process.send_signal(ending)
    # Before the request under way ends.
    rest, log = process.communicate(timeout=50)
    assert process.returncode == 128 + ending
    run = RunResult(output + rest)
    assert run.bookmark("stats") == "2024-04-20"
    assert f"Ended by {ending.name}" in log.decode()
    assert "Traceback" not in log.decode()


def test_a_target_that_stops_reading_is_an_error_without_a_traceback(
    command_line: AdsterraCommandLine,
) -> None:
    process = command_line.start(start_date="2023-01-01")
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        log = process.stderr.read().decode()
    assert process.returncode == 1
    assert "The target stopped reading. Its own messages say why." in log
    assert "Traceback" not in log
    assert "Exception ignored" not in log

"""The command as users run it: its exit code, its output and its log."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.adcloud import CLIENT_ID, CLIENT_SECRET
from sandbox.faults import Fault
from tap_adcloud.streams import STREAMS
from tests.command_line import CommandLine
from tests.support import RunResult

if TYPE_CHECKING:
    from pathlib import Path

    from tap_adcloud.tap import TapAdcloud
    from tests.support import Adcloud

REPORT = "advertiser_report"
TOKENS = "/oauth/access_token"
#: A fixed token, which the sandbox can repeat in errors.
TOKEN = "t0ken-of-the-sandbox-5f2c91"  # noqa: S105
#: The message of an API that repeats everything it was sent.
INDISCREET = f"{CLIENT_ID} sent {CLIENT_SECRET} and Bearer {TOKEN}"
ENDINGS: dict[str, Fault | None] = {
    "none": None,
    "refused token": Fault("status", path="reports", status=401, message=INDISCREET),
    "refused client": Fault("bad_credentials", path=TOKENS),
    "token endpoint redirects": Fault(
        "redirect", path=TOKENS, location=f"http://x.invalid/?secret={CLIENT_SECRET}"
    ),
    "400": Fault("status", path="reports", status=400, message=INDISCREET),
    "500 at 200": Fault("error_in_body", path="reports", status=500, message=INDISCREET),
    "a value of another type": Fault("wrong_type", path="reports", field="costs", value=INDISCREET),
}
#: Faults that every run recovers from and logs.
RETRIED_FAULTS = [
    Fault("status", path=TOKENS, status=503, message=INDISCREET, times=1),
    Fault("reset", path=TOKENS, times=1),
    Fault("dead_token", path="customers", times=1),
    Fault("error_in_body", path="topics", status=500, message=INDISCREET, times=1),
    Fault("status", path="products", status=500, message=INDISCREET, times=1),
    Fault("reset_in_body", path="products", times=1),
    Fault("lost_row", path="/campaigns", times=1),
    Fault("unknown_field", path="customers", field=INDISCREET),
]


@pytest.fixture
def command_line(adcloud: Adcloud, tmp_path: Path) -> CommandLine[TapAdcloud]:
    return CommandLine(adcloud, tmp_path)


@pytest.mark.parametrize(
    ("ending", "version"),
    [(name, ("v1", "v2")[number % 2]) for number, name in enumerate(ENDINGS)],
)
def test_neither_the_secret_nor_the_token_is_shown(
    command_line: CommandLine[TapAdcloud],
    monkeypatch: pytest.MonkeyPatch,
    ending: str,
    version: str,
) -> None:
    """Also at DEBUG level, and where the API itself repeats them."""
    sandbox = command_line.runner.sandbox
    monkeypatch.setattr("secrets.token_hex", lambda _: TOKEN)
    for fault in [ENDINGS[ending], *RETRIED_FAULTS]:
        if fault is not None:
            sandbox.faults.add(replace(fault))
    code, output, log = command_line.run(
        report_api_version=version,
        start_date="2024-04-29",
        environment={"TAP_ADCLOUD_LOGLEVEL": "DEBUG"},
    )
    assert code == (0 if ending == "none" else 1)
    assert "DEBUG" in log
    addresses = [(request.path, request.query) for request in sandbox.requests]
    for text in (log, output.decode(), str(addresses)):
        assert CLIENT_SECRET not in text
        assert TOKEN not in text
    if ending == "none":
        assert all(fault.triggered for fault in sandbox.faults)
        assert "***" in log
        assert sandbox.requests[-1].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (
            Fault("bad_credentials", path=TOKENS),
            "advertisements: Adcloud gave no access token: the client_id and the client_secret do "
            "not belong together, or api_url is not right (status 401).",
        ),
        (
            Fault("error_in_body", path="reports", status=400, message="no such day"),
            "advertiser_report 2024-04-29: Adcloud refused the request: no such day.",
        ),
        (
            Fault("lost_row", path="reports"),
            "at the second reading too. None of these rows was written; run again later, and if "
            "it stays so report it to Adcloud.",
        ),
    ],
)
def test_an_error_is_a_sentence_and_no_traceback(
    command_line: CommandLine[TapAdcloud], fault: Fault, expected: str
) -> None:
    command_line.runner.sandbox.faults.add(replace(fault))
    code, output, log = command_line.run(start_date="2024-04-29", max_concurrency=1)
    assert code == 1
    assert "Traceback" not in log
    last = log.splitlines()[-1]
    assert "CRITICAL" in last
    assert expected in last
    assert RunResult(output).records(REPORT) == []


def test_settings_come_from_the_environment(command_line: CommandLine[TapAdcloud]) -> None:
    code, output, log = command_line.run(
        "--config=ENV",
        environment={
            "TAP_ADCLOUD_CLIENT_ID": CLIENT_ID,
            "TAP_ADCLOUD_CLIENT_SECRET": CLIENT_SECRET,
            "TAP_ADCLOUD_API_URL": command_line.runner.sandbox.adcloud_url,
            "TAP_ADCLOUD_START_DATE": "2024-04-29",
            "TAP_ADCLOUD_REPORT_API_VERSION": "v2",
            "TAP_ADCLOUD_INCLUDE_TODAY": "true",
            "TAP_ADCLOUD_PAGE_SIZE": "50",
            "TAP_ADCLOUD_TIMEZONE": "Europe/Berlin",
        },
    )
    assert code == 0, log
    run = RunResult(output)
    assert run.records(REPORT)[-1]["date"] == "2024-05-01"
    here = command_line.runner.run(
        start_date="2024-04-29", report_api_version="v2", include_today=True
    )
    assert run.without_times() == here.without_times()


def test_time_zones_work_on_a_machine_without_its_own(
    command_line: CommandLine[TapAdcloud],
) -> None:
    without = {"PYTHONTZPATH": ""}
    code, output, log = command_line.run(environment=without, timezone="America/New_York")
    assert code == 0, log
    assert RunResult(output).bookmark(REPORT) == "2024-04-30"
    code, _, log = command_line.run(environment=without, timezone="America/Springfield")
    assert code == 1
    assert "timezone must be an IANA name such as Europe/Berlin, not" in log


def test_bad_settings_are_refused_before_the_first_request(
    command_line: CommandLine[TapAdcloud],
) -> None:
    code, output, log = command_line.run(
        timezone="Berlin",
        page_size=500,
        client_secret="s3 cr3t",  # noqa: S106
        start_date=None,
    )
    assert code == 1
    assert output == b""
    assert "Traceback" not in log
    assert "s3 cr3t" not in log
    assert 'timezone must be an IANA name such as Europe/Berlin, not "Berlin".' in log
    assert "page_size must be at most 200, not 500." in log
    assert "client_secret must be made of" in log
    assert "start_date is missing: " in log
    assert command_line.runner.sandbox.requests == []


def test_discovery_needs_neither_settings_nor_network(
    command_line: CommandLine[TapAdcloud],
) -> None:
    code, output, _ = command_line.run("--discover")
    assert code == 0
    assert len(json.loads(output)["streams"]) == len(STREAMS)
    assert command_line.runner.sandbox.requests == []


def test_about_names_the_secret(command_line: CommandLine[TapAdcloud]) -> None:
    code, output, _ = command_line.run("--about", "--format=json")
    assert code == 0
    settings: dict[str, Any] = json.loads(output)["settings"]["properties"]
    assert settings["client_secret"]["secret"]
    assert settings["timezone"]["default"] == "Europe/Berlin"


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_run_ended_by_a_signal_does_not_look_complete(
    command_line: CommandLine[TapAdcloud], adcloud: Adcloud, ending: signal.Signals
) -> None:
    query = {"filter[date]": "2024-04-27", "page": "2"}
    adcloud.sandbox.faults.add(Fault("hang", path="reports", query=query, seconds=60))
    process = command_line.start()
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        output = [process.stdout.readline()]
        while b'"STATE"' not in output[-1] or b"2024-04-26" not in output[-1]:
            output.append(process.stdout.readline())
        process.send_signal(ending)
        output += process.stdout.readlines()
        log = process.stderr.read().decode()
    assert process.returncode == 128 + ending
    run = RunResult(b"".join(output))
    assert run.bookmark(REPORT) == "2024-04-26"
    assert run.rows(REPORT) == adcloud.expected_rows(last="2024-04-26")
    assert f"Ended by {ending.name}" in log
    assert "Traceback" not in log


def test_a_connection_test_sends_one_request_per_stream_and_names_the_readable_ones(
    adcloud: Adcloud, tmp_path: Path
) -> None:
    code, output, log = CommandLine(adcloud, tmp_path).run("--config", "CONFIG", "--test")
    assert code == 0
    streams = list(adcloud.tap_class(config=adcloud.settings()).streams)
    streams.remove("control_totals")
    # One more for the token, and one for the ids that campaign_performance needs.
    assert len(adcloud.sandbox.requests) == len(streams) + 2
    run = RunResult(output)
    records = [message["stream"] for message in run.of_type("RECORD")]
    # The report has no rows for yesterday.
    assert sorted([*records, REPORT]) == sorted(streams)
    for message in run.of_type("SCHEMA"):
        assert message["schema"]["properties"]
    (line,) = [line for line in log.splitlines() if "This client_id reads" in line]
    assert all(stream in line for stream in streams)


@pytest.mark.parametrize("status", [401, 403])
def test_a_connection_test_continues_after_a_refused_stream(
    adcloud: Adcloud, tmp_path: Path, status: int
) -> None:
    adcloud.sandbox.faults.add(Fault("status", path="customers", status=status))
    code, _, log = CommandLine(adcloud, tmp_path).run("--config", "CONFIG", "--test")
    assert code == 1
    assert "This client_id does not read customers." in log
    (line,) = [line for line in log.splitlines() if "This client_id reads" in line]
    assert "topics" in line
    assert "customers" not in line


def test_a_connection_test_ends_if_the_api_is_unavailable(adcloud: Adcloud, tmp_path: Path) -> None:
    adcloud.sandbox.faults.add(Fault("status", status=503))
    code, output, log = CommandLine(adcloud, tmp_path).run("--config", "CONFIG", "--test")
    assert code == 1
    assert b"RECORD" not in output
    assert log.count("run again later") == 1

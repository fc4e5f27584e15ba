"""Whatever an API says, it stands in the log as one line, without control characters.

The log is that of DEBUG, with tracebacks.
"""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from sandbox.faults import Fault
from tests.relay import relay, response
from tests.servers import Servers
from tests.support import Adcloud, Adsterra

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox.server import Sandbox

FORGED = "2024-05-01 12:00:00,000 | CRITICAL | tap | forged"
#: A line feed, a carriage return and others that begin a line, and an escape sequence before each.
SAYS = "no such day" + "".join(f"\x1b[31m{end}{FORGED}" for end in "\n\r\x85\u2028\v") + "\x9b\0"

FAULTS = {
    "403": Fault("status", status=403, message=SAYS),
    "404": Fault("status", status=404, message=SAYS),
    "422": Fault("status", status=422, message=SAYS),
    "500": Fault("status", status=500, message=SAYS),
    "400 at 200": Fault("error_in_body", status=400, message=SAYS),
    "500 at 200": Fault("error_in_body", status=500, message=SAYS),
    "text for a number": Fault("wrong_type", field="clicks", value=SAYS),
    "a day that is none": Fault("set_field", field="date", value=SAYS),
    "a row of another day": Fault("foreign_row", value=SAYS),
    "a field that is not known": Fault("unknown_field", field=SAYS),
}


#: Faults whose message no log repeats.
NOT_REPEATED: dict[type, set[str]] = {
    Adsterra: {"404", "422", "500", "400 at 200", "500 at 200"},
    Adcloud: {"404"},
}


@pytest.fixture(params=[Adsterra, Adcloud])
def runner(
    request: pytest.FixtureRequest, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Adsterra | Adcloud:
    """Both taps."""
    runner: Adsterra | Adcloud = request.param(sandbox, monkeypatch)
    return runner


@pytest.fixture
def run_and_search(caplog: pytest.LogCaptureFixture) -> Callable[..., str]:
    """Run a tap, check each line that it has logged, and return all of them."""

    def run(runner: Adsterra | Adcloud, **changes: Any) -> str:
        caplog.set_level(logging.DEBUG)
        caplog.clear()
        stream = "stats" if isinstance(runner, Adsterra) else "advertiser_report"
        result = runner.run(stream, start_date="2024-04-29", **changes)
        # As the command does at the end of a run.
        logging.getLogger("tap").critical("%s", result.error, exc_info=result.error)
        assert not [line for line in caplog.text.splitlines() if line.startswith(FORGED)]
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028]", caplog.text)
        assert result.error is None or str(result.error).isprintable()
        return caplog.text

    return run


@pytest.mark.parametrize("name", FAULTS)
def test_what_an_api_says_forges_no_line(
    runner: Adsterra | Adcloud, run_and_search: Callable[..., str], name: str
) -> None:
    fault = FAULTS[name]
    fault.path, fault.matched, fault.triggered = "stats|reports", 0, 0
    runner.sandbox.faults.add(fault)
    shown = run_and_search(runner)
    assert fault.triggered
    # Otherwise nothing would be proven.
    assert name in NOT_REPEATED[type(runner)] or "forged" in shown


def test_what_the_token_endpoint_says_forges_no_line(
    adcloud: Adcloud, run_and_search: Callable[..., str]
) -> None:
    for status in (400, 500):
        adcloud.sandbox.faults.clear()
        adcloud.sandbox.faults.add(Fault("status", path="oauth", status=status, message=SAYS))
        assert "token endpoint" in run_and_search(adcloud) or status == 400


#: Written as bytes; a carriage return ends no header, and neither does the next line of Latin-1.
RAW = SAYS.replace("\n", "").replace("\u2028", "").replace("\0", "").encode("latin-1")
HEADERS: dict[str, Callable[[bytes], bytes]] = {
    "the reason": lambda _: response(b"", status=b"500 " + RAW),
    "the type": lambda _: response(b"x", b"Content-Type: " + RAW),
    "the address": lambda _: response(b"", b"Location: http://" + RAW, status=b"302 Found"),
    "a header that is none": lambda body: response(body, RAW),
    "the body": lambda _: response(json.dumps({"message": SAYS}).encode(), status=b"418 No tea"),
}


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    """Servers of this test."""
    with Servers(tmp_path) as running:
        yield running


@pytest.mark.parametrize("name", HEADERS)
def test_what_a_header_says_forges_no_line(
    runner: Adsterra | Adcloud, servers: Servers, run_and_search: Callable[..., str], name: str
) -> None:
    write = HEADERS[name]
    host = servers.start(
        relay(runner.sandbox, lambda connection, body: connection.sendall(write(body)))
    )
    path = urlsplit(str(runner.settings()["api_url"])).path
    shown = run_and_search(runner, api_url=f"http://{host}{path}")
    assert "forged" in shown or isinstance(runner, Adcloud) or name == "the address"

"""An outage of a minute is survived, whatever kind it is, and a longer one ends in a sentence.

The seconds are those of a clock that only moves while the tap waits. With one request at a time,
nothing else can wait in the meantime.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import pytest

from sandbox.faults import Fault
from singer_reports.http import rate_limit
from tests.reliability.network_faults import give_up_soon, mount_fault, to_closed_port
from tests.support import Adcloud, Adsterra, sync

if TYPE_CHECKING:
    import requests

    from sandbox.server import Sandbox
    from tests.support import RunResult

#: What is survived: a little less than all waits together, which are 62 seconds and up to 67.
SURVIVED_SECONDS = 55
TOO_LONG_SECONDS = 600
TOKENS = "/oauth/access_token"


class Clock:
    """A clock that moves while the tap waits."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self.seconds += seconds


@dataclass
class Outage(Fault):
    """A fault of all requests until a moment."""

    clock: Clock | None = None
    until: float = 0

    def triggers(self) -> bool:
        """Trigger it for as long as it lasts."""
        due = self.clock is not None and self.clock.seconds < self.until
        self.triggered += due
        return due


def to_unknown_name(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Change a request so that it is sent to a name that does not exist."""
    request.url = urlunsplit(urlsplit(str(request.url))._replace(netloc="name.invalid"))
    return request


@pytest.fixture(autouse=True)
def no_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look up no name outside of this machine."""
    look_up = socket.getaddrinfo

    def find(host: Any, *options: Any, **more: Any) -> Any:
        if host == "name.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *options, **more)

    monkeypatch.setattr(socket, "getaddrinfo", find)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of all waits of the tap."""
    clock = Clock()
    monkeypatch.setattr("time.sleep", clock.sleep)
    time = SimpleNamespace(sleep=clock.sleep, monotonic=lambda: clock.seconds)
    monkeypatch.setattr(rate_limit, "time", time)
    return clock


#: Kinds of outages by name: the arguments of a fault, or what happens to a request on its way.
OUTAGES: dict[str, dict[str, Any]] = {
    "429": {"kind": "rate_limit", "seconds": None},
    "429, Retry-After: 0": {"kind": "rate_limit", "seconds": 0},
    "429, Retry-After: 20": {"kind": "rate_limit", "seconds": 20},
    "500": {"kind": "status", "status": 500},
    "502 with HTML": {"kind": "html", "status": 502},
    "503": {"kind": "status", "status": 503},
    "503, Retry-After in the past": {
        "kind": "rate_limit",
        "status": 503,
        "seconds": -9,
        "as_date": True,
    },
    "504": {"kind": "status", "status": 504},
    "reset": {"kind": "reset"},
    "reset in the body": {"kind": "reset_in_body"},
    "cut short": {"kind": "cut"},
    "cut short, chunked": {"kind": "cut_chunked"},
    "half a body": {"kind": "truncated"},
    "200 with HTML": {"kind": "html", "status": 200},
    "no body": {"kind": "empty"},
    "no answer in time": {"kind": "hang"},
    "no such name": {"change": to_unknown_name},
    "nothing listens": {"change": to_closed_port},
}


class Place(NamedTuple):
    """Where an outage is."""

    tap: type[Adsterra | Adcloud]
    stream: str
    path: str
    #: The stream whose request fails first.
    named: str


PLACES = {
    "Adsterra, a list": Place(Adsterra, "domains", "/domains", "domains"),
    "Adsterra, a window that can be split": Place(Adsterra, "stats", "/stats", "stats"),
    "Adcloud, a day": Place(Adcloud, "advertiser_report", "/reports", "advertiser_report"),
    "Adcloud, a chunk that can be split": Place(
        Adcloud, "campaign_performance", "/campaign_perf", "campaign_performance"
    ),
    "Adcloud, the token": Place(Adcloud, "advertiser_report", TOKENS, "advertiser_report"),
    "Adcloud, the token of a chunk": Place(Adcloud, "campaign_performance", TOKENS, "campaigns"),
}


class Outages:
    """Runs a tap against the sandbox during an outage."""

    def __init__(self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
        self.sandbox = sandbox
        self.monkeypatch = monkeypatch
        self.clock = clock

    def run(self, place: Place, outage: dict[str, Any] | None, seconds: float) -> RunResult:
        """Run, and return the result; the clock then has the seconds that the tap has waited."""
        self.sandbox.faults.clear()
        self.clock.seconds = 0
        runner = place.tap(self.sandbox, self.monkeypatch)
        tap = runner.tap(place.stream, max_concurrency=1)
        if outage:
            until: dict[str, Any] = {"path": place.path, "clock": self.clock, "until": seconds}
            if "change" in outage:
                mount_fault(tap, Outage("status", **until), outage["change"])
            else:
                fault = self.sandbox.faults.add(Outage(**outage, **until))
                if fault.kind == "hang":
                    give_up_soon(tap, fault)
        return sync(tap)


@pytest.fixture
def outages(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Outages:
    """Runs of a sandbox with few rows."""
    sandbox.adcloud.rows_per_day = 5
    return Outages(sandbox, monkeypatch, clock)


@pytest.mark.parametrize("kind", OUTAGES)
@pytest.mark.parametrize("place", PLACES)
def test_an_outage_of_a_minute_is_survived_and_a_longer_one_is_explained(
    outages: Outages, place: str, kind: str
) -> None:
    where = PLACES[place]
    undisturbed = outages.run(where, None, 0)
    assert undisturbed.error is None
    assert outages.clock.seconds == 0

    run = outages.run(where, OUTAGES[kind], SURVIVED_SECONDS)
    assert run.error is None
    assert run.rows(where.stream) == undisturbed.rows(where.stream)
    assert SURVIVED_SECONDS <= outages.clock.seconds < 3 * SURVIVED_SECONDS

    run = outages.run(where, OUTAGES[kind], TOO_LONG_SECONDS)
    message = str(run.error)
    assert message.startswith(where.named)
    assert re.search(r"That was try 6 of 6: .*the next run goes on here\.$", message)
    assert run.records(where.stream) == []
    assert SURVIVED_SECONDS < outages.clock.seconds < TOO_LONG_SECONDS / 2

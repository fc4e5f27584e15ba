"""What can happen to a request before it reaches the API, and to the clock meanwhile."""

from __future__ import annotations

import dataclasses
import datetime
import sys
import types
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from requests.adapters import HTTPAdapter

from sandbox.faults import Fault, Faults
from tests.servers import closed_port

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    import requests

    from singer_reports.tap import ReportTap

    #: Takes a request, and gives what is to be sent in its place.
    RequestChange: TypeAlias = Callable[[requests.PreparedRequest], requests.PreparedRequest]

#: Seconds after which a request is given up where the fault is that no response comes.
IMPATIENT = 0.1


class _Connections(HTTPAdapter):
    """Connections that know which requests per fault strikes."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(pool_maxsize=8)
        self.faults = Faults()
        for fault in faults:
            self.faults.add(fault)

    def strikes(self, request: requests.PreparedRequest) -> bool:
        assert request.url is not None
        url = urlsplit(request.url)
        return bool(self.faults.trigger(str(request.method), url.path, parse_qsl(url.query)))


class FaultAdapter(_Connections):
    """Connections on which something happens to some requests before they are sent."""

    def __init__(self, fault: Fault, change: RequestChange) -> None:
        """Let it happen to the requests that the fault matches."""
        super().__init__(fault)
        self.change = change

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send a request, or what has become of it."""
        if self.strikes(request):
            request = self.change(request.copy())
        return super().send(request, **options)


class Impatient(_Connections):
    """Connections that give up some requests soon, and wait for the responses to all others.

    A short time for all of them would end good requests as well when the machine is busy.
    """

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send a request, and wait for its response."""
        if self.strikes(request):
            options["timeout"] = IMPATIENT
        return super().send(request, **options)


def mount_fault(tap: ReportTap, fault: Fault, change: RequestChange) -> None:
    """Let something happen to the requests of a tap that a fault matches."""
    tap.session.mount("http://", FaultAdapter(fault, change))


def give_up_soon(tap: ReportTap, *faults: Fault) -> None:
    """Let a tap give up soon the requests that faults in the sandbox keep waiting."""
    # Copies: the sandbox counts the requests as well.
    tap.session.mount("http://", Impatient(*(dataclasses.replace(fault) for fault in faults)))


def to_closed_port(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Send a request to a port of this machine that nothing listens at."""
    assert request.url is not None
    netloc = f"127.0.0.1:{closed_port()}"
    request.url = urlunsplit(urlsplit(request.url)._replace(netloc=netloc))
    return request


class WallClock:
    """The clock of the computer, as all of the taps' modules see it; it can be set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take the place of the real one."""
        self.ahead = datetime.timedelta(0)
        clock = self

        class Shifted(datetime.datetime):
            @classmethod
            def now(cls, tz: datetime.tzinfo | None = None) -> Any:
                return datetime.datetime.now(tz) + clock.ahead

        module = types.ModuleType("datetime")
        vars(module).update(vars(datetime) | {"datetime": Shifted})
        for name, user in list(sys.modules.items()):
            package = name.partition(".")[0]
            if package in {"singer_reports", "tap_adcloud", "tap_adsterra"} and hasattr(
                user, "datetime"
            ):
                monkeypatch.setattr(user, "datetime", module)

    def jumping(self, seconds: float) -> RequestChange:
        """Make a request after which the clock is that far ahead of the real one, or behind it."""

        def jump(request: requests.PreparedRequest) -> requests.PreparedRequest:
            self.ahead = datetime.timedelta(seconds=seconds)
            return request

        return jump

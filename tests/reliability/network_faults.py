"""Faults outside of the API: in the network, and of the clock."""

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

    #: Takes a request, and returns the one to send instead.
    RequestChange: TypeAlias = Callable[[requests.PreparedRequest], requests.PreparedRequest]

#: The timeout in seconds of requests that get no response.
SHORT_TIMEOUT = 0.1


class _Connections(HTTPAdapter):
    """An adapter that knows which requests trigger its faults."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(pool_maxsize=8)
        self.faults = Faults()
        for fault in faults:
            self.faults.add(fault)

    def triggers(self, request: requests.PreparedRequest) -> bool:
        assert request.url is not None
        url = urlsplit(request.url)
        return bool(self.faults.trigger(str(request.method), url.path, parse_qsl(url.query)))


class FaultAdapter(_Connections):
    """An adapter that changes the requests that trigger a fault."""

    def __init__(self, fault: Fault, change: RequestChange) -> None:
        """Change the requests that trigger the fault."""
        super().__init__(fault)
        self.change = change

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send a request, changed if it triggers the fault."""
        if self.triggers(request):
            request = self.change(request.copy())
        return super().send(request, **options)


class ShortTimeout(_Connections):
    """An adapter with a short timeout for the requests that trigger a fault.

    A short timeout for all of them would end good requests as well when the machine is busy.
    """

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send a request, and wait for its response."""
        if self.triggers(request):
            options["timeout"] = SHORT_TIMEOUT
        return super().send(request, **options)


def mount_fault(tap: ReportTap, fault: Fault, change: RequestChange) -> None:
    """Change the requests of a tap that trigger a fault."""
    tap.run.session.mount("http://", FaultAdapter(fault, change))


def give_up_soon(tap: ReportTap, *faults: Fault) -> None:
    """Give a tap a short timeout for the requests that hang in the sandbox."""
    # Copies, because the sandbox counts the requests of the originals.
    tap.run.session.mount(
        "http://", ShortTimeout(*(dataclasses.replace(fault) for fault in faults))
    )


def to_closed_port(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Change a request so that it is sent to a closed port."""
    assert request.url is not None
    netloc = f"127.0.0.1:{closed_port()}"
    request.url = urlunsplit(urlsplit(request.url)._replace(netloc=netloc))
    return request


class WallClock:
    """A settable replacement of the computer's clock for all modules of the taps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Replace the real clock."""
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
        """Return a change that sets the clock that far ahead of the real one, or behind it."""

        def jump(request: requests.PreparedRequest) -> requests.PreparedRequest:
            self.ahead = datetime.timedelta(seconds=seconds)
            return request

        return jump

"""Control endpoints of the sandbox, for tests in other processes and languages.

* `GET /_sandbox/requests`: every request received, as JSON; `DELETE` clears the list.
* `GET /_sandbox/faults`: the faults requested; `POST` adds one or a list of them, with the
  fields of `sandbox.Fault`; `DELETE` removes all.
* `GET /_sandbox/clock`: the time; `PUT` with `{"now": "2024-05-01T12:00:00Z"}` freezes it there,
  with `{"now": null}` lets it run.
* `GET /_sandbox/adcloud`: the settings of the Adcloud API; `PUT` changes those given, with the
  fields of `sandbox.adcloud.Settings`.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime  # noqa: TC003 - msgspec needs it at run time.
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from sandbox.adcloud import Settings
from sandbox.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from sandbox.clock import Clock
    from sandbox.faults import Faults
    from sandbox.middleware import SeenRequest


class Controlled(Protocol):
    """What can be controlled: the parts of a `Sandbox`."""

    clock: Clock
    adcloud: Settings
    faults: Faults
    requests: list[SeenRequest]


class _Time(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a `PUT` to the clock."""

    now: datetime | None


class Control:
    """Handlers of the control endpoints."""

    def __init__(self, sandbox: Controlled) -> None:
        """Control this sandbox."""
        self._sandbox = sandbox

    def routes(self) -> list[Route]:
        """Return the routes of all control endpoints."""
        handlers = {
            "requests": (self._requests, ["GET", "DELETE"]),
            "faults": (self._faults, ["GET", "POST", "DELETE"]),
            "clock": (self._clock, ["GET", "PUT"]),
            "adcloud": (self._adcloud, ["GET", "PUT"]),
        }
        return [
            Route(f"/_sandbox/{name}", _with_error_response(handler), methods=methods)
            for name, (handler, methods) in handlers.items()
        ]

    async def _requests(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._sandbox.requests.clear()
        return _json(list(self._sandbox.requests))

    async def _faults(self, request: Request) -> Response:
        faults = self._sandbox.faults
        if request.method == "DELETE":
            faults.clear()
        elif request.method == "POST":
            requested = msgspec.json.decode(await request.body(), type=Fault | list[Fault])
            for fault in requested if isinstance(requested, list) else [requested]:
                faults.add(fault)
        return _json([asdict(fault) for fault in faults])

    async def _clock(self, request: Request) -> Response:
        clock = self._sandbox.clock
        if request.method == "PUT":
            requested = msgspec.json.decode(await request.body(), type=_Time)
            if requested.now is None:
                clock.run()
            else:
                clock.now = requested.now
        return _json({"now": clock.now, "frozen": clock.frozen})

    async def _adcloud(self, request: Request) -> Response:
        settings = self._sandbox.adcloud
        if request.method == "PUT":
            given = msgspec.json.decode(await request.body(), type=dict[str, Any])
            wanted = msgspec.convert({**asdict(settings), **given}, Settings)
            for name in given:
                setattr(settings, name, getattr(wanted, name))
        return _json(settings)


def _json(value: object, status: int = 200) -> Response:
    """Return a JSON response."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def _with_error_response(
    endpoint: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Any]:
    """Wrap an endpoint: a request body it cannot read gets a 400 with the reason."""

    async def responding(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (AttributeError, msgspec.MsgspecError) as error:
            return _json({"error": str(error)}, 400)

    return responding

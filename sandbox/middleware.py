"""ASGI middleware in front of both APIs: records every request and triggers faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from sandbox.exchange import Exchange
from sandbox.transport_faults import TRANSPORT_FAULTS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from sandbox.faults import Faults

#: The path of the control endpoints, whose requests are not recorded and trigger no faults.
CONTROL = "/_sandbox/"


@dataclass
class SeenRequest:
    """A request that was received.

    Attributes:
        method: The HTTP method.
        path: The path.
        query: The names and values of the query, in the order sent.
        headers: The headers; names are in lower case.
        body: The body, as text.
        fault: The kind of fault that it triggered, if any.
        status: The HTTP status of the response; `None` as long as there is no response.
    """

    method: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    fault: str | None = None
    status: int | None = None

    def values(self, name: str) -> list[str]:
        """Return all values of a parameter, such as `group_by[]`, in the order sent."""
        return [value for key, value in self.query if key == name]


class RecordingMiddleware:
    """Middleware that records requests and triggers faults."""

    def __init__(self, app: ASGIApp, requests: list[SeenRequest], faults: Faults) -> None:
        """Wrap an application.

        Args:
            app: The application.
            requests: The list to append each request to.
            faults: The faults requested.
        """
        self._app = app
        self._requests = requests
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a request, with a fault if it triggers one."""
        if scope["path"].startswith(CONTROL):
            await self._app(scope, receive, send)
            return
        seen = SeenRequest(
            scope["method"],
            scope["path"],
            parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True),
            {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        )
        self._requests.append(seen)
        body = await _body(receive)
        seen.body = body.decode("utf-8", "replace")

        async def recording_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
            await send(message)

        async def call_app(send: Send) -> None:
            await self._app(scope, _replay(body, receive), send)

        fault = self._faults.trigger(seen.method, seen.path, seen.query)
        if fault is None:
            await call_app(recording_send)
            return
        seen.fault = fault.kind
        # Faults in the data rather than in the delivery are applied by the API itself.
        scope["state"]["fault"] = fault
        apply_fault = TRANSPORT_FAULTS.get(fault.kind)
        if apply_fault is None:
            await call_app(recording_send)
        else:
            await apply_fault(Exchange(scope, receive, recording_send, call_app, fault))


async def _body(receive: Receive) -> bytes:
    """Read the complete body of a request."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` callable that delivers a body again after it was read."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return left.pop() if left else await receive()

    return replay

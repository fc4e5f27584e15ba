"""What stands before both APIs: notes every request, and triggers faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from sandbox.exchange import Exchange
from sandbox.transport_faults import TRANSPORT_FAULTS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from sandbox.faults import Faults

#: Where the sandbox itself is asked for things; not noted, and no fault is triggered there.
CONTROL = "/_sandbox/"


@dataclass
class SeenRequest:
    """A request that was received.

    Attributes:
        method: Its method.
        path: Its path.
        query: Its query, as names and values in the order sent.
        headers: Its headers, by name in small letters.
        body: Its body, as text.
        fault: The kind of fault it triggered, if any.
        status: The HTTP status it was answered with; ``None`` while it waits, and if it was never
            answered.
    """

    method: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    fault: str | None = None
    status: int | None = None

    def values(self, name: str) -> list[str]:
        """All values of a parameter.

        Args:
            name: The parameter, such as `group_by[]`.

        Returns:
            Its values, in the order sent.
        """
        return [value for key, value in self.query if key == name]


class RecordingMiddleware:
    """An application around another one that notes requests and triggers faults."""

    def __init__(self, app: ASGIApp, requests: list[SeenRequest], faults: Faults) -> None:
        """Stand before an application.

        Args:
            app: What answers the requests.
            requests: Where to note them, in the order they come.
            faults: The faults requested.
        """
        self._app = app
        self._requests = requests
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request.

        Args:
            scope: The request.
            receive: Where its body comes from.
            send: Where the response goes.
        """
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
        # Some faults are in the data, not in the delivery: the API itself looks for them.
        scope["state"]["fault"] = fault
        apply_fault = TRANSPORT_FAULTS.get(fault.kind)
        if apply_fault is None:
            await call_app(recording_send)
        else:
            await apply_fault(Exchange(scope, receive, recording_send, call_app, fault))


async def _body(receive: Receive) -> bytes:
    """The whole body of a request."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A second reading of a body that was read already."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return left.pop() if left else await receive()

    return replay

"""A request and the means to respond to it in any way, well or badly."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.responses import Response
    from starlette.types import Message, Receive, Scope, Send

    from sandbox.faults import Fault


@dataclass
class Exchange:
    """A request that triggers a fault, and the means to respond to it.

    Attributes:
        scope: The ASGI scope of the request.
        receive: ASGI callable that reports when the client disconnects.
        send: ASGI callable that sends the response.
        call_app: Makes the good response and sends it through the given callable.
        fault: The fault.
    """

    scope: Scope
    receive: Receive
    send: Send
    call_app: Callable[[Send], Awaitable[None]]
    fault: Fault

    async def good_response(self) -> tuple[Message, bytes]:
        """Make the good response without sending it.

        Returns:
            The start message, without its Content-Length header, and the body.
        """
        start: Message = {}
        body = bytearray()

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.extend(message.get("body", b""))

        await self.call_app(keep)
        start["headers"] = [pair for pair in start["headers"] if pair[0] != b"content-length"]
        return start, bytes(body)

    async def respond_with_body(self, start: Message, body: bytes) -> None:
        """Send a response whose Content-Length is the length of its body."""
        await self.start(start, len(body))
        await self.send({"type": "http.response.body", "body": body})

    async def start(self, start: Message, length: int) -> None:
        """Send the start of a response, with `length` as its Content-Length."""
        length_header = (b"content-length", str(length).encode())
        await self.send({**start, "headers": [*start["headers"], length_header]})

    async def send_more(self, body: bytes) -> None:
        """Send a part of the body that is not the last."""
        await self.send({"type": "http.response.body", "body": body, "more_body": True})

    async def respond(self, response: Response) -> None:
        """Send a complete response."""
        await response(self.scope, self.receive, self.send)

    async def wait_for_disconnect(self, seconds: float | None = None) -> bool:
        """Wait until the client disconnects.

        Args:
            seconds: The longest time to wait; `None` for no limit.

        Returns:
            Whether the client has disconnected.
        """

        async def disconnected() -> None:
            while (await self.receive())["type"] != "http.disconnect":
                pass

        try:
            await asyncio.wait_for(disconnected(), seconds)
        except TimeoutError:
            return False
        return True

    async def close(self, *, reset: bool) -> None:
        """Close the connection.

        Args:
            reset: Whether the client gets a TCP reset (RST) instead of an orderly end (FIN).
        """
        transport: asyncio.Transport = self.scope["state"]["transport"]
        if reset:
            # With SO_LINGER at 0 seconds, closing the socket sends a reset.
            linger = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, linger
            )
            transport.abort()
        else:
            transport.close()
        await self.wait_for_disconnect()

"""An exchange with a client: a request, and full control over how it is answered."""

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
    """A request that triggers a fault, and the way to answer it.

    Attributes:
        scope: The request.
        receive: Where to hear that the client has gone.
        send: Where to answer.
        call_app: What answers it well, to where it is told.
        fault: The fault.
    """

    scope: Scope
    receive: Receive
    send: Send
    call_app: Callable[[Send], Awaitable[None]]
    fault: Fault

    async def good_response(self) -> tuple[Message, bytes]:
        """Let the request be answered, and hold the response back.

        Returns:
            The start of the response, without its Content-Length, and its body.
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
        """Answer with a body and its true length.

        Args:
            start: The start of the response.
            body: The body.
        """
        await self.start(start, len(body))
        await self.send({"type": "http.response.body", "body": body})

    async def start(self, start: Message, length: int) -> None:
        """Begin a response.

        Args:
            start: The start of the response.
            length: The Content-Length to announce.
        """
        length_header = (b"content-length", str(length).encode())
        await self.send({**start, "headers": [*start["headers"], length_header]})

    async def send_more(self, body: bytes) -> None:
        """Send a part of the body that is not the last.

        Args:
            body: The part.
        """
        await self.send({"type": "http.response.body", "body": body, "more_body": True})

    async def respond(self, response: Response) -> None:
        """Answer with a whole response.

        Args:
            response: The response.
        """
        await response(self.scope, self.receive, self.send)

    async def wait_for_disconnect(self, seconds: float | None = None) -> bool:
        """Wait for the client to go.

        Args:
            seconds: For how long; ``None`` waits for ever.

        Returns:
            Whether it has gone.
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
        """End the connection.

        Args:
            reset: Whether the client is to see a reset rather than an end.
        """
        transport: asyncio.Transport = self.scope["state"]["transport"]
        if reset:
            linger = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, linger
            )
            transport.abort()
        else:
            transport.close()
        await self.wait_for_disconnect()

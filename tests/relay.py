"""A server between a tap and the sandbox that writes each response itself, byte by byte."""

from __future__ import annotations

import contextlib
import http.client
import threading
from email.parser import BytesHeaderParser
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from email.message import Message

    from sandbox.server import Sandbox

    #: Takes the body of the sandbox's response, and sends a response.
    Deliver: TypeAlias = Callable[[socket.socket, bytes], None]


def relay(sandbox: Sandbox, deliver: Deliver) -> Callable[[socket.socket], None]:
    """Make a handler for ``Servers.start``: connections stay open, and are served side by side.

    Args:
        sandbox: Makes the content of the responses.
        deliver: Sends it to the tap.
    """

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError), connection.makefile("rb") as reader:
            while request_line := reader.readline().decode():
                method, target, _ = request_line.split()
                headers = _read_headers(reader.readline)
                body = reader.read(int(headers.get("Content-Length", 0)))
                deliver(connection, _forward(sandbox, method, target, headers, body))

    def handle(connection: socket.socket) -> None:
        # A duplicate: the server closes the original as soon as this returns.
        threading.Thread(target=serve, args=[connection.dup()], daemon=True).start()

    return handle


def response(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """Write a response with a Content-Length, and these header lines."""
    # The length first: Python reads no header behind one that is none.
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])


def _read_headers(readline: Callable[[], bytes]) -> Message:
    lines = []
    while (line := readline()) not in {b"\r\n", b""}:
        lines.append(line)
    return BytesHeaderParser().parsebytes(b"".join(lines))


def _forward(sandbox: Sandbox, method: str, target: str, headers: Message, body: bytes) -> bytes:
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc)
    kept = ("Authorization", "Content-Type", "Cookie", "X-API-Key")
    with contextlib.closing(connection):
        connection.request(
            method, target, body or None, {name: headers[name] for name in kept if name in headers}
        )
        return connection.getresponse().read()

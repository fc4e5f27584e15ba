"""Server of the benchmark: sends prepared bytes, in a process that does nothing else."""

from __future__ import annotations

import asyncio
import http.client
import multiprocessing
import time
from typing import TYPE_CHECKING, Self, cast

import httptools

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from multiprocessing.connection import Connection

    from benchmarks.responses import Responses

_STARTUP_TIMEOUT = 60


class _Protocol(asyncio.Protocol):
    """One connection; the first segment of a request's path selects the responses."""

    def __init__(self, parts: Mapping[str, Responses]) -> None:
        self._parts = parts
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._target = b""

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_message_complete(self) -> None:
        path, _, query = self._target.decode().partition("?")
        _, part, path = path.split("/", 2)
        responses = self._parts[part]
        response = responses.find(f"/{path}", query)
        if responses.seconds:
            asyncio.get_running_loop().call_later(responses.seconds, self._send, response)
        else:
            self._transport.write(response)

    def _send(self, response: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(response)


async def _serve(parts: Mapping[str, Responses], ready: Connection) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Protocol(parts), "127.0.0.1", 0)
    ready.send(server.sockets[0].getsockname()[1])
    async with server:
        await server.serve_forever()


def _run(parts: Mapping[str, Responses], ready: Connection) -> None:
    try:
        asyncio.run(_serve(parts, ready))
    except KeyboardInterrupt:
        return


class Server:
    """The server, for the duration of a ``with`` block.

    Attributes:
        port: The local port.
    """

    def __init__(self, parts: Mapping[str, Responses]) -> None:
        """Prepare the process; ``parts`` has the responses by the first segment of the path."""
        context = multiprocessing.get_context("spawn")
        self._ready, child = context.Pipe(duplex=False)
        self._process = context.Process(target=_run, args=(parts, child), daemon=True)

    def __enter__(self) -> Self:
        """Start the server and wait until it listens.

        Raises:
            TimeoutError: The server has not started within a minute.
        """
        self._process.start()
        if not self._ready.poll(_STARTUP_TIMEOUT):
            message = "The server has not started"
            raise TimeoutError(message)
        self.port: int = self._ready.recv()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server."""
        self._process.terminate()
        self._process.join()

    def url(self, part: str) -> str:
        """Return the URL of a part."""
        return f"http://127.0.0.1:{self.port}/{part}"

    def capacity(self, targets: Sequence[str]) -> tuple[float, float]:
        """Measure how much the server can send to a client that does almost nothing.

        Args:
            targets: The paths to request, one after the other over one connection.

        Returns:
            Requests per second, and megabytes (of a million bytes) per second.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        size = 0
        started = time.perf_counter()
        for target in targets:
            connection.request("GET", target)
            size += len(connection.getresponse().read())
        seconds = time.perf_counter() - started
        connection.close()
        return len(targets) / seconds, size / seconds / 1e6

"""Both APIs as one local server."""

from __future__ import annotations

import asyncio
import socket
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.adcloud import Settings, Tokens
from sandbox.adcloud.app import Api as AdcloudApi
from sandbox.adsterra.app import Api as AdsterraApi
from sandbox.adsterra.errors import no_route, not_allowed
from sandbox.clock import Clock
from sandbox.control import Control
from sandbox.errors import error_for
from sandbox.faults import Faults
from sandbox.middleware import RecordingMiddleware, SeenRequest
from sandbox.numbers import to_json

if TYPE_CHECKING:
    from datetime import datetime
    from types import TracebackType

    from starlette.requests import Request

_STARTUP_TIMEOUT = 10.0


class _Protocol(HttpToolsProtocol):
    """HTTP protocol that passes the connection to the application, so that a fault can break it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["transport"] = self.transport


class _Server(uvicorn.Server):
    """Server that starts and stops at once, without waiting for open connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = Event()
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self.ready.set()

    async def main_loop(self) -> None:
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=1)

    def stop(self) -> None:
        """End the main loop; can be called from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)


class Sandbox:
    """Both APIs on a local port, for the duration of a `with` block.

    Attributes:
        clock: The clock; may be changed at any time.
        adcloud: The settings of the Adcloud API; may be changed at any time.
        tokens: The tokens of the Adcloud API; `tokens.revoke_all()` invalidates them.
        faults: The faults requested.
        requests: Every request received, in order; `requests.clear()` empties the list.
        url: The URL of the server.
        adsterra_url: The base URL of the Adsterra API.
        adcloud_url: The base URL of the Adcloud API, without a version.
        app: The same as an ASGI application, for requests without a network.
    """

    def __init__(
        self,
        now: datetime | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        adcloud: Settings | None = None,
    ) -> None:
        """Bind the port; the server does not respond before `start`.

        Args:
            now: The time to freeze the clock at; `None` for the real clock.
            host: The address to bind.
            port: The port to bind; 0 picks a free one.
            adcloud: The settings of the Adcloud API; `None` for the defaults.

        Raises:
            OSError: The port is in use.
        """
        self.clock = Clock(now)
        self.adcloud = adcloud or Settings()
        self.tokens = Tokens(self.clock, self.adcloud)
        self.faults = Faults()
        self.requests: list[SeenRequest] = []
        self._socket = _listening_socket(host, port)
        self.url = f"http://{host}:{self._socket.getsockname()[1]}"
        self.adsterra_url = f"{self.url}/publisher"
        self.adcloud_url = self.url
        routes = [
            *AdsterraApi(self.clock).routes(),
            *AdcloudApi(self.clock, self.adcloud, self.tokens).routes(),
            *Control(self).routes(),
        ]
        self.app = RecordingMiddleware(
            Starlette(routes=routes, exception_handlers=_HANDLERS), self.requests, self.faults
        )
        config = uvicorn.Config(
            self.app,
            http=_Protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            date_header=False,
            server_header=False,
        )
        self._server = _Server(config)
        self._thread = Thread(target=self._server.run, args=([self._socket],), daemon=True)

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the server."""
        self.stop()

    def start(self) -> None:
        """Start the server and wait until it accepts requests.

        Raises:
            TimeoutError: The server has not started within 10 seconds.
        """
        self._thread.start()
        if not self._server.ready.wait(_STARTUP_TIMEOUT):
            message = "The sandbox has not started"
            raise TimeoutError(message)

    def stop(self) -> None:
        """Stop the server at once; it cannot be started again.

        Requests in progress are dropped.
        """
        if self._thread.is_alive():
            self._server.stop()
            self._thread.join(_STARTUP_TIMEOUT)
        self._socket.close()


def _listening_socket(host: str, port: int) -> socket.socket:
    """Bind a TCP socket.

    The protocol is given because asyncio sets TCP_NODELAY only on a socket whose protocol is TCP.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise
    return listening


async def _http_error(request: Request, error: Exception) -> Response:
    """Return the response to an unknown path or method, in the form of its API."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    method, path = request.method, request.url.path
    headers = error.headers if isinstance(error, HTTPException) else None
    body: dict[str, Any]
    if not path.startswith("/publisher"):
        body = error_for(path, status)
    elif status == 405:  # noqa: PLR2004 - Adsterra's own body; HEAD is refused too.
        body, headers = not_allowed(method, path), {"Allow": "GET"}
    else:
        body = no_route(method, path)
    return Response(to_json(body), status, headers, media_type="application/json")


_HANDLERS = {HTTPException: _http_error}

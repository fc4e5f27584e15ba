"""The sandbox without a network: a request is a call that returns its response.

Everything else is as it is for users: sessions, authentication, attempts, decoding. A request costs
a quarter of what it costs over a socket, which is what a test of a hundred thousand requests needs.
"""

from __future__ import annotations

import io
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

if TYPE_CHECKING:
    import requests
    from starlette.types import Message, Scope

    from sandbox.server import Sandbox


class AsgiAdapter(HTTPAdapter):
    """Takes requests to the sandbox; faults that break connections need the real one."""

    def __init__(self, sandbox: Sandbox) -> None:
        """Answer for a sandbox."""
        super().__init__()
        self.sandbox = sandbox

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        """Answer a request."""
        assert request.url is not None
        url = urlsplit(request.url)
        scope: Scope = {
            "type": "http",
            "method": request.method,
            "scheme": url.scheme,
            "path": url.path,
            "query_string": url.query.encode(),
            "headers": [
                (name.lower().encode(), value.encode())
                for name, value in {"Host": url.netloc, **request.headers}.items()
            ],
            "state": {},
        }
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body}

        async def send(message: Message) -> None:
            sent.append(message)

        responding = self.sandbox.app(scope, receive, send)
        # Nothing in it waits, so there is no need of a loop.
        try:
            responding.send(None)
        except StopIteration:
            pass
        else:
            message = "this fault needs the sandbox behind a socket"
            raise NotImplementedError(message)
        start = sent[0]
        response = HTTPResponse(
            io.BytesIO(b"".join(message.get("body", b"") for message in sent[1:])),
            HTTPHeaderDict([(name.decode(), value.decode()) for name, value in start["headers"]]),
            start["status"],
            reason=HTTPStatus(start["status"]).phrase,
            preload_content=False,
        )
        return self.build_response(request, response)

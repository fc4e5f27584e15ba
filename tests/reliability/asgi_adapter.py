"""The sandbox without a network: a request is a function call.

Sessions, authentication, retries and decoding are the real ones. A request takes a quarter of the
time that it takes over a socket, so that a test can make a hundred thousand of them.
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
    """Sends requests to the sandbox in this process; cannot break connections."""

    def __init__(self, sandbox: Sandbox) -> None:
        """Send requests to this sandbox."""
        super().__init__()
        self.sandbox = sandbox

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        """Return the response to a request."""
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
        # The app never waits, so no event loop is needed.
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

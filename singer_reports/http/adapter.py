"""Connections that stay in step: a response is never taken for that of another request."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING, Any, BinaryIO

from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    import socket

#: So many informational responses may precede a response; a server that sends more never answers.
MAX_INFORMATIONAL = 16
#: The maximum size of the lines around the chunks of a body, in bytes: those behind it never end if
#: a server goes on sending them.
MAX_LINE_BYTES = 64 * 1024**2


class CountedLines:
    """The file of a response in chunks; refuses more lines than a response can need."""

    def __init__(self, file: BinaryIO) -> None:
        """Start with no line read."""
        self._file = file
        self._size = 0
        self.read = file.read
        self.close = file.close

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Return what is not about lines from the file."""
        return getattr(self._file, name)

    def readline(self, limit: int = -1) -> bytes:
        """Read a line."""
        line = self._file.readline(limit)
        self._size += len(line)
        if self._size > MAX_LINE_BYTES:
            message = "too many lines around the chunks"
            raise http.client.HTTPException(message)
        return line


class FinalResponse(http.client.HTTPResponse):
    """A response that skips the informational ones before it (RFC 9110, section 15.2).

    Python's own skips 100 only, and any number of them: it takes 103 for the whole response, and
    the response that follows for that of the next request on the same connection.
    """

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:  # noqa: ANN401
        """Note the timeout, within which the response must begin."""
        super().__init__(sock, *args, **options)
        self._timeout = sock.gettimeout()

    # Private: the only part of reading a response that comes before its headers.
    def _read_status(self) -> tuple[str, int, str]:
        started = time.monotonic()
        for _ in range(MAX_INFORMATIONAL + 1):
            status_line: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
            if status_line[1] >= http.client.OK:
                return status_line
            http.client.parse_headers(self.fp)
            # Each of them has come in time, and still none of them is the response.
            if self._timeout is not None and time.monotonic() - started >= self._timeout:
                message = "nothing but informational responses in time"
                raise TimeoutError(message)
        message = "too many informational responses"
        raise http.client.HTTPException(message)

    def begin(self) -> None:
        """Read the headers; two lengths are none to go by (RFC 9112, section 6.3).

        The lines behind a body in chunks are counted, which urllib3 reads without end.
        """
        super().begin()
        lengths = ",".join(self.headers.get_all("Content-Length", [])).split(",")
        if len({length.strip() for length in lengths}) > 1:
            message = "several lengths"
            raise http.client.HTTPException(message)
        if self.chunked:
            self.fp: Any = CountedLines(self.fp)


class ReportAdapter(HTTPAdapter):
    """Sends requests on such connections."""

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        """Return the connections to a host, also those through a proxy."""
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        kind = pool.ConnectionCls
        if kind.response_class is not FinalResponse:
            pool.ConnectionCls = type(kind.__name__, (kind,), {"response_class": FinalResponse})
        return pool

"""Connections stay in step, and what is not HTTP ends in a sentence: on real sockets."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from singer_reports.http import adapter
from singer_reports.http.adapter import MAX_INFORMATIONAL
from tests.relay import relay, response
from tests.servers import Servers
from tests.support import Adcloud, Adsterra

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox.server import Sandbox
    from tests.relay import Deliver
    from tests.support import RunResult

NOT_HTTP = "answered with something that is not HTTP"
CUT_SHORT = "was cut short"
UNREADABLE = "cannot be read. If it stays so, ask whoever runs 127.0.0.1"
#: Really waits, which ``time.sleep`` does not in tests.
pause = threading.Event().wait


class Api(NamedTuple):
    """A tap whose API is read through a relay."""

    runner: Adsterra | Adcloud
    stream: str
    servers: Servers

    def run(self, deliver: Deliver | None = None, **options: Any) -> RunResult:
        """Read several days, a request each, through a relay if one is wanted."""
        sandbox = self.runner.sandbox
        sandbox.requests.clear()
        changes = {"start_date": "2024-04-21", "end_date": "2024-04-30", **options}
        if isinstance(self.runner, Adsterra):
            changes["window_days"] = 1
        if deliver:
            path = urlsplit(str(self.runner.settings()["api_url"])).path
            changes["api_url"] = f"http://{self.servers.start(relay(sandbox, deliver))}{path}"
        return self.runner.run(self.stream, **changes)


@pytest.fixture(params=["adsterra", "adcloud"])
def api(
    request: pytest.FixtureRequest,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Api]:
    """Each tap in turn."""
    with Servers(tmp_path) as servers:
        if request.param == "adsterra":
            yield Api(Adsterra(sandbox, monkeypatch), "stats", servers)
        else:
            sandbox.adcloud.rows_per_day = 30
            yield Api(Adcloud(sandbox, monkeypatch), "advertiser_report", servers)


def announced(status_line: bytes, times: int) -> Deliver:
    """Send informational responses, and the response when they have surely been read."""

    def deliver(connection: socket.socket, body: bytes) -> None:
        for _ in range(times):
            connection.sendall(b"HTTP/1.1 " + status_line + b"\r\nLink: </style.css>\r\n\r\n")
            pause(0.005)
        connection.sendall(response(body))

    return deliver


def altogether(status_line: bytes) -> Deliver:
    """Send an informational response and the response at once."""
    return lambda connection, body: connection.sendall(
        b"HTTP/1.1 " + status_line + b"\r\n\r\n" + response(body)
    )


INFORMATIONAL = [b"100 Continue", b"102 Processing", b"103 Early Hints"]


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("status_line", INFORMATIONAL)
def test_a_response_that_is_announced_first_is_read(
    api: Api, status_line: bytes, times: int
) -> None:
    undisturbed = api.run()
    for deliver in (announced(status_line, times), altogether(status_line)):
        run = api.run(deliver)
        assert run.error is None
        assert run.without_times() == undisturbed.without_times()


@pytest.mark.parametrize("status_line", INFORMATIONAL)
def test_a_response_that_is_announced_for_ever_ends_the_run(api: Api, status_line: bytes) -> None:
    sent: list[int] = []

    def deliver(connection: socket.socket, _: bytes) -> None:
        sent.append(0)
        for _number in range(100 * MAX_INFORMATIONAL):
            connection.sendall(b"HTTP/1.1 " + status_line + b"\r\n\r\n")
            sent[-1] += 1
            pause(0.001)

    run = api.run(deliver)
    assert UNREADABLE in str(run.error)
    assert "try 6 of 6" in str(run.error)
    assert run.records(api.stream) == []
    assert max(sent) < 50 * MAX_INFORMATIONAL


def test_a_response_that_is_announced_slowly_must_begin_in_time(api: Api) -> None:
    undisturbed = api.run()
    sent: list[int] = []

    def deliver(connection: socket.socket, body: bytes) -> None:
        sent.append(0)
        while len(sent) == 1 and sent[0] < MAX_INFORMATIONAL:
            connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
            sent[0] += 1
            pause(0.4)
        connection.sendall(response(body))

    run = api.run(deliver, request_timeout=1, max_concurrency=1)
    assert run.error is None
    assert run.without_times() == undisturbed.without_times()
    assert sent[0] < MAX_INFORMATIONAL // 2


def test_trailers_without_end_end_the_run(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "MAX_LINE_BYTES", 10_000)

    def deliver(connection: socket.socket, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head + b"%x\r\n%s\r\n0\r\n" % (len(body), body))
        for _ in range(1000):
            connection.sendall(b"X-Trailer: 1\r\n" * 100)
        connection.sendall(b"\r\n")

    run = api.run(deliver)
    assert CUT_SHORT in str(run.error)
    assert "try 6 of 6" in str(run.error)
    assert run.records(api.stream) == []


def raw(write: Callable[[bytes], bytes]) -> Deliver:
    """Send the bytes that a function makes of the body."""
    return lambda connection, body: connection.sendall(write(body))


def cut(write: Callable[[bytes], bytes]) -> Deliver:
    """Send such bytes, and end the connection."""

    def deliver(connection: socket.socket, body: bytes) -> None:
        connection.sendall(write(body))
        connection.shutdown(socket.SHUT_RDWR)

    return deliver


def chunk_of(size: bytes) -> Deliver:
    """Send the body as a chunk of a wrong size."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return cut(lambda body: head + size + b"\r\n" + body)


BROKEN = {
    "two lengths": (raw(lambda body: response(body, b"Content-Length: 5")), UNREADABLE),
    "a chunk of less than nothing": (chunk_of(b"-5"), UNREADABLE),
    "a chunk of endless size": (chunk_of(b"F" * 40), CUT_SHORT),
    "a chunk of no size": (chunk_of(b"zz"), CUT_SHORT),
    "a chunk of an odd size": (chunk_of(b"1_0"), CUT_SHORT),
    "an endless length": (
        cut(lambda body: b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 40 + b"\r\n\r\n" + body),
        CUT_SHORT,
    ),
    "no gzip": (raw(lambda body: response(body, b"Content-Encoding: gzip")), UNREADABLE),
    "more encodings than anyone uses": (
        raw(lambda body: response(body, b"Content-Encoding: " + b", ".join([b"gzip"] * 20))),
        UNREADABLE,
    ),
    "200 headers": (
        raw(lambda body: response(body, *(b"X-%d: 1" % number for number in range(200)))),
        UNREADABLE,
    ),
    "an endless header": (raw(lambda body: response(body, b"X: " + b"x" * 70_000)), UNREADABLE),
    "HTTP/2": (raw(lambda body: b"HTTP/2 200 OK\r\n\r\n" + body), NOT_HTTP),
    "another protocol": (
        raw(lambda _: b"HTTP/1.1 101 Switching Protocols\r\n\r\n\0\1\0\n"),
        NOT_HTTP,
    ),
    "a redirect to no address": (
        raw(lambda body: response(body, b"Location: http://[", status=b"302 Found")),
        "wants to redirect to another address",
    ),
    "a redirect to bytes that are no text": (
        raw(lambda body: response(body, b"Location: http://\xff\xfe/", status=b"302 Found")),
        "wants to redirect to another address",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_response_ends_in_a_sentence(api: Api, name: str) -> None:
    deliver, expected = BROKEN[name]
    run = api.run(deliver)
    message = str(run.error)
    assert message.startswith(f"{api.stream} 2024-04-21: ")
    assert expected in message
    assert run.records(api.stream) == []


def test_a_broken_header_is_logged_without_a_traceback(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    run = api.run(raw(lambda body: response(body, b"no name")))
    assert run.error is None
    assert "Failed to parse headers" in caplog.text
    assert "Traceback" not in caplog.text


def test_no_cookie_is_kept(api: Api) -> None:
    cookies = (b"Set-Cookie: session=1; Path=/", b"Set-Cookie: other=2; Max-Age=9999")
    run = api.run(lambda connection, body: connection.sendall(response(body, *cookies)))
    assert run.error is None
    assert len(api.runner.sandbox.requests) >= 10
    assert not [each for each in api.runner.sandbox.requests if "cookie" in each.headers]

"""Faults in the delivery of a response: another response, a broken connection, a delay."""

from __future__ import annotations

import codecs
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from sandbox.body_faults import BODY_FAULTS, apply_body_fault
from sandbox.errors import error_for
from sandbox.numbers import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from sandbox.exchange import Exchange
    from sandbox.faults import Fault

_OK = 200
_PIECES = 20
_POLL_SECONDS = 0.01
_HTML = b"<!DOCTYPE html><html><head><title>Bad gateway</title></head><body>nginx</body></html>\n"


async def _status(exchange: Exchange) -> None:
    status = exchange.fault.status or 500
    body = error_for(exchange.scope["path"], status, exchange.fault.message)
    await exchange.respond(_json(body, status))


async def _rate_limit(exchange: Exchange) -> None:
    fault = exchange.fault
    status = fault.status or 429
    response = _json(error_for(exchange.scope["path"], status, "Too Many Requests"), status)
    if fault.seconds is not None:
        date = formatdate(time.time() + fault.seconds, usegmt=True)
        response.headers["Retry-After"] = date if fault.as_date else f"{fault.seconds:g}"
    await exchange.respond(response)


async def _html(exchange: Exchange) -> None:
    status = exchange.fault.status or 502
    await exchange.respond(Response(_HTML, status, media_type="text/html"))


async def _redirect(exchange: Exchange) -> None:
    headers = {"Location": exchange.fault.location}
    await exchange.respond(Response(b"", exchange.fault.status or 302, headers))


async def _empty(exchange: Exchange) -> None:
    status = exchange.fault.status or _OK
    await exchange.respond(Response(b"", status, media_type="application/json"))


async def _error_in_body(exchange: Exchange) -> None:
    body = error_for(exchange.scope["path"], exchange.fault.status or 500, exchange.fault.message)
    await exchange.respond(_json(body, _OK))


async def _hang(exchange: Exchange) -> None:
    begun = time.monotonic()
    # The time is read again in each round, because a test may shorten it meanwhile.
    while (left := begun + _seconds_to_hang(exchange.fault) - time.monotonic()) > 0:
        if await exchange.wait_for_disconnect(min(left, _POLL_SECONDS)):
            return
    await exchange.call_app(exchange.send)


def _seconds_to_hang(fault: Fault) -> float:
    return 3600.0 if fault.seconds is None else fault.seconds


async def _slow(exchange: Exchange) -> None:
    start, body = await exchange.good_response()
    seconds = 1.0 if exchange.fault.seconds is None else exchange.fault.seconds
    await exchange.start(start, len(body))
    piece = len(body) // _PIECES + 1
    for position in range(0, len(body), piece):
        if await exchange.wait_for_disconnect(seconds / _PIECES):
            return
        await exchange.send_more(body[position : position + piece])
    await exchange.send({"type": "http.response.body", "body": b""})


async def _reset(exchange: Exchange) -> None:
    await exchange.close(reset=True)


async def _reset_in_body(exchange: Exchange) -> None:
    start, body = await exchange.good_response()
    await exchange.start(start, len(body))
    await exchange.send_more(body[: len(body) // 2])
    # A reset discards what the client has not read yet, so give it time to read.
    await exchange.wait_for_disconnect(0.05)
    await exchange.close(reset=True)


async def _cut(exchange: Exchange) -> None:
    start, body = await exchange.good_response()
    await exchange.start(start, len(body))
    await exchange.send_more(body[: len(body) // 2])
    await exchange.close(reset=False)


async def _cut_chunked(exchange: Exchange) -> None:
    start, body = await exchange.good_response()
    await exchange.send(start)
    await exchange.send_more(body[: len(body) // 2])
    await exchange.close(reset=False)


async def _truncated(exchange: Exchange) -> None:
    start, body = await exchange.good_response()
    await exchange.respond_with_body(start, body[: len(body) // 2])


async def _gigantic(exchange: Exchange) -> None:
    start, body = await exchange.good_response()
    await exchange.start(start, exchange.fault.size + len(body))
    piece = b" " * 65_536
    for position in range(0, exchange.fault.size, len(piece)):
        await exchange.send_more(piece[: exchange.fault.size - position])
    await exchange.send({"type": "http.response.body", "body": body})


async def _byte_order_mark(exchange: Exchange) -> None:
    start, body = await exchange.good_response()
    await exchange.respond_with_body(start, codecs.BOM_UTF8 + body)


async def _body_fault(exchange: Exchange) -> None:
    start, body = await exchange.good_response()
    if start["status"] == _OK and (b"content-type", b"application/json") in start["headers"]:
        body = apply_body_fault(body, exchange.fault)
    await exchange.respond_with_body(start, body)


def _json(body: dict[str, Any], status: int) -> Response:
    """Return a JSON response."""
    return Response(to_json(body), status, media_type="application/json")


#: The function that sends the response, by kind of fault.
TRANSPORT_FAULTS: dict[str, Callable[[Exchange], Coroutine[Any, Any, None]]] = {
    "status": _status,
    "rate_limit": _rate_limit,
    "html": _html,
    "redirect": _redirect,
    "empty": _empty,
    "error_in_body": _error_in_body,
    "hang": _hang,
    "slow": _slow,
    "reset": _reset,
    "reset_in_body": _reset_in_body,
    "cut": _cut,
    "cut_chunked": _cut_chunked,
    "truncated": _truncated,
    "gigantic": _gigantic,
    "byte_order_mark": _byte_order_mark,
    **dict.fromkeys(BODY_FAULTS, _body_fault),
}

"""The routes of the Adsterra API: older ones with the token in the path, newer ones without."""

from __future__ import annotations

from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from sandbox.adsterra.accounts import ADVERTISER_TOKEN, DEMO, LARGE, REVOKED_TOKEN
from sandbox.adsterra.cells import last_update
from sandbox.adsterra.documented_samples import DOCUMENTS, sample
from sandbox.adsterra.errors import INVALID_OWNER, error_body
from sandbox.adsterra.query import InvalidParametersError, parameters, report, smart_links
from sandbox.adsterra.reports import rows
from sandbox.numbers import to_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.requests import Request

    from sandbox.adsterra.accounts import Account
    from sandbox.adsterra.reports import Report
    from sandbox.clock import Clock

    Handler: TypeAlias = Callable[[Request, Account], Response]

_ACCOUNTS = {account.token: account for account in (DEMO, LARGE, DOCUMENTS)}


class ApiError(Exception):
    """A request is answered with an error."""

    def __init__(self, status: int, message: str | None = None) -> None:
        """Say what the response is.

        Args:
            status: The HTTP status.
            message: What the response says; the documented text if absent.
        """
        super().__init__(status, message)
        self.status = status
        self.message = message


class Api:
    """The Adsterra API."""

    def __init__(self, clock: Clock) -> None:
        """Make the API.

        Args:
            clock: Tells what day it is.
        """
        self._clock = clock

    def routes(self) -> list[Route]:
        """All paths there are, each with and without a token in it.

        Returns:
            The routes, to be served below `/publisher`.
        """
        handlers: dict[str, Handler] = {
            "/domains.{format}": self._domains,
            "/domain/{domain_id:int}/placements.{format}": self._domain_placements,
            "/placements.{format}": self._placements,
            "/smart-links.{format}": self._smart_links,
            "/stats.{format}": self._stats,
        }
        return [
            Route(f"/publisher{prefix}{path}", _endpoint(handler))
            for path, handler in handlers.items()
            for prefix in ("", "/{token}")
        ]

    def _domains(self, _request: Request, account: Account) -> Response:
        return _items(account.domains)

    def _domain_placements(self, request: Request, account: Account) -> Response:
        found = account.placements_by_domain.get(request.path_params["domain_id"])
        if found is None:
            raise ApiError(404)
        return _items(found)

    def _placements(self, _request: Request, account: Account) -> Response:
        return _items(account.placements)

    def _smart_links(self, request: Request, account: Account) -> Response:
        wanted = smart_links(parameters(request.query_params.multi_items()))
        found = [row for row in account.smart_links if wanted.items() <= row.items()]
        return _json(to_json({"data": {"items": found}}))

    def _stats(self, request: Request, account: Account) -> Response:
        requested = report(parameters(request.query_params.multi_items()))
        now = self._clock.now
        updated = last_update(now)
        body = _stats_items(account, requested, updated)
        found = (
            sample(requested.group_by, requested.start, requested.finish)
            if account is DOCUMENTS
            else None
        )
        if found is not None:
            now, updated = found.responded, found.updated
        # The rows stay the same for ten minutes, the server's clock does not.
        times = f',"dbLastUpdateTime":"{_written(updated)}","dbDateTime":"{_written(now)}"}}'
        return _json(body + times.encode())


@lru_cache(maxsize=128)
def _stats_items(account: Account, requested: Report, updated: datetime) -> bytes:
    """The rows of a response, in an order of no meaning, up to where the times follow."""
    found = rows(account, requested, updated)
    if account is not DOCUMENTS:
        Random(f"{requested.start} {requested.group_by}").shuffle(found)  # noqa: S311 - not a secret.
    return to_json({"items": found, "itemCount": len(found)})[:-1]


def _items(found: tuple[dict[str, Any], ...]) -> Response:
    """The response with a list and its length."""
    return _json(to_json({"items": found, "itemCount": len(found)}))


def _json(body: bytes, status: int = 200) -> Response:
    """A response in JSON."""
    return Response(body, status, media_type="application/json")


def _written(time: datetime) -> str:
    """A time as the API writes it, without a zone."""
    return f"{time:%Y-%m-%d %H:%M:%S}"


def _endpoint(handler: Handler) -> Callable[[Request], Any]:
    """An endpoint that looks at method, format and token before it answers."""

    async def endpoint(request: Request) -> Response:
        if request.method != "GET":
            raise HTTPException(405)
        if request.path_params["format"] not in ("json", "xml", "csv"):
            raise HTTPException(404)
        try:
            return handler(request, _account(request))
        except InvalidParametersError as error:
            return _json(to_json(error_body(422, errors=error.errors)), 422)
        except ApiError as error:
            return _json(to_json(error_body(error.status, error.message)), error.status)

    return endpoint


def _account(request: Request) -> Account:
    """The account a request's token belongs to; only JSON has a documented shape."""
    token = request.path_params.get("token") or request.headers.get("x-api-key", "")
    if token == REVOKED_TOKEN:
        raise ApiError(403)
    if token == ADVERTISER_TOKEN:
        raise ApiError(403, INVALID_OWNER)
    account = _ACCOUNTS.get(token)
    if account is None:
        raise ApiError(401)
    if request.path_params["format"] != "json":
        raise ApiError(406, "The sandbox answers in JSON only")
    return account

"""Endpoints of the Adsterra API: older ones with the token in the path, newer ones without."""

from __future__ import annotations

from csv import DictWriter
from functools import lru_cache
from io import StringIO
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
from sandbox.numbers import from_json, to_json

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
    """Ends a request with an error response."""

    def __init__(self, status: int, message: str | None = None) -> None:
        """Describe the response; without a message it has the documented text."""
        super().__init__(status, message)
        self.status = status
        self.message = message


class Api:
    """The Adsterra API."""

    def __init__(self, clock: Clock) -> None:
        """Create the API."""
        self._clock = clock

    def routes(self) -> list[Route]:
        """Return the routes of all endpoints, each with and without a token in its path."""
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
        # The times are not cached with the rows: rows change every ten minutes, `now` always does.
        times = f',"dbLastUpdateTime":"{_written(updated)}","dbDateTime":"{_written(now)}"}}'
        return _json(body + times.encode())


@lru_cache(maxsize=128)
def _stats_items(account: Account, requested: Report, updated: datetime) -> bytes:
    """Return the body of a response up to its times.

    The rows are shuffled, because the API sends them in an order without meaning.
    """
    found = rows(account, requested, updated)
    if account is not DOCUMENTS:
        Random(f"{requested.start} {requested.group_by}").shuffle(found)  # noqa: S311 - not a secret.
    return to_json({"items": found, "itemCount": len(found)})[:-1]


def _items(found: tuple[dict[str, Any], ...]) -> Response:
    """Return the response with a list and its length."""
    return _json(to_json({"items": found, "itemCount": len(found)}))


def _json(body: bytes, status: int = 200) -> Response:
    """Return a JSON response."""
    return Response(body, status, media_type="application/json")


def _csv(response: Response) -> Response:
    """Return the rows of a response as CSV, with a header.

    The form is not documented; the columns are the fields of the rows, in their order.
    """
    envelope = from_json(bytes(response.body))
    found = (envelope.get("data") or envelope)["items"]
    text = StringIO()
    names = list(dict.fromkeys(name for row in found for name in row))
    writer = DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return Response(text.getvalue(), media_type="text/csv")


def _written(time: datetime) -> str:
    """Return a time in the API's format, which has no time zone."""
    return f"{time:%Y-%m-%d %H:%M:%S}"


def _endpoint(handler: Handler) -> Callable[[Request], Any]:
    """Return an endpoint that checks method, format and token, then calls the handler.

    Errors are in JSON, whatever the format is.
    """

    async def endpoint(request: Request) -> Response:
        if request.method != "GET":
            raise HTTPException(405)
        if request.path_params["format"] not in ("json", "xml", "csv"):
            raise HTTPException(404)
        try:
            response = handler(request, _account(request))
            return _csv(response) if request.path_params["format"] == "csv" else response
        except InvalidParametersError as error:
            return _json(to_json(error_body(422, errors=error.errors)), 422)
        except ApiError as error:
            return _json(to_json(error_body(error.status, error.message)), error.status)

    return endpoint


def _account(request: Request) -> Account:
    """Return the account that the token of a request belongs to.

    XML is refused, because its form is not documented.
    """
    token = request.path_params.get("token") or request.headers.get("x-api-key", "")
    if token == REVOKED_TOKEN:
        raise ApiError(403)
    if token == ADVERTISER_TOKEN:
        raise ApiError(403, INVALID_OWNER)
    account = _ACCOUNTS.get(token)
    if account is None:
        raise ApiError(401)
    if request.path_params["format"] == "xml":
        raise ApiError(406, "The sandbox answers in JSON and CSV only")
    return account

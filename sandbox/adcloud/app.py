"""Endpoints of the Adcloud API, in its two versions `/v1` and `/v2`."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from starlette.responses import Response
from starlette.routing import Route

from sandbox.adcloud import days
from sandbox.adcloud.envelopes import DEFAULT_PER_PAGE, MAX_PER_PAGE, Page
from sandbox.adcloud.errors import error_body, invalid_client
from sandbox.adcloud.filters import Filters
from sandbox.adcloud.inventory import COLLECTIONS, entities
from sandbox.adcloud.performance import performance
from sandbox.adcloud.settings import CLIENT_ID, CLIENT_SECRET
from sandbox.numbers import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from sandbox.adcloud.settings import Settings
    from sandbox.adcloud.tokens import Tokens
    from sandbox.clock import Clock
    from sandbox.faults import Fault

#: The type of the report's items in version 2, in their `_meta`.
REPORT_TYPE = "AdvertiserReport"
#: The type of an item of a campaign's performance, in its `_meta`.
PERFORMANCE_TYPE = "CampaignPerformanceData"


class ApiError(Exception):
    """Ends a request with an error response."""

    def __init__(
        self, status: int, message: str | None = None, details: dict[str, list[str]] | None = None
    ) -> None:
        """Describe the response.

        Args:
            status: The HTTP status.
            message: The message; `None` for the usual text of the status.
            details: What is wrong, by parameter; only version 2 sends it.
        """
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.details = details


class Api:
    """The Adcloud API."""

    def __init__(self, clock: Clock, settings: Settings, tokens: Tokens) -> None:
        """Create the API; settings may change while it is in use."""
        self._clock = clock
        self._settings = settings
        self._tokens = tokens

    def routes(self) -> list[Route]:
        """Return the routes of all endpoints."""
        result = []
        for version in ("v1", "v2"):
            path = f"/{version}/oauth/access_token"
            result.append(Route(path, self._token, methods=["POST"]))
            path = f"/{version}/reports/advertiser"
            result.append(Route(path, self._endpoint(version, self._report)))
        path = "/v2/campaign_performance_data"
        result.append(Route(path, self._endpoint("v2", self._performance)))
        for resource in COLLECTIONS:
            path = f"/v2/{resource}"
            result.append(Route(path, self._endpoint("v2", self._entities)))
            result.append(Route(f"{path}/{{id:int}}", self._endpoint("v2", self._entity)))
        return result

    async def _token(self, request: Request) -> Response:
        form = {
            name: values[-1] for name, values in parse_qs((await request.body()).decode()).items()
        }
        fault = _fault(request, "bad_credentials")
        client = (form.get("client_id"), form.get("client_secret"))
        if fault is not None or client != (CLIENT_ID, CLIENT_SECRET):
            status = fault.status if fault and fault.status else self._settings.refusal_status
            return _json(to_json(invalid_client()), status)
        if form.get("grant_type") != "none":
            return _json(to_json({"error": "unsupported_grant_type"}), 400)
        token = self._tokens.issue()
        body: dict[str, Any] = {"access_token": token, "scope": ""}
        if request.url.path.startswith("/v2"):
            # In both places, as in the fixtures of Adcloud's own client.
            body = {"_meta": {"access_token": token, "scope": ""}, **body}
            if self._settings.token_in_meta:
                del body["access_token"], body["scope"]
        return _json(to_json(body))

    def _endpoint(
        self, version: str, handler: Callable[[Request, str, str], bytes]
    ) -> Callable[[Request], Any]:
        """Return an endpoint that checks the token, then calls the handler."""

        async def endpoint(request: Request) -> Response:
            try:
                return _json(handler(request, version, self._authorized(request)))
            except ApiError as error:
                body = error_body(version, error.status, error.message, error.details)
                return _json(to_json(body), error.status)

        return endpoint

    def _authorized(self, request: Request) -> str:
        """Return the token of a request if it is valid; otherwise end it with a 401."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            token = request.query_params.get("access_token", "")
        if _fault(request, "dead_token"):
            self._tokens.revoke(token)
        if not self._tokens.use(token):
            raise ApiError(401)
        return token

    def _report(self, request: Request, version: str, token: str) -> bytes:
        date_text = request.query_params.get("filter[date]")
        if not date_text:
            raise ApiError(400, "filter[date] is missing", {"date": ["cannot be empty"]})
        try:
            day = date.fromisoformat(date_text)
        except ValueError:
            raise ApiError(400, "filter[date] is no date", {"date": ["is invalid"]}) from None
        settings = self._settings
        backend = request.query_params.get("new_backend", settings.new_backend)
        new_backend = version == "v2" and backend in {True, "true", "1"}
        known = days.snapshot(day, self._clock.now, settings.timezone)
        rows: Sequence[bytes] = ()
        if known is not None:
            rows = days.row_texts(
                day, known, settings.rows_per_day, settings.page_type, new_backend=new_backend
            )
        filters = Filters(request.query_params.multi_items())
        if filters.has("date"):
            rows = [row for row in rows if filters.match(from_json(row), "date")]
        page = _page(request, rows, filters.pairs)
        if version == "v2":
            return page.to_v2(REPORT_TYPE)
        announce = settings.pages == "always" or (
            settings.pages == "sometimes" and day.day % 2 == 0
        )
        return page.to_v1(token, announce_pages=announce)

    def _entities(self, request: Request, _version: str, _token: str) -> bytes:
        resource = request.url.path.rpartition("/")[2]
        filters = Filters(request.query_params.multi_items())
        found = [to_json(row) for row in entities(resource) if filters.match(row)]
        return _page(request, found, filters.pairs).to_v2(COLLECTIONS[resource].item_type)

    def _entity(self, request: Request, _version: str, _token: str) -> bytes:
        resource = request.url.path.split("/")[-2]
        for row in entities(resource):
            if row["id"] == request.path_params["id"]:
                return to_json(row | {"_meta": {"type": COLLECTIONS[resource].item_type}})
        raise ApiError(404)

    def _performance(self, request: Request, _version: str, _token: str) -> bytes:
        id_list = request.query_params.get("campaign_ids", "")
        try:
            campaign_ids = [int(number) for number in id_list.split(",")]
        except ValueError:
            message = "campaign_ids is missing or wrong"
            raise ApiError(400, message, {"campaign_ids": ["is invalid"]}) from None
        found = [to_json(row) for row in performance(campaign_ids, self._clock.now)]
        page = _page(request, found, [("campaign_ids", id_list)])
        return page.to_v2(PERFORMANCE_TYPE)


def _page(request: Request, rows: Sequence[bytes], query: Sequence[tuple[str, str]]) -> Page:
    """Return the page of a collection that a request selects.

    A `per_page` above the maximum is reduced to it; what the real API does is not documented.
    """
    number = _natural(request, "page", 1)
    per_page = min(_natural(request, "per_page", DEFAULT_PER_PAGE), MAX_PER_PAGE)
    start = (number - 1) * per_page
    fault = _fault(request, "page_shift")
    if fault is not None:
        start = max(0, start - fault.by)
    url = f"{request.url.scheme}://{request.url.netloc}{request.url.path}"
    return Page(url, query, rows[start : start + per_page], number, per_page, len(rows))


def _natural(request: Request, name: str, default: int) -> int:
    """Return a parameter that must be an integer of at least 1."""
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):  # noqa: PLR2004
        raise ApiError(400, f"{name} is wrong", {name: ["is invalid"]})
    return int(text)


def _fault(request: Request, kind: str) -> Fault | None:
    """Return the fault that a request triggers, if it is of this kind."""
    fault: Fault | None = request.scope["state"].get("fault")
    return fault if fault is not None and fault.kind == kind else None


def _json(body: bytes, status: int = 200) -> Response:
    """Return a JSON response."""
    return Response(body, status, media_type="application/json")

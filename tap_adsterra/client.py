"""The Adsterra Publishers API: URL, authentication and errors.

Sources: *Adsterra Publishers API*, version 3.0.0 (OpenAPI), and the help article *How to get
statistics via API* (version 2.3), which still puts the token into the path.
"""

from __future__ import annotations

import codecs
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic

import msgspec
from singer_sdk import StreamSchema
from singer_sdk.authenticators import APIAuthenticatorBase, APIKeyAuthenticator

from singer_reports.http.errors import CredentialsError
from singer_reports.records.envelope import AnyRow, EmptyObject, Envelope, list_of
from singer_reports.records.schemas import schemas_of
from singer_reports.streams.full_table import FullTableStream

if TYPE_CHECKING:
    from collections.abc import Sequence

    import requests

    from singer_reports.http.errors import RequestError

SCHEMAS = schemas_of("tap_adsterra")

#: What each documented error means to the user, by status and message (API 3.0.0, Responses).
ERROR_MESSAGES = {
    (401, "Token not found"): (
        "Adsterra does not know this api_token. Copy it again as Settings, API showed it, or "
        "generate a new one there."
    ),
    (403, "Invalid token"): (
        "this api_token has been revoked, replaced, or has expired (a token lives one year). "
        "Generate a new one under Settings, API."
    ),
    (403, "Invalid owner type"): (
        "this api_token belongs to an advertiser's account, and the Publishers API is for "
        "publishers. Use a token of a publisher's account."
    ),
    (404, "'Zone' entity does not exist"): (
        "Adsterra knows no such domain in this account. Check the domain in the setting reports "
        "against the ids of the stream domains."
    ),
}


class ItemsResponse(Envelope[AnyRow], Generic[AnyRow], rename="camel"):
    """The response of every endpoint except smart links (API 3.0.0, Responses)."""

    items: list[AnyRow] | EmptyObject
    item_count: int | None = None
    db_last_update_time: str | None = None

    @property
    def rows(self) -> list[AnyRow]:
        """The rows."""
        return list_of(self.items)

    @property
    def total_count(self) -> int | None:
        """The number of rows that the API announces."""
        return self.item_count


class AdsterraStream(FullTableStream):
    """A stream of the Publishers API: FULL_TABLE with the key ``id``, unless overridden."""

    name: str
    api_name = "Adsterra"
    envelope: Any = ItemsResponse
    primary_keys: Sequence[str] = ("id",)
    schema = StreamSchema(SCHEMAS)
    # A request within 60 seconds returns the cached response (API 3.0.0, description).
    retry_inconsistent_after = 61

    @property
    def url_base(self) -> str:
        """The API's URL, which contains the token in version 2 of the API."""
        base = self.config["api_url"].rstrip("/")
        return f"{base}/{self.config['api_token']}" if self._token_in_path else base

    @cached_property
    def authenticator(self) -> APIAuthenticatorBase:
        """Adds the header of version 3, or nothing if the token is in the path."""
        if self._token_in_path:
            return APIAuthenticatorBase()
        return APIKeyAuthenticator(key="X-API-Key", value=self.config["api_token"])

    @property
    def _token_in_path(self) -> bool:
        return bool(self.config["auth_method"] == "path")

    def refusal(self, response: requests.Response) -> RequestError:
        """Make the error of a response; one about the token concerns all streams."""
        body = _parse(response) or {}
        status, message = response.status_code, str(body.get("message", ""))
        if status == HTTPStatus.UNAUTHORIZED or (
            status == HTTPStatus.FORBIDDEN and (status, message) in ERROR_MESSAGES
        ):
            return CredentialsError(self.response_error_message(response))
        return super().refusal(response)

    def response_error_message(self, response: requests.Response) -> str:
        """Say what one of Adsterra's errors means, in its own words where none are ours."""
        body = _parse(response)
        if body is None:
            return super().response_error_message(response)
        status, message = response.status_code, str(body.get("message", ""))
        if explanation := ERROR_MESSAGES.get((status, message)):
            return explanation
        if status == HTTPStatus.UNPROCESSABLE_ENTITY:
            return f"Adsterra refused the request: {_reasons(body.get('errors')) or message}."
        if status == HTTPStatus.NOT_FOUND:
            hint = ", or auth_method: Adsterra may have stopped to take tokens in the path"
            return (
                "Adsterra has nothing at this address. Check the setting api_url"
                f"{hint if self._token_in_path else ''}."
            )
        reason = f" It says: {message[:200].rstrip('.')}." if message else ""
        return f"{super().response_error_message(response)}{reason}"


def _parse(response: requests.Response) -> dict[str, Any] | None:
    """Read the body of an error; ``None``, if it is no JSON object."""
    try:
        content = response.content.removeprefix(codecs.BOM_UTF8)
        return msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _reasons(errors: object) -> str:
    """Return the reasons of a 422 as text (API 3.0.0, Responses, Validation exception)."""
    if not isinstance(errors, dict):
        return ""
    return "; ".join(
        f"{name}: {', '.join(map(str, reasons)) if isinstance(reasons, list) else reasons}"
        for name, reasons in errors.items()
    )

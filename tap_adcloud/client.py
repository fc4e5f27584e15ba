"""The Adcloud API: URL, authentication, pages and errors.

Source: *Adcloud API description*, version 1.0; for version 2 of the API, Adcloud's own clients.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from singer_sdk import StreamSchema
from singer_sdk.exceptions import RetriableAPIError

from singer_reports.http.errors import (
    RequestError,
    RequestTooLargeError,
    TokenRefusedError,
    is_retriable,
)
from singer_reports.records.schemas import schemas_of
from singer_reports.streams.full_table import FullTableStream
from singer_reports.streams.paginators import PageNumberPaginator, Paginator
from tap_adcloud.envelopes import ErrorBody, ResponseV2

if TYPE_CHECKING:
    from collections.abc import Sequence

    import requests
    from singer_sdk.helpers.types import Context

    from singer_reports.records.page import Page
    from tap_adcloud.auth import OAuthAuthenticator

SCHEMAS = schemas_of("tap_adcloud")


class UnauthorizedError(Exception):
    """The token was not accepted."""


class AdcloudTokenRefusedError(TokenRefusedError):
    """A new token was not accepted either."""

    advice = "Ask Adcloud whether this client may read this."


class AdcloudStream(FullTableStream):
    """A stream of version 2 of the API: FULL_TABLE with the key ``id``, unless overridden."""

    name: str
    api_name = "Adcloud"
    #: The version of the API, as in the URL.
    version = "v2"
    envelope: Any = ResponseV2
    # Items of version 2 contain metadata about themselves.
    ignored_fields = frozenset({"_meta"})
    primary_keys: Sequence[str] = ("id",)
    schema = StreamSchema(SCHEMAS)
    paginator: Paginator = PageNumberPaginator()

    @property
    def url_base(self) -> str:
        """The API's URL with its version."""
        return f"{self.config['api_url'].rstrip('/')}/{self.version}"

    @property
    def authenticator(self) -> OAuthAuthenticator:
        """The authenticator of the run, which puts the token into the header."""
        authenticator: OAuthAuthenticator = self.run.authenticator
        return authenticator

    def get_url_params(
        self,
        context: Context | None,  # noqa: ARG002
        next_page_token: Page | None,
    ) -> dict[str, Any]:
        """Return the parameters for a page: its number, its size and the filters.

        The API's own URLs of further pages contain the token and fall back to 50 rows per page.
        """
        assert next_page_token is not None, "a stream is always asked for by page"  # noqa: S101
        return {
            **self.filters(next_page_token.slice),
            "page": next_page_token.number,
            "per_page": self.config["page_size"],
        }

    def filters(self, stream_slice: Any) -> dict[str, Any]:  # noqa: ANN401, ARG002
        """Return the parameters that restrict a response to a slice of the stream."""
        return {}

    def send_once(self, request: requests.PreparedRequest) -> requests.Response:
        """Send a request; once more with a new token if its token is not valid any more.

        Raises:
            TokenRefusedError: If the new one is not accepted either.
        """
        try:
            return super().send_once(request)
        except UnauthorizedError:
            self.authenticator.invalidate(request)
        try:
            return super().send_once(request)
        except UnauthorizedError:
            # Some of its servers may know a token a moment later than others.
            message = "Adcloud refused a new access token as well"
            raise AdcloudTokenRefusedError(message) from None

    def validate_response(self, response: requests.Response) -> None:
        """Check the status and the body, which may contain an error even if the status is 200.

        Raises:
            RetriableAPIError: For a failure that may pass.
            UnauthorizedError: If the token was not accepted.
            RequestError: For any other failure, with what to do.
        """
        parsed = ErrorBody.parse(response.content)
        error_body = parsed or ErrorBody()
        code = max(response.status_code, error_body.code)
        if code == HTTPStatus.UNAUTHORIZED:
            raise UnauthorizedError
        if is_retriable(code):
            message = f"Adcloud answered {code} {error_body.reasons[:200]}".strip()
            raise RetriableAPIError(message, response)
        if code == HTTPStatus.NOT_FOUND:
            message = "Adcloud has nothing at this address. Check the setting api_url."
            raise RequestError(message)
        if code >= HTTPStatus.BAD_REQUEST:
            reasons = error_body.reasons[:200] or f"status {code}, without a reason"
            message = f"Adcloud refused the request: {reasons}."
            too_large = code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            raise RequestTooLargeError(message) if too_large else RequestError(message)
        if parsed is None or response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            # A body that has been parsed as a JSON object need not be checked again.
            super().validate_response(response)

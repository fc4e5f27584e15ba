"""The access token of the Adcloud API: shared by all threads, renewed before it expires.

Source: *Adcloud API description*, version 1.0, How to authenticate your client.
"""

from __future__ import annotations

import codecs
import threading
import time
from typing import TYPE_CHECKING, Annotated

import msgspec
from singer_sdk.authenticators import APIAuthenticatorBase
from singer_sdk.exceptions import RetriableAPIError

from singer_reports.http.connection_errors import describe_error
from singer_reports.http.errors import (
    RETRIABLE_ERRORS,
    ConnectionFailedError,
    CredentialsError,
    NotJsonError,
    NoTokenError,
    is_retriable,
)
from tap_adcloud.envelopes import ErrorBody

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from singer_reports.redaction import Redactor

#: The lifetime of a token, in seconds; the response does not contain it.
TOKEN_LIFETIME = 2 * 60 * 60
#: How long before its end a token is renewed, in seconds.
RENEWAL_MARGIN = 5 * 60


#: The characters that a header may contain; others would raise an error that shows the token.
Token = Annotated[str, msgspec.Meta(pattern=r"\A[!-~]+\Z")]


class TokenMeta(msgspec.Struct):
    """The metadata of a token response in version 2."""

    access_token: Token | None = None


class TokenResponse(msgspec.Struct):
    """The response of the token endpoint; in version 2, the token may be in ``_meta``."""

    access_token: Token | None = None
    meta: TokenMeta = msgspec.field(name="_meta", default_factory=TokenMeta)

    @property
    def token(self) -> str | None:
        """The token; ``None`` if the response has no token."""
        return self.access_token or self.meta.access_token


class OAuthAuthenticator(APIAuthenticatorBase):
    """Adcloud's variant of two-legged OAuth 2.0, for any number of threads."""

    def __init__(  # noqa: PLR0913 - keyword arguments, independent of each other
        self,
        session: requests.Session,
        url: str,
        credentials: dict[str, str],
        *,
        timeout: int,
        redactor: Redactor,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set up the authenticator; the token is fetched when the first request needs it.

        Args:
            session: The session to use.
            url: The token endpoint.
            credentials: ``client_id`` and ``client_secret``.
            timeout: Seconds to wait for the response.
            redactor: Redacts the tokens, each of which is added to it.
            clock: Returns the time in seconds.
        """
        super().__init__()
        self._session = session
        self._url = url
        self._payload = {**credentials, "grant_type": "none"}
        self._redactor = redactor
        self._timeout = timeout
        self._clock = clock
        self._lock = threading.Lock()
        self._token: str | None = None
        self._renew_at = 0.0
        #: How often no token could be had, and why at the last time.
        self._failures = 0
        self._failure: Exception | None = None

    def authenticate_request(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the token into the header, never into the URL."""
        request.headers["Authorization"] = f"Bearer {self.token()}"
        return request

    def token(self) -> str:
        """Return a token that is valid for the next minutes; fetch one if needed.

        Threads that wait while one of them fetches it share what comes of that, also a failure.

        Raises:
            NoTokenError: If the token endpoint fails for a reason that may pass.
            CredentialsError: If it refuses the client.
            ConnectionFailedError: If it cannot be reached until the user corrects something.
        """
        failures_before = self._failures
        with self._lock:
            if self._token is None or self._clock() >= self._renew_at:
                if self._failure and self._failures > failures_before:
                    raise self._failure
                requested_at = self._clock()
                try:
                    self._token = self._fetch()
                except Exception as error:
                    self._failures += 1
                    self._failure = error
                    raise
                self._redactor.add(self._token)
                self._renew_at = requested_at + TOKEN_LIFETIME - RENEWAL_MARGIN
            return self._token

    def invalidate(self, request: requests.PreparedRequest) -> None:
        """Discard the token of a refused request, unless another thread has renewed it."""
        with self._lock:
            if request.headers.get("Authorization") == f"Bearer {self._token}":
                self._token = None

    def _fetch(self) -> str:
        try:
            return self._read(
                self._session.post(
                    self._url, data=self._payload, timeout=self._timeout, allow_redirects=False
                )
            )
        except RETRIABLE_ERRORS as error:
            found = describe_error(error, self._url)
            if found.lasting:
                raise ConnectionFailedError(str(found)) from error
            failure = NoTokenError(found.what, getattr(error, "response", None))
            failure.advice = found.advice
            raise failure from error

    def _read(self, response: requests.Response) -> str:
        """Read the token of a response, or say why there is none."""
        error_body = ErrorBody.parse(response.content) or ErrorBody()
        code = max(response.status_code, error_body.code)
        if is_retriable(code):
            message = f"Adcloud's token endpoint answered {code}"
            raise RetriableAPIError(message, response)
        if response.is_redirect:
            message = (
                "Adcloud's token endpoint wants to redirect to another address, which is not "
                "followed because the secret would go with it. Check the setting api_url."
            )
            raise ConnectionFailedError(message)
        try:
            content = response.content.removeprefix(codecs.BOM_UTF8)
            token = msgspec.json.decode(content, type=TokenResponse).token
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            token = None
            if response.ok:
                message = "Adcloud's token endpoint answered with something that is not a token"
                raise NotJsonError(message, response) from None
        if token is None:
            message = (
                "Adcloud gave no access token: the client_id and the client_secret do not belong "
                f"together, or api_url is not right (status {response.status_code})."
            )
            raise CredentialsError(message)
        return token

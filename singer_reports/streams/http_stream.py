"""A stream of an HTTP API: how it asks, tries again and fails, without a word on what it reads.

Built from the Singer SDK's own hooks on ``requests``; a tap adds the address, the authentication
and what the API's errors mean.
"""

from __future__ import annotations

import logging
import sys
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

import backoff
import msgspec
import requests
from singer_sdk.exceptions import RetriableAPIError
from singer_sdk.streams.rest import PageContext, RESTStream

from singer_reports.http.connection_errors import describe_error
from singer_reports.http.errors import (
    RETRIABLE_ERRORS,
    ConnectionFailedError,
    NotJsonError,
    RequestError,
    is_retriable,
    retry_after,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from singer_sdk.helpers.types import Context

    from singer_reports.tap import ReportTap

#: The longest ``Retry-After`` a run waits for, in seconds; past it the user decides.
MAX_RETRY_AFTER = 900


def _is_news(line: logging.LogRecord) -> bool:
    """Keep the SDK from calling unhandled what is told in a sentence at the end."""
    return not str(line.msg).startswith("An unhandled error")


class HttpStream(RESTStream[Any]):
    """A stream that sends requests and gets answers, or says why not."""

    #: The API's name, as users know it.
    api_name: ClassVar[str]
    #: How often a request is sent before its failure is final. Six attempts last about a minute.
    max_attempts: ClassVar[int] = 6

    # A redirect would carry the token to wherever it points.
    allow_redirects = False

    def __init__(self, tap: ReportTap, **options: Any) -> None:  # noqa: ANN401
        """Take what all streams of a run share from the tap."""
        super().__init__(tap, **options)
        self._shared = tap
        logging.getLogger(f"{self.tap_name}.{self.name}").addFilter(_is_news)
        self._ended = threading.Event()

    # What is asked

    @property
    def requests_session(self) -> requests.Session:
        """The connections, shared by all streams and threads of a run."""
        return self._shared.session

    @property
    def timeout(self) -> int:
        """Seconds to wait for a connection, and for each piece of a response."""
        return int(self.config["request_timeout"])

    def request_label(self, page: object) -> str:
        """Name a request for people: the stream and what was asked of it."""
        return f"{self.name} {'' if page is None else page}".strip()

    def send_request(self, page: Any, max_attempts: int | None = None) -> requests.Response:  # noqa: ANN401
        """Send one request, as often as it takes.

        Args:
            page: What ``get_http_request`` finds as ``next_page_token``.
            max_attempts: How often to send it; the stream's own number if none is given.

        Raises:
            RequestError: If it cannot be had; its cause is the last failure.
        """
        request = self.get_http_request(
            page=PageContext(stream_context=self.context, next_page_token=page)
        )
        prepared = self.requests_session.prepare_request(
            requests.Request(
                request.method,
                request.url,
                params=request.encode_params(),
                headers=request.headers,
                **{"json" if self.payload_as_json else "data": request.data},
            )
        )
        max_attempts = max_attempts or self.max_attempts
        send = self.request_decorator(self._request, max_attempts, self.request_label(page))
        try:
            return send(prepared, None)  # type: ignore[no-any-return]
        except RETRIABLE_ERRORS as error:
            wait = retry_after(error)
            found = describe_error(error, request.url)
            # Where there is something to correct, waiting is no advice.
            then = "the" if found.advice else "run again later, the"
            hint = (
                f"It asks to wait {wait:,.0f} seconds: run again after that."
                if wait and wait > MAX_RETRY_AFTER
                else f"That was try {max_attempts} of {max_attempts}: {then} next run goes on here."
            )
            raise self.fatal_error(page, f"{found} {hint}") from error
        except RequestError as error:
            raise self.fatal_error(page, str(error)) from error

    # What goes wrong

    def fatal_error(self, page: Any, message: str) -> RequestError:  # noqa: ANN401
        """Make the error that ends the stream: where it happened, what it is and what to do."""
        # What led to it is kept as the cause, and holds what the API has said.
        if error := sys.exception():
            self._shared.redactor.redact_error(error)
        redacted = self._shared.redactor.redact(f"{self.request_label(page)}: {message}")
        # What the API says may have several lines.
        return RequestError(" ".join(redacted.split()))

    def _request(
        self, prepared_request: requests.PreparedRequest, context: Context | None
    ) -> requests.Response:
        self._shared.rate_limiter.wait()
        try:
            return super()._request(prepared_request, context)
        except RETRIABLE_ERRORS as error:
            found = describe_error(error, str(prepared_request.url))
            if found.lasting:
                raise ConnectionFailedError(str(found)) from error
            raise

    @property
    def _LOG_REQUEST_METRICS(self) -> bool:  # type: ignore[override]  # noqa: N802
        # A line a request is for whoever looks into it; the plan has said how many there will be.
        return self.logger.isEnabledFor(logging.DEBUG)

    def validate_response(self, response: requests.Response) -> None:
        """Tell a response to use from one to ask for again and from one that ends the stream.

        Raises:
            RetriableAPIError: For a status that may pass, and for a body that is not JSON.
            RequestError: For any other status but 2xx, with what to do.
        """
        status = response.status_code
        if is_retriable(status):
            message = f"{self.api_name} answered {status} {response.reason}"
            raise RetriableAPIError(message, response)
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise RequestError(self.response_error_message(response))
        try:
            # A look at the form only: what is in it is decoded later, and once.
            msgspec.json.decode(response.content, type=msgspec.Raw)
        except (msgspec.DecodeError, RecursionError):
            kind = response.headers.get("Content-Type", "no content type")
            message = f"{self.api_name} answered with something that is not JSON ({kind})"
            kind_of_error = RetriableAPIError if "json" in kind else NotJsonError
            raise kind_of_error(message, response) from None

    def response_error_message(self, response: requests.Response) -> str:
        """Say what an error response means and what to do; a tap knows more of its API's.

        Args:
            response: A response with a status of 3xx or 4xx that is not tried again.
        """
        if response.is_redirect:
            return (
                f"{self.api_name} wants to redirect to another address, which is not followed "
                "because the token would go with it. Check the setting api_url."
            )
        return f"{self.api_name} answered {response.status_code} {response.reason}."

    def request_decorator(
        self, func: Callable[..., Any], max_attempts: int | None = None, label: str = ""
    ) -> Callable[..., Any]:
        """Send again what failed for a passing reason, with growing pauses."""

        def log(details: Any) -> None:  # noqa: ANN401
            error = details["exception"]
            if retry_after(error) is not None:
                self._shared.rate_limiter.pause(details["wait"])
            found = describe_error(error, details["args"][0].url)
            self.log(
                "%s: %s; trying again in %.0f seconds (try %d of %d)%s",
                label or self.name,
                found.what,
                details["wait"],
                details["tries"] + 1,
                max_attempts or self.max_attempts,
                f". {found.advice}" if found.advice else "",
                level=logging.WARNING,
            )

        retry: Callable[[Callable[..., Any]], Callable[..., Any]] = backoff.on_exception(
            self.backoff_wait_generator,
            RETRIABLE_ERRORS,
            max_tries=max_attempts or self.max_attempts,
            jitter=self.backoff_jitter,
            giveup=lambda _: self._ended.is_set(),
            on_backoff=log,
            logger=None,
        )
        return retry(func)

    def backoff_wait_generator(self) -> Generator[float, Any, None]:
        """Wait 2, 4, 8 … seconds, or as long as the API asks to."""
        steps = backoff.expo(factor=2)
        next(steps)
        error = yield 0
        while (requested_wait := retry_after(error)) is None or requested_wait <= MAX_RETRY_AFTER:
            error = yield next(steps) if requested_wait is None else requested_wait

"""A stream that sends requests: URL, retries and errors. It knows nothing of rows."""

from __future__ import annotations

import itertools
import logging
import sys
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

import backoff
import msgspec
import requests
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError
from singer_sdk.streams.rest import PageContext

from singer_reports.http.connection_errors import describe_error
from singer_reports.http.errors import (
    RETRIABLE_ERRORS,
    ConnectionFailedError,
    NotJsonError,
    RequestError,
    RequestTooLargeError,
    is_retriable,
    retry_after,
)
from singer_reports.http.retries import (
    MAX_TRIES,
    asks_too_much,
    describe_last,
    max_tries,
    wait_times,
)
from singer_reports.sdk_internals import SdkStream
from singer_reports.streams.unused_hooks import RefusesUnusedHooks

if TYPE_CHECKING:
    from collections.abc import Generator

    from singer_sdk.helpers.types import Context

    from singer_reports.run import Run


class HttpStream(RefusesUnusedHooks, SdkStream):
    """A stream of an HTTP API.

    The SDK's hooks on requests, responses and retries work as documented; those that could not are
    refused when the class is made.
    """

    #: The API's name, as users know it.
    api_name: ClassVar[str]

    # A redirect would carry the token to wherever it points.
    allow_redirects = False

    def __init__(self, run: Run, **options: Any) -> None:  # noqa: ANN401
        """Make a stream of a run.

        Args:
            run: What all streams of the run share.
            options: What else the SDK's stream takes, such as ``name`` and ``schema``.
        """
        super().__init__(run.tap, **options)
        self.run = run
        self.silence_unhandled_error()
        #: The context of requests: of the partition or of the parent's record, if there is one.
        self.request_context: Context | None = None
        #: Set once no response is wanted any more, so that no thread goes on retrying.
        self._ended = threading.Event()
        self._ended.set()

    @property
    def is_connection_test(self) -> bool:
        """Whether only a few records are wanted, to see whether the stream may be read."""
        return self.ABORT_AT_RECORD_COUNT is not None

    # Requests

    @property
    def requests_session(self) -> requests.Session:
        """The session of the run."""
        return self.run.session

    @property
    def timeout(self) -> int:
        """Seconds to wait for a connection, and for each chunk of a response."""
        return int(self.config["request_timeout"])

    def request_label(self, page: object) -> str:
        """Name a request for people: the stream and the page."""
        return f"{self.name} {'' if page is None else page}".strip()

    def send_request(self, page: Any, *, can_split: bool = False) -> requests.Response:  # noqa: ANN401
        """Request a page, again after errors that may pass.

        Args:
            page: What ``get_http_request`` finds as ``next_page_token``.
            can_split: Whether it is given up sooner when a smaller one may help.

        Raises:
            RequestError: If all attempts fail, or one in a way that is final; its cause is the last
                error.
        """
        request = self.get_http_request(
            page=PageContext(stream_context=self.request_context, next_page_token=page)
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
        failures = itertools.count(1)

        def most(error: Exception) -> int:
            return max_tries(error, self.backoff_max_tries(), can_split=can_split)

        send = backoff.on_exception(
            self.backoff_wait_generator,
            RETRIABLE_ERRORS,
            jitter=self.backoff_jitter,
            giveup=lambda error: (
                next(failures) >= most(error) or self._ended.is_set() or asks_too_much(error)
            ),
            on_backoff=lambda details: self.backoff_handler(
                {**details, "page": page, "max_tries": most(details["exception"])}
            ),
            logger=None,
        )(self.send_once)
        try:
            return send(prepared)
        except RETRIABLE_ERRORS as error:
            raise self.fatal_error(page, describe_last(error, request.url, most(error))) from error
        except FatalAPIError as error:
            raise self.fatal_error(page, str(error)) from error

    def send_once(self, request: requests.PreparedRequest) -> requests.Response:
        """Send a request within the rate limit, authenticated, and validate its response.

        Raises:
            ConnectionFailedError: If all requests will fail until the user corrects something.
            RequestError: If the response ends the stream.
        """
        self.run.rate_limiter.wait()
        try:
            response = self.requests_session.send(
                self.authenticator(request),
                timeout=self.timeout,
                allow_redirects=self.allow_redirects,
            )
        except Exception as error:
            # Its text may hold the URL, and with it the token.
            self.run.redactor.redact_error(error)
            if isinstance(error, RETRIABLE_ERRORS):
                found = describe_error(error, str(request.url))
                if found.lasting:
                    raise ConnectionFailedError(str(found)) from error
            raise
        self.log_request_duration(response)
        self.validate_response(response)
        return response

    # Errors

    def fatal_error(self, page: Any, message: str) -> RequestError:  # noqa: ANN401
        """Make the error that ends the stream: where it happened, what it is and what to do."""
        # What led to it is kept as the cause, and holds what the API has said.
        if error := sys.exception():
            self.run.redactor.redact_error(error)
        # What the API says may have several lines.
        text = " ".join(f"{self.request_label(page)}: {message}".split())
        return RequestError(self.run.redactor.clean(text))

    def validate_response(self, response: requests.Response) -> None:
        """Accept the response, or raise a retriable or a fatal error.

        Raises:
            RetriableAPIError: For a status that may pass, and for a body that is not JSON.
            RequestError: For any other status but 2xx, with what to do.
        """
        status = response.status_code
        if is_retriable(status) or status in self.extra_retry_statuses:
            message = f"{self.api_name} answered {status} {response.reason}"
            raise RetriableAPIError(message, response)
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise self.refusal(response)
        try:
            # Only whether it is JSON: what it says is decoded later, and once.
            msgspec.json.decode(response.content, type=msgspec.Raw)
        except (msgspec.DecodeError, RecursionError):
            kind = response.headers.get("Content-Type", "no content type")
            message = f"{self.api_name} answered with something that is not JSON ({kind})"
            kind_of_error = RetriableAPIError if "json" in kind else NotJsonError
            raise kind_of_error(message, response) from None

    def refusal(self, response: requests.Response) -> RequestError:
        """Make the error of a response with a status of 3xx or 4xx that is not retried."""
        too_large = response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        kind = RequestTooLargeError if too_large else RequestError
        return kind(self.response_error_message(response))

    def response_error_message(self, response: requests.Response) -> str:
        """Say what an error response means and what to do; a tap knows more of its API's.

        Args:
            response: A response with a status of 3xx or 4xx that is not retried.
        """
        if response.is_redirect:
            return (
                f"{self.api_name} wants to redirect to another address, which is not followed "
                "because the token would go with it. Check the setting api_url."
            )
        return f"{self.api_name} answered {response.status_code} {response.reason}."

    # Retries

    def backoff_max_tries(self) -> int:
        """Return how often a request is sent at most; six attempts take about a minute."""
        return MAX_TRIES

    def backoff_wait_generator(self) -> Generator[float, Any, None]:
        """Wait 2, 4, 8 ... seconds, or longer if the API's ``Retry-After`` says so."""
        return wait_times()

    def backoff_handler(self, details: Any) -> None:  # noqa: ANN401
        """Log that a request is sent again, and hold back all others if the API asks to wait.

        Args:
            details: As ``backoff`` makes them, with the ``page`` and the ``max_tries``.
        """
        error = details["exception"]
        if retry_after(error) is not None:
            self.run.rate_limiter.pause(details["wait"])
        found = describe_error(error, details["args"][0].url)
        self.log(
            "%s: %s; trying again in %.0f seconds (try %d of %d)%s",
            self.request_label(details["page"]),
            found.what,
            details["wait"],
            details["tries"] + 1,
            details["max_tries"],
            f". {found.advice}" if found.advice else "",
            level=logging.WARNING,
        )

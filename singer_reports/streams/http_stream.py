"""Sends the requests of a stream: URL, retries and errors. Does not handle rows."""

from __future__ import annotations

import itertools
import logging
import sys
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

import backoff
import requests
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError
from singer_sdk.streams.rest import PageContext

from singer_reports.config.expressions import ExpressionError
from singer_reports.http import retries
from singer_reports.http.connection_errors import describe_error
from singer_reports.http.errors import (
    RETRIABLE_ERRORS,
    ConnectionFailedError,
    RequestError,
    ends_the_run,
    is_retriable,
    refused,
    require_json,
    retry_after,
)
from singer_reports.http.session import response_hooks
from singer_reports.sdk_internals import SdkStream
from singer_reports.streams.unused_hooks import RefusesUnusedHooks

if TYPE_CHECKING:
    from collections.abc import Generator

    from singer_sdk.helpers.types import Context

    from singer_reports.run import Run


class HttpStream(RefusesUnusedHooks, SdkStream):
    """A stream of an HTTP API.

    The SDK's hooks on requests, responses and retries work as documented; those that cannot are
    refused when the class is created.
    """

    #: The API's name, in messages.
    api_name: ClassVar[str]

    # A redirect would send the token to another address.
    allow_redirects = False

    def __init__(self, run: Run, **options: Any) -> None:  # noqa: ANN401
        """Create a stream of a run.

        Args:
            run: What all streams of the run share.
            options: Further arguments of the SDK's stream, such as ``name`` and ``schema``.
        """
        super().__init__(run.tap, **options)
        self.run = run
        self.silence_unhandled_error()
        #: The context of the current partition or parent record, if there is one.
        self.request_context: Context | None = None
        #: Set when no response is needed any more, so that no thread retries.
        self._ended = threading.Event()

    @property
    def is_connection_test(self) -> bool:
        """Whether only a few records are read, to test whether the stream is accessible."""
        return self.ABORT_AT_RECORD_COUNT is not None

    @property
    def requests_session(self) -> requests.Session:
        """The session of the run."""
        return self.run.session

    @property
    def timeout(self) -> int:
        """Seconds to wait for a connection, and for each chunk of a response."""
        return int(self.config["request_timeout"])

    def request_label(self, page: object) -> str:
        """Return the name of a request in messages: the stream and the page."""
        return f"{self.name} {'' if page is None else page}".strip()

    def send_request(self, page: Any, *, can_split: bool = False) -> requests.Response:  # noqa: ANN401
        """Request a page, again after errors that may pass.

        Args:
            page: What ``get_http_request`` finds as ``next_page_token``.
            can_split: Whether it is given up sooner when a smaller one may help.

        Raises:
            RequestError: After the last attempt, or a fatal error; its cause is that error.
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
                hooks={"response": response_hooks(can_split=can_split)},
                **{"json" if self.payload_as_json else "data": request.data},
            )
        )
        failures = itertools.count(1)

        def most(error: Exception) -> int:
            return retries.max_tries(error, self.backoff_max_tries(), can_split=can_split)

        send = backoff.on_exception(
            self.backoff_wait_generator,
            RETRIABLE_ERRORS,
            jitter=self.backoff_jitter,
            giveup=lambda error: (
                next(failures) >= most(error)
                or self._ended.is_set()
                or retries.asks_too_much(error)
            ),
            on_backoff=lambda details: self.backoff_handler(
                {**details, "page": page, "max_tries": most(details["exception"])}
            ),
            logger=None,
        )(self.send_once)
        try:
            return send(prepared)
        except RETRIABLE_ERRORS as error:
            raise self.fatal_error(
                page, retries.describe_last(error, request.url, most(error))
            ) from error
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
            # Its text may contain the URL, and with it the token.
            self.run.redactor.redact_error(error)
            if isinstance(error, RETRIABLE_ERRORS):
                found = describe_error(error, str(request.url))
                if found.lasting:
                    raise ConnectionFailedError(str(found)) from error
            raise
        self.log_request_duration(response)
        self.validate_response(response)
        return response

    def passes_over(self, error: Exception) -> bool:
        """Note an error of this stream alone, if the run is to go on with the next one."""
        is_of_this_stream = isinstance(error, FatalAPIError | ExpressionError)
        if self.run.failures is None or not is_of_this_stream or ends_the_run(error):
            return False
        self.run.failures[self.name] = error
        self.logger.warning("%s failed: the reason stands at the end of the log", self.name)
        return True

    def fatal_error(self, page: Any, message: str) -> RequestError:  # noqa: ANN401
        """Return the error that ends the stream: label and message, redacted, on one line."""
        # The current exception becomes its cause, and may contain text of the API.
        if error := sys.exception():
            self.run.redactor.redact_error(error)
        text = " ".join(f"{self.request_label(page)}: {message}".split())
        return RequestError(self.run.redactor.clean(text))

    def validate_response(self, response: requests.Response) -> None:
        """Accept the response, or raise a retriable or a fatal error.

        Raises:
            RetriableAPIError: For a status that is retried, and for a body that is not JSON.
            RequestError: For any other status except 2xx; its message says what to do.
        """
        status = response.status_code
        if is_retriable(status) or status in self.extra_retry_statuses:
            message = f"{self.api_name} answered {status} {response.reason}"
            raise RetriableAPIError(message, response)
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise self.refusal(response)
        require_json(response, self.api_name)

    def refusal(self, response: requests.Response) -> RequestError:
        """Make the error of a response with a status of 3xx or 4xx that is not retried."""
        return refused(response.status_code, self.response_error_message(response))

    def response_error_message(self, response: requests.Response) -> str:
        """Explain an error response and what to do; overridden for the errors of an API.

        Args:
            response: A response with a status of 3xx or 4xx that is not retried.
        """
        if response.is_redirect:
            return (
                f"{self.api_name} wants to redirect to another address, which is not followed "
                "because the token would go with it. Check the setting api_url."
            )
        return f"{self.api_name} answered {response.status_code} {response.reason}."

    def backoff_max_tries(self) -> int:
        """Return how often a request is sent at most; six attempts take about a minute."""
        return retries.MAX_TRIES

    def backoff_wait_generator(self) -> Generator[float, Any, None]:
        """Wait 2, 4, 8 ... seconds, or longer if the API's ``Retry-After`` says so."""
        return retries.wait_times()

    def backoff_handler(self, details: Any) -> None:  # noqa: ANN401
        """Log a retry, and hold back all requests if the API has requested a wait.

        Args:
            details: The details of ``backoff``, with ``page`` and ``max_tries`` added.
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

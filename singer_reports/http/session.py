"""The HTTP session of a run, shared by all streams and threads, for a single host."""

from __future__ import annotations

import logging
import re
from functools import partial
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import requests

from singer_reports.http.adapter import ReportAdapter
from singer_reports.http.errors import ConnectionFailedError, ResponseTooLargeError
from singer_reports.http.proxy import find_proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from singer_reports.redaction import Redactor

#: The maximum size of a response, in bytes. Its rows take several times as much memory.
MAX_RESPONSE_BYTES = 256 * 1024**2
#: The maximum size of a response that a smaller request can replace, in bytes.
MAX_SPLITTABLE_BYTES = 8 * 1024**2
#: Bytes per read. Each read may switch threads, and the 10 kB of requests mean many reads.
CHUNK_SIZE = 1024**2


class ReportSession(requests.Session):
    """A session that follows no redirect."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Leave the target of a redirect alone: it need not even be a URL."""


def make_session(
    url: str, user_agent: str, connections: int, redactor: Redactor
) -> requests.Session:
    """Create the session.

    Args:
        url: The URL of the API.
        user_agent: The User-Agent header.
        connections: The maximum number of connections to keep open.
        redactor: Also redacts the passwords of proxies, which are added to it.
    """
    # It logs the traceback with each response whose headers are not as they must be.
    logging.getLogger("urllib3.connection").addFilter(_without_traceback)
    session = ReportSession()
    session.headers["User-Agent"] = user_agent
    # The APIs need no cookies; one that is kept may be refused later on.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    adapter = ReportAdapter(pool_maxsize=connections)
    for scheme in ("https://", "http://"):
        session.mount(scheme, adapter)
    # Read proxies and certificates from the environment only once, as there is a single host:
    # requests would read all variables for each request, and look into .netrc for a password.
    environment = session.merge_environment_settings(url, {}, None, None, None)
    session.proxies = environment["proxies"]
    for proxy in session.proxies.values():
        parts = urlsplit(proxy)
        password = parts.password or ""
        redactor.add(password)
        redactor.add(unquote(password))
        # What the header Proxy-Authorization holds in base64, however short the password is.
        redactor.add(unquote(f"{parts.username}:{password}"))
    session.verify = environment["verify"]
    session.trust_env = False
    session.hooks["response"] += response_hooks()
    return session


def response_hooks(*, can_split: bool = False) -> list[Callable[..., None]]:
    """Return what each response goes through.

    Args:
        can_split: Whether it is given up sooner because a smaller one may be requested.
    """
    max_bytes = MAX_SPLITTABLE_BYTES if can_split else MAX_RESPONSE_BYTES
    return [partial(read_body, max_bytes=max_bytes), refuse_strangers]


def _without_traceback(record: logging.LogRecord) -> bool:
    record.exc_info = None
    return True


def refuse_strangers(response: requests.Response, **_: Any) -> None:  # noqa: ANN401
    """Refuse responses that do not come from the API: from a proxy, or a server that expects TLS.

    Raises:
        ConnectionFailedError: If the response is one of these.
    """
    url = urlsplit(str(response.url))
    wants_password = response.status_code == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
    if wants_password and (proxy := find_proxy(url.geturl())):
        message = ". ".join(proxy.wants_password())
        raise ConnectionFailedError(message)
    # The response of nginx, Apache, Tomcat and Go to a request without TLS on a TLS port.
    if (
        url.scheme == "http"
        and response.status_code == HTTPStatus.BAD_REQUEST
        and re.search(rb"HTTPS|SSL-enabled|requires TLS", response.content[:4096])
    ):
        host = url.netloc.rpartition("@")[2]
        message = f"{host} expects HTTPS. Let the setting api_url begin with https://."
        raise ConnectionFailedError(message)


def read_body(response: requests.Response, *, max_bytes: int, **_: Any) -> None:  # noqa: ANN401
    """Read a response to its end, in large chunks.

    Args:
        response: The response.
        max_bytes: The size at which it is given up.

    Raises:
        ResponseTooLargeError: If it is larger.
        ContentDecodingError: If a chunk says that it has less than no bytes.
    """
    try:
        content = b"".join(_limit(response.iter_content(CHUNK_SIZE), max_bytes))
    except BaseException as error:
        # What has not been read would be taken for the next response.
        response.close()
        if isinstance(error, ValueError):
            raise requests.exceptions.ContentDecodingError(error) from error
        raise
    # Where requests keeps what it has read by itself.
    response._content = content  # noqa: SLF001


def _limit(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            message = (
                f"The answer has more than {max_bytes // 1024**2} MB, which is more than a day can "
                "have. Check the setting api_url, and report it if that is right."
            )
            raise ResponseTooLargeError(message)
        yield chunk

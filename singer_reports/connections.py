"""The HTTP session of a run, shared by all streams and threads, for a single host."""

from __future__ import annotations

import os
import re
import ssl
from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies, select_proxy

from singer_reports.errors import ConnectionFailedError, ResponseTooLargeError
from singer_reports.problems import is_valid_url, quote_value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from urllib.parse import SplitResult

    from singer_reports.redactor import Redactor

#: The most a response may have, in bytes. Its rows take several times as much in memory.
MAX_RESPONSE_BYTES = 256 * 1024**2
#: Read at a time. Other threads may run between two reads, and requests' own 10 kB make many.
CHUNK_SIZE = 1024**2
_PROXIES = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"}


class RedactingSession(requests.Session):
    """A session that redacts secrets from the errors it raises: a URL may contain the token."""

    def __init__(self, redactor: Redactor) -> None:
        """Take what knows the secrets."""
        super().__init__()
        self._redactor = redactor

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # noqa: ANN401
        """Send a request; redact the error if it fails."""
        try:
            return super().send(request, **options)
        except Exception as error:
            self._redactor.redact_error(error)
            raise


class Proxy(NamedTuple):
    """The proxy that requests go through."""

    #: Its URL, as the user gave it; the scheme may be missing.
    url: str
    #: What names it, for messages.
    source: str

    @property
    def host(self) -> str:
        """Its host and port, without the password."""
        return self._parts.netloc.rpartition("@")[2]

    @property
    def _parts(self) -> SplitResult:
        return urlsplit(self.url if "://" in self.url else f"http://{self.url}")

    def find_error(self) -> str | None:
        """Say what is wrong with it, if anything is."""
        parts = self._parts
        if not (is_valid_url(parts.geturl()) and parts.scheme in _PROXIES):
            return (
                f"Correct {self.source}: it must hold an address such as "
                "http://proxy.example.com:3128, with user:password@ before its name if needed."
            )
        if parts.scheme.startswith("socks") and find_spec("socks") is None:
            return (
                f"Install the Python package PySocks beside the tap: {self.source} names a SOCKS "
                "proxy."
            )
        return None

    def wants_password(self) -> tuple[str, str]:
        """Say that it wants a user and a password, and where to write them."""
        return (
            f"the proxy {self.host} wants a user and a password",
            f"Write them into {self.source}, as in http://user:password@proxy.example.com:3128.",
        )


def find_proxy(url: str) -> Proxy | None:
    """Find the proxy that the environment names for a URL."""
    proxy = select_proxy(url, get_environ_proxies(url))
    if not proxy:
        return None
    scheme = urlsplit(url).scheme
    # The order in which Python and requests look. Without one of these, the system has a proxy set.
    variables = (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY")
    named = next((name for name in variables if os.environ.get(name)), None)
    return Proxy(proxy, f"the variable {named}" if named else "the system's proxy setting")


def certificate_variable() -> str | None:
    """Find the variable that names the trusted certificates, if one does."""
    # The order in which requests looks.
    variables = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    return next((name for name in variables if os.environ.get(name)), None)


def connection_setting_errors(url: str | None) -> Iterator[str]:
    """Say what is wrong with the setting api_url, the proxy and the trusted certificates.

    Args:
        url: The setting; ``None`` if it is known to be wrong.

    Yields:
        A sentence per problem.
    """
    if url and not is_valid_url(url):
        yield (
            "api_url must name a valid host and, if it names a port, one from 0 to 65535, "
            f"not {quote_value(url)}."
        )
        url = None
    proxy = find_proxy(url) if url else None
    if proxy and (error := proxy.find_error()):
        yield error
    variable = certificate_variable()
    if variable and not (url or "").startswith("http://"):
        path = Path(os.environ[variable])
        if error := _certificates_error(path):
            yield f"The variable {variable} names {path}, which {error}"


def _certificates_error(path: Path) -> str | None:
    """Say why a file or a folder of certificates cannot be used, as the end of a sentence."""
    if not path.exists():
        return "does not exist."
    if path.is_dir():
        # What OpenSSL looks for in a folder.
        if any(re.fullmatch(r"[0-9a-f]{8}\.[0-9]+", file.name) for file in path.iterdir()):
            return None
        return "is a folder without certificates that `openssl rehash` has prepared."
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return "holds no certificate in PEM format."
    except OSError as error:
        return f"cannot be read: {str(error.strerror).lower()}."
    return None


def make_session(
    url: str, user_agent: str, connections: int, redactor: Redactor
) -> requests.Session:
    """Make the connections.

    Args:
        url: The address of the API.
        user_agent: Who asks.
        connections: How many may be kept open.
        redactor: Is told the passwords of proxies, too.
    """
    session = RedactingSession(redactor)
    session.headers["User-Agent"] = user_agent
    adapter = HTTPAdapter(pool_maxsize=connections)
    for scheme in ("https://", "http://"):
        session.mount(scheme, adapter)
    # Proxies and certificates are read from the environment once, for the one address there is:
    # requests would look through all variables with each request, and into .netrc for a password.
    environment = session.merge_environment_settings(url, {}, None, None, None)
    session.proxies = environment["proxies"]
    for proxy in session.proxies.values():
        password = urlsplit(proxy).password or ""
        redactor.add(password)
        redactor.add(unquote(password))
    session.verify = environment["verify"]
    session.trust_env = False
    session.hooks["response"] += [read_body, refuse_strangers]
    return session


def refuse_strangers(response: requests.Response, **_: Any) -> None:  # noqa: ANN401
    """Refuse responses that do not come from the API: of a proxy, or of a server that wants TLS.

    Raises:
        ConnectionFailedError: If this is one.
    """
    url = urlsplit(str(response.url))
    wants_password = response.status_code == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
    if wants_password and (proxy := find_proxy(url.geturl())):
        message = ". ".join(proxy.wants_password())
        raise ConnectionFailedError(message)
    # What nginx, Apache, Tomcat and Go answer to a request without TLS on a port for TLS.
    if (
        url.scheme == "http"
        and response.status_code == HTTPStatus.BAD_REQUEST
        and re.search(rb"HTTPS|SSL-enabled|requires TLS", response.content[:4096])
    ):
        host = url.netloc.rpartition("@")[2]
        message = f"{host} expects HTTPS. Let the setting api_url begin with https://."
        raise ConnectionFailedError(message)


def read_body(response: requests.Response, **_: Any) -> None:  # noqa: ANN401
    """Read a response to its end, in large chunks.

    Raises:
        ResponseTooLargeError: If it is larger than ``MAX_RESPONSE_BYTES``.
    """
    chunks = []
    size = 0
    for chunk in response.iter_content(CHUNK_SIZE):
        size += len(chunk)
        if size > MAX_RESPONSE_BYTES:
            response.close()
            message = (
                f"The answer has more than {MAX_RESPONSE_BYTES // 1024**2} MB, which is more than "
                "a day can have. Check the setting api_url, and report it if that is right."
            )
            raise ResponseTooLargeError(message)
        chunks.append(chunk)
    # Where requests keeps what it has read by itself.
    response._content = b"".join(chunks)  # noqa: SLF001

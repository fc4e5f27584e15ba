"""The connections of a run: shared by all streams and threads, made for a single address."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import select_proxy

from singer_reports.errors import AnswerTooLarge
from singer_reports.problems import port_is_sound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_reports.redactor import Redactor

#: The most an answer may have, in bytes. Its rows take several times as much in memory.
LARGEST_ANSWER = 256 * 1024**2
#: Read at a time. Other threads may run between two reads, and requests' own 10 kB make many.
PIECE = 1024**2
_PROXIES = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"}


class DiscreetSession(requests.Session):
    """Connections whose errors hold no secret, as the address may in which one stands."""

    def __init__(self, redactor: Redactor) -> None:
        """Take what knows the secrets."""
        super().__init__()
        self._redactor = redactor

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # noqa: ANN401
        """Send a request, and look through what goes wrong."""
        try:
            return super().send(request, **options)
        except Exception as error:
            self._redactor.redact_error(error)
            raise


def connection_problems(url: str) -> Iterator[str]:
    """Say what is wrong with the proxy and the certificates that the environment names.

    Args:
        url: The address of the API.

    Yields:
        A sentence a problem.
    """
    environment = requests.Session().merge_environment_settings(url, {}, None, None, None)
    proxy = select_proxy(url, environment["proxies"])
    if proxy and not _is_proxy(proxy):
        scheme = urlsplit(url).scheme.upper()
        yield (
            f"The variable {scheme}_PROXY (or ALL_PROXY) must hold an address such as "
            "http://proxy.example.com:3128, with user:password@ before its name if needed."
        )
    certificates = environment["verify"]
    if isinstance(certificates, str) and not Path(certificates).exists():
        yield f"The variable REQUESTS_CA_BUNDLE names {certificates}, and there is no such file."


def _is_proxy(address: str) -> bool:
    address = address if "://" in address else f"http://{address}"
    if not port_is_sound(address):
        return False
    parts = urlsplit(address)
    return bool(parts.hostname) and parts.scheme in _PROXIES


def connect(url: str, user_agent: str, connections: int, redactor: Redactor) -> requests.Session:
    """Make the connections.

    Args:
        url: The address of the API.
        user_agent: Who asks.
        connections: How many may be kept open.
        redactor: Is told the passwords of proxies, too.
    """
    session = DiscreetSession(redactor)
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
    session.hooks["response"].append(read_whole)
    return session


def read_whole(response: requests.Response, **_: Any) -> None:  # noqa: ANN401
    """Read an answer to its end, in large pieces.

    Raises:
        AnswerTooLarge: If it has no end within reason.
    """
    pieces = []
    size = 0
    for piece in response.iter_content(PIECE):
        size += len(piece)
        if size > LARGEST_ANSWER:
            response.close()
            message = (
                f"The answer has more than {LARGEST_ANSWER // 1024**2} MB, which is more than a "
                "day can have. Check the setting api_url, and report it if that is right."
            )
            raise AnswerTooLarge(message)
        pieces.append(piece)
    # Where requests keeps what it has read by itself.
    response._content = b"".join(pieces)  # noqa: SLF001

"""Finds the proxy and the certificates that the environment names, and validates URLs."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_PROXIES = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"}


class Proxy(NamedTuple):
    """The proxy that requests go through."""

    #: Its URL, as the user gave it; the scheme may be missing.
    url: str
    #: Where it is set, for messages.
    source: str

    @property
    def host(self) -> str:
        """Its host and port, without the password."""
        return self._parts.netloc.rpartition("@")[2]

    @property
    def _parts(self) -> SplitResult:
        return urlsplit(self._address)

    @property
    def _address(self) -> str:
        return self.url if "://" in self.url else f"http://{self.url}"

    def find_error(self) -> str | None:
        """Return what is wrong with it, if anything is."""
        if not (is_valid_url(self._address) and self._parts.scheme in _PROXIES):
            return (
                f"Correct {self.source}: it must hold an address such as "
                "http://proxy.example.com:3128, with user:password@ before its name if needed."
            )
        if self._parts.scheme.startswith("socks") and find_spec("socks") is None:
            return (
                f"Install the Python package PySocks beside the tap: {self.source} names a SOCKS "
                "proxy."
            )
        return None

    def wants_password(self) -> tuple[str, str]:
        """Return the message that it requires a user and a password, and where to set them."""
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
    # In the order of Python and requests. Without these variables, it is the system's setting.
    variables = (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY")
    named = next((name for name in variables if os.environ.get(name)), None)
    return Proxy(proxy, f"the variable {named}" if named else "the system's proxy setting")


def certificate_variable() -> str | None:
    """Return the variable that names the trusted certificates, if one is set."""
    # In the order of requests.
    variables = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    return next((name for name in variables if os.environ.get(name)), None)


def is_valid_url(address: str) -> bool:
    """Return whether a URL has a valid host and, if it has a port, a valid port."""
    try:
        parts = urlsplit(address)
        _ = parts.port
        # Fails for a label that is empty or longer than 63 characters.
        return bool((parts.hostname or "").encode("idna"))
    except ValueError:
        return False

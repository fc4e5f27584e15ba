"""The proxy and the certificates that the environment names, and what a URL must be."""

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


def is_valid_url(address: str) -> bool:
    """Report whether a URL names a host, and a port if any, that there can be."""
    try:
        parts = urlsplit(address)
        _ = parts.port
        # Fails for a part that is empty or longer than 63 characters.
        return bool((parts.hostname or "").encode("idna"))
    except ValueError:
        return False

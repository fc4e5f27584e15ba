"""Explains why a request got no response: what happened, and what the user can do about it."""

from __future__ import annotations

import errno
import http.client
import re
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from singer_sdk.exceptions import RetriableAPIError

from singer_reports.http.errors import ExplainedError
from singer_reports.http.proxy import certificate_variable, find_proxy
from singer_reports.redaction import chain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_reports.http.proxy import Proxy

E = TypeVar("E", bound=BaseException)

#: OpenSSL's reasons when the server responds without TLS.
_NO_TLS = {
    "HTTP_REQUEST",
    "PACKET_LENGTH_TOO_LONG",
    "RECORD_LAYER_FAILURE",
    "UNKNOWN_PROTOCOL",
    "WRONG_VERSION_NUMBER",
}
#: OpenSSL's reasons when the server supports only older versions of TLS.
_OLD_TLS = {"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "VERSION_TOO_LOW"}
#: OpenSSL's codes for invalid certificates.
_NOT_YET_VALID, _EXPIRED = 9, 10
_OTHER_NAME = {62, 64}  # A host name, an IP address.
_NO_ROUTE = {errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH}
_LOST = ("the connection to {host} was lost", "{hint}")
#: What happened and what to do, per type of error; the first match applies.
_DESCRIPTIONS: tuple[tuple[tuple[type[BaseException], ...], str, str], ...] = (
    (
        (requests.ConnectTimeout,),
        "{host} took too long to accept a connection",
        "A firewall may be in the way, or {setting} may be wrong.",
    ),
    (
        (requests.Timeout, urllib3.exceptions.ReadTimeoutError),
        "{host} took too long to answer",
        "",
    ),
    (
        (urllib3.exceptions.NameResolutionError,),
        "{name} was not found",
        "Check {setting} and the network of this machine.",
    ),
    (
        (ConnectionRefusedError,),
        "{host} refused the connection",
        "Check host and port in {setting}.",
    ),
    (
        (http.client.IncompleteRead, urllib3.exceptions.InvalidChunkLength),
        "the answer of {host} was cut short",
        "",
    ),
    # First, because a connection that the server closes is also a BadStatusLine.
    ((ConnectionError,), *_LOST),
    ((requests.exceptions.ChunkedEncodingError,), "the answer of {host} was cut short", ""),
    (
        (http.client.BadStatusLine, http.client.UnknownProtocol),
        "{host} answered with something that is not HTTP",
        "Check the port in {setting}, and whether it must begin with https://.",
    ),
    (
        (http.client.HTTPException, requests.exceptions.ContentDecodingError),
        "the answer of {host} cannot be read",
        "If it stays so, ask whoever runs {host}, or the proxy if there is one.",
    ),
)


class Cause(NamedTuple):
    """Why a request failed, and what to do."""

    #: What happened, as a clause without a full stop.
    what: str
    #: What the user can do, as a sentence; empty if only waiting helps.
    advice: str = ""
    #: Whether every further attempt will fail in the same way.
    lasting: bool = False

    def __str__(self) -> str:
        """Return both as sentences."""
        return f"{self.what}. {self.advice}".rstrip()


def describe_error(error: Exception, url: str) -> Cause:
    """Explain why a request failed; name the host only, as the URL may contain the token.

    Args:
        error: One of ``RETRIABLE_ERRORS``.
        url: The URL of the request.
    """
    if isinstance(error, RetriableAPIError):
        return Cause(str(error), error.advice if isinstance(error, ExplainedError) else "")
    errors = chain(error)
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    proxy = find_proxy(url)
    if proxy and isinstance(error, requests.exceptions.ProxyError | requests.ConnectTimeout):
        return _tunnel_cause(errors, host, proxy) or _connection_cause(
            errors, f"the proxy {proxy.host}", proxy.source
        )
    # A server that expects TLS cannot parse the request; most close the connection.
    is_unanswered = parts.scheme == "http" and isinstance(error, requests.ConnectionError)
    return _connection_cause(errors, host, "the setting api_url", may_want_tls=is_unanswered)


def _tunnel_cause(errors: Sequence[BaseException], host: str, proxy: Proxy) -> Cause | None:
    """Explain why a proxy did not connect to the host; ``None`` for any other error."""
    found = re.search(r"Tunnel connection failed: (\d+) ([^'\")]*)", str(errors[0]))
    if not found:
        return None
    status = int(found[1])
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return Cause(*proxy.wants_password(), lasting=True)
    return Cause(
        f"the proxy {proxy.host} did not connect to {host} ({status} {found[2].strip()})",
        "Ask whoever runs the proxy whether it lets this host through.",
        lasting=status < HTTPStatus.INTERNAL_SERVER_ERROR,
    )


def _connection_cause(
    errors: Sequence[BaseException], host: str, setting: str, *, may_want_tls: bool = False
) -> Cause:
    """Explain a failed connection.

    Args:
        errors: The error and all its causes.
        host: The host or the proxy, as messages name it.
        setting: The setting or the variable that names the host.
        may_want_tls: Whether the request was sent without TLS and got no response.
    """
    if found := _find(errors, ssl.SSLError):
        return _tls_cause(found, host, setting)
    if any(isinstance(each, OSError) and each.errno in _NO_ROUTE for each in errors):
        advice = f"Check the network of this machine and {setting}."
        return Cause(f"{host} cannot be reached", advice)
    hint = f"If HTTPS is expected there, {setting} must begin with https://."
    what, advice = next((rest for kinds, *rest in _DESCRIPTIONS if _find(errors, kinds)), _LOST)
    without_port = re.sub(r":[0-9]+$", "", host)
    name = without_port if " " in without_port else f"the name {without_port}"
    return Cause(
        what.format(host=host, name=name),
        advice.format(host=host, setting=setting, hint=hint * may_want_tls),
    )


def _tls_cause(error: ssl.SSLError, host: str, setting: str) -> Cause:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_cause(error, host, setting)
    reason = error.reason or ""
    if reason in _NO_TLS:
        return Cause(
            f"{host} does not answer over HTTPS",
            f"Check the port in {setting}, or let it begin with http:// if there is no HTTPS.",
            lasting=True,
        )
    if reason in _OLD_TLS:
        return Cause(
            f"{host} offers only versions of TLS that are too old",
            "Whoever runs it must allow TLS 1.2 or newer.",
            lasting=True,
        )
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return Cause(
            f"{host} cut off the encrypted connection",
            f"If it stays so, a firewall may be in the way, or the port in {setting} is wrong.",
        )
    return Cause(
        f"no encrypted connection to {host} could be made ({reason.replace('_', ' ').lower()})",
        f"Check {setting}; if it is right, ask whoever runs {host}.",
    )


def _certificate_cause(error: ssl.SSLCertVerificationError, host: str, setting: str) -> Cause:
    code = error.verify_code
    if code == _EXPIRED:
        what = "has expired"
        advice = f"Check the clock of this machine; if it is right, {host} needs a new one."
    elif code == _NOT_YET_VALID:
        what = "is not valid yet"
        advice = "Check the clock of this machine."
    elif code in _OTHER_NAME:
        what = "was issued for another name"
        advice = f"Check {setting}."
    else:
        what = f"is not trusted ({error.verify_message})"
        variable = certificate_variable()
        advice = (
            f"Check the file that {variable} names: it must hold the certificate of the authority "
            "that issued it."
            if variable
            else "If it is one of your own, or of your company's proxy, name a file with the "
            "certificate of the authority that issued it in the variable REQUESTS_CA_BUNDLE."
        )
    return Cause(f"the certificate of {host} {what}", advice, lasting=True)


def _find(errors: Sequence[BaseException], kinds: type[E] | tuple[type[E], ...]) -> E | None:
    return next((each for each in errors if isinstance(each, kinds)), None)

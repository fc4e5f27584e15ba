"""Connection errors, on real sockets: each message says what failed and what to do."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, Any

import certifi
import pytest
import requests
from singer_sdk.exceptions import ConfigValidationError

from singer_reports.http.connection_errors import describe_error
from tests.command_line import CommandLine
from tests.servers import (
    NO_COMMON_CIPHER,
    OLD_VERSION,
    Servers,
    closed_port,
    encrypted,
    respond,
    respond_with_status,
    tunnel,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.servers import Authority
    from tests.support import Adcloud, Adsterra

    Handler = Callable[[socket.socket], None]

URL = "https://user:password@api.example.com/publisher/s3cr3t/stats.json?x=1"
#: An API behind a proxy; only the proxy looks up its name.
BEHIND_PROXY = "api.example.com"
CHECK_PORT = (
    "Check the port in the setting api_url, or let it begin with http:// if there is no HTTPS."
)
TRUST_IT = (
    "If it is one of your own, or of your company's proxy, name a file with the certificate of the "
    "authority that issued it in the variable REQUESTS_CA_BUNDLE."
)
#: No proxies or certificates of this machine.
CLEAN = {
    name: ""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    for name in (name, name.lower())
}
AGAIN = "That was try 6 of 6: the next run goes on here."
AGAIN_LATER = "That was try 6 of 6: run again later, the next run goes on here."


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    with Servers(tmp_path) as running:
        yield running


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CLEAN:
        monkeypatch.delenv(name, raising=False)


#: Makes every look-up of a name fail without a name server. IP addresses are not looked up.
NO_NAMES = """
import socket
look_up = socket.getaddrinfo
def find_nothing(host, *options, **more):
    if host[0].isdigit():
        return look_up(host, *options, **more)
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
socket.getaddrinfo = find_nothing
"""


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", socket.getaddrinfo)
    exec(NO_NAMES, {})  # noqa: S102 - the same code runs in other processes


def unused() -> str:
    """Return a host and port on which nothing listens."""
    return f"127.0.0.1:{closed_port()}"


def reset(connection: socket.socket) -> None:
    """Reset a connection by closing it with unread data."""
    connection.recv(1)


#: The scheme, the server, the message, and whether the error is fatal.
DIRECT: dict[str, tuple[str, Callable[[Authority], Handler], str]] = {
    "HTTPS at a port for HTTP": (
        "https",
        lambda _: respond_with_status("400 Bad Request"),
        f"{{host}} does not answer over HTTPS. {CHECK_PORT}",
    ),
    "only old versions of TLS": (
        "https",
        lambda _: respond(OLD_VERSION),
        "{host} offers only versions of TLS that are too old. Whoever runs it must allow TLS 1.2 "
        "or newer.",
    ),
    "another reason in the handshake": (
        "https",
        lambda _: respond(NO_COMMON_CIPHER),
        "no encrypted connection to {host} could be made (sslv3 alert handshake failure). Check "
        f"the setting api_url; if it is right, ask whoever runs {{host}}. {AGAIN}",
    ),
    "a handshake cut off": (
        "https",
        lambda _: respond(b""),
        "{host} cut off the encrypted connection. If it stays so, a firewall may be in the way, or "
        f"the port in the setting api_url is wrong. {AGAIN}",
    ),
    "a handshake reset": (
        "https",
        lambda _: reset,
        f"the connection to {{host}} was lost. {AGAIN_LATER}",
    ),
    "an expired certificate": (
        "https",
        lambda authority: encrypted(authority.issue(days=(-2, -1))),
        "the certificate of {host} has expired. Check the clock of this machine; if it is right, "
        "{host} needs a new one.",
    ),
    "a certificate of tomorrow": (
        "https",
        lambda authority: encrypted(authority.issue(days=(1, 2))),
        "the certificate of {host} is not valid yet. Check the clock of this machine.",
    ),
    "a certificate for another name": (
        "https",
        lambda authority: encrypted(authority.issue("127.0.0.2")),
        "the certificate of {host} was issued for another name. Check the setting api_url.",
    ),
    "a self-signed certificate": (
        "https",
        lambda authority: encrypted(authority.issue(is_self_signed=True)),
        "the certificate of {host} is not trusted (self-signed certificate). Check the file that "
        "REQUESTS_CA_BUNDLE names: it must hold the certificate of the authority that issued it.",
    ),
    "HTTP at a port for HTTPS": (
        "http",
        lambda authority: encrypted(authority.issue()),
        "the connection to {host} was lost. If HTTPS is expected there, the setting api_url must "
        f"begin with https://. {AGAIN}",
    ),
    "HTTP at a port for HTTPS, nginx": (
        "http",
        lambda _: respond_with_status("400 x", "The plain HTTP request was sent to HTTPS port"),
        "{host} expects HTTPS. Let the setting api_url begin with https://.",
    ),
    "HTTP at a port for HTTPS, Apache": (
        "http",
        lambda _: respond_with_status("400 x", "speaking plain HTTP to an SSL-enabled server port"),
        "{host} expects HTTPS. Let the setting api_url begin with https://.",
    ),
    "no HTTP": (
        "http",
        lambda _: respond(b"220 mail.example.com ESMTP\r\n"),
        "{host} answered with something that is not HTTP. Check the port in the setting api_url, "
        f"and whether it must begin with https://. {AGAIN}",
    ),
    "a page of another server": (
        "http",
        lambda _: respond(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>Parked</h1>"),
        "Adsterra answered with something that is not JSON (text/html). If it stays so, check the "
        f"setting api_url. {AGAIN}",
    ),
}


@pytest.mark.parametrize("case", DIRECT.values(), ids=DIRECT)
def test_every_connection_error_has_its_own_message(
    adsterra: Adsterra,
    servers: Servers,
    monkeypatch: pytest.MonkeyPatch,
    waits: list[float],
    case: tuple[str, Callable[[Authority], Handler], str],
) -> None:
    scheme, handler, expected = case
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(servers.authority.trusted))
    host = servers.start(handler(servers.authority))
    run = adsterra.run("domains", api_url=f"{scheme}://{host}/publisher")
    assert str(run.error) == f"domains: {expected.format(host=host)}"
    # Fatal errors are not retried.
    assert len(waits) == (5 if "try 6 of 6" in expected else 0)


def test_a_trusted_certificate_is_accepted(
    adsterra: Adsterra, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CURL_CA_BUNDLE", str(servers.authority.trusted))
    host = servers.start(encrypted(servers.authority.issue()))
    run = adsterra.run("domains", api_url=f"https://{host}/publisher")
    assert run.error is None


def test_the_error_of_an_untrusted_certificate_says_how_to_trust_it(
    adcloud: Adcloud, servers: Servers
) -> None:
    host = servers.start(encrypted(servers.authority.issue()))
    run = adcloud.run("topics", api_url=f"https://{host}")
    assert str(run.error) == (
        f"topics: the certificate of {host} is not trusted (unable to get local issuer "
        f"certificate). {TRUST_IT}"
    )


#: The scheme of the API, the scheme of the proxy, the proxy, and the message.
PROXIES: dict[str, tuple[str, str, Callable[[Authority], Handler], str]] = {
    "wants a password, HTTPS": (
        "https",
        "http",
        lambda _: respond_with_status("407 Proxy Authentication Required"),
        "the proxy {proxy} wants a user and a password. Write them into the variable HTTPS_PROXY, "
        "as in http://user:password@proxy.example.com:3128.",
    ),
    "wants a password, HTTP": (
        "http",
        "http",
        lambda _: respond_with_status("407 Proxy Authentication Required"),
        "the proxy {proxy} wants a user and a password. Write them into the variable HTTP_PROXY, "
        "as in http://user:password@proxy.example.com:3128.",
    ),
    "refuses the host": (
        "https",
        "http",
        lambda _: respond_with_status("403 Forbidden"),
        f"the proxy {{proxy}} did not connect to {BEHIND_PROXY} (403 Forbidden). Ask whoever runs "
        "the proxy whether it lets this host through.",
    ),
    "does not reach the host": (
        "https",
        "http",
        lambda _: respond_with_status("502 Bad Gateway"),
        f"the proxy {{proxy}} did not connect to {BEHIND_PROXY} (502 Bad Gateway). Ask whoever "
        f"runs the proxy whether it lets this host through. {AGAIN}",
    ),
    "HTTPS to a proxy without": (
        "https",
        "https",
        lambda _: respond_with_status("400 Bad Request"),
        "the proxy {proxy} does not answer over HTTPS. Check the port in the variable HTTPS_PROXY, "
        "or let it begin with http:// if there is no HTTPS.",
    ),
    "a certificate of the proxy's own": (
        "https",
        "http",
        lambda authority: tunnel(encrypted(authority.issue())),
        f"the certificate of {BEHIND_PROXY} is not trusted (unable to get local issuer "
        f"certificate). {TRUST_IT}",
    ),
}


@pytest.mark.parametrize("case", PROXIES.values(), ids=PROXIES)
@pytest.mark.usefixtures("no_names")
def test_a_proxy_that_fails_is_named(
    adsterra: Adsterra,
    servers: Servers,
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[str, str, Callable[[Authority], Handler], str],
) -> None:
    scheme, proxy_scheme, handler, expected = case
    proxy = servers.start(handler(servers.authority))
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", f"{proxy_scheme}://{proxy}")
    run = adsterra.run("domains", api_url=f"{scheme}://{BEHIND_PROXY}/publisher")
    assert str(run.error) == f"domains: {expected.format(proxy=proxy)}"


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.usefixtures("no_names")
def test_a_proxy_that_is_not_there_is_named(
    adsterra: Adsterra, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    variable = f"{scheme.upper()}_PROXY"
    url = f"{scheme}://{BEHIND_PROXY}/publisher"
    proxy = unused()
    monkeypatch.setenv(variable, proxy)
    assert str(adsterra.run("domains", api_url=url).error) == (
        f"domains: the proxy {proxy} refused the connection. Check host and port in the variable "
        f"{variable}. {AGAIN}"
    )
    monkeypatch.setenv(variable, "http://user:password@proxy.invalid:3128")
    assert str(adsterra.run("domains", api_url=url).error) == (
        f"domains: the proxy proxy.invalid was not found. Check the variable {variable} and the "
        f"network of this machine. {AGAIN}"
    )
    monkeypatch.delenv(variable)
    monkeypatch.setenv("all_proxy", proxy)
    message = str(adsterra.run("domains", api_url=url).error)
    assert "Check host and port in the variable all_proxy." in message


@pytest.mark.usefixtures("no_names")
def test_an_unknown_host_is_named_in_every_warning(
    adsterra: Adsterra, adcloud: Adcloud, tmp_path: Path
) -> None:
    commands: list[CommandLine[Any]] = [
        CommandLine(adsterra, tmp_path),
        CommandLine(adcloud, tmp_path),
    ]
    for command in commands:
        command.command = NO_NAMES + command.command
        code, _, log = command.run(
            api_url="https://api3.adsterratols.com/x", max_concurrency=1, environment=CLEAN
        )
        assert code == 1
        lines = [line.split(" | ")[-1] for line in log.splitlines() if " | INFO" not in line]
        warnings, last = lines[:-1], lines[-1]
        assert len(warnings) == 5
        for number, line in enumerate(warnings, start=2):
            assert "the name api3.adsterratols.com was not found; trying again in " in line
            assert f"(try {number} of 6). Check the setting api_url and the network" in line
        assert last.endswith(
            "the name api3.adsterratols.com was not found. Check the setting api_url and the "
            f"network of this machine. {AGAIN}"
        )


@pytest.mark.parametrize(
    "name",
    [
        "HTTPS at a port for HTTP",
        "only old versions of TLS",
        "a handshake cut off",
        "a self-signed certificate",
    ],
)
def test_the_command_logs_the_connection_error(
    adsterra: Adsterra, servers: Servers, tmp_path: Path, name: str
) -> None:
    scheme, handler, expected = DIRECT[name]
    host = servers.start(handler(servers.authority))
    code, _, log = CommandLine(adsterra, tmp_path).run(
        api_url=f"{scheme}://{host}/publisher",
        environment={**CLEAN, "REQUESTS_CA_BUNDLE": str(servers.authority.trusted)},
    )
    assert code == 1
    assert "Traceback" not in log
    assert log.splitlines()[-1].endswith(f"| domains: {expected.format(host=host)}")


def test_a_connection_test_reports_an_error_of_all_streams_once(
    adsterra: Adsterra, servers: Servers, tmp_path: Path
) -> None:
    host = servers.start(respond_with_status("400 Bad Request"))
    code, _, log = CommandLine(adsterra, tmp_path).run(
        *("--config", "CONFIG", "--test"), api_url=f"https://{host}", environment=CLEAN
    )
    assert code == 1
    assert log.count("does not answer over HTTPS") == 1


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("missing.pem", "does not exist."),
        ("empty.pem", "holds no certificate in PEM format."),
        ("folder", "is a folder without certificates that `openssl rehash` has prepared."),
    ],
)
def test_unusable_certificates_are_refused_before_the_first_request(
    adsterra: Adsterra, tmp_path: Path, variable: str, path: str, expected: str
) -> None:
    (tmp_path / "empty.pem").touch()
    (tmp_path / "folder").mkdir()
    code, output, log = CommandLine(adsterra, tmp_path).run(
        api_url="https://api.example.com", environment={**CLEAN, variable: path}
    )
    assert (code, output) == (1, b"")
    assert f"The variable {variable} names {path}, which {expected} Nothing was read" in log


def test_certificates_are_not_read_where_none_are_needed(
    adsterra: Adsterra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "missing.pem")
    assert adsterra.run("domains").error is None


def test_a_folder_and_a_file_of_certificates_are_accepted(
    adsterra: Adsterra, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    (tmp_path / "0a1b2c3d.0").touch()
    assert adsterra.tap(api_url="https://api.example.com").run.session.verify == str(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    assert adsterra.tap(api_url="https://api.example.com").run.session.verify == certifi.where()


def test_a_proxy_that_needs_another_package_is_refused_before_the_first_request(
    adsterra: Adsterra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1080")
    with pytest.raises(ConfigValidationError) as caught:
        adsterra.tap(api_url="https://api.example.com")
    assert caught.value.errors == [
        "Install the Python package PySocks beside the tap: the variable HTTPS_PROXY names a SOCKS "
        "proxy."
    ]


@pytest.mark.parametrize("address", ["http://[::1", "[::1", "http://me:pa55word@[::1", "//["])
def test_an_impossible_proxy_is_refused_in_a_sentence(
    adsterra: Adsterra, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    with pytest.raises(ConfigValidationError) as caught:
        adsterra.tap(api_url="https://api.example.com")
    (problem,) = caught.value.errors
    assert problem.startswith("Correct the variable HTTPS_PROXY: ")
    assert address not in problem


@pytest.mark.parametrize(
    "host", ["api..example.com", f"{64 * 'a'}.example.com", "example.com:99999"]
)
def test_an_impossible_host_is_refused(adsterra: Adsterra, host: str) -> None:
    with pytest.raises(ConfigValidationError) as caught:
        adsterra.tap(api_url=f"https://{host}/publisher")
    (problem,) = caught.value.errors
    assert problem.startswith(
        "api_url must name a valid host and, if it names a port, one from 0 to "
    )


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (requests.ConnectTimeout("slow"), "took too long to accept a connection. A firewall"),
        (requests.ReadTimeout("slow"), "took too long to answer"),
        (OSError(errno.ENETUNREACH, "x"), "cannot be reached. Check the network"),
        (ConnectionResetError("reset"), "was lost"),
        (requests.ConnectionError("whatever"), "was lost"),
    ],
)
def test_a_connection_error_names_the_host_and_never_the_url(
    error: Exception, expected: str
) -> None:
    message = str(describe_error(error, URL))
    assert expected in message
    assert "api.example.com" in message
    assert "s3cr3t" not in message
    assert "password" not in message

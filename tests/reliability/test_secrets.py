"""Secrets are shown nowhere: not in the output, the log, the state, an error or its causes.

Every run logs at DEBUG level, for the console and as JSON. All of it is searched for its secrets:
complete, in part, and in every encoding.
"""

from __future__ import annotations

import base64
import http.server
import io
import json
import logging
import threading
import traceback
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, unquote

import pytest
from singer_sdk.logging import ConsoleFormatter, StructuredFormatter

from sandbox.adcloud import CLIENT_ID, CLIENT_SECRET
from sandbox.adsterra import ADVERTISER_TOKEN, DEMO_TOKEN, REVOKED_TOKEN
from sandbox.faults import Fault
from singer_reports import cli_errors
from tests.relay import response
from tests.reliability.bad_configurations import ADCLOUD, ADSTERRA, Case
from tests.reliability.secret_scan import leaks, secrets_of
from tests.reliability.test_bad_configuration import arguments
from tests.servers import Servers, closed_port

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support import Adcloud, Adsterra, CountCases

    Runner = Adsterra | Adcloud

#: A secret that must be encoded in URLs, in forms and in JSON.
ODD_SECRET = "s3cr/3t+\"q\\uote'%41&=;#end-of-it"  # noqa: S105


class LogCapture:
    """Captures all that a run writes and logs, in both formats of the SDK."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log = io.StringIO()
        self.errors: list[Exception] = []
        self._monkeypatch = monkeypatch

    @contextmanager
    def capture(self) -> Iterator[None]:
        root = logging.getLogger()
        before = root.level, list(root.handlers)
        root.setLevel(logging.DEBUG)
        for formatter in (ConsoleFormatter(), StructuredFormatter()):
            handler = logging.StreamHandler(self.log)
            handler.setFormatter(formatter)
            root.addHandler(handler)
        sentence = cli_errors.sentence

        def keep(error: Exception) -> str:
            self.errors.append(error)
            return sentence(error)

        with self._monkeypatch.context() as patch:
            patch.setattr(cli_errors, "sentence", keep)
            yield
        # Every command adds a handler.
        root.level, root.handlers[:] = before
        logging.captureWarnings(capture=False)

    def run(self, runner: Runner, given: list[str]) -> tuple[int, str]:
        """Run a command; return its exit code, and everything it has written and logged."""
        output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        printed = io.StringIO()
        tap = runner.tap_class
        self._monkeypatch.setenv(f"{tap._env_var_prefix}LOGLEVEL", "DEBUG")
        with self.capture(), redirect_stdout(output), redirect_stderr(printed):
            try:
                tap.cli.main(given, prog_name=tap.name)
                code = 0
            except SystemExit as ended:
                code = int(ended.code or 0)
        assert isinstance(output.buffer, io.BytesIO)
        shown = [output.buffer.getvalue().decode(), printed.getvalue(), self.log.getvalue()]
        return code, "\n".join([*shown, *(error_report(error) for error in self.errors)])


def error_report(error: BaseException) -> str:
    """Return an error as an error reporter shows it, with its causes and arguments."""
    seen: dict[int, BaseException] = {}
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and id(each) not in seen:
            seen[id(each)] = each
            waiting += [each.__cause__, each.__context__, *each.args]
    return "\n".join(
        "\n".join([str(each), repr(each), *traceback.format_exception(each, chain=False)])
        for each in seen.values()
    )


@pytest.fixture
def both(adsterra: Adsterra, adcloud: Adcloud) -> tuple[Adsterra, Adcloud]:
    """Both taps."""
    return adsterra, adcloud


@pytest.fixture
def run_and_search(monkeypatch: pytest.MonkeyPatch, count_cases: CountCases) -> Callable[..., str]:
    """Run a tap, check that it shows no secret, and return what it has shown."""

    def run(
        runner: Runner, *more: str, code: int | None, secrets: tuple[str, ...] = (), **changes: Any
    ) -> str:
        settings = {**runner.settings(), **changes}
        for name, value in settings.items():
            text = value if isinstance(value, str) else json.dumps(value)
            monkeypatch.setenv(f"{runner.tap_class._env_var_prefix}{name.upper()}", text)
        ended, shown = LogCapture(monkeypatch).run(runner, ["--config=ENV", *more])
        assert code in (None, ended), shown
        assert leaks(shown, {*secrets_of(runner.sandbox), *secrets}) == []
        count_cases("secrets", 1)
        return shown

    return run


def echoes(secret: str) -> list[str]:
    """Return messages of an API with a secret, also where long messages are cut off."""
    return [
        f"You sent {secret}, {quote(secret)} and {json.dumps(secret)}",
        *("x" * length + secret for length in (40, 180, 190)),
    ]


def failures(path: str, secret: str) -> list[Fault]:
    """Return faults of the responses for a path, some of which repeat a secret."""
    shown = echoes(secret)
    return [
        *(
            Fault("status", path=path, status=status, message=text)
            for status in (401, 403, 422)
            for text in shown
        ),
        *(
            Fault("status", path=path, status=status, message=shown[0])
            for status in (404, 418, 500)
        ),
        Fault("html", path=path),
        Fault("redirect", path=path, location=f"http://x.invalid/?secret={quote(secret)}"),
        Fault("empty", path=path),
        Fault("error_in_body", path=path, status=400, message=shown[0]),
        Fault("hang", path=path, seconds=2, times=1),
        Fault("reset", path=path),
        Fault("reset_in_body", path=path),
        Fault("cut", path=path),
        Fault("cut_chunked", path=path),
        Fault("truncated", path=path),
    ]


def wrong_data(path: str, secret: str) -> list[Fault]:
    """Return faults with a secret in a row, where it is not data."""
    shown = echoes(secret)
    return [
        *(Fault("wrong_type", path=path, field="clicks", value=text) for text in shown),
        Fault("set_field", path=path, field="date", value=shown[0]),
        Fault("unknown_field", path=path, field=shown[0]),
        Fault("lost_row", path=path),
    ]


def passes(fault: Fault | None) -> bool:
    """Return whether a run succeeds in spite of a fault."""
    return fault is None or fault.times == 1 or fault.kind == "unknown_field"


def run_with_each(
    faults: list[Fault | None], runner: Runner, run_and_search: Callable[..., str], **settings: str
) -> Iterator[str]:
    """Run a tap once per fault, and return the addresses that each run has requested."""
    for fault in faults:
        runner.sandbox.faults.clear()
        runner.sandbox.requests.clear()
        if fault:
            runner.sandbox.faults.add(fault)
        code = 0 if passes(fault) else 1
        run_and_search(runner, code=code, start_date="2024-04-29", request_timeout=1, **settings)
        assert fault is None or fault.triggered
        yield str([(request.path, request.query) for request in runner.sandbox.requests])


@pytest.mark.parametrize("auth_method", ["header", "path"])
def test_adsterra(
    adsterra: Adsterra,
    run_and_search: Callable[..., str],
    auth_method: str,
) -> None:
    faults = [None, *failures("stats", DEMO_TOKEN), *wrong_data("stats", DEMO_TOKEN)]
    for addresses in run_with_each(faults, adsterra, run_and_search, auth_method=auth_method):
        assert (auth_method == "path") == bool(leaks(addresses, [DEMO_TOKEN]))
    adsterra.sandbox.faults.clear()
    for token in (REVOKED_TOKEN, ADVERTISER_TOKEN, "0a1b2c3d" * 4):
        run_and_search(adsterra, code=1, api_token=token, auth_method=auth_method, secrets=(token,))


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_adcloud(
    adcloud: Adcloud,
    run_and_search: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    version: str,
) -> None:
    # A fixed token, which the sandbox can repeat in errors.
    token = "t0ken-of-the-sandbox-5f2c91"  # noqa: S105
    monkeypatch.setattr("secrets.token_hex", lambda _: token)
    faults = [
        None,
        *failures("reports", token),
        *wrong_data("reports", token),
        *failures("reports", CLIENT_SECRET),
        *wrong_data("reports", CLIENT_SECRET),
        *failures("oauth", CLIENT_SECRET),
        Fault("bad_credentials", path="oauth"),
        Fault("dead_token", path="reports", times=1),
    ]
    for addresses in run_with_each(faults, adcloud, run_and_search, report_api_version=version):
        assert leaks(addresses, secrets_of(adcloud.sandbox)) == []


def test_a_secret_that_is_encoded_in_urls_and_in_json(
    adcloud: Adcloud, run_and_search: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.adcloud.app.CLIENT_SECRET", ODD_SECRET)
    cases = [
        Fault("status", path=path, status=status, message=text)
        for path in ("oauth", "reports")
        for status in (400, 401, 403, 500)
        for text in echoes(ODD_SECRET)
    ]
    for fault in cases:
        adcloud.sandbox.faults.clear()
        adcloud.sandbox.faults.add(fault)
        shown = run_and_search(adcloud, code=1, client_secret=ODD_SECRET, secrets=(ODD_SECRET,))
        # The API's message about a report is shown, with the secret redacted.
        assert ("refused the request: " in shown) == (
            fault.path == "reports" and fault.status in {400, 403}
        )


def test_bad_configurations(
    both: tuple[Adsterra, Adcloud],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    count_cases: CountCases,
) -> None:
    adsterra, adcloud = both
    cases: list[tuple[Runner, Case]] = [
        *((adsterra, case) for case in ADSTERRA.values()),
        *((adcloud, case) for case in ADCLOUD.values()),
    ]
    for number, (runner, case) in enumerate(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        with monkeypatch.context() as patch:
            for name, text in {**case.variables, **(case.environment or {})}.items():
                patch.setenv(name, text)
            code, shown = LogCapture(patch).run(runner, arguments(case, runner))
        assert code == 1
        assert leaks(shown, {*secrets_of(runner.sandbox), "s3cr3t", "s3 cr3t", "pa55word"}) == []
    count_cases("secrets", len(cases))


@pytest.mark.parametrize(
    "more",
    [
        ["--about"],
        ["--about", "--format=json"],
        ["--about", "--format=markdown"],
        ["--discover"],
        ["--version"],
        ["--test"],
        ["--test=schema"],
        ["--help"],
    ],
)
def test_other_commands(
    adsterra: Adsterra,
    adcloud: Adcloud,
    run_and_search: Callable[..., str],
    more: list[str],
) -> None:
    for runner in (adsterra, adcloud):
        run_and_search(runner, *more, code=0)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "proxy",
    [
        "http://me:pa55-of-the-proxy@127.0.0.1:{port}",
        "http://me:pa55%2Dof%2Dthe%2Dproxy@127.0.0.1:{port}",
        "me:pa55-of-the-proxy@127.0.0.1:{port}",
        "http://me:pa55-of-the-proxy@127.0.0.1:portless",
        "http://me:pa55-of-the-proxy@",
        "socks9://me:pa55-of-the-proxy@127.0.0.1:{port}",
    ],
)
def test_the_password_of_a_proxy(
    both: tuple[Adsterra, Adcloud],
    run_and_search: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    proxy: str,
    scheme: str,
) -> None:
    adsterra, adcloud = both
    for name in ("NO_PROXY", "no_proxy", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", proxy.format(port=closed_port()))
    secrets = ("pa55-of-the-proxy", "pa55%2Dof%2Dthe%2Dproxy", "bWU6cGE1NS1vZi10aGUtcHJveHk=")
    runners: list[tuple[Runner, dict[str, str]]] = [
        (adsterra, {"auth_method": "path"}),
        (adcloud, {}),
    ]
    for runner, changes in runners:
        address = f"{scheme}://api.invalid/publisher"
        run_and_search(runner, code=1, api_url=address, secrets=secrets, **changes)
    assert adsterra.sandbox.requests == []


@pytest.mark.parametrize("status", [b"403", b"502"])
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("password", ["pa55-of-the-proxy", "pa5%2F"])
def test_a_proxy_that_repeats_its_password(  # noqa: PLR0913, PLR0917 - fixtures
    both: tuple[Adsterra, Adcloud],
    run_and_search: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    scheme: str,
    status: bytes,
    password: str,
) -> None:
    sent = base64.b64encode(f"me:{unquote(password)}".encode())
    seen: list[bytes] = []

    def repeat(connection: socket.socket) -> None:
        seen.append(connection.recv(65536))
        says = b"Basic " + sent + b" and " + sent.upper()
        body = json.dumps({"message": says.decode(), "error_description": says.decode()}).encode()
        connection.sendall(response(body, b"Connection: close", status=status + b" " + says))

    for name in ("NO_PROXY", "no_proxy", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Servers(tmp_path) as servers:
        proxy = f"http://me:{password}@{servers.start(repeat)}"
        monkeypatch.setenv(f"{scheme.upper()}_PROXY", proxy)
        for runner in both:
            secrets = (sent.decode(), sent.decode().upper(), unquote(password))
            run_and_search(runner, code=1, api_url=f"{scheme}://api.invalid", secrets=secrets)
    assert all(b"Proxy-Authorization: Basic " + sent in request for request in seen)
    assert len(seen) >= 2


def test_the_password_of_a_proxy_is_redacted(
    adsterra: Adsterra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://me:pa55%2Dof%2Dthe%2Dproxy@127.0.0.1:1")
    tap = adsterra.tap(api_url="http://api.invalid")
    for password in ("pa55-of-the-proxy", "pa55%2Dof%2Dthe%2Dproxy"):
        assert tap.run.redactor.redact(password) == "***"


def test_errors_raised_to_a_python_program_hold_no_secret(adsterra: Adsterra) -> None:
    for changes in (
        {"api_url": f"http://127.0.0.1:{closed_port()}"},
        {"api_url": "http://name.invalid"},
    ):
        error = adsterra.run("stats", auth_method="path", **changes).error
        assert error is not None
        assert leaks(error_report(error), [DEMO_TOKEN]) == []


def test_nothing_listens_at_the_address(
    adsterra: Adsterra,
    adcloud: Adcloud,
    run_and_search: Callable[..., str],
) -> None:
    address = f"http://127.0.0.1:{closed_port()}"
    run_and_search(adsterra, code=1, api_url=address, auth_method="path")
    run_and_search(adsterra, code=1, api_url=address, auth_method="header")
    run_and_search(adcloud, code=1, api_url=address)
    run_and_search(adsterra, code=1, api_url="http://name.invalid", auth_method="path")


class OtherHost(http.server.BaseHTTPRequestHandler):
    """A server of another host, which keeps what it receives."""

    received: ClassVar[list[str]] = []

    def handle_one_request(self) -> None:
        self.received.append(self.rfile.readline().decode())


@pytest.fixture
def other_host() -> Iterator[str]:
    """The URL of another host, which must receive nothing."""
    OtherHost.received.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), OtherHost) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()


def test_the_other_host_receives_requests(other_host: str) -> None:
    """Otherwise the next test would prove nothing."""
    import requests  # noqa: PLC0415

    with pytest.raises(requests.ConnectionError):
        requests.get(other_host, timeout=10)
    assert OtherHost.received


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed_to_another_host(
    both: tuple[Adsterra, Adcloud], run_and_search: Callable[..., str], other_host: str, status: int
) -> None:
    adsterra, adcloud = both
    cases: list[tuple[Runner, str, dict[str, str]]] = [
        *(
            (adsterra, path, {"auth_method": method})
            for path in ("domains", "smart-links", "stats")
            for method in ("header", "path")
        ),
        *((adcloud, path, {}) for path in ("oauth", "/customers", "performance", "/topics")),
        (adcloud, "/reports", {"report_api_version": "v1"}),
        (adcloud, "/reports", {"report_api_version": "v2"}),
    ]
    for runner, path, changes in cases:
        runner.sandbox.faults.clear()
        fault = Fault("redirect", path=path, status=status, location=other_host)
        runner.sandbox.faults.add(fault)
        shown = run_and_search(runner, code=1, start_date="2024-04-30", **changes)
        assert fault.triggered
        assert "redirect" in shown
    assert OtherHost.received == []


def test_the_secret_is_sent_to_the_api_and_nowhere_else(adcloud: Adcloud) -> None:
    """Otherwise searching for it would prove nothing."""
    adcloud.report()
    bodies = [request.body for request in adcloud.sandbox.requests]
    assert f"client_secret={quote(CLIENT_SECRET)}" in bodies[0]
    assert CLIENT_ID in bodies[0]
    assert not any(leaks(body, [CLIENT_SECRET]) for body in bodies[1:])

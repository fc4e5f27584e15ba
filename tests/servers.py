"""Local servers that are not the API: other protocols, bad certificates, proxies."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: What TLS servers send in place of a handshake (RFC 8446, 6): a fatal alert and its reason.
OLD_VERSION = b"\x15\x03\x01\x00\x02\x02\x46"
NO_COMMON_CIPHER = b"\x15\x03\x03\x00\x02\x02\x28"


class Servers:
    """Servers that run until the end of a test."""

    def __init__(self, folder: Path) -> None:
        """Write certificates into a folder."""
        #: The authority that issues their certificates.
        self.authority = Authority(folder)
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        """Start no server yet."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close all servers."""
        for listening in self._sockets:
            # Closing alone would not wake the thread that accepts connections.
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            listening.close()

    def start(self, handle: Callable[[socket.socket], None]) -> str:
        """Start a server that handles each connection, and return its host and port."""
        listening = socket.create_server(("127.0.0.1", 0))
        self._sockets.append(listening)

        def run() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection, contextlib.suppress(OSError):
                        handle(connection)

        threading.Thread(target=run, daemon=True).start()
        return f"127.0.0.1:{listening.getsockname()[1]}"


def closed_port() -> int:
    """Find a port of this machine on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port: int = unused.getsockname()[1]
        return port


def respond(text: bytes) -> Callable[[socket.socket], None]:
    """Respond to any request with these bytes, and close the connection."""

    def handle(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(text)

    return handle


def respond_with_status(status: str, body: str = "") -> Callable[[socket.socket], None]:
    """Respond with an HTTP status."""
    return respond(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())


def encrypted(certificate: Path) -> Callable[[socket.socket], None]:
    """Do a TLS handshake, and respond with an empty list."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def handle(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as inside:
            respond_with_status("200 OK", '{"items": [], "itemCount": 0}')(inside)

    return handle


def tunnel(inner: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    """Confirm a CONNECT request as a proxy does, and go on with another handler."""

    def handle(connection: socket.socket) -> None:
        respond(b"HTTP/1.1 200 OK\r\n\r\n")(connection)
        inner(connection)

    return handle


class Authority:
    """A certificate authority that is not trusted by default."""

    def __init__(self, folder: Path) -> None:
        """Make its certificate, in the file ``trusted``."""
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("of the tests")
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        own = _draft(self._name, self._name, self._key.public_key(), (-1, 1)).add_extension(
            constraints, critical=True
        )
        self.trusted = folder / "authority.pem"
        self.trusted.write_bytes(_pem(own.sign(self._key, hashes.SHA256())))

    def issue(
        self,
        host: str = "127.0.0.1",
        days: tuple[int, int] = (-1, 1),
        *,
        is_self_signed: bool = False,
    ) -> Path:
        """Issue a certificate, and return the file with it and its key.

        Args:
            host: The IP address it is for.
            days: From when to when it is valid, in days from now.
            is_self_signed: Whether it is signed with its own key.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = _name(host) if is_self_signed else self._name
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
        certificate = (
            _draft(_name(host), issuer, key.public_key(), days)
            .add_extension(names, critical=False)
            .sign(key if is_self_signed else self._key, hashes.SHA256())
        )
        path = self._folder / f"{certificate.serial_number}.pem"
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.write_bytes(secret + _pem(certificate))
        return path


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _draft(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: tuple[int, int]
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    first, last = (now + datetime.timedelta(number) for number in days)
    return x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=issuer,
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=first,
        not_valid_after=last,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)

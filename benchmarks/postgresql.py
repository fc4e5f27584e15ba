"""A PostgreSQL server for the duration of a ``with`` block, where PostgreSQL is installed."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Debian keeps the server's commands out of the path.
_FOLDERS = [
    *os.environ.get("PATH", "").split(os.pathsep),
    *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)),
]
#: The command that creates a server's data; ``None`` where PostgreSQL is not installed.
INITDB = shutil.which("initdb", path=os.pathsep.join(_FOLDERS))
USER = "ads"
_STARTUP_TIMEOUT = 30


@contextlib.contextmanager
def postgresql_server() -> Iterator[int]:
    """Run a server and return its port on 127.0.0.1; ``USER`` needs no password.

    It does not wait for the disk: its data is deleted with it.

    Raises:
        FileNotFoundError: PostgreSQL is not installed.
    """
    if INITDB is None:
        message = "PostgreSQL is not installed"
        raise FileNotFoundError(message)
    # The server refuses to run as root; Debian's package creates this user.
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="postgresql-", ignore_cleanup_errors=True) as folder:
        if user:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        data = f"{folder}/data"
        options = ["--auth=trust", "--encoding=UTF8", "--no-sync", f"--username={USER}"]
        run_as: dict[str, Any] = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL}
        subprocess.run([INITDB, "--pgdata", data, *options], **run_as, check=True)  # noqa: S603
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port: int = unused.getsockname()[1]
        command = [str(Path(INITDB).with_name("postgres")), "-D", data, "-k", folder, "-F"]
        command += ["-c", "listen_addresses=127.0.0.1", "-p", str(port)]
        log = Path(folder) / "log"
        with (
            log.open("wb") as errors,
            subprocess.Popen(command, **run_as, stderr=errors) as server,  # noqa: S603
        ):
            try:
                _wait_for(port, log)
                yield port
            finally:
                # Immediate shutdown: its data is not needed any more.
                server.send_signal(signal.SIGQUIT)
                server.wait(_STARTUP_TIMEOUT)


def _wait_for(port: int, log: Path) -> None:
    """Wait until the server accepts connections."""
    until = time.monotonic() + _STARTUP_TIMEOUT
    while time.monotonic() < until:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(host="127.0.0.1", port=port, user=USER, dbname="postgres").close()
            return
        time.sleep(0.05)
    raise TimeoutError(log.read_text("utf-8", "replace"))

"""Runs commands of dbt, each in a fork of a process that has imported dbt once: run by .venv-dbt.

Each line of standard input is a command as JSON: ``arguments``, ``environment``, ``folder``, and a
file ``output`` for what it prints. Each line of standard output is its exit code.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def run(runner: Any, command: dict[str, Any]) -> int:
    """Run a command, and return its exit code."""
    os.chdir(command["folder"])
    os.environ.clear()
    os.environ.update(command["environment"])
    with open(command["output"], "wb") as output:  # noqa: PTH123 - this is not the project's environment.
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    result = runner.invoke(command["arguments"])
    if result.exception:
        print(result.exception)
    sys.stdout.flush()
    return 0 if result.success else 1


def main() -> None:
    """Run commands until there are no more."""
    from dbt.cli.main import dbtRunner  # noqa: PLC0415 - pytest looks for examples in this module.

    runner = dbtRunner()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                code = run(runner, json.loads(line))
            except BaseException as error:  # noqa: BLE001 - nothing may go on as the server.
                print(repr(error), flush=True)
                code = 2
            os._exit(code)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()

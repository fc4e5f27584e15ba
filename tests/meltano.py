"""Run Meltano in the tests."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.paths import BIN, PROJECT

if TYPE_CHECKING:
    from pathlib import Path

MELTANO = BIN / "meltano"

needs_meltano = pytest.mark.skipif(
    not MELTANO.exists(), reason="Meltano is not installed; make test and make meltano do it"
)


def meltano(
    folder: Path,
    *arguments: str,
    project: Path = PROJECT,
    succeeds: bool = True,
    **environment: str,
) -> str:
    """Run Meltano as a user would, but with its state and its output in ``folder``."""
    result = subprocess.run(
        [MELTANO, "--env-file", folder / ".env", "--log-format", "uncolored", *arguments],
        cwd=project,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith(("TAP_", "TARGET_"))},
            "MELTANO_DATABASE_URI": f"sqlite:///{folder}/meltano.db",
            "TARGET_CSV_OUTPUT_PATH": str(folder / "csv"),
            "TARGET_DUCKDB_PATH": str(folder / "ads.duckdb"),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert (result.returncode == 0) == succeeds, result.stdout + result.stderr
    return result.stdout + result.stderr

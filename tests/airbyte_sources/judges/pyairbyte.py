"""Two syncs with PyAirbyte into its DuckDB cache; prints in JSON what they have read.

Run in .venv-airbyte: ``pyairbyte.py COMMAND CONFIG FOLDER``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import airbyte
from airbyte.caches import DuckDBCache

command, config, folder = sys.argv[1:]
source = airbyte.get_source(
    Path(command).name,
    local_executable=command,
    config=json.loads(Path(config).read_text()),
    install_if_missing=False,
)
source.check()
source.select_all_streams()
cache = DuckDBCache(db_path=Path(folder) / "cache.duckdb")
found = {}
for sync in ("first", "second"):
    read = source.read(cache=cache)
    found[sync] = {
        "records": read.processed_records,
        "tables": {name: len(read[name]) for name in read},
    }
for name in ("stats", "advertiser_report"):
    if name in read.streams:
        found["frame"] = len(read[name].to_pandas())
Path(folder, "found.json").write_text(json.dumps(found))

"""The streams with dlt's ``rest_api`` source, into files of newline-delimited JSON.

``python -m benchmarks.peers.dlt_source SETTINGS FOLDER``
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import dlt  # type: ignore[import-not-found]
from dlt.sources.rest_api import rest_api_source  # type: ignore[import-not-found]

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


def report(settings: dict[str, Any]) -> dict[str, Any]:
    """Describe Adcloud's report: a resource with the days, and one with the pages of each."""
    dates = [{"date": day} for day in settings["days"]]
    # A list of lists: a dependent resource takes its parent's rows by the page.
    days = dlt.resource([dates], name="days", selected=False)
    endpoint = {
        "path": "v1/reports/advertiser",
        "params": {"filter[date]": "{resources.days.date}", "per_page": 200},
        "paginator": {
            "type": "page_number",
            "base_page": 1,
            "page_param": "page",
            "total_path": "collection.pages",
        },
        "data_selector": "result",
    }
    together = settings["concurrency"] > 1
    resource = {
        "name": "advertiser_report",
        "endpoint": endpoint,
        "parallelized": together,
        "columns": _numbers("adcloud/advertiser_report"),
    }
    return {
        "client": {
            "base_url": settings["api_url"],
            "auth": {"type": "bearer", "token": settings["token"]},
        },
        "resources": [days, resource],
    }


def statistics(settings: dict[str, Any]) -> dict[str, Any]:
    """Describe Adsterra's statistics: one response."""
    endpoint = {
        "path": "stats.json",
        "params": {
            "start_date": settings["days"][0],
            "finish_date": settings["days"][-1],
            "group_by[]": ["date", "placement", "country"],
        },
        "paginator": "single_page",
        "data_selector": "items",
    }
    return {
        "client": {
            "base_url": settings["api_url"],
            "auth": {"type": "api_key", "name": "X-API-Key", "api_key": settings["token"]},
        },
        "resources": [
            {
                "name": "stats_by_country",
                "endpoint": endpoint,
                "columns": _numbers("adsterra/stats"),
            }
        ],
    }


def _numbers(schema: str) -> dict[str, Any]:
    """Say which columns hold numbers; dlt would make two columns of one that begins with a 0."""
    fields = json.loads((SCHEMAS / f"{schema}.json").read_text("utf-8"))["properties"]
    return {
        name: {"data_type": "double"} for name, field in fields.items() if "number" in field["type"]
    }


def main() -> None:
    """Read everything."""
    settings = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    folder = Path(sys.argv[2])
    if settings["concurrency"] > 1:
        dlt.config["extract.workers"] = settings["concurrency"]
    described = statistics(settings) if settings["api"] == "adsterra" else report(settings)
    dlt.pipeline(
        "benchmark",
        pipelines_dir=str(folder / "working"),
        destination=dlt.destinations.filesystem((folder / "rows").as_uri()),
        dataset_name="benchmark",
    ).run(rest_api_source(described), loader_file_format="jsonl")


if __name__ == "__main__":
    main()

"""The streams with dlt's ``rest_api`` source, into files of newline-delimited JSON or elsewhere.

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
    """Return the source of Adcloud's report: a resource of days, and one of the pages of each."""
    dates = [{"date": day} for day in settings["days"]]
    # A list of lists, because a dependent resource processes its parent's rows page by page.
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
    if settings.get("destination", "csv") != "csv":
        resource |= {"write_disposition": "merge", "primary_key": settings["primary_key"]}
    return {
        "client": {
            "base_url": settings["api_url"],
            "auth": {"type": "bearer", "token": settings["token"]},
        },
        "resources": [days, resource],
    }


def statistics(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the source of Adsterra's statistics: one response."""
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
    """Return type hints for the columns with numbers.

    Without them, dlt makes two columns of one whose first value is 0.
    """
    fields = json.loads((SCHEMAS / f"{schema}.json").read_text("utf-8"))["properties"]
    return {
        name: {"data_type": "double"} for name, field in fields.items() if "number" in field["type"]
    }


def destination(settings: dict[str, Any], folder: Path) -> tuple[Any, str | None]:
    """Return where the rows go, and the format of the files that dlt loads there."""
    kind = settings.get("destination", "jsonl")
    if kind == "duckdb":
        # Its own choice, INSERT with values, takes ten times as long.
        return dlt.destinations.duckdb(str(folder / "rows.duckdb")), "jsonl"
    if kind == "postgres":
        return dlt.destinations.postgres(settings["credentials"]), "csv"
    return dlt.destinations.filesystem((folder / "rows").as_uri()), kind


def main() -> None:
    """Run the pipeline."""
    settings = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    folder = Path(sys.argv[2])
    if settings["concurrency"] > 1:
        dlt.config["extract.workers"] = settings["concurrency"]
    described = statistics(settings) if settings["api"] == "adsterra" else report(settings)
    where, file_format = destination(settings, folder)
    dlt.pipeline(
        "benchmark",
        pipelines_dir=str(folder / "working"),
        destination=where,
        dataset_name="benchmark",
    ).run(rest_api_source(described), loader_file_format=file_format)


if __name__ == "__main__":
    main()

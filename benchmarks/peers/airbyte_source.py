"""The streams as declarative sources of ``airbyte-cdk``; writes messages to the standard output.

``python -m benchmarks.peers.airbyte_source SETTINGS FOLDER``
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from airbyte_cdk.entrypoint import launch  # type: ignore[import-not-found]
from airbyte_cdk.models import (  # type: ignore[import-not-found]
    ConfiguredAirbyteCatalogSerializer,
)
from airbyte_cdk.sources.declarative.concurrent_declarative_source import (  # type: ignore[import-not-found]
    ConcurrentDeclarativeSource,
)

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


def report(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the stream of Adcloud's report: a partition per day, each with pages by number."""
    schema = json.loads((SCHEMAS / "adcloud" / "advertiser_report.json").read_text("utf-8"))
    requester = {
        "type": "HttpRequester",
        "url_base": settings["api_url"],
        "path": "v1/reports/advertiser",
        "http_method": "GET",
        "authenticator": {"type": "BearerAuthenticator", "api_token": settings["token"]},
    }
    paginator = {
        "type": "DefaultPaginator",
        "pagination_strategy": {
            "type": "PageIncrement",
            "page_size": 200,
            "start_from_page": 1,
            "inject_on_first_request": True,
        },
        "page_size_option": _parameter("per_page"),
        "page_token_option": _parameter("page"),
    }
    days = {
        "type": "ListPartitionRouter",
        "values": settings["days"],
        "cursor_field": "day",
        "request_option": _parameter("filter[date]"),
    }
    parts = {"paginator": paginator, "partition_router": days}
    return _stream("advertiser_report", requester, "result", schema, parts)


def statistics(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the stream of Adsterra's statistics: one response."""
    schema = json.loads((SCHEMAS / "adsterra" / "stats.json").read_text("utf-8"))
    requester = {
        "type": "HttpRequester",
        "url_base": settings["api_url"],
        "path": "stats.json",
        "http_method": "GET",
        "request_parameters": {
            "start_date": settings["days"][0],
            "finish_date": settings["days"][-1],
            "group_by[]": "{{ ['date', 'placement', 'country'] }}",
        },
        "authenticator": {
            "type": "ApiKeyAuthenticator",
            "api_token": settings["token"],
            "inject_into": {
                "type": "RequestOption",
                "inject_into": "header",
                "field_name": "X-API-Key",
            },
        },
    }
    return _stream("stats_by_country", requester, "items", schema, {})


def _parameter(name: str) -> dict[str, str]:
    return {"type": "RequestOption", "inject_into": "request_parameter", "field_name": name}


def _stream(
    name: str,
    requester: dict[str, Any],
    rows: str,
    schema: dict[str, Any],
    parts: dict[str, Any],
) -> dict[str, Any]:
    selector = {
        "type": "RecordSelector",
        "extractor": {"type": "DpathExtractor", "field_path": [rows]},
    }
    return {
        "type": "DeclarativeStream",
        "name": name,
        "retriever": {
            "type": "SimpleRetriever",
            "requester": requester,
            "record_selector": selector,
            **parts,
        },
        "schema_loader": {"type": "InlineSchemaLoader", "schema": schema},
    }


def main() -> None:
    """Run the source."""
    settings = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    stream = statistics(settings) if settings["api"] == "adsterra" else report(settings)
    manifest: dict[str, Any] = {
        "version": "6.0.0",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": [stream["name"]]},
        "streams": [stream],
        "spec": {"type": "Spec", "connection_specification": {"type": "object"}},
    }
    if settings["concurrency"] > 1:
        level = {"type": "ConcurrencyLevel", "default_concurrency": settings["concurrency"]}
        manifest["concurrency_level"] = level
    configured = {
        "stream": {
            "name": stream["name"],
            "json_schema": {},
            "supported_sync_modes": ["full_refresh"],
        },
        "sync_mode": "full_refresh",
        "destination_sync_mode": "append",
    }
    folder = Path(sys.argv[2])
    config, catalog = folder / "config.json", folder / "catalog.json"
    config.write_text("{}", "utf-8")
    catalog.write_text(json.dumps({"streams": [configured]}), "utf-8")
    source = ConcurrentDeclarativeSource(
        catalog=ConfiguredAirbyteCatalogSerializer.load({"streams": [configured]}),
        config={},
        state=[],
        source_config=manifest,
    )
    launch(source, ["read", "--config", str(config), "--catalog", str(catalog)])


if __name__ == "__main__":
    main()

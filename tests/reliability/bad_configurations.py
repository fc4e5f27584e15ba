"""Cases of wrong settings, variables, catalogs and states."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Entry = dict[str, Any]


@dataclass
class Case:
    """The input of a run; everything that a case does not name is valid."""

    #: Settings that differ; ``None`` leaves one out.
    settings: Any = field(default_factory=dict)
    #: Makes the catalog from the one that ``--discover`` writes.
    catalog: Callable[[dict[str, Any]], Any] | None = None
    state: Any = None
    #: Environment variables that replace the settings file.
    environment: dict[str, str] | None = None
    #: Environment variables in addition to the settings.
    variables: dict[str, str] = field(default_factory=dict)
    #: Contents of files by name, in place of those made from the above.
    files: dict[str, bytes] = field(default_factory=dict)
    #: The command line, if not only these files.
    arguments: list[str] | None = None


def entry(catalog: dict[str, Any], stream: str) -> Entry:
    """Find the entry of a stream."""
    found: list[Entry] = [item for item in catalog["streams"] if item["tap_stream_id"] == stream]
    return found[0]


def metadata(catalog: dict[str, Any], stream: str, *breadcrumb: str) -> dict[str, Any]:
    """Find the metadata of a stream or of one of its fields."""
    wanted = [step for crumb in breadcrumb for step in ("properties", crumb)]
    found: list[dict[str, Any]] = [
        item["metadata"]
        for item in entry(catalog, stream)["metadata"]
        if item["breadcrumb"] == wanted
    ]
    return found[0]


def changed(stream: str, /, **changes: Any) -> Callable[[dict[str, Any]], Any]:
    """Change the entry of a stream; ``None`` removes a key."""

    def change(catalog: dict[str, Any]) -> Any:
        item = entry(catalog, stream)
        item.update(changes)
        for name in [name for name, value in changes.items() if value is None]:
            del item[name]
        return catalog

    return change


def changed_metadata(
    stream: str, *breadcrumb: str, **changes: Any
) -> Callable[[dict[str, Any]], Any]:
    """Change the metadata of a stream or a field."""

    def change(catalog: dict[str, Any]) -> Any:
        named = {name.replace("_", "-"): value for name, value in changes.items()}
        metadata(catalog, stream, *breadcrumb).update(named)
        return catalog

    return change


def with_field(stream: str, name: str, **details: Any) -> Callable[[dict[str, Any]], Any]:
    """Add metadata of one more field."""

    def change(catalog: dict[str, Any]) -> Any:
        item = entry(catalog, stream)
        item["schema"]["properties"][name] = {"type": "number"}
        item["metadata"].append({"breadcrumb": ["properties", name], "metadata": details})
        return catalog

    return change


def renamed(stream: str, name: str) -> Callable[[dict[str, Any]], Any]:
    """Rename a stream."""
    return changed(stream, tap_stream_id=name, stream=name)


def with_entry(given: Any) -> Callable[[dict[str, Any]], Any]:
    """Add an entry."""
    return lambda catalog: {"streams": [*catalog["streams"], given]}


def nothing_selected(catalog: dict[str, Any]) -> Any:
    """Deselect every stream."""
    for item in catalog["streams"]:
        metadata(catalog, item["tap_stream_id"])["selected"] = False
    return catalog


def twice(stream: str) -> Callable[[dict[str, Any]], Any]:
    """Repeat an entry."""
    return lambda catalog: with_entry(copy.deepcopy(entry(catalog, stream)))(catalog)


def key_without_inclusion(stream: str, *names: str) -> Callable[[dict[str, Any]], Any]:
    """Deselect key fields, as a catalog written by hand can."""

    def change(catalog: dict[str, Any]) -> Any:
        for name in names:
            known = metadata(catalog, stream, name)
            known.clear()
            known["selected"] = False
        return catalog

    return change


def without_root(stream: str) -> Callable[[dict[str, Any]], Any]:
    """Remove the metadata of the stream itself."""

    def change(catalog: dict[str, Any]) -> Any:
        item = entry(catalog, stream)
        item["metadata"] = [known for known in item["metadata"] if known["breadcrumb"]]
        return catalog

    return change


def several(*changes: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """Make several changes."""

    def change(catalog: dict[str, Any]) -> Any:
        for one in changes:
            catalog = one(catalog)
        return catalog

    return change


def bookmark(stream: str, value: Any, **others: Any) -> dict[str, Any]:
    """Make a state with one bookmark."""
    keys = {"replication_key": "date", "replication_key_value": value}
    return {"bookmarks": {stream: keys | others}}


def with_breadcrumb(stream: str, *steps: str, **details: Any) -> Callable[[dict[str, Any]], Any]:
    """Add metadata with a breadcrumb."""

    def change(catalog: dict[str, Any]) -> Any:
        item = entry(catalog, stream)
        item["metadata"].append({"breadcrumb": list(steps), "metadata": details})
        return catalog

    return change


REPORT = {"name": "own", "group_by": ["country"]}
BATCHES = {"encoding": {"format": "jsonl"}, "storage": {"root": "x"}}
#: A number of more digits than Python reads.
MANY_DIGITS = "9" * 5_000
#: A value that looks like a secret, used where none belongs.
LOOKS_SECRET = "4f6a8c0e2b1d3957a6b8c0d2e4f6a8c0"  # noqa: S105


def settings_of_both(first: str) -> dict[str, Case]:
    """Return cases of wrong settings that both taps have.

    Args:
        first: The name of the tap's first setting.
    """
    return {
        "an unknown setting": Case({"colour": "red"}),
        "a misspelt setting": Case({"start_dat": "2024-01-01"}),
        "a setting in other letters": Case({"Start_Date": "2024-01-01"}),
        "an address without a scheme": Case({"api_url": "api.example.com"}),
        "an address of another scheme": Case({"api_url": "ftp://api.example.com"}),
        "an address with a password": Case({"api_url": "https://me:pa55word@example.com/api"}),
        "an address with a password and no scheme": Case({"api_url": "me:pa55word@example.com"}),
        "an address with a long name and a password": Case(
            {"api_url": "https://the-user-number-1:pa55word@example.com"}
        ),
        "an address with a query": Case({"api_url": "https://example.com/api?key=1"}),
        "an address with a space": Case({"api_url": "https://example.com /api"}),
        "an address that is a number": Case({"api_url": 8765}),
        "an address with a port that cannot be": Case({"api_url": "http://example.com:99999"}),
        "an address with a name that cannot be": Case({"api_url": "http://api..example.com"}),
        "a start that is no day": Case({"start_date": "2024-02-30"}),
        "a start in words": Case({"start_date": "a month ago"}),
        "a start in the style of another country": Case({"start_date": "31.01.2024"}),
        "a start of a hundred thousand letters": Case({"start_date": "a" * 100_000}),
        "a start that is empty": Case({"start_date": ""}),
        "a start that is a number": Case({"start_date": 20240101}),
        "a start at the edge of time": Case({"start_date": "0001-01-01T00:00:00+14:00"}),
        "a start long before": Case({"start_date": "1024-01-01"}),
        "an end that is no day": Case({"end_date": "soon"}),
        "an end before the start": Case({"start_date": "2024-02-01", "end_date": "2024-01-31"}),
        "a lookback below zero": Case({"lookback_days": -1}),
        "a lookback beyond a year": Case({"lookback_days": 366}),
        "a lookback that is a text": Case({"lookback_days": "7"}),
        "a lookback with a fraction": Case({"lookback_days": 1.5}),
        "a lookback that is true": Case({"lookback_days": True}),
        "a word for yes": Case({"include_today": "yes"}),
        "no requests at a time": Case({"max_concurrency": 0}),
        "too many requests at a time": Case({"max_concurrency": 33}),
        "no time to wait": Case({"request_timeout": 0}),
        "a name of two lines": Case({"user_agent": "a\nb"}),
        "a name of a hundred thousand letters": Case({"user_agent": "a" * 100_000 + "é"}),
        "a secret in the wrong place": Case({"include_today": LOOKS_SECRET}),
        "a secret as the name of a setting": Case({LOOKS_SECRET: True}),
        "flattening by words": Case({"flattening_enabled": "yes", "flattening_max_depth": "2"}),
        "flattening to no depth": Case({"flattening_enabled": True}),
        "batches that go nowhere": Case({"batch_config": {"encoding": {"format": "jsonl"}}}),
        "batches of nothing": Case({"batch_config": {"encoding": {}, "storage": {"root": "x"}}}),
        "batches that need another package": Case(
            {"batch_config": {"encoding": {"format": "parquet"}, "storage": {"root": "x"}}}
        ),
        "batches beside stream maps": Case(
            {"batch_config": BATCHES, "stream_maps": {first: {"name": "md5('x')"}}}
        ),
        "batches beside flattening": Case(
            {"batch_config": BATCHES, "flattening_enabled": True, "flattening_max_depth": 1}
        ),
        "stream maps that are a text": Case({"stream_maps": "stats"}),
        "a stream map that is a number": Case({"stream_maps": {first: 5}}),
        "a stream map with an expression that is none": Case(
            {"stream_maps": {first: {"name": "1 +"}}}
        ),
        "a stream map with a statement": Case({"stream_maps": {first: {"name": "x = 1"}}}),
        "a stream map that names no field": Case({"stream_maps": {first: {"name": "idd + 1"}}}),
        "a stream map with a function that there is not": Case(
            {"stream_maps": {first: {"name": "Decimal(id)"}}}
        ),
        "a stream map that needs another package": Case(
            {"stream_maps": {first: {"name": "fake.name()"}}}
        ),
        "a stream map about no stream": Case({"stream_maps": {f"{first}x": {"name": None}}}),
        "a stream map about no field": Case({"stream_maps": {first: {"nmae": None}}}),
        "a stream map that takes the key": Case({"stream_maps": {first: {"id": "__NULL__"}}}),
        "several stream maps": Case(
            {
                "stream_maps": {
                    first: {"one": "1 +", "two": "(", "id": None, "three": ""},
                    f"{first}x": None,
                    "*": {"__filter__": "not", "nowhere": "__NULL__"},
                }
            }
        ),
        "an option of stream maps that there is not": Case({"stream_maps": {"__all__": {}}}),
        "a proxy that has no port": Case(
            {"api_url": "http://example.com"}, variables={"HTTP_PROXY": "http://me:pa55word@x:y"}
        ),
        "a proxy that is nowhere": Case(
            {"api_url": "https://example.com"}, variables={"HTTPS_PROXY": "http://me:pa55word@"}
        ),
        "a proxy that needs another package": Case(
            {"api_url": "https://example.com"}, variables={"HTTPS_PROXY": "socks5://localhost:1080"}
        ),
        "certificates that are none": Case(
            {"api_url": "https://example.com"},
            variables={"CURL_CA_BUNDLE": "config.json", "REQUESTS_CA_BUNDLE": ""},
        ),
        "certificates beside an address that is wrong": Case(
            {"api_url": "example.com"}, variables={"REQUESTS_CA_BUNDLE": "missing.pem"}
        ),
        "certificates that are not there": Case(
            {"api_url": "https://example.com"}, variables={"REQUESTS_CA_BUNDLE": "missing.pem"}
        ),
        "settings that are a list": Case(files={"config.json": b'["api_token"]'}),
        "settings that are a text": Case(files={"config.json": b'"api_token"'}),
        "settings with a comma too many": Case(files={"config.json": b'{"a": 1,}'}),
        "settings with a number of 5,000 digits": Case(
            files={"config.json": f'{{"max_concurrency": {MANY_DIGITS}}}'.encode()}
        ),
        "settings with an exponent beyond all numbers": Case(
            files={"config.json": b'{"max_concurrency": 1e99999999999999999999}'}
        ),
        "settings with what is no number": Case(files={"config.json": b'{"max_concurrency": NaN}'}),
        "settings that are cut short": Case(files={"config.json": b'{"api_token": "s3cr3t'}),
        "settings that are empty": Case(files={"config.json": b""}),
        "settings in another encoding": Case(
            files={"config.json": json.dumps({"a": "ü"}).encode("utf-16")}
        ),
        "a settings file that is not there": Case(arguments=["--config", "missing.json"]),
        "a settings file that is a folder": Case(arguments=["--config", "."]),
        "two settings files that cannot be read": Case(
            files={"config.json": b"{", "more.json": b"[]"},
            arguments=["--config", "config.json", "--config", "more.json"],
        ),
    }


def catalogs_of_both(dated: str, table: str, number: str) -> dict[str, Case]:
    """Return cases of wrong catalogs and states that both taps have.

    Args:
        dated: An incremental stream.
        table: A full-table stream.
        number: A field of the incremental stream that is not in its key.
    """
    return {
        "a catalog that is a list": Case(catalog=lambda _: []),
        "a catalog that is a state": Case(catalog=lambda _: bookmark(dated, "2024-04-20")),
        "a catalog whose streams are an object": Case(catalog=lambda _: {"streams": {}}),
        "a catalog without streams": Case(catalog=lambda _: {"streams": []}),
        "an entry that is a text": Case(catalog=with_entry(dated)),
        "an entry without a name": Case(catalog=with_entry({"schema": {}, "metadata": []})),
        "a misspelt stream": Case(catalog=renamed(dated, dated[:-1])),
        "a stream that is gone": Case(catalog=with_entry({"tap_stream_id": "zz_of_2023"})),
        "a stream twice": Case(catalog=twice(table)),
        "a stream under another name": Case(catalog=changed(table, stream="mine")),
        "no stream selected": Case(catalog=nothing_selected),
        "a selection in quotation marks": Case(
            catalog=changed_metadata(table, selected="true"),
        ),
        "a field's selection that is a number": Case(
            catalog=changed_metadata(dated, number, selected=0),
        ),
        "a selection at the top of an entry": Case(catalog=changed(table, selected=False)),
        "an inclusion that there is not": Case(
            catalog=changed_metadata(dated, number, inclusion="sometimes"),
        ),
        "metadata without a breadcrumb": Case(
            catalog=changed(table, metadata=[{"metadata": {"selected": True}}]),
        ),
        "metadata that is an object": Case(catalog=changed(table, metadata={"selected": True})),
        "a breadcrumb that is a text": Case(
            catalog=changed(table, metadata=[{"breadcrumb": "id", "metadata": {}}]),
        ),
        "an unknown field": Case(catalog=with_field(dated, f"{number}x", selected=True)),
        "an unknown field of no likeness": Case(catalog=with_field(dated, "zzz")),
        "an unknown field inside of a field": Case(
            catalog=with_breadcrumb(dated, "properties", number, "properties", "x", selected=True)
        ),
        "a deselected field beside batches": Case(
            {"batch_config": BATCHES}, catalog=changed_metadata(dated, number, selected=False)
        ),
        "a catalog with a number of 5,000 digits": Case(
            files={"catalog.json": f'{{"streams": [{MANY_DIGITS}]}}'.encode()}
        ),
        "a key field taken out": Case(catalog=key_without_inclusion(dated, "date")),
        "the key of a list taken out": Case(catalog=key_without_inclusion(table, "id")),
        "no word on the stream itself": Case(catalog=without_root(dated)),
        "no key": Case(catalog=changed(dated, key_properties=[])),
        "another key": Case(catalog=changed(dated, key_properties=["date"])),
        "a key that is a text": Case(catalog=changed(table, key_properties="id")),
        "another replication key": Case(catalog=changed(dated, replication_key=number)),
        "no replication key any more": Case(
            catalog=several(
                changed(dated, replication_key=None),
                changed_metadata(dated, replication_key=None),
            )
        ),
        "a replication key where there is none": Case(
            catalog=changed(table, replication_key="id"),
        ),
        "incremental where it cannot be": Case(
            catalog=changed(table, replication_method="INCREMENTAL"),
        ),
        "a replication method of databases": Case(
            catalog=changed(dated, replication_method="LOG_BASED"),
        ),
        "two replication methods": Case(
            catalog=changed_metadata(dated, replication_method="FULL_TABLE"),
        ),
        "a schema that is a list": Case(catalog=changed(table, schema=[])),
        "a catalog that is not JSON": Case(files={"catalog.json": b"{streams: []}"}),
        "a catalog that is empty": Case(files={"catalog.json": b""}),
        "a catalog in another encoding": Case(
            files={"catalog.json": '{"streams": []}'.encode("utf-16")}
        ),
        "a catalog that is not there": Case(
            arguments=["--config", "config.json", "--catalog", "missing.json"]
        ),
        "a state that is not JSON": Case(files={"state.json": b"{'bookmarks': {}}"}),
        "a state that is not there": Case(
            arguments=["--config", "config.json", "--state", "missing.json"]
        ),
        "a state that is a list": Case(state=[1]),
        "a whole message as the state": Case(
            state={"type": "STATE", "value": bookmark(dated, "2024-04-20")}
        ),
        "a catalog as the state": Case(state={"streams": []}),
        "bookmarks that are a list": Case(state={"bookmarks": [dated]}),
        "a bookmark that is a text": Case(state={"bookmarks": {dated: "2024-04-20"}}),
        "a state with a number of 5,000 digits": Case(
            files={"state.json": f'{{"bookmarks": {{"{dated}": {MANY_DIGITS}}}}}'.encode()}
        ),
        "a state with a definition of 5,000 digits": Case(
            files={
                "state.json": json.dumps(
                    {"bookmarks": {dated: {"definition": {"dimensions": ["@"]}}}}
                )
                .replace('"@"', f"{MANY_DIGITS}.5")
                .encode()
            }
        ),
        "progress that is a list": Case(
            state={"bookmarks": {dated: {"progress_markers": ["2024-04-20"]}}}
        ),
        "progress that is a number, in a partition": Case(
            state={"bookmarks": {dated: {"partitions": [{"progress_markers": 5}]}}}
        ),
        "a state with partitions": Case(
            state={"bookmarks": {table: {"partitions": [{"context": {"id": 1}}]}}}
        ),
        "a state with partitions of nothing": Case(
            state={"bookmarks": {dated: {"partitions": [{}, {"context": 5}]}}}
        ),
        "a bookmark that is no day": Case(state=bookmark(dated, "last week")),
        "a bookmark that is a number": Case(state=bookmark(dated, 20240420)),
        "a last reading that is no time": Case(
            state=bookmark(dated, "2024-04-20", extracted_at="noon")
        ),
        "a last reading that none can follow": Case(
            state=bookmark(dated, "2024-04-20", extracted_at="9999-12-31T23:59:59Z")
        ),
        "catalog and state at once": Case(
            {"max_concurrency": 0},
            catalog=changed(dated, key_properties=[]),
            state={"bookmarks": []},
        ),
    }


ADSTERRA: dict[str, Case] = {
    "no settings at all": Case(files={"config.json": b"{}"}),
    "no settings file either": Case(arguments=[]),
    "a token that is null": Case({"api_token": None}),
    "a token that is empty": Case({"api_token": ""}),
    "a token with the end of its line": Case({"api_token": "s3cr3t\n"}),
    "a token in quotation marks": Case({"api_token": '"s3cr3t"'}),
    "a token that is a number": Case({"api_token": 31337}),
    "a token in a list": Case({"api_token": ["s3cr3t"]}),
    "a way to authenticate that is none": Case({"auth_method": "cookie"}),
    "a way to authenticate that is a number": Case({"auth_method": 3}),
    **settings_of_both("domains"),
    "a stream map that mixes exact and other numbers": Case(
        {"stream_maps": {"stats": {"euros": "revenue * 0.92", "revenue": "0.92 * self"}}}
    ),
    "a filter that mixes exact and other numbers": Case(
        {"stream_maps": {"stats": {"__filter__": "_['revenue'] * 0.92 > 1"}}}
    ),
    "a window of no days": Case({"window_days": 0}),
    "a window beyond a year": Case({"window_days": 366}),
    "no requests a minute": Case({"requests_per_minute": 0}),
    "more requests a minute than allowed": Case({"requests_per_minute": 1201}),
    "a start before the first day": Case({"start_date": "2016-12-16"}),
    "reports that are an object": Case({"reports": {"own": ["country"]}}),
    "a report that is a text": Case({"reports": ["country"]}),
    "a report of nothing": Case({"reports": [{}]}),
    "a report without a name": Case({"reports": [{"group_by": ["country"]}]}),
    "a report with a space in its name": Case({"reports": [{**REPORT, "name": "by country"}]}),
    "a report named like a stream": Case({"reports": [{**REPORT, "name": "Stats"}]}),
    "two reports of one name": Case({"reports": [REPORT, {**REPORT, "name": "OWN"}]}),
    "a report by nothing": Case({"reports": [{**REPORT, "group_by": []}]}),
    "a report by a text": Case({"reports": [{**REPORT, "group_by": "country"}]}),
    "a report by what there is not": Case({"reports": [{**REPORT, "group_by": ["city"]}]}),
    "a report by a number": Case({"reports": [{**REPORT, "group_by": [5]}]}),
    "a report by the same twice": Case({"reports": [{**REPORT, "group_by": ["date", "date"]}]}),
    "a report by too much": Case(
        {
            "reports": [
                {**REPORT, "group_by": ["domain", "placement", "country", "placement_sub_id"]}
            ]
        }
    ),
    "a report on a domain that is a name": Case({"reports": [{**REPORT, "domain": "a.com"}]}),
    "a report on a country in small letters": Case({"reports": [{**REPORT, "country": "us"}]}),
    "a report on no placements": Case({"reports": [{**REPORT, "placement_ids": []}]}),
    "a report on 181 placements": Case(
        {"reports": [{**REPORT, "placement_ids": list(range(1, 182))}]}
    ),
    "two reports with different flaws": Case(
        {
            "reports": [
                {**REPORT, "name": "by country"},
                {
                    "name": "stats",
                    "group_by": ["domain", "placement", "country", "placement_sub_id"],
                },
            ]
        }
    ),
    "a report with an unknown word": Case({"reports": [{**REPORT, "days": 3}]}),
    "several at once": Case(
        {
            "api_token": None,
            "window_days": 0,
            "start_date": "soon",
            "end_date": "2024-01-01",
            "reports": [{**REPORT, "name": "stats"}, REPORT],
            "colour": "red",
        }
    ),
    "variables of the wrong type": Case(
        environment={
            "TAP_ADSTERRA_WINDOW_DAYS": "many",
            "TAP_ADSTERRA_INCLUDE_TODAY": "maybe",
            "TAP_ADSTERRA_REPORTS": "[{",
            "TAP_ADSTERRA_STREAM_MAPS": "{",
            "TAP_ADSTERRA_LOOKBACK_DAYS": "",
        }
    ),
    "a variable of 5,000 digits": Case(
        environment={
            "TAP_ADSTERRA_API_TOKEN": "s3cr3t",
            "TAP_ADSTERRA_WINDOW_DAYS": MANY_DIGITS,
            "TAP_ADSTERRA_STREAM_MAPS": MANY_DIGITS,
        }
    ),
    "variables out of range": Case(
        environment={
            "TAP_ADSTERRA_API_TOKEN": "s3 cr3t",
            "TAP_ADSTERRA_WINDOW_DAYS": "0",
            "TAP_ADSTERRA_REPORTS": "{}",
            "TAP_ADSTERRA_START_DATE": "",
        }
    ),
    "variables that are not JSON": Case(
        environment={
            "TAP_ADSTERRA_API_TOKEN": "s3cr3t",
            "TAP_ADSTERRA_REPORTS": "[{name: own, group_by: [country]}]",
            "TAP_ADSTERRA_STREAM_MAPS": "",
            "TAP_ADSTERRA_STREAM_MAP_CONFIG": "{'a': 1}",
            "TAP_ADSTERRA_BATCH_CONFIG": '{"encoding":\n{"format": jsonl}}',
        }
    ),
    "a misspelt variable": Case(
        environment={"TAP_ADSTERRA_API_TOKEN": "s3cr3t", "TAP_ADSTERRA_START_DAT": "2024-01-01"}
    ),
    "a secret in the wrong variable": Case(
        environment={"TAP_ADSTERRA_API_TOKEN": "x", "TAP_ADSTERRA_WINDOW_DAYS": LOOKS_SECRET}
    ),
    **catalogs_of_both("stats", "domains", "clicks"),
    "a catalog beside reports that cannot be": Case(
        {"reports": [{}]}, catalog=changed(("stats"), key_properties="date")
    ),
}

ADCLOUD: dict[str, Case] = {
    "no settings at all": Case(files={"config.json": b"{}"}),
    "no secret": Case({"client_secret": None}),
    "no first day": Case({"start_date": None}),
    "a client that is a number": Case({"client_id": 12}),
    "a client with a space": Case({"client_id": "the client"}),
    "a secret that is empty": Case({"client_secret": ""}),
    "a secret with a space": Case({"client_secret": "s3 cr3t"}),
    "a secret with the end of its line": Case({"client_secret": "s3cr3t\n"}),
    "a secret in an object": Case({"client_secret": {"s3cr3t": 1}}),
    **settings_of_both("topics"),
    "a stream map that mixes exact and other numbers": Case(
        {"stream_maps": {"advertiser_report": {"dollars": "1.08 * (costs - clicks_costs)"}}}
    ),
    "a version that there is not": Case({"report_api_version": "v3"}),
    "a version that is a number": Case({"report_api_version": 2}),
    "a zone that is a city": Case({"timezone": "Berlin"}),
    "a zone that is a folder": Case({"timezone": "../../etc/passwd"}),
    "a zone that is an offset": Case({"timezone": "+02:00"}),
    "a zone that is empty": Case({"timezone": ""}),
    "a zone that is a number": Case({"timezone": 2}),
    "a page of nothing": Case({"page_size": 0}),
    "a page larger than there are": Case({"page_size": 201}),
    "a setting of the other tap": Case({"window_days": 30}),
    "several at once": Case(
        {
            "client_id": None,
            "client_secret": "s3 cr3t",
            "start_date": "soon",
            "timezone": "Berlin",
            "page_size": 500,
            "colour": "red",
        }
    ),
    "variables of the wrong type": Case(
        environment={
            "TAP_ADCLOUD_CLIENT_ID": "the-client",
            "TAP_ADCLOUD_CLIENT_SECRET": "s3 cr3t",
            "TAP_ADCLOUD_PAGE_SIZE": "1.5",
            "TAP_ADCLOUD_TIMEZONE": "Berlin",
            "TAP_ADCLOUD_TIMEZON": "Europe/Berlin",
        }
    ),
    **catalogs_of_both("advertiser_report", "topics", "clicks"),
}

"""What the SDK does behind its private names, as far as the taps rely on it."""

from __future__ import annotations

import ast
import inspect
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import singer_sdk
from singer_sdk import Stream, Tap
from singer_sdk import typing as th

from singer_reports import sdk_internals
from tests.support import sync

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support import Adsterra

PROJECT = Path(__file__).parents[2]
PACKAGES = ("singer_reports", "tap_adsterra", "tap_adcloud")
SDK_MODULES = {"singer_reports/sdk_expressions.py", "singer_reports/sdk_internals.py"}
#: Names with an underscore in front that belong to others than the SDK.
OWN = {
    "singer_reports/http/adapter.py": {"_read_status"},
    "singer_reports/http/session.py": {"_content"},
    "singer_reports/records/decoder.py": {"_schema"},
}


class Plain(Stream):
    """A stream of three days, as the SDK reads it."""

    name = "plain"
    schema = th.PropertiesList(th.Property("date", th.StringType)).to_dict()
    replication_key = "date"
    is_sorted = True

    def get_records(self, context: Any) -> Iterable[dict[str, Any]]:  # noqa: ARG002
        """Yield three days."""
        yield from ({"date": f"2024-04-0{number}"} for number in (1, 2, 3))


class PlainTap(Tap):
    """A tap of the SDK alone."""

    name = "tap-plain"
    config_jsonschema = th.PropertiesList(
        th.Property("start_date", th.StringType), th.Property("size", th.IntegerType, default=7)
    ).to_dict()

    def discover_streams(self) -> list[Stream]:
        """Return the one stream."""
        return [Plain(self)]


def called(owner: type, name: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note each call of a private method of the SDK, and let it run."""
    calls: list[str] = []
    method = getattr(owner, name)

    def noting(*arguments: Any, **options: Any) -> Any:
        calls.append(name)
        return method(*arguments, **options)

    monkeypatch.setattr(owner, name, noting)
    return calls


@pytest.mark.parametrize(
    "name",
    [
        "_increment_stream_state",
        "_write_starting_replication_value",
        "_generate_record_messages",
        "_write_state_message",
        "_sync_records",
    ],
)
def test_the_sdk_calls_what_is_overridden_in_a_stream(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = called(Stream, name, monkeypatch)
    tap: Any = PlainTap(config={})
    assert sync(tap).error is None
    assert calls


@pytest.mark.parametrize("name", ["_validate_config", "_setup_signal_handlers"])
def test_the_sdk_calls_what_is_overridden_in_a_tap(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    calls = called(Tap, name, monkeypatch)
    try:
        PlainTap(config={})
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert calls == [name]


def test_the_sdk_keeps_the_settings_where_defaults_are_filled_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PlainTap, "_setup_signal_handlers", lambda _: None)
    tap = PlainTap(config={})
    assert tap._config["size"] == tap.config["size"] == 7


def test_the_sdk_reads_the_environment_where_it_is_overridden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PlainTap, "_setup_signal_handlers", lambda _: None)
    monkeypatch.setattr(PlainTap, "_env_var_config", {"size": 9})
    assert PlainTap(config={}, parse_env_config=True).config["size"] == 9
    assert PlainTap._env_var_prefix == "TAP_PLAIN_"


def test_the_sdk_leaves_out_a_state_equal_to_the_last_one(adsterra: Adsterra) -> None:
    tap = adsterra.tap("domains")
    writer: Any = tap.state_writer
    written: list[object] = []
    writer._message_writer = type("Writer", (), {"write_message": written.append})
    for _ in range(2):
        writer.write_state({"bookmarks": {}})
    assert len(written) == 1
    stream: Any = tap.streams["domains"]
    stream.repeat_state()
    writer.write_state({"bookmarks": {}})
    assert len(written) == 2


def test_the_version_of_a_stream_is_that_of_its_records(adsterra: Adsterra) -> None:
    run = adsterra.run("domains", emit_activate_version_messages=True)
    versions = {
        message["version"]
        for message in map(json.loads, run.output.splitlines())
        if message["type"] == "RECORD"
    }
    tap = adsterra.tap("domains", emit_activate_version_messages=True)
    assert len(versions) == 1
    assert isinstance(versions.pop(), int)
    assert sdk_internals.stream_version(tap.streams["domains"]) is None


def test_an_unhandled_error_is_named_as_the_filter_knows_it() -> None:
    assert '"An unhandled error occurred' in inspect.getsource(Stream.sync)


def private_names(tree: ast.Module, of_the_sdk: set[str]) -> Iterable[str]:
    """Yield private attributes of other objects, and imports of private or undocumented names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if not node.attr.startswith("__") and (
                owner not in {"self", "cls"} or node.attr in of_the_sdk
            ):
                yield node.attr
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("singer_sdk"):
            private = [alias.name for alias in node.names if alias.name.startswith("_")]
            yield from private
            if any(part.startswith("_") for part in str(node.module).split(".")):
                yield str(node.module)


@pytest.mark.parametrize("package", PACKAGES)
def test_private_names_of_the_sdk_stand_in_two_modules(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PlainTap, "_setup_signal_handlers", lambda _: None)
    tap = PlainTap(config={})
    paths = sorted((PROJECT / package).rglob("*.py"))
    assert paths
    of_the_sdk = {
        name
        for owner in (singer_sdk.RESTStream, tap, tap.streams["plain"])
        for name in {*dir(owner), *vars(owner)}
        if name.startswith("_") and not name.startswith("__")
    }
    for path in paths:
        where = str(path.relative_to(PROJECT))
        if where in SDK_MODULES:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found = (
            set(private_names(tree, of_the_sdk))
            - OWN.get(where, set())
            - {"_replace", "_encodings"}
        )
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert not found | (defined & of_the_sdk), where

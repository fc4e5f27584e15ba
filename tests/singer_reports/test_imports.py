"""Imports run one way: the order of the packages is the order in which they are read."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests.paths import NETWORKS, PROJECT, TAPS

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCES = "airbyte_sources"
PACKAGES = ("singer_reports", *TAPS, SOURCES, "sandbox")
#: Each part of ``singer_reports`` may import those on the lines before its own, and itself.
ORDER = (
    ("dates", "launch", "reading_times", "redaction", "sdk_expressions", "sdk_internals"),
    ("http", "records"),
    ("config",),
    ("output", "run"),
    ("streams",),
    ("library", "cli_errors"),
    ("cli",),
    ("tap",),
)
LEVEL = {name: number for number, names in enumerate(ORDER) for name in names}


def modules(package: str) -> dict[str, ast.Module]:
    """Parse all modules of a package, at every depth, by their dotted names."""
    found = {}
    for path in sorted((PROJECT / package).rglob("*.py")):
        parts = path.relative_to(PROJECT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


MODULES = {package: modules(package) for package in PACKAGES}
ALL = {name for found in MODULES.values() for name in found}


def imports(tree: ast.Module) -> Iterator[str]:
    """Yield every module that is imported, also within functions and for types only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole path"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in ALL else str(node.module)


GRAPH = {
    name: {other for other in imports(tree) if other in ALL and other != name}
    for found in MODULES.values()
    for name, tree in found.items()
}


def part(module: str) -> str:
    """Return the part of ``singer_reports`` that a module belongs to."""
    return module.split(".")[1]


def test_there_are_files_at_every_depth() -> None:
    for package, found in MODULES.items():
        assert len(found) > 3, package
    assert {"singer_reports.streams.full_table", "sandbox.adcloud.app"} <= ALL
    assert "singer_reports.http.session" in GRAPH["singer_reports.run"]


def test_every_part_has_a_place_in_the_order() -> None:
    parts = {part(name) for name in MODULES["singer_reports"] if "." in name}
    assert parts == set(LEVEL)


@pytest.mark.parametrize("module", [name for name in MODULES["singer_reports"] if "." in name])
def test_a_part_imports_only_what_stands_before_it(module: str) -> None:
    for other in GRAPH[module]:
        assert other.startswith("singer_reports."), f"{module} imports {other}"
        before = LEVEL[part(other)] < LEVEL[part(module)]
        assert before or part(other) == part(module), f"{module} imports {other}"


@pytest.mark.parametrize(
    ("package", "others"),
    [
        ("singer_reports", {*TAPS, SOURCES, "sandbox", "tests"}),
        *((tap, {*TAPS, SOURCES, "sandbox", "tests"} - {tap}) for tap in TAPS),
        (SOURCES, {"sandbox", "tests"}),
        ("sandbox", {*TAPS, SOURCES, "singer_reports", "tests"}),
    ],
)
def test_a_package_does_not_import_the_others(package: str, others: set[str]) -> None:
    for name, tree in MODULES[package].items():
        for imported in imports(tree):
            assert imported.split(".")[0] not in others, f"{name} imports {imported}"


@pytest.mark.parametrize("network", NETWORKS)
def test_only_the_module_of_a_source_knows_its_tap(network: str) -> None:
    users = {
        name
        for name, tree in MODULES[SOURCES].items()
        if any(imported.split(".")[0] == f"tap_{network}" for imported in imports(tree))
    }
    assert users == {f"{SOURCES}.{network}"}


@pytest.mark.parametrize("package", PACKAGES)
def test_there_is_no_circle(package: str) -> None:
    graph = {name: GRAPH[name] for name in MODULES[package]}
    while free := [name for name, others in graph.items() if not others & graph.keys()]:
        for name in free:
            del graph[name]
    assert not graph, f"in a circle, or behind one: {sorted(graph)}"

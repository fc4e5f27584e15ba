"""CONTRIBUTING.md tells the truth: its stream works, its files and commands exist."""

from __future__ import annotations

import re
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.adsterra import DEMO, truth
from tap_adsterra import streams, tap
from tests.support import NOW, day

if TYPE_CHECKING:
    import pytest

    from tests.support import Adsterra

PROJECT = Path(__file__).resolve().parent.parent
TEXT = (PROJECT / "CONTRIBUTING.md").read_text()


def test_the_stream_of_the_example_is_discovered_and_read(
    adsterra: Adsterra, monkeypatch: pytest.MonkeyPatch
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    assert len([line for line in example.splitlines() if line]) <= 10
    # As if the lines stood at the end of streams.py.
    names = dict(vars(streams))
    exec(example, names)  # noqa: S102 - the project's own document
    monkeypatch.setattr(tap, "STREAMS", names["STREAMS"])

    catalog = {entry["tap_stream_id"]: entry for entry in adsterra.tap().catalog_dict["streams"]}
    assert len(catalog) == len(streams.STREAMS) + 1
    assert list(catalog["stats_by_domain"]["key_properties"]) == ["date", "domain"]

    run = adsterra.run("stats_by_domain", end_date="2024-04-30")
    assert run.error is None
    rows = truth(DEMO, ("date", "domain"), day("2024-04-01"), day("2024-04-30"), NOW)
    assert rows
    numbers = itemgetter("date", "domain", "impression", "revenue")
    assert [numbers(row) for row in run.records("stats_by_domain")] == sorted(map(numbers, rows))
    assert run.bookmark("stats_by_domain") == "2024-04-30"


def test_what_is_named_exists() -> None:
    for document in ("CONTRIBUTING.md", "CHANGELOG.md"):
        for link in re.findall(r"\]\(([^)]+)\)", (PROJECT / document).read_text()):
            assert link.startswith("https://") or (PROJECT / link).exists(), link
    makefile = (PROJECT / "Makefile").read_text()
    for target in re.findall(r"make ([a-z]+)`|^make ([a-z]+)$", TEXT, flags=re.MULTILINE):
        assert f"\n{''.join(target)}:" in makefile, target

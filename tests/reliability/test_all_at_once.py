"""Any two problems of a configuration are reported together, in one run."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.reliability.bad_configurations import (
    REPORT,
    Case,
    bookmark,
    changed,
    key_without_inclusion,
    several,
    with_field,
)
from tests.reliability.test_bad_configuration import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from tests.support import Adcloud, Adsterra


def faults_of_both(dated: str, table: str, prefix: str) -> dict[str, Case]:
    """Return problems that both taps can have, each in another place.

    Args:
        dated: An incremental stream.
        table: A full-table stream.
        prefix: The prefix of the tap's environment variables.
    """
    return {
        "a settings file that is cut short": Case(files={"more.json": b"{"}),
        "a settings file that is a list": Case(files={"other.json": b"[]"}),
        "an unknown setting": Case({"colour": "red"}),
        "a setting out of range": Case({"lookback_days": -1}),
        "a day that is none": Case({"end_date": "soon"}),
        "an address that is none": Case({"api_url": "example.com"}),
        "certificates that are not there": Case(
            {"api_url": "https://api.invalid"},
            variables={"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "missing.pem"},
        ),
        "flattening to no depth": Case({"flattening_enabled": True}),
        "batches that go nowhere": Case({"batch_config": {"encoding": {"format": "jsonl"}}}),
        "a variable of another type": Case(variables={f"{prefix}MAX_CONCURRENCY": "many"}),
        "a variable that is not JSON": Case(variables={f"{prefix}STREAM_MAP_CONFIG": "{"}),
        "a misspelt variable": Case(variables={f"{prefix}START_DAT": "2024-01-01"}),
        "a catalog that is empty": Case(files={"catalog.json": b""}),
        "a catalog with an entry of another form": Case(catalog=changed(table, metadata={})),
        "a catalog with another key": Case(catalog=changed(dated, key_properties=["date"])),
        "a catalog without a key field": Case(catalog=key_without_inclusion(dated, "date")),
        "a catalog with an unknown field": Case(catalog=with_field(dated, "zzz")),
        "a state that is cut short": Case(files={"state.json": b"{"}),
        "a state that is a list": Case(state=[]),
        "a bookmark that is no day": Case(state=bookmark(dated, "last week")),
        "a map that is no expression": Case({"stream_maps": {table: {"name": "1 +"}}}),
        "a map about no field": Case({"stream_maps": {dated: {"nowhere": None}}}),
        "a map that is a number": Case({"stream_maps": {"*": 5}}),
    }


ADSTERRA = {
    **faults_of_both("stats", "domains", "TAP_ADSTERRA_"),
    "a report of nothing": Case({"reports": [{}]}),
    "a report named like a stream": Case({"reports": [{**REPORT, "name": "stats"}]}),
    "reports that are not JSON": Case(variables={"TAP_ADSTERRA_REPORTS": "["}),
}
ADCLOUD = {
    **faults_of_both("advertiser_report", "topics", "TAP_ADCLOUD_"),
    "a zone that is none": Case({"timezone": "Berlin"}),
}


def both(one: Case, other: Case) -> Case | None:
    """Make a case with both problems; ``None`` if they are in the same place."""
    settings = merged(one.settings, other.settings)
    variables = merged(one.variables, other.variables)
    files = merged(one.files, other.files)
    if settings is None or variables is None or files is None:
        return None
    catalogs = [case.catalog for case in (one, other) if case.catalog]
    states = [case.state for case in (one, other) if case.state is not None]
    if len(states) + ("state.json" in files) > 1 or (catalogs and "catalog.json" in files):
        return None
    inputs = {name for name in ("catalog", "state") if f"{name}.json" in files}
    inputs |= {"catalog"} if catalogs else set()
    inputs |= {"state"} if states else set()
    more = [name for name in files if name not in {"catalog.json", "state.json"}]
    arguments = [word for name in ("config.json", *more, "ENV") for word in ("--config", name)]
    arguments += [word for name in sorted(inputs) for word in (f"--{name}", f"{name}.json")]
    return Case(
        settings,
        catalog=several(*catalogs) if catalogs else None,
        state=states[0] if states else None,
        variables=variables,
        files=files,
        arguments=arguments,
    )


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any] | None:
    """Merge two objects; ``None`` if they have a key in common."""
    found = {**one, **other}
    for name in set(one) & set(other):
        if not (isinstance(one[name], dict) and isinstance(other[name], dict)):
            return None
        inside = merged(one[name], other[name])
        if inside is None:
            return None
        found[name] = inside
    return found


@pytest.mark.parametrize("tap", ["adsterra", "adcloud"])
def test_two_problems_are_reported_in_one_run(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tap: str
) -> None:
    runner: Adsterra | Adcloud = request.getfixturevalue(tap)
    faults = ADSTERRA if tap == "adsterra" else ADCLOUD
    folders = (tmp_path / str(number) for number in itertools.count())

    def reported(case: Case) -> set[str]:
        folder = next(folders)
        folder.mkdir()
        monkeypatch.chdir(folder)
        return set(refusal(case, runner, monkeypatch))

    nothing = Case()
    alone = {}
    for name, fault in faults.items():
        case = both(fault, nothing)
        assert case is not None
        alone[name] = reported(case)
    missing = []
    for one, other in itertools.combinations(faults, 2):
        case = both(faults[one], faults[other])
        if case is not None:
            silent = (alone[one] | alone[other]) - reported(case)
            missing += [f"{one} + {other}: {problem}" for problem in silent]
    assert missing == []
    assert runner.sandbox.requests == []

"""``spec``: the settings of the tap, as Airbyte's form shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator

if TYPE_CHECKING:
    from tests.airbyte_sources.support import SourceRunner

SECRETS = {"tap-adsterra": {"api_token"}, "tap-adcloud": {"client_secret"}}


@pytest.fixture
def form(source: SourceRunner) -> dict[str, Any]:
    (message,) = source.run(source.source.spec).messages
    assert message["spec"]["supportsIncremental"]
    found: dict[str, Any] = message["spec"]["connectionSpecification"]
    return found


def test_the_form_is_a_schema_that_takes_the_settings(
    source: SourceRunner, form: dict[str, Any]
) -> None:
    Draft7Validator.check_schema(form)
    Draft7Validator(form).validate(source.runner.settings())


def test_secrets_are_marked(source: SourceRunner, form: dict[str, Any]) -> None:
    marked = {name for name, field in form["properties"].items() if field.get("airbyte_secret")}
    assert marked == SECRETS[source.runner.tap_class.name]


def test_fields_have_one_type_a_title_a_description_and_an_order(form: dict[str, Any]) -> None:
    fields = form["properties"].values()
    assert [field["order"] for field in fields] == list(range(len(fields)))
    for field in fields:
        assert isinstance(field["type"], str)
        assert field["title"]
        assert field["description"]


def test_own_reports_are_a_list_of_forms(source_adsterra: SourceRunner) -> None:
    (message,) = source_adsterra.run(source_adsterra.source.spec).messages
    items = message["spec"]["connectionSpecification"]["properties"]["reports"]["items"]
    assert items["required"] == ["name", "group_by"]
    assert [field["order"] for field in items["properties"].values()] == [0, 1, 2, 3, 4]
    assert {field["type"] for field in items["properties"].values()} == {
        "string",
        "array",
        "integer",
    }


def test_settings_of_the_sdk_are_not_among_them(source: SourceRunner, form: dict[str, Any]) -> None:
    # The tap that is made in the same process has them.
    assert "stream_maps" in source.runner.tap().config_jsonschema["properties"]
    assert not {"stream_maps", "batch_config", "flattening_enabled"} & form["properties"].keys()

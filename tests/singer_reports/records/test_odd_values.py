"""Values that are not written as the schema says: read in the one way there is, or refused."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Generic

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from singer_reports.records.decoder import Decoder, ResponseSchemaError
from singer_reports.records.envelope import AnyRow, EmptyObject, Envelope, list_of
from singer_reports.records.row_types import as_dictionaries, as_dictionary

MAX_INTEGER = 2**63 - 1


class Items(Envelope[AnyRow], Generic[AnyRow]):
    items: list[AnyRow] | EmptyObject

    @property
    def rows(self) -> list[AnyRow]:
        return list_of(self.items)


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "small": {"type": ["integer", "null"], "maximum": 100},
        "name": {"type": ["string", "null"]},
        "costs": {"type": ["number", "null"]},
        "active": {"type": ["boolean", "null"]},
        "start": {"type": ["string", "null"], "format": "date"},
        "day": {"type": "string", "format": "date"},
        "tags": {"type": ["array", "null"], "items": {"type": "string"}},
        "ids": {"type": ["array", "null"], "items": {"type": "integer"}},
        "names": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
        "prices": {
            "type": ["array", "null"],
            "items": {
                "type": "object",
                "properties": {
                    "cpm": {"type": "number"},
                    "since": {"type": ["string", "null"], "format": "date"},
                },
            },
        },
        "best": {"type": ["object", "null"], "properties": {"cpm": {"type": "number"}}},
        "kind": {"type": ["string", "integer", "null"]},
        "anything": {"type": ["object", "null"]},
    },
    "required": ["id"],
}
#: Without objects in rows, a response is read by other means.
FLAT = {
    **SCHEMA,
    "properties": {
        name: field
        for name, field in SCHEMA["properties"].items()
        if name not in {"prices", "best"}
    },
}


def decode(row: str, schema: dict[str, Any] = SCHEMA) -> dict[str, Any]:
    content = f'{{"items": [{{"id": 1}}, {row}]}}'.encode()
    return as_dictionary(Decoder(Items, schema).decode(content).rows[1])


def decode_field(name: str, sent: str, schema: dict[str, Any] = SCHEMA) -> Any:
    return decode(f'{{"id": 1, "{name}": {sent}}}', schema)[name]


def schemas_with(name: str) -> list[dict[str, Any]]:
    return [schema for schema in (SCHEMA, FLAT) if name in schema["properties"]]


@pytest.mark.parametrize(
    ("field", "sent", "expected"),
    [
        # Numbers
        ("id", '"5"', 5),
        ("id", '"-5"', -5),
        ("id", '"+5"', 5),
        ("id", "5.0", 5),
        ("id", "5e3", 5000),
        ("id", '"5.00"', 5),
        ("id", "9007199254740993", 2**53 + 1),
        ("id", "9007199254740993.0", 2**53 + 1),
        ("id", "9.007199254740993e15", 2**53 + 1),
        ("id", '"9007199254740993.0"', 2**53 + 1),
        # Short, and between two floats that are 16 apart.
        ("id", "1.23456789012345e17", 123_456_789_012_345_000),
        ("id", '"1.23456789012345e17"', 123_456_789_012_345_000),
        ("id", "-9007199254740993.0", -(2**53) - 1),
        ("id", "9223372036854775807.0", MAX_INTEGER),
        ("id", str(MAX_INTEGER), MAX_INTEGER),
        ("id", str(-MAX_INTEGER - 1), -MAX_INTEGER - 1),
        ("small", "100", 100),
        ("small", '"null"', None),
        ("costs", "0.10", Decimal("0.10")),
        ("costs", '"0.0"', Decimal("0.0")),
        ("costs", '".5"', Decimal("0.5")),
        ("costs", '"1e-3"', Decimal("0.001")),
        ("costs", "null", None),
        ("costs", '"null"', None),
        # Truth
        ("active", "1", True),
        ("active", "0", False),
        ("active", '"true"', True),
        ("active", '"0"', False),
        # Texts: a sub id may come as a number
        ("name", '""', ""),
        ("name", '"null"', "null"),
        ("name", "5", "5"),
        ("name", "1.50", "1.50"),
        ("name", "1E+2", "1E+2"),
        ("name", "0.0000001", "0.0000001"),
        ("name", str(2**70), str(2**70)),
        ("kind", "5", 5),
        ("kind", '"5"', "5"),
        ("tags", '[5, "a"]', ["5", "a"]),
        # Dates, and how MySQL writes that there is none
        ("start", '"2026-11-25"', "2026-11-25"),
        ("start", '""', None),
        ("start", '"0000-00-00"', None),
        ("start", '"0000-00-00 00:00:00"', None),
        ("start", "null", None),
        ("day", '"2024-02-29"', "2024-02-29"),
        # Empty lists and objects, as PHP writes them
        ("tags", "{}", []),
        ("ids", "{}", []),
        ("names", "[]", {}),
        ("anything", "[]", {}),
        ("best", "[]", {}),
        ("prices", "{}", []),
        # Nested
        ("ids", '["5", 6.0]', [5, 6]),
        ("names", '{"de": "Politik", "en": 5}', {"de": "Politik", "en": "5"}),
        ("prices", '[{"cpm": "0.10", "since": ""}]', [{"cpm": Decimal("0.10"), "since": None}]),
        ("best", '{"cpm": "0.10"}', {"cpm": Decimal("0.10")}),
        (
            "anything",
            '{"rates": [0.1, {"a": 1.50}]}',
            {"rates": [Decimal("0.1"), {"a": Decimal("1.50")}]},
        ),
    ],
)
def test_a_value_that_can_be_read_in_one_way_is_read(
    field: str, sent: str, expected: object
) -> None:
    for schema in schemas_with(field):
        found = decode_field(field, sent, schema)
        assert found == expected
        assert type(found) is type(expected)
        assert str(found) == str(expected)


WHOLE = "expected a whole number of at most 64 bits"
DATE = "expected a date as YYYY-MM-DD"


@pytest.mark.parametrize(
    ("field", "sent", "expected"),
    [
        ("id", '"many"', f'{WHOLE}, at rows[1].id: "many"'),
        ("id", "1.5", f"{WHOLE}, at rows[1].id: 1.5"),
        ("id", "4.9999999999999999999", f"{WHOLE}, at rows[1].id: 4.9999999999999999999"),
        ("id", '"4.9999999999999999999"', f'{WHOLE}, at rows[1].id: "4.9999999999999999999"'),
        ("id", "9007199254740992.5", f"{WHOLE}, at rows[1].id: 9007199254740992.5"),
        ("id", "null", f"{WHOLE}, at rows[1].id: null"),
        ("id", "true", f"{WHOLE}, at rows[1].id: true"),
        ("id", '""', f'{WHOLE}, at rows[1].id: ""'),
        ("id", "[1]", f"{WHOLE}, at rows[1].id: [1]"),
        ("id", '"1_5"', f'{WHOLE}, at rows[1].id: "1_5"'),
        ("id", '"\uff11\uff15"', f'{WHOLE}, at rows[1].id: "\uff11\uff15"'),
        ("id", '"\u0661\u0665"', f'{WHOLE}, at rows[1].id: "\u0661\u0665"'),
        ("id", '" 5"', f'{WHOLE}, at rows[1].id: " 5"'),
        ("id", str(2**63), f"{WHOLE}, at rows[1].id: 9223372036854775808"),
        ("id", f'"{2**63}"', f'{WHOLE}, at rows[1].id: "9223372036854775808"'),
        ("id", f"{2**63}.0", f"{WHOLE}, at rows[1].id: 9223372036854775808.0"),
        ("id", str(-(2**63) - 1), f"{WHOLE}, at rows[1].id: -9223372036854775809"),
        ("id", "1e400", f"{WHOLE}, at rows[1].id: 1e400"),
        ("id", "1E99999999999999999999", f"{WHOLE}, at rows[1].id: 1E99999999999999999999"),
        ("small", "101", f"{WHOLE} or null, at rows[1].small: 101"),
        ("costs", '"1,5"', 'expected a number or null, at rows[1].costs: "1,5"'),
        ("costs", '""', 'expected a number or null, at rows[1].costs: ""'),
        ("costs", '"NaN"', 'expected a number or null, at rows[1].costs: "NaN"'),
        ("costs", '"-Infinity"', 'expected a number or null, at rows[1].costs: "-Infinity"'),
        ("costs", '"1_5"', 'expected a number or null, at rows[1].costs: "1_5"'),
        ("costs", '"\uff11"', 'expected a number or null, at rows[1].costs: "\uff11"'),
        ("costs", '"\u0661"', 'expected a number or null, at rows[1].costs: "\u0661"'),
        ("costs", '" 5"', 'expected a number or null, at rows[1].costs: " 5"'),
        ("costs", '"1.2.3"', 'expected a number or null, at rows[1].costs: "1.2.3"'),
        ("costs", "true", "expected a number or null, at rows[1].costs: true"),
        ("costs", "1E99999999999999999999", "rows[1].costs: 1E99999999999999999999"),
        ("active", "2", "expected true or false or null, at rows[1].active: 2"),
        ("active", '"yes"', 'expected true or false or null, at rows[1].active: "yes"'),
        ("name", "true", "expected a text or null, at rows[1].name: true"),
        ("name", "[]", "expected a text or null, at rows[1].name: []"),
        ("start", '"20261125"', f'{DATE} or null, at rows[1].start: "20261125"'),
        ("start", '"2026-W48-3"', f'{DATE} or null, at rows[1].start: "2026-W48-3"'),
        ("start", '"2026-02-30"', f'{DATE} or null, at rows[1].start: "2026-02-30"'),
        (
            "start",
            '"2026-11-25T00:00:00"',
            f'{DATE} or null, at rows[1].start: "2026-11-25T00:00:00"',
        ),
        ("start", '" "', f'{DATE} or null, at rows[1].start: " "'),
        ("start", "20261125", f"{DATE} or null, at rows[1].start: 20261125"),
        ("day", '""', f'{DATE}, at rows[1].day: ""'),
        ("day", '"0000-00-00"', f'{DATE}, at rows[1].day: "0000-00-00"'),
        ("day", '"null"', f'{DATE}, at rows[1].day: "null"'),
        ("day", "null", f"{DATE}, at rows[1].day: null"),
        ("tags", '{"0": "a"}', 'expected a list or null, at rows[1].tags: {"0":"a"}'),
        ("tags", "[true]", "expected a text, at rows[1].tags[0]: true"),
        ("ids", '[5, "x"]', f'{WHOLE}, at rows[1].ids[1]: "x"'),
        ("ids", f"[{2**63}]", f"{WHOLE}, at rows[1].ids[0]: 9223372036854775808"),
        ("names", "[1]", "expected an object or null, at rows[1].names: [1]"),
        ("names", '{"de": null}', "expected a text, at rows[1].names.de: null"),
        ("anything", "[1]", "expected an object or null, at rows[1].anything: [1]"),
        ("prices", '[{}, {"cpm": "nan"}]', 'expected a number, at rows[1].prices[1].cpm: "nan"'),
        ("prices", '[{"since": "1"}]', f'{DATE} or null, at rows[1].prices[0].since: "1"'),
        ("best", '{"cpm": null}', "expected a number, at rows[1].best.cpm: null"),
    ],
)
def test_any_other_value_is_refused_with_its_place(field: str, sent: str, expected: str) -> None:
    for schema in schemas_with(field):
        with pytest.raises(ResponseSchemaError) as caught:
            decode_field(field, sent, schema)
        assert expected in str(caught.value)


def test_a_missing_field_and_a_row_that_is_none_are_refused() -> None:
    with pytest.raises(ResponseSchemaError, match=r"field `id`, at rows\[1\]: \{\"name\":\"x\"\}"):
        decode('{"name": "x"}')
    with pytest.raises(ResponseSchemaError, match=r"at \$\.items\[1\]: 5"):
        decode("5")


def test_a_deeply_nested_value_is_refused() -> None:
    """As deep as the parser goes, and deeper than Python does."""
    for depth in (100, 400, 600, 900):
        nested = '{"a":' * depth + "0.5" + "}" * depth
        for field in ("anything", "id"):
            try:
                decode_field(field, nested)
            except ResponseSchemaError as error:
                assert len(str(error)) < 250


def test_an_empty_object_is_an_empty_list_of_rows() -> None:
    assert Decoder(Items, SCHEMA).decode(b'{"items": {}}').rows == []
    with pytest.raises(ResponseSchemaError):
        Decoder(Items, SCHEMA).decode(b'{"items": {"0": {"id": 1}}}')


@given(number=st.decimals(-(2**64), 2**64, places=2) | st.integers(-(2**64), 2**64).map(Decimal))
@example(number=Decimal("4.99999999999999999999"))
@example(number=Decimal("9007199254740993.0"))
@example(number=Decimal("123456789012345678E-2"))
def test_a_whole_number_is_exact_however_it_is_written(number: Decimal) -> None:
    for sent in (str(number), f'"{number}"'):
        content = f'{{"items": [{{"id": {sent}}}]}}'.encode()
        if number == int(number) and -(2**63) <= number < 2**63:
            (row,) = Decoder(Items, FLAT).decode(content).rows
            assert row.id == int(number)
        else:
            with pytest.raises(ResponseSchemaError):
                Decoder(Items, FLAT).decode(content)


@given(
    text=st.text(max_size=8) | st.dates().map(str) | st.dates().map(lambda d: d.strftime("%Y%m%d"))
)
def test_a_text_is_a_date_only_as_it_is_announced(text: str) -> None:
    try:
        found = decode_field("day", json.dumps(text), FLAT)
    except ResponseSchemaError:
        return
    year, month, day = found.split("-")
    assert (len(year), len(month), len(day)) == (4, 2, 2)
    assert found == text
    assert text.isascii()


def test_numbers_of_dictionaries_are_decimals() -> None:
    """Stream maps calculate with them, and a float and a decimal cannot be added."""
    rows = Decoder(Items, FLAT).decode(b'{"items": [{"id": 1, "costs": 5}, {"id": 2}]}').rows
    first, second = as_dictionaries(rows, FLAT)
    assert type(first["costs"]) is Decimal
    assert first == {"id": 1, "costs": 5}
    assert second == {"id": 2}


def test_a_format_that_is_not_checked_cannot_be_announced() -> None:
    schema = {"type": "object", "properties": {"at": {"type": "string", "format": "date-time"}}}
    with pytest.raises(KeyError):
        Decoder(Items, schema)

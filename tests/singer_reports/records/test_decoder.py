"""Decoding of rows: right types, exact numbers, nothing dropped silently."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from singer_sdk.contrib.msgspec import encoder

from singer_reports.records.decoder import Decoder, ResponseSchemaError
from singer_reports.records.envelope import AnyRow, Envelope
from singer_reports.records.row_types import as_dictionary

if TYPE_CHECKING:
    from tests.support import CountCases


class Items(Envelope[AnyRow], Generic[AnyRow]):
    items: list[AnyRow]

    @property
    def rows(self) -> list[AnyRow]:
        return self.items


SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": ["string", "null"]},
        "costs": {"type": ["number", "null"]},
        "active": {"type": ["boolean", "null"]},
        "tags": {"type": ["array", "null"], "items": {"type": "string"}},
        "names": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
        "prices": {
            "type": ["array", "null"],
            "items": {"type": "object", "properties": {"cpm": {"type": "number"}}},
        },
        "anything": {"type": ["object", "null"]},
    },
    "required": ["id"],
}


def decoder(**options: Any) -> Decoder:
    return Decoder(Items, SCHEMA, **options)


def decode(row: str) -> dict[str, Any]:
    return as_dictionary(decoder().decode(f'{{"items": [{row}]}}'.encode()).rows[0])


#: JSON numbers as text, with up to 80 digits.
NUMBERS = st.from_regex(r"\A-?(0|[1-9][0-9]{0,39})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?\Z")
#: Where a number can be in a row: in a field, nested in one, or in one of any shape.
PLACES = [
    '{{"id": 1, "costs": {}}}',
    '{{"id": 1, "prices": [{{"cpm": 0}}, {{"cpm": {}}}]}}',
]
ANYWHERE = [*PLACES, '{{"id": 1, "anything": {{"rates": [{}]}}}}']


def numbers_in(value: Any) -> list[Decimal]:
    """Return all numbers in a value, in their order."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return [number for each in inner for number in numbers_in(each)]
    return [value]


def message_of(row: str) -> Any:
    """Decode a row, write it as the taps do, and parse the message with exact numbers."""
    decoded = decoder().decode(f'{{"items": [{row}]}}'.encode()).rows[0]
    return json.loads(encoder.encode(decoded), parse_float=Decimal, parse_int=Decimal)


@given(number=NUMBERS, place=st.sampled_from(ANYWHERE))
@example(number="0.1234567890123456789012345678901234567890", place=PLACES[0])
@example(number="1" * 40, place=PLACES[0])
@example(number="-0.0", place=PLACES[0])
@example(number="1e400", place=ANYWHERE[2])
@example(number="18446744073709551616", place=ANYWHERE[2])
def test_a_number_keeps_its_decimal_value_from_the_wire_to_the_message(
    number: str, place: str, count_cases: CountCases
) -> None:
    assert numbers_in(message_of(place.format(number)))[-1] == Decimal(number)
    count_cases("decimals", 1)


@given(number=NUMBERS, place=st.sampled_from(PLACES))
def test_a_number_in_quotes_keeps_its_decimal_value_as_well(
    number: str, place: str, count_cases: CountCases
) -> None:
    assert numbers_in(message_of(place.format(f'"{number}"')))[-1] == Decimal(number)
    count_cases("decimals", 1)


@given(number=st.integers(-(2**63), 2**63 - 1))
def test_a_whole_number_keeps_its_value_in_a_number_field(number: int) -> None:
    assert decode(f'{{"id": {number}, "costs": {number}}}') == {"id": number, "costs": number}


def test_a_long_value_is_shortened() -> None:
    with pytest.raises(ResponseSchemaError) as caught:
        decode(f'{{"id": "{"x" * 10_000}"}}')
    assert len(str(caught.value)) < 200


def test_a_name_that_looks_like_no_number_is_a_name() -> None:
    assert decode('{"id": 1, "name": "Infinity Ltd"}')["name"] == "Infinity Ltd"


@pytest.mark.parametrize(
    "content",
    [b"[]", b"5", b"null", b"{}", b'{"items": 5}', b'{"items": null}', b'{"code": 500}'],
)
def test_a_response_without_rows_is_refused(content: bytes) -> None:
    with pytest.raises(ResponseSchemaError):
        decoder().decode(content)


def test_a_byte_order_mark_is_skipped() -> None:
    (row,) = decoder().decode(b'\xef\xbb\xbf{"items": [{"id": 1}]}').rows
    assert as_dictionary(row) == {"id": 1}


def test_an_unknown_field_may_hold_what_cannot_be_read() -> None:
    """The type of the rows skips it, and counting it must not end in a traceback."""
    for value in ("[" * 20_000 + "]" * 20_000, '"\\ud800"', "1E99999999999999999999"):
        content = f'{{"items": [{{"id": 1, "new": {value}}}]}}'.encode()
        try:
            (row,) = decoder().decode(content).rows
        except ResponseSchemaError as error:
            assert str(error)
        else:
            assert as_dictionary(row) == {"id": 1}


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*SCHEMA["properties"], "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)

#: Rows of the schema, with their fields in any order, and with unknown ones.
JSON_ROWS = st.fixed_dictionaries(
    {"id": st.integers(-(2**63), 2**63 - 1)},
    optional={
        "new": st.none() | st.integers() | st.lists(st.text(max_size=5), max_size=2),
        "name": st.none() | st.text(max_size=5),
        "active": st.none() | st.booleans(),
        "tags": st.none() | st.lists(st.text(max_size=3), max_size=2),
        "names": st.none() | st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
        "prices": st.none() | st.lists(st.fixed_dictionaries({}, optional={"cpm": st.integers()})),
    },
).flatmap(lambda row: st.permutations(list(row)).map(lambda names: {n: row[n] for n in names}))


@given(items=JSON)
def test_any_json_ends_in_rows_or_in_a_refusal(items: Any) -> None:
    content = json.dumps({"items": items}).encode()
    try:
        msgspec.json.decode(content)
    except msgspec.DecodeError:
        return  # NaN is not valid JSON, and is refused before
    try:
        rows = decoder().decode(content).rows
    except ResponseSchemaError as error:
        assert str(error)
    else:
        assert len(rows) == len(items)


def test_broken_text_and_deep_nesting_are_refused() -> None:
    with pytest.raises(ResponseSchemaError):
        decoder().decode(b'{"items": [{"id": 1, "name": "\xff"}]}')
    with pytest.raises(ResponseSchemaError):
        decoder().decode(b'{"items": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def test_unknown_fields_are_left_out_and_counted() -> None:
    decoding = decoder()
    for _ in range(2):
        content = (
            b'{"items": [{"id": 1, "new": 5}, {"id": 2, "new": {"a": 1}},'
            b' {"id": 3, "prices": [{"cpm": 1, "cpc": 2}]}, {"id": 4}], "page": 1}'
        )
        rows = list(map(as_dictionary, decoding.decode(content).rows))
        assert rows[0] == {"id": 1}
        assert rows[2]["prices"] == [{"cpm": Decimal(1)}]
    assert decoding.unknown_fields == {"new": 4, "prices.cpc": 2}


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_an_unknown_field_is_counted_wherever_it_first_appears(surprises: list[bool]) -> None:
    decoding = decoder()
    for surprise in surprises:
        extra = ', "new": "a \\": b"' if surprise else ""
        decoding.decode(f'{{"items": [{{"id": 1, "name": "x"{extra}}}], "size": 1}}'.encode())
    assert decoding.unknown_fields["new"] == sum(surprises)


def test_a_key_that_may_be_null_is_read_as_null() -> None:
    decoding = decoder(nullable=frozenset({"id"}))
    (row,) = decoding.decode(b'{"items": [{"id": null}]}').rows
    assert as_dictionary(row) == {"id": None}


def test_ignored_fields_are_left_out_silently() -> None:
    decoding = decoder(ignored_fields=frozenset({"_meta"}))
    for content in (b'{"items": [{"_meta": 5, "id": 1}]}', b'{"items": [{"_meta": {}, "id": 1}]}'):
        (row,) = decoding.decode(content).rows
        assert as_dictionary(row) == {"id": 1}
    decoding.decode(b'{"items": [{"_meta": {"type": "x"}, "new": 1, "id": 1}]}')
    assert decoding.unknown_fields == {"new": 1}


@given(row=JSON_ROWS, spaces=st.sampled_from([None, 1]))
def test_a_row_is_the_same_as_an_object_and_as_a_dictionary(
    row: dict[str, Any], spaces: Any
) -> None:
    """An object is written as it is; a dictionary goes through the SDK."""
    content = json.dumps({"items": [row]}, indent=spaces).encode()
    (decoded,) = decoder().decode(content).rows
    known = {name: row[name] for name in SCHEMA["properties"] if name in row}
    assert as_dictionary(decoded) == known
    assert list(as_dictionary(decoded)) == list(known)
    assert encoder.encode(decoded) == encoder.encode(as_dictionary(decoded))

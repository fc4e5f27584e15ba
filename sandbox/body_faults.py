"""Faults in the rows and totals of an otherwise good response."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

from sandbox.numbers import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.faults import Fault

    Row = dict[str, Any]
    Envelope = dict[str, Any]

_KEYS = (
    "placement_sub_id",
    "country",
    "topic_id",
    "placement",
    "domain",
    "date",
    "id",
    "campaign_id",
)
_NUMBERS = ("revenue", "costs", "performance", "discount", "budget_limit", "default_prio", "id")


def apply_body_fault(body: bytes, fault: Fault) -> bytes:
    """Return the JSON body of a good response with a fault of a kind in `BODY_FAULTS`.

    A fault that needs a row leaves a response without rows unchanged.
    """
    envelope = from_json(body)
    BODY_FAULTS[fault.kind](envelope, _rows(envelope), fault)
    return to_json(envelope)


def _rows(envelope: Envelope) -> list[Row]:
    """Return the rows of a response of either API, in any of its envelopes."""
    found = envelope.get("items", envelope.get("result"))
    if found is None and "data" in envelope:
        found = (envelope["data"] or {}).get("items")
    return found if isinstance(found, list) else []


def _one(rows: list[Row], fault: Fault) -> Row | None:
    """Return the row that a fault selects, or `None` if there is no such row."""
    return rows[fault.row] if -len(rows) <= fault.row < len(rows) else None


def _raise_totals(envelope: Envelope, by: int) -> None:
    """Increase every total in the envelope."""
    for part in (envelope, envelope.get("collection"), envelope.get("_meta")):
        for name in ("itemCount", "size", "total_count"):
            if isinstance(part, dict) and isinstance(part.get(name), int):
                part[name] += by


def _fitting(row: Row, fault: Fault, names: tuple[str, ...]) -> str:
    """Return the field that a fault names, or the first of `names` that the row has."""
    return fault.field or next((name for name in names if name in row), names[-1])


def _set_field(_envelope: Envelope, rows: list[Row], fault: Fault) -> None:
    row = _one(rows, fault)
    if row is not None and fault.field is not None:
        row[fault.field] = fault.value


def _set_field_in_all(_envelope: Envelope, rows: list[Row], fault: Fault) -> None:
    for row in rows:
        row[str(fault.field)] = fault.value


def _drop_field(_envelope: Envelope, rows: list[Row], fault: Fault) -> None:
    row = _one(rows, fault)
    if row is not None and fault.field is not None:
        row.pop(fault.field, None)


def _unknown_field(_envelope: Envelope, rows: list[Row], fault: Fault) -> None:
    for row in rows:
        row[fault.field or "surprise"] = fault.value


def _quoted_numbers(_envelope: Envelope, rows: list[Row], _fault: Fault) -> None:
    for row in rows:
        for name, value in row.items():
            if isinstance(value, int | Decimal) and not isinstance(value, bool):
                row[name] = str(value)


def _null_key(_envelope: Envelope, rows: list[Row], fault: Fault) -> None:
    row = _one(rows, fault)
    if row is not None:
        row[_fitting(row, fault, _KEYS)] = None


def _wrong_type(_envelope: Envelope, rows: list[Row], fault: Fault) -> None:
    row = _one(rows, fault)
    if row is not None:
        row[_fitting(row, fault, _NUMBERS)] = "many" if fault.value is None else fault.value


def _not_a_number(_envelope: Envelope, rows: list[Row], fault: Fault) -> None:
    row = _one(rows, fault)
    if row is not None:
        row[_fitting(row, fault, _NUMBERS)] = "NaN"


def _duplicate_row(envelope: Envelope, rows: list[Row], fault: Fault) -> None:
    row = _one(rows, fault)
    if row is not None:
        rows.insert(rows.index(row) + 1, dict(row))
        _raise_totals(envelope, 1)


def _lost_row(_envelope: Envelope, rows: list[Row], fault: Fault) -> None:
    if _one(rows, fault) is not None:
        rows.pop(fault.row)


def _foreign_row(envelope: Envelope, rows: list[Row], fault: Fault) -> None:
    row = _one(rows, fault)
    if row is not None and "date" in row:
        rows.append(row | {"date": fault.value or "2000-01-01"})
        _raise_totals(envelope, 1)


def _shifted_days(_envelope: Envelope, rows: list[Row], fault: Fault) -> None:
    for row in rows:
        if "date" in row:
            row["date"] = str(date.fromisoformat(row["date"]) + timedelta(days=fault.by))


def _shuffled_rows(_envelope: Envelope, rows: list[Row], _fault: Fault) -> None:
    Random(len(rows)).shuffle(rows)  # noqa: S311 - not a secret.


def _wrong_total(envelope: Envelope, _rows: list[Row], fault: Fault) -> None:
    _raise_totals(envelope, fault.by)


def _drop_envelope_field(envelope: Envelope, _rows: list[Row], fault: Fault) -> None:
    for part in (envelope, envelope.get("collection"), envelope.get("_meta")):
        if isinstance(part, dict) and fault.field is not None:
            part.pop(fault.field, None)


def _empty_object(envelope: Envelope, rows: list[Row], _fault: Fault) -> None:
    for part in (envelope, envelope.get("data")):
        for name in ("items", "result"):
            if isinstance(part, dict) and part.get(name) is rows:
                part[name] = {}


#: The function that changes a response, by kind of fault.
BODY_FAULTS: dict[str, Callable[[Envelope, list[Row], Fault], None]] = {
    "set_field": _set_field,
    "set_field_in_all": _set_field_in_all,
    "drop_field": _drop_field,
    "unknown_field": _unknown_field,
    "quoted_numbers": _quoted_numbers,
    "null_key": _null_key,
    "wrong_type": _wrong_type,
    "not_a_number": _not_a_number,
    "duplicate_row": _duplicate_row,
    "lost_row": _lost_row,
    "foreign_row": _foreign_row,
    "shifted_days": _shifted_days,
    "shuffled_rows": _shuffled_rows,
    "wrong_total": _wrong_total,
    "drop_envelope_field": _drop_envelope_field,
    "empty_object": _empty_object,
}

"""Evaluates the expressions of stream maps for an example, and explains those that fail."""

from __future__ import annotations

import ast
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import simpleeval  # type: ignore[import-untyped]
from singer_sdk.exceptions import MapExpressionError

from singer_reports.config.messages import alternatives, shorten
from singer_reports.sdk_expressions import evaluate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from singer_sdk import Stream

FILTER = "__filter__"
#: Errors that do not depend on the values of a record.
_NEVER_WORKS = (
    simpleeval.FeatureNotAvailable,
    simpleeval.FunctionNotDefined,
    simpleeval.NameNotDefined,
    simpleeval.OperatorNotDefined,
)
_SAMPLES = {
    "number": Decimal("1.5"),
    "integer": 1,
    "boolean": True,
    "object": {},
    "array": [],
}
_TIMES = {"date": "2024-01-31", "date-time": "2024-01-31T12:00:00Z"}


def is_expression(text: str) -> bool:
    """Return whether a text is a single Python expression."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    # The SDK evaluates the first statement and ignores the others.
    return len(body) == 1 and isinstance(body[0], ast.Expr)


class ExpressionError(MapExpressionError):
    """An expression that cannot be evaluated; its text is a sentence for the user."""


class Expression(NamedTuple):
    """An expression of a stream map."""

    #: The name of the map.
    name: str
    #: The field it computes; ``__filter__`` selects rows.
    field: str
    text: str

    @property
    def path(self) -> str:
        """The setting that contains it."""
        return f"stream_maps.{self.name}.{self.field}"


def evaluation_errors(stream: Stream, expressions: Sequence[Expression]) -> Iterator[str]:
    """Find the expressions of a map that fail for every record, by evaluating an example.

    Args:
        stream: The stream; its maps raise an ``ExpressionError``.
        expressions: All expressions of one of its maps.

    Yields:
        One sentence per expression.
    """
    record = {
        name: _sample(schema)
        for name, schema in stream.schema["properties"].items()
        if stream.mask["properties", name]
    }
    # The filter first: nothing is computed for a row that it leaves out.
    for each in sorted(expressions, key=lambda each: each.field != FILTER):
        try:
            result = evaluate(stream, each.name, each.field, each.text, dict(record))
        except ExpressionError as error:
            # Other errors may be caused by the values of the example.
            if isinstance(error.__cause__, _NEVER_WORKS) or _mixes_numbers(error.__cause__):
                yield str(error)
        else:
            if each.field == FILTER and not result:
                return


def _sample(schema: Mapping[str, Any]) -> Any:  # noqa: ANN401
    kinds = schema.get("type", ())
    names = [kinds] if isinstance(kinds, str) else kinds
    found = next((_SAMPLES[name] for name in names if name in _SAMPLES), None)
    return _TIMES.get(schema.get("format", ""), "text") if found is None else found


def _mixes_numbers(error: BaseException | None) -> bool:
    """Return whether an expression computes a Decimal together with a float."""
    text = str(error)
    return isinstance(error, TypeError) and "decimal.Decimal" in text and "'float'" in text


def explain_failure(
    stream: Stream, expressions: Mapping[str, Expression], failed: str, error: Exception
) -> ExpressionError:
    """Return an error that says which expression fails, why, and what to write instead.

    Args:
        stream: The stream that the record belongs to.
        expressions: The expressions of all its maps, by their text.
        failed: The text of the expression that fails.
        error: The error it raises.
    """
    expression = expressions[failed]
    path, shown = expression.path, shorten(expression.text)
    if _mixes_numbers(error):
        text = (
            f"{path}, {shown}, mixes a decimal of the API with a floating-point number, which "
            f"Python refuses. Write {_with_floats(expression, stream)}."
        )
    elif isinstance(error, simpleeval.NameNotDefined):
        text = f"{path}: {_unknown_name(error.name, stream)}"
    elif isinstance(error, simpleeval.InvalidExpression):
        text = f"{path} cannot be computed: {str(error).rstrip('.')}."
    else:
        # An error of Decimal has a list of classes for its text.
        is_division = isinstance(error, ZeroDivisionError) or "DivisionUndefined" in str(error)
        reason = "division by zero" if is_division else str(error).rstrip(".")
        text = f"{path} cannot be computed, {shown}: {reason} ({type(error).__name__})."
    return ExpressionError(text)


def _unknown_name(name: str, stream: Stream) -> str:
    if name == "fake":
        return "fake needs the Python package faker: install it beside the tap."
    fields = [field for field in stream.schema["properties"] if stream.mask["properties", field]]
    if name in fields:
        return f"a row of {stream.name} has no {name}; write _.get('{name}') for one that may lack."
    rest = alternatives(name, fields, "--discover lists them")
    return f"{stream.name} has no field {shorten(name)} that is selected{rest}"


def _with_floats(expression: Expression, stream: Stream) -> str:
    """Rewrite an expression so that it computes with floats only."""
    field, properties = expression.field, stream.schema["properties"]
    numbers = {name for name in properties if "number" in properties[name].get("type", ())}
    before = ast.unparse(ast.parse(expression.text, mode="eval"))
    changed = ast.unparse(_Floats(numbers, field).visit(ast.parse(before, mode="eval")))
    if changed == before:
        return "float(…) around each field with a decimal point"
    # The SDK derives the type of a new field from the beginning of the expression.
    is_new = field not in properties and not field.startswith("__")
    return f"float({changed})" if is_new and not changed.startswith("float(") else changed


class _Floats(ast.NodeTransformer):
    """Converts the fields that contain a Decimal."""

    def __init__(self, numbers: set[str], field: str) -> None:
        self._names = numbers | ({"self"} if field in numbers else set())

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Convert a field."""
        if node.id not in self._names:
            return node
        function = ast.Name("float", ast.Load())
        return ast.Call(function, [node], [])

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Do not convert what is converted already."""
        if isinstance(node.func, ast.Name) and node.func.id == "float":
            return node
        self.generic_visit(node)
        return node

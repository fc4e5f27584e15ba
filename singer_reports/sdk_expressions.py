"""The private and undocumented names of the Singer SDK around expressions of stream maps."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

# Undocumented: the only way to detect that a stream map evaluates expressions.
from singer_sdk.mapper import CustomStreamMap

if TYPE_CHECKING:
    from collections.abc import Callable

    from singer_sdk import Stream
    from singer_sdk.helpers.types import Record


# The SDK's errors do not name the map and the field.
def explain_expressions(stream: Stream, explain: Callable[[str, Exception], Exception]) -> None:
    """Replace the errors that the expressions of a stream's maps raise.

    Args:
        stream: The stream.
        explain: Returns the error to raise, for an expression and its error.
    """
    for stream_map in stream.stream_maps:
        if isinstance(stream_map, CustomStreamMap):
            _explain_errors(stream_map.expr_evaluator, explain)


def _explain_errors(evaluator: Any, explain: Callable[[str, Exception], Exception]) -> None:  # noqa: ANN401
    evaluate = evaluator.eval

    def explained(expression: str, previously_parsed: ast.AST | None = None) -> object:
        try:
            return evaluate(expression, previously_parsed=previously_parsed)
        except Exception as error:
            raise explain(expression, error) from error

    evaluator.eval = explained


# The SDK has no way to evaluate an expression without a record of the API.
def evaluate(stream: Stream, alias: str, field: str, expression: str, record: Record) -> Any:  # noqa: ANN401
    """Evaluate the expression of a field for a record.

    Args:
        stream: The stream.
        alias: The name of the stream that the map writes.
        field: The name of the field.
        expression: The expression.
        record: The record.
    """
    maps = {each.stream_alias: each for each in reversed(stream.stream_maps)}
    stream_map = maps.get(alias, stream.stream_maps[0])
    parsed: Any = ast.parse(expression).body[0]
    if isinstance(stream_map, CustomStreamMap):
        return stream_map._eval(expression, parsed, record, field)  # noqa: SLF001
    return True

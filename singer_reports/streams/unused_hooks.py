"""The SDK's public hooks that are never called here, and what to use instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

UNUSED_HOOKS = {
    "build_prepared_request": "get_http_request",
    "calculate_sync_cost": "validate_response",
    "get_new_paginator": "paginator",
    "get_next_page_token": "paginator",
    "next_page_token_jsonpath": "paginator",
    "parse_response": "envelope and post_process_rows",
    "prepare_request": "get_http_request",
    "records_jsonpath": "envelope",
    "request_decorator": "backoff_max_tries, backoff_wait_generator and backoff_handler",
    "request_records": "fetch_page",
    "update_sync_costs": "validate_response",
}


class RefusesUnusedHooks:
    """Refuses subclasses with a hook that would silently do nothing."""

    #: The hooks, and what to use instead.
    unused_hooks: ClassVar[Mapping[str, str]] = UNUSED_HOOKS

    def __init_subclass__(cls, **options: object) -> None:
        """Check a subclass for hooks of the SDK that are never called.

        Raises:
            TypeError: If the class defines one.
        """
        super().__init_subclass__(**options)
        for name, instead in cls.unused_hooks.items():
            if name in vars(cls):
                message = f"{cls.__name__}.{name} has no effect: use {instead} instead"
                raise TypeError(message)

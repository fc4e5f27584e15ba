"""A Singer tap for the Adcloud API: ``from tap_adcloud import TapAdcloud``."""

# Like typing.TYPE_CHECKING, without the time to import typing.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from tap_adcloud.tap import TapAdcloud
else:

    def __getattr__(name):  # noqa: ANN001, ANN202 - type checkers see the class above
        """Import the tap when it is first used, because the import takes time."""
        if name == "TapAdcloud":
            from tap_adcloud.tap import TapAdcloud  # noqa: PLC0415

            return TapAdcloud
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)


__all__ = ["TapAdcloud"]

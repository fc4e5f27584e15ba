"""A Singer tap for the Adsterra Publishers API: ``from tap_adsterra import TapAdsterra``."""

# Like typing.TYPE_CHECKING, without the time to import typing.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from tap_adsterra.tap import TapAdsterra
else:

    def __getattr__(name):  # noqa: ANN001, ANN202 - type checkers see the class above
        """Import the tap when it is first used, because the import takes time."""
        if name == "TapAdsterra":
            from tap_adsterra.tap import TapAdsterra  # noqa: PLC0415

            return TapAdsterra
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)


__all__ = ["TapAdsterra"]

"""Fixtures of the reliability tests."""

from tests.tap_adcloud.conftest import redactors_of_one_test  # noqa: F401 - used by every test

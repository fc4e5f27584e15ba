"""Checks settings, environment, catalog, state and stream maps before the first request."""

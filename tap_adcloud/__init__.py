"""A Singer tap for the Adcloud API."""

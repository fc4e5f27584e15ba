"""Requests over HTTP; knows no stream and no schema."""

"""Reads a stream slice by slice, and writes checked records and bookmarks."""

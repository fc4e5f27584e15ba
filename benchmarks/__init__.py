"""Benchmark of the taps against other tools for the same work: ``python -m benchmarks``."""

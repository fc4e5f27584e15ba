"""How fast the taps are, beside others that do the same work: ``python -m benchmarks``."""

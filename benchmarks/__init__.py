"""Benchmarks: measurements without assertions."""

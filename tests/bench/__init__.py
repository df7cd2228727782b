"""Benchmarks, each beside a baseline: `make bench`."""

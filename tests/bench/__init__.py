"""Benchmarks: `python -m tests.bench NAME`. Each says its limits, and fails where one is missed."""

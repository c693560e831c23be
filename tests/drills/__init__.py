"""Drills: a promise of the platform, tried hard, with the figure it held to.

`python -m tests.drills NAME` starts the servers it needs (own ports, own state), stops them, and
prints one JSON object last. A drill that is run with its safeguard taken out must fail.
"""

"""Both ad APIs as a local server, for manual trials, tests and benchmarks.

It follows the APIs' documents and imports nothing of the taps. Start it with
`python -m sandbox`, or in a test:

    with Sandbox(now=datetime(2024, 5, 1, 12, tzinfo=UTC)) as sandbox:
        requests.get(f"{sandbox.adsterra_url}/domains.json", headers={"X-API-Key": DEMO_TOKEN})
"""

from __future__ import annotations

from sandbox.clock import Clock
from sandbox.faults import Fault, Faults
from sandbox.middleware import SeenRequest
from sandbox.server import Sandbox

__all__ = ["Clock", "Fault", "Faults", "Sandbox", "SeenRequest"]

"""What pages are made from, from rows."""

from __future__ import annotations

from reports.assembly import Kind
from reports.cost import cost_of
from reports.cube import cube_of
from reports.grid import Results
from reports.known import Known, Told


def known_of(results: Results) -> Known:
    """The matrix of these results."""
    return Known(
        generation=1,
        told=Told(cube_of(results), {fingerprint: Kind.of(one) for fingerprint, one in results.failures.items()}),
        header=results.header,
        cost=cost_of([]),
    )

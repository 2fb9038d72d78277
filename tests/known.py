"""What pages are made from, from rows."""

from __future__ import annotations

from reports.assembly import Kind
from reports.cost import cost_of
from reports.cube import cube_of
from reports.grid import Results
from reports.known import Known


def known_of(results: Results) -> Known:
    """The matrix of these results."""
    return Known(
        generation=1,
        cube=cube_of(results),
        header=results.header,
        kinds={fingerprint: Kind.of(failure) for fingerprint, failure in results.failures.items()},
        cost=cost_of([]),
    )

"""What pages are made from, from rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from matrix.model import Method, Rung, Verdict
from matrix.results import MatrixRow
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


def with_tfsm_layer(results: Results, helps: Callable[[MatrixRow], bool]) -> Known:
    """The matrix of these results, where a TFSMLayer loads the files of these rows as well."""
    passes = tuple(
        replace(
            one,
            method=Method.TFSM_LAYER,
            primary=False,
            verdict=Verdict.PASS,
            fingerprint=None,
            rung=Rung.OUTPUTS_EQUAL,
        )
        for one in results.rows
        if one.primary and helps(one)
    )
    return known_of(replace(results, rows=results.rows + passes))

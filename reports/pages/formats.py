"""All formats, and one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from matrix.model import Format
from reports import addresses
from reports.cube import tally_of
from reports.grid import Outcome
from reports.known import Known
from reports.pages.heats import environment_axis, format_axis, heat, model_axis
from reports.pages.models import Way, ways
from reports.pages.page import Page
from reports.pages.parts import NOTHING_YET, Empty, Heat
from reports.reasons import Reason, reasons

WRITTEN_BY: Final[Mapping[Format, str]] = MappingProxyType(
    {
        Format.H5: "Keras's save to a path that ends in .h5: the whole model in one HDF5 file, the configuration as JSON in an "
        "attribute. Every Keras writes and reads it, each in its own dialect.",
        Format.SAVEDMODEL: "Keras 2's save as a folder: the graph, the variables and Keras's own metadata. Keras 3 neither "
        "writes nor reads it; TFSMLayer and tf.saved_model.load do.",
        Format.KERAS: "Keras's save to a path that ends in .keras: a zip with config.json and model.weights.h5, from "
        "TensorFlow 2.12 on. Up to 2.11 the same call writes HDF5 under that name, which counts as unsupported here.",
        Format.EXPORT: "Keras's export: a SavedModel for inference alone, from TensorFlow 2.13 on. What loads it is no "
        "Keras model.",
        Format.WEIGHTS_H5: "Keras's save_weights to HDF5: the weights alone, loaded into the model built anew from its code.",
        Format.CHECKPOINT: "A TensorFlow checkpoint, by Keras 2's save_weights or by tf.train.Checkpoint: weights by the names "
        "of objects, loaded into the model built anew.",
        Format.JSON_WEIGHTS: "Keras's to_json beside save_weights: the architecture and the weights apart.",
    }
)
"""What a format is and what writes it, for people; docs/method.md has the whole."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Formats:
    """The list's content: each format in every loader, and from every saver."""

    empty: Empty | None
    loaders: Heat
    savers: Heat
    written_by: Mapping[Format, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class OneFormat:
    """The content of one format's page; ``ways`` are all methods tried."""

    empty: Empty | None
    format: Format
    written_by: str
    counts: Mapping[Outcome, int]
    matrix: Heat
    models: Heat
    reasons: tuple[Reason, ...]
    ways: tuple[Way, ...]


def formats(known: Known) -> Page:
    """Return the list."""
    cube, mask = known.cube, known.cube.where()
    content = Formats(
        empty=NOTHING_YET if known.is_empty else None,
        loaders=heat(
            cube.counts(mask, "format", "loader"),
            ("format", format_axis()),
            ("loaded in", environment_axis(known)),
            "Per cent of loads that pass by format and loader, over all savers and models.",
        ),
        savers=heat(
            cube.counts(mask, "format", "saver"),
            ("format", format_axis()),
            ("saved in", environment_axis(known)),
            "Per cent of loads that pass by format and saver, over all loaders and models.",
        ),
        written_by=WRITTEN_BY,
    )
    return Page(
        template="formats",
        title="Formats",
        address=addresses.formats(),
        nav=addresses.formats(),
        content=content,
        csv=addresses.download("csv", environments="all"),
    )


def format_(known: Known, one: Format) -> Page:
    """Return the page of one format."""
    cube = known.cube
    mask = cube.where(formats=[one])
    models = [model for model in known.models if model.formats is None or one.value in model.formats]
    content = OneFormat(
        empty=NOTHING_YET if not (mask & cube.measured).any() else None,
        format=one,
        written_by=WRITTEN_BY[one],
        counts=tally_of(cube.counts(mask)).counts,
        matrix=heat(
            cube.counts(mask, "saver", "loader"),
            ("saved in", environment_axis(known)),
            ("loaded in", environment_axis(known)),
            f"{one}: per cent of loads that pass from saver to loader, over all models.",
            addresses.pair,
        ),
        models=heat(
            cube.counts(mask, "model", "loader"),
            ("model", model_axis(known, models)),
            ("loaded in", environment_axis(known)),
            f"{one}: per cent of loads that pass by model and loader, over all savers.",
        ),
        reasons=reasons(known, mask),
        ways=ways(known, cube.where(formats=[one], every_method=True)),
    )
    return Page(
        template="format",
        title=f"The format {one}",
        address=addresses.format_(one),
        nav=addresses.formats(),
        trail=(("Formats", addresses.formats()),),
        content=content,
        csv=addresses.download("csv", format=str(one), environments="all"),
    )

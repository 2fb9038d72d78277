"""Which methods a model and a format call for, and which are tried where these do not pass. Pure.

``default`` alone is run everywhere. A further way is run where it may tell something: where the first ones do not pass,
and of equal failures on two files before it is run on all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from matrix.model import CellRequest, Environment, Format, Method, Model, Verdict
from matrix.results import CellResult

WEIGHTS_ONLY: Final = frozenset({Format.WEIGHTS_H5, Format.CHECKPOINT})
WHOLE: Final = frozenset({Format.H5, Format.SAVEDMODEL, Format.KERAS})
MARKED: Final = frozenset({"dense", "optimizer-state", "rmsprop", "sgd-momentum", "conv"})
"""The models whose cells are marked: each optimizer there is, and batch normalization."""

PROBED: Final = 2
"""Of the files that fail alike in one loader so many are tried by every further way, before others are."""

_NOT_A_KERAS_MODEL: Final = {
    Format.SAVEDMODEL: Method.SAVED_MODEL_LOAD,
    Format.CHECKPOINT: Method.CHECKPOINT_READ,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What is known of one request: its verdict, and the failure's fingerprint and message where there is one."""

    verdict: Verdict
    fingerprint: str | None = None
    message: str = ""


def first_methods(model: Model, format_: Format) -> tuple[Method, ...]:
    """Return the ways in which every loader takes a model in a format; the last is the primary one.

    A model that needs custom objects is also loaded without them: that failure is what people see first.
    """
    if not _is_keras(model):
        return (_NOT_A_KERAS_MODEL.get(format_, Method.SAVED_MODEL_LOAD),)
    if format_ is Format.EXPORT:
        return (Method.SAVED_MODEL_LOAD,)
    if format_ in WEIGHTS_ONLY:
        return (Method.WEIGHTS,)
    return (Method.DEFAULT, Method.CUSTOM_OBJECTS) if model.needs_custom_objects else (Method.DEFAULT,)


def primary_method(model: Model, format_: Format) -> Method:
    """Return the method that the format and the model call for, which the share that passes is counted over."""
    return first_methods(model, format_)[-1]


def further_methods(model: Model, format_: Format, loader: Environment) -> tuple[Method, ...]:
    """Return the ways that a loader has besides, those that keep most of the model first."""
    if not _is_keras(model):
        return ()
    keras_3 = loader.keras_version >= (3,)
    ways = {
        Format.H5: (Method.COMPILE_FALSE, Method.SAFE_MODE_FALSE, Method.WEIGHTS),
        Format.KERAS: (Method.COMPILE_FALSE, Method.SAFE_MODE_FALSE, Method.WEIGHTS),
        Format.SAVEDMODEL: (Method.COMPILE_FALSE, Method.SAVED_MODEL_LOAD, Method.WEIGHTS),
        Format.EXPORT: (),
        Format.WEIGHTS_H5: (),
        Format.CHECKPOINT: (Method.CHECKPOINT_READ,),
        Format.JSON_WEIGHTS: (Method.WEIGHTS,),
    }[format_]
    if keras_3 and format_ is Format.SAVEDMODEL:
        return (Method.TFSM_LAYER, Method.SAVED_MODEL_LOAD)
    if keras_3 and format_ is Format.EXPORT:
        return (Method.TFSM_LAYER,)
    return ways


def all_methods(model: Model, format_: Format, loader: Environment) -> tuple[Method, ...]:
    """Return every way there is, those that every loader is tried by first."""
    return (*first_methods(model, format_), *further_methods(model, format_, loader))


def is_marked(request: CellRequest, model: Model, saver: Environment, loader: Environment) -> bool:
    """Whether a cell is in the fixed sample of which marks are taken.

    Five models as whole files, by their primary method, from the loader itself and from the version before.
    """
    near = saver.id == loader.id or (
        saver.base is loader.base is None and saver.minor == (loader.minor[0], loader.minor[1] - 1)
    )
    chosen = request.model in MARKED and request.format in WHOLE
    return chosen and near and request.method is primary_method(model, request.format)


def found(result: CellResult) -> Found:
    """Return what of a result decides which other ways are tried."""
    failure = result.failure
    return Found(
        verdict=result.verdict,
        fingerprint=failure.fingerprint if failure else None,
        message=failure.message if failure else "",
    )


def further_cells(
    requests: Sequence[CellRequest], models: Mapping[str, Model], environments: Mapping[str, Environment]
) -> Iterator[CellRequest]:
    """Yield every cell that could be asked for beyond the first methods, whatever comes of these."""
    for request in requests:
        model = models[request.model]
        if request.method is primary_method(model, request.format):
            for way in further_methods(model, request.format, environments[request.loader]):
                yield _by(request, way)


def further_requests(
    requests: Sequence[CellRequest],
    models: Mapping[str, Model],
    environments: Mapping[str, Environment],
    known: Mapping[CellRequest, Found],
) -> Iterator[CellRequest]:
    """Yield the cells to run next, from what is known; none when there is nothing more to learn.

    ``requests`` are those of the first methods. Files in one loader whose failures are of the same kind stand for each other:
    the first two are tried by every further way; what then passes for one of them is tried for the others.
    """
    for members in _alike(requests, models, known):
        first = members[0]
        ways = further_methods(models[first.model], first.format, environments[first.loader])
        ways = tuple(way for way in ways if may_help(way, known[first].message))
        probes = [_by(one, way) for one in members[:PROBED] for way in ways]
        missing = [one for one in probes if one not in known]
        if missing:
            yield from missing
            continue
        promising = [way for way in ways if any(_passes(known, _by(one, way)) for one in members[:PROBED])]
        for one in members[PROBED:]:
            if not any(_passes(known, _by(one, way)) for way in promising):
                yield from [_by(one, way) for way in promising if _by(one, way) not in known][:1]


def may_help(way: Method, message: str) -> bool:
    """Whether a way may help against a failure: safe mode is switched off only where it was what refused."""
    return way is not Method.SAFE_MODE_FALSE or "safe_mode" in message or "unsafe" in message


def _alike(
    requests: Sequence[CellRequest], models: Mapping[str, Model], known: Mapping[CellRequest, Found]
) -> Iterator[list[CellRequest]]:
    """Yield the primary cells that do not pass, those of one loader, model, format and kind of failure together."""
    groups: dict[tuple[str, ...], list[CellRequest]] = {}
    for request in requests:
        found = known.get(request)
        primary = request.method is primary_method(models[request.model], request.format)
        if found is None or not primary or found.verdict in {Verdict.PASS, Verdict.HARNESS_BROKEN}:
            continue
        kind = found.fingerprint or found.verdict.value
        groups.setdefault((request.loader, request.model, request.format.value, kind), []).append(request)
    yield from groups.values()


def _by(request: CellRequest, method: Method) -> CellRequest:
    return replace(request, method=method)


def _passes(known: Mapping[CellRequest, Found], request: CellRequest) -> bool:
    return request in known and known[request].verdict is Verdict.PASS


def _is_keras(model: Model) -> bool:
    return model.formats is None or Format.H5.value in model.formats

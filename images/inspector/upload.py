"""The whole of an upload: its parts, held against each other, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from images.inspector import given
from images.inspector.config import MAX_JSON, look_into, parsed
from images.inspector.contents import look_into_model
from images.inspector.findings import Findings
from images.inspector.python_files import look_into_builder, look_into_custom_objects
from images.inspector.refusal import Refused, shown
from images.inspector.signature import look_for_signature
from images.probe import wire

Parts = Mapping[str, Mapping[str, str]]
WEIGHTS_ALONE = frozenset(["weights-h5", "checkpoint"])


def inspected(parts: Parts, inbox: Path) -> bytes:
    """Return the answer for an upload as a frame; whatever is wrong with it is in the answer."""
    found = Findings()
    named: given.Named = []
    source, note = "none", None
    try:
        _look(parts, inbox, found)
        named, source, note = _inputs(parts, inbox, found)
    except Refused as error:
        found.refused = error
    except MemoryError:
        found.refused = Refused(
            "too-large", "The file takes more memory than there is for looking into it.", "Save it anew."
        )
    except Exception as error:  # noqa: BLE001  a reader's fault on a hostile file is the file's
        found.refused = Refused(
            "damaged", f"The file cannot be read: {type(error).__name__}: {shown(error, 200)}.", "Save the model anew."
        )
    return answer(found, named, source, note)


def answer(found: Findings, named: given.Named, source: str, note: str | None) -> bytes:
    """Return the frame of an answer; where it is too large to travel, it is a refusal."""
    header = found.header()
    try:
        specs, body = wire.encode_arrays(named)
        inputs = {"arrays": specs, "structure": found.structure, "inputs_from": source, "inputs_note": note}
        return wire.pack(header | inputs, body)
    except (wire.WireError, ValueError, UnicodeError):
        return refusal("too-large", "There is more to tell of the file than an answer holds.", "Save the model anew.")


def refusal(code: str, message: str, next_step: str) -> bytes:
    """Return the frame of an upload of which nothing is known but why it is not taken."""
    found = Findings(members=0)
    found.refused = Refused(code, message, next_step)
    return answer(found, [], "none", None)


def _look(parts: Parts, inbox: Path, found: Findings) -> None:
    if "model" in parts:
        look_into_model(_path(parts, "model", inbox), found)
        _look_at_name(parts["model"].get("name", ""), found)
        _look_at_architecture(parts, inbox, found)
    elif "builder" in parts:
        found.kind = "builder"
    elif "architecture" in parts:
        raise Refused(
            "architecture-alone", "There is an architecture, and no weights.", "Hand in the weights (.h5) as the model."
        )
    else:
        raise Refused("no-model", "There is no model among the files.", "Hand in a model, or a builder script.")
    if "builder" in parts:
        look_into_builder(_path(parts, "builder", inbox), found)
        if found.kind not in {"builder", *WEIGHTS_ALONE}:
            found.note(
                "The file is a whole model, so build_model() of the builder script is not needed: it is called only where the "
                "file does not load."
            )
    elif found.kind in WEIGHTS_ALONE:
        found.refused = _needs_a_model(found.kind)
    if "custom_objects" in parts:
        look_into_custom_objects(_path(parts, "custom_objects", inbox), found)
    _look_at_what_it_needs(parts, found)


def _look_at_architecture(parts: Parts, inbox: Path, found: Findings) -> None:
    if "architecture" not in parts:
        return
    if found.kind != "weights-h5":
        found.note("The file is a whole model, so the architecture is not needed.")
        return
    path = _path(parts, "architecture", inbox)
    with path.open("rb") as file:
        config = parsed(file.read(MAX_JSON + 1), "The architecture")
    found.kind = "json+weights"
    look_into(config, found)
    look_for_signature(config, found)
    keras = config.get("keras_version")
    if isinstance(keras, str) and found.saved_with.keras is None:
        found.saved_with.states_keras(keras, "the architecture")


def _needs_a_model(kind: str | None) -> Refused:
    if kind == "checkpoint":
        return Refused(
            "checkpoint",
            "The archive holds a checkpoint: weights, without the model that they belong to.",
            "Hand in beside it a builder script that defines build_model(); or call model.save(...) where the model is built.",
        )
    return Refused(
        "weights-alone",
        "The file holds weights, without the model that they belong to.",
        "Hand in beside it the architecture (what model.to_json() gives), or a builder script that defines build_model().",
    )


def _inputs(parts: Parts, inbox: Path, found: Findings) -> tuple[given.Named, str, str | None]:
    if "inputs" in parts:
        return given.given(_path(parts, "inputs", inbox), found)
    if found.sampled:  # by whoever runs the script: the first environment that loads the model
        found.note("Inputs come from sample_inputs() of the builder script.")
        return [], "none", None
    return given.made(found)


def _look_at_name(name: str, found: Findings) -> None:
    """Loaders go by the name, and names lie."""
    suffix = Path(name).suffix.lower()
    is_hdf5 = found.kind in {"h5", "weights-h5", "json+weights"} and found.packing == "file"
    if is_hdf5 and suffix == ".keras":
        found.note(
            "It is called .keras and is HDF5, as Keras up to 2.12 wrote it; Keras 3 goes by the name and refuses it so. "
            "Here it is loaded under a name that fits."
        )
    elif (found.kind == "keras" and suffix in {".h5", ".hdf5"}) or (is_hdf5 and suffix in {".zip", ".pb"}):
        found.note(
            f"It is called {shown(suffix)} and is {'HDF5' if is_hdf5 else 'a .keras zip'}; it is loaded as what it is."
        )


def _look_at_what_it_needs(parts: Parts, found: Findings) -> None:
    if found.custom and "custom_objects" not in parts and "builder" not in parts:
        names = ", ".join(list(found.custom)[:5])
        found.note(
            f"It names classes or functions that are not Keras' own ({names}): hand in custom_objects.py with them."
        )
    if found.lambdas:
        found.note(
            "Lambda layers may hold Python bytecode: it runs when the model is loaded, only the Python minor that wrote it "
            "reads it, and newer Keras refuses it."
        )


def _path(parts: Parts, part: str, inbox: Path) -> Path:
    """Return where a part lies: names are the host's own, and still lead nowhere else."""
    return inbox / Path(parts[part]["file"]).name

"""Options that several commands have, each spelt once: what a selection is written in, and ``--json``."""

from __future__ import annotations

from typing import Annotated

import typer

Environments = Annotated[
    str, typer.Option(help="Ids, globs, ranges: tf2.4,2.1*,2.10..2.15,keras3.5; base, keras3, tf_keras, all")
]
Models = Annotated[str, typer.Option(help="Ids, globs, groups: dense,conv*,text")]
Formats = Annotated[str, typer.Option(help="h5, savedmodel, keras, export")]
Methods = Annotated[str, typer.Option(help="default, custom_objects, saved_model.load")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

"""The one door to other programs: shown before they run, limited in time, their last words kept for the error."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from matrix.errors import BuildError

Say = Callable[[str], None]


def call(
    words: Sequence[str],
    *,
    log: Path,
    seconds: float = 600,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a program, its output appended to a log.

    Raises:
        BuildError: It failed, could not be found, or took too long; names the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        output.write(f"\n$ {' '.join(words)}\n".encode())
        output.flush()
        try:
            done = subprocess.run(  # noqa: S603
                words,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                timeout=seconds,
                check=False,
            )
        except FileNotFoundError as error:
            raise BuildError(
                f"{words[0]} is not installed.", next_step="`tfmatrix doctor` names what is missing."
            ) from error
        except subprocess.TimeoutExpired as error:
            raise BuildError(f"{words[0]} did not end within {seconds:.0f} s.", next_step=f"Its log: {log}") from error
    if done.returncode != 0:
        last = " | ".join(log.read_text(errors="replace").strip().splitlines()[-3:])
        raise BuildError(f"{' '.join(words[:3])} failed: {last[-600:]}", next_step=f"Its log: {log}")

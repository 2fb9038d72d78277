"""Where the probe runs: root of a container of its own, or, in the ``venv`` engine, one process among a person's others.

In a container nothing here changes anything. Without one there is no user to become and no folder that is the probe's by
nature, so the host names a folder, and what a child says of paths is put as a container would say it: one kind of
failure has one fingerprint, whichever engine saw it.
"""

import os
import sys

ISOLATED = os.geteuid() == 0 and os.environ.get("TFMATRIX_ISOLATION") != "none"
TMP = os.environ.get("TFMATRIX_TMP", "/tmp")
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER


def adopt_orphans():
    """Become the parent of every descendant whose own parent ended: a daemon stays below the zygote, which ends it."""
    if not ISOLATED:
        import ctypes

        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)


def as_in_a_container(header, workdir):
    """Return what a child says with this machine's paths put as a container's."""
    if ISOLATED:
        return header
    names = {workdir: "/tmp/cell-0", TMP: "/tmp", os.path.dirname(os.path.abspath(__file__)): "/probe"}
    names.update(
        {sys.prefix: "/usr/local", sys.base_prefix: "/usr/local", os.environ.get("TFMATRIX_INBOX", "/in"): "/in"}
    )
    for path in list(names):
        names.setdefault(os.path.realpath(path), names[path])
    names["running on %s." % os.uname().nodename] = "running on sandbox."  # TensorFlow's words of an unknown op
    return _renamed(header, sorted(names.items(), key=lambda pair: -len(pair[0])))


def import_recipes():
    """Import the recipes as from ``/probe``: a Lambda layer keeps the name of the file that its code came from."""
    if ISOLATED:
        return
    import linecache
    import types

    name = "/probe/recipes.py"
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "recipes.py"), encoding="utf-8") as file:
        source = file.read()
    module = types.ModuleType("recipes")
    module.__file__ = name
    sys.modules["recipes"] = module
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)  # the framework looks at sources
    exec(compile(source, name, "exec"), module.__dict__)  # noqa: S102  our own file


def _renamed(value, names):
    if isinstance(value, str):
        for path, name in names:
            value = value.replace(path, name)
        return value
    if isinstance(value, dict):
        return {key: _renamed(one, names) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_renamed(one, names) for one in value]
    return value

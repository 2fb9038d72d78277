"""Where the probe runs: root of a container of its own, or, in the ``venv`` engine, one process among a person's others.

In a container nothing here changes anything. Without one there is no user to become and no folder that is the probe's by
nature, so the host names a folder, and what a child says of paths is put as a container would say it: one kind of
failure has one fingerprint, whichever engine saw it.
"""

import linecache
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
    if "PYTHONPATH" in os.environ:
        names[os.environ["PYTHONPATH"]] = "/overlay"
    for path in list(names):
        names.setdefault(os.path.realpath(path), names[path])
    names["running on %s." % os.uname().nodename] = "running on sandbox."  # TensorFlow's words of an unknown op
    return _renamed(header, sorted(names.items(), key=lambda pair: -len(pair[0])))


def name_recipes():
    """Have the recipes imported as from ``/probe``: a Lambda layer keeps the name of the file that its code came from."""
    if ISOLATED:
        return
    from importlib import machinery

    here = os.path.dirname(os.path.abspath(__file__))

    class Loader(machinery.SourceFileLoader):
        def get_code(self, _fullname):
            with open(self.path, encoding="utf-8") as file:
                source = file.read()
            name = "/probe/" + os.path.relpath(self.path, here)
            linecache.cache[name] = (len(source), None, source.splitlines(True), name)  # the framework looks at sources
            return compile(source, name, "exec")

    def finder(path):
        if path.startswith(here):
            return machinery.FileFinder(path, (Loader, [".py"]))
        raise ImportError

    sys.path_hooks.insert(0, finder)
    sys.path_importer_cache.clear()


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

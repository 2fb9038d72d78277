"""Removes what no load needs from an environment's site-packages; the canary that follows proves it.

Runs inside the build with the environment's own Python, hence the syntax of 3.8.
"""

import pathlib
import shutil
import sysconfig

SITE = pathlib.Path(sysconfig.get_paths()["purelib"])
FOLDERS = [
    "tensorflow/include",  # C++ headers
    "tensorflow/xla_aot_runtime_src",
    "clang",  # libclang, 80 MB: only for writing bindings
    "tensorboard_data_server/bin",
    "tensorboard/webfiles.zip",
    "**/tests",
    "**/testdata",
]
FILES = ["**/*.a", "**/*.lib", "**/*.pdb", "**/*.pyi"]


def main():
    """Remove every folder and file that the lists name."""
    for pattern in FOLDERS + FILES:
        for path in list(SITE.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(str(path), ignore_errors=True)
            elif path.exists():
                path.unlink()


if __name__ == "__main__":
    main()

"""``python -m service``: the command line, for who has no ``tfmatrix`` on the path."""

from __future__ import annotations

from service.cli import main

if __name__ == "__main__":
    main()

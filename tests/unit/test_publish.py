"""The site as files: whole, without a dead link, the same pages as the server's, and never half of one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from matrix.config import Settings
from matrix.errors import UsageError
from matrix.store import Store, open_store
from reports.known import Known
from reports.letters import letters
from service.publish import MARKER, publish
from service.snapshot import Snapshot
from tests.site import shared_home
from tests.store_samples import NOON, save


class Links(HTMLParser):
    """Every address that a document names."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what leads elsewhere; a form's action is where its script goes."""
        self.found |= {value for name, value in attrs if name in {"href", "src"} and value and tag != "form"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the made-up matrix and its site."""
    home = tmp_path_factory.mktemp("published")
    shutil.copy(shared_home() / "matrix.db", home / "matrix.db")
    with open_store(home / "matrix.db") as opened:
        assert publish(opened, Settings(home=home), home / "site").written
    return home


@pytest.fixture
def opened(home: Path) -> Iterator[Store]:
    """Its database."""
    with open_store(home / "matrix.db") as store:
        yield store


@pytest.fixture
def nothing_yet(tmp_path: Path) -> Iterator[Store]:
    """A home where nothing was measured: its site has a seventh of the pages, and is as whole."""
    with open_store(tmp_path / "matrix.db") as store:
        yield store


def test_every_link_leads_to_a_file(home: Path) -> None:
    """Nothing points outside, nor at what is not there."""
    site = home / "site"
    dead = set()
    for page in site.rglob("*.html"):
        parser = Links()
        parser.feed(page.read_text(encoding="utf-8"))
        for link in parser.found:
            split = urlsplit(link)
            if split.scheme in {"https", "data"} or not split.path:
                continue
            target = (page.parent / unquote(split.path)).resolve()
            if not target.is_file() or site not in target.parents:
                dead.add((str(page.relative_to(site)), link))
    assert dead == set()


def test_what_has_not_changed_is_not_written_again(tmp_path: Path, nothing_yet: Store) -> None:
    """The second time says where it is; after a change it is written anew, and the old one is gone as a whole."""
    settings, target = Settings(home=tmp_path), tmp_path / "site"
    assert publish(nothing_yet, settings, target).written
    before = (target / "index.html").stat().st_ino
    assert not publish(nothing_yet, settings, target).written
    assert (target / "index.html").stat().st_ino == before
    (target / "stale.html").write_text("from an earlier site")
    nothing_yet.write.record_save(nothing_yet.write.begin_run({}, {}, NOON), save(), NOON)
    found = publish(nothing_yet, settings, target)
    assert found.written
    assert not (target / "stale.html").exists()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, nothing_yet: Store) -> None:
    """It is not ours to replace; one page of an earlier version is."""
    settings, target = Settings(home=tmp_path), tmp_path / "texts"
    target.mkdir()
    (target / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="did not write"):
        publish(nothing_yet, settings, target)
    assert (target / "thesis.tex").exists()
    with pytest.raises(UsageError, match="is a file"):
        publish(nothing_yet, settings, target / "thesis.tex")
    (target / "thesis.tex").rename(target / "index.html")
    assert publish(nothing_yet, settings, target).written
    assert (target / MARKER).exists()


def test_letters_say_what_the_cube_says(opened: Store) -> None:
    """Counted from the letters as the script counts them, the matrix is that of the cube."""
    known: Known = Snapshot(opened.read).known()
    data = letters(known)
    names = [one["name"] for one in data["outcomes"]]
    counts: dict[str, int] = {}
    for _, _, _, primary, text in data["grids"]:
        for letter in text if primary else "":
            if letter != ".":
                name = names[ord(letter) - ord("a")]
                counts[name] = counts.get(name, 0) + 1
    wanted = known.cube.counts(known.cube.where())
    assert counts == {name: int(many) for name, many in zip(names, wanted, strict=True) if many}

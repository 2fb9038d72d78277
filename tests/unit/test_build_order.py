"""Images are built in two waves: environments of their own, then the overlays that stand on them."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from images import build
from matrix.model import Environment
from tests.store_samples import environment

OLD, NEW = environment("tf2.16"), environment("tf2.18")
KERAS = replace(environment("tf2.18+keras3.5"), base="tf2.18")
LEGACY = replace(environment("tf2.16+tf_keras2.16"), base="tf2.16")


class FakeBuilder:
    """Takes a moment for each image, and remembers when each began and ended."""

    def __init__(self, failing: Collection[str]) -> None:
        self.events: list[tuple[str, str]] = []
        self._failing = failing
        self._pause = threading.Event()

    @contextmanager
    def ready(self) -> Iterator[None]:
        yield

    def build(self, one: Environment, _watcher: object) -> str | None:
        self.events.append(("began", one.id))
        self._pause.wait(0.02)
        self.events.append(("ended", one.id))
        return "no room" if one.id in self._failing else None

    def stop(self) -> None: ...

    @property
    def built(self) -> list[str]:
        """What was built, in the order in which it ended."""
        return [name for what, name in self.events if what == "ended"]


class Silent:
    """A watcher that tells nobody."""

    def began(self, environment: Environment) -> None: ...

    def ended(self, environment: Environment, seconds: float, error: str | None) -> None: ...


def builder(
    monkeypatch: pytest.MonkeyPatch, *, there: Collection[Environment] = (), failing: Collection[str] = ()
) -> FakeBuilder:
    """The builder of an engine that has some images."""
    fake = FakeBuilder(failing)
    names = {one.image for one in there}
    monkeypatch.setattr(build, "connect", lambda: None)
    monkeypatch.setattr(build, "image_exists", lambda _, name: name in names)
    monkeypatch.setattr(build, "_Builder", lambda *_, **__: fake)
    return fake


def test_no_overlay_begins_before_every_base_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever order they are named in: an overlay's Dockerfile begins FROM its base's image."""
    fake = builder(monkeypatch)
    assert build.build((KERAS, LEGACY, OLD, NEW), Silent()) == {}
    assert {name for _, name in fake.events[:4]} == {"tf2.16", "tf2.18"}
    assert {name for _, name in fake.events[4:]} == {"tf2.18+keras3.5", "tf2.16+tf_keras2.16"}


def test_a_base_that_nobody_named_is_built_only_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not built again either, where what stands on it is."""
    fake = builder(monkeypatch, there=(OLD, LEGACY))
    build.build((LEGACY, KERAS), Silent(), bases=(OLD, NEW), again=True)
    assert fake.built[0] == "tf2.18"
    assert sorted(fake.built[1:]) == ["tf2.16+tf_keras2.16", "tf2.18+keras3.5"]


def test_overlays_on_a_base_that_failed_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """They fail with it, with its name as the reason; those on another base are built."""
    fake = builder(monkeypatch, failing=("tf2.18",))
    failed = build.build((OLD, NEW, KERAS, LEGACY), Silent())
    assert failed == {"tf2.18": "no room", "tf2.18+keras3.5": "its base tf2.18 could not be built"}
    assert fake.built[-1] == "tf2.16+tf_keras2.16"
    assert "tf2.18+keras3.5" not in fake.built


def test_nothing_missing_is_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the bake file is laid out."""
    fake = builder(monkeypatch, there=(OLD, LEGACY))
    monkeypatch.delattr(FakeBuilder, "ready")
    assert build.build((OLD, LEGACY), Silent()) == {}
    assert fake.built == []

"""The order of a row: the saver's first, then the ends, then where two neighbours differ; and which one is the reference."""

from __future__ import annotations

import pytest

from matrix import catalog
from matrix.uploads import order
from matrix.uploads.order import Origin

BASES = order.in_line([one for one in catalog.load_environments() if one.base is None])
EVERYTHING = order.in_line(catalog.load_environments())


def ids(places: list[int]) -> list[str]:
    """Environments by id."""
    return [BASES[place].id for place in places]


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (Origin(tensorflow="2.9.3"), "tf2.9"),
        (Origin(tensorflow="2.3.0"), "tf2.4"),
        (Origin(tensorflow="2.99"), "tf2.21"),
        (Origin(keras="2.15.0"), "tf2.15"),
        (Origin(keras="2.13.1", tensorflow=None), "tf2.13"),
        (Origin(oldest="2.5", newest="2.12"), "tf2.12"),
        (Origin(), "tf2.21"),
        (Origin(tensorflow="nonsense"), "tf2.4"),
    ],
)
def test_the_nearest_is_found(origin: Origin, expected: str) -> None:
    """By TensorFlow, else by Keras, else the newest that it can have come from, else the newest."""
    assert BASES[order.nearest(origin, BASES)].id == expected


def test_keras_3_is_its_own_axis() -> None:
    """A file of Keras 3.5 is nearest to the environment with that Keras, whatever its TensorFlow; the oldest such."""
    found = EVERYTHING[order.nearest(Origin(keras="3.5.0"), EVERYTHING)]
    assert found.keras_version == (3, 5)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (Origin(tensorflow="2.18.1"), "tf2.18"),
        (Origin(tensorflow="2.16.2"), "tf2.16"),
        (Origin(newest="2.17"), "tf2.17"),
        (Origin(), "tf2.21"),
        (Origin(tensorflow="2.18.1", keras="2.18.0"), "tf2.18+tf_keras2.18"),
        (Origin(tensorflow="2.18.1", keras="3.8.0"), "tf2.18+keras3.8"),
        (Origin(tensorflow="2.18.1", keras="3.9.0"), "tf2.18"),
    ],
)
def test_an_overlay_is_nearest_only_to_a_file_that_says_its_keras(origin: Origin, expected: str) -> None:
    """Whatever else stands in the line: a TensorFlow by itself is the one with the Keras of its time."""
    assert EVERYTHING[order.nearest(origin, EVERYTHING)].id == expected


def test_where_only_overlays_can_be_had_one_of_them_is_nearest() -> None:
    """It is better than nothing."""
    overlays = [one for one in EVERYTHING if one.base is not None]
    assert overlays[order.nearest(Origin(tensorflow="2.18.1"), overlays)].minor == (2, 18)


def tried(home: str, wall: str) -> list[str]:
    """The order of a row whose environments up to ``wall`` load."""
    place, found = [one.id for one in BASES].index(home), list[int]()
    known: dict[int, str | None] = {}
    end = [one.id for one in BASES].index(wall)
    while (following := order.next_place(place, BASES, known)) is not None:
        assert following not in known
        found.append(following)
        known[following] = "loads" if following <= end else "fails"
    return ids(found)


def test_the_shape_stands_after_a_handful() -> None:
    """Home and both ends, then halving what differs: the two sides of a wall among 18 are found within seven."""
    found = tried("tf2.10", "tf2.15")
    assert found[:3] == ["tf2.10", "tf2.21", "tf2.4"]
    assert {"tf2.15", "tf2.16"} <= set(found[:7])
    assert sorted(found) == sorted(one.id for one in BASES)


def test_what_is_under_way_is_not_claimed_twice() -> None:
    """Two lanes get two places, also before anything is known."""
    known: dict[int, str | None] = {}
    for _ in BASES:
        place = order.next_place(5, BASES, known)
        assert place is not None
        assert place not in known
        known[place] = None
    assert order.next_place(5, BASES, known) is None


def test_one_environment_is_a_row() -> None:
    """Its ends are itself."""
    assert order.next_place(0, BASES[:1], {}) == 0
    assert order.next_place(0, BASES[:1], {0: "loads"}) is None


@pytest.mark.parametrize(
    ("loads", "expected"),
    [
        ({}, (None, False)),
        ({5: True}, (5, True)),
        ({5: False}, (None, False)),
        ({5: False, 8: True}, (8, False)),
        ({5: False, 6: False, 4: True}, (4, True)),
        ({5: False, 6: True, 4: True}, (6, True)),
        (dict.fromkeys(range(len(BASES)), False), (None, True)),
    ],
)
def test_the_reference_is_the_nearest_that_loads(loads: dict[int, bool], expected: tuple[int | None, bool]) -> None:
    """And it stands once no nearer one is still to be tried; of two as near, the newer."""
    assert order.reference(order.by_distance(5, range(len(BASES))), loads) == expected


def test_the_line_goes_from_old_to_new() -> None:
    """Overlays stand with their TensorFlow, by Keras."""
    assert [one.id for one in BASES][:2] == ["tf2.4", "tf2.5"]
    kerases: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for one in EVERYTHING:
        kerases.setdefault(one.minor, []).append(one.keras_version)
    assert all(found == sorted(found) for found in kerases.values())
    assert any(len(found) > 1 for found in kerases.values())

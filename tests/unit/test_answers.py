"""Answers are kept as long as they are true, within their room, and made once for many who ask at once."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from service.answers import Answer, Answers, Key, Turns


def _answer(text: str = "page") -> Answer:
    return Answer(body=text.encode(), media_type="text/plain")


def test_an_answer_holds_for_its_generation_and_minute() -> None:
    """Another of either makes it anew; the newest of an address takes the place of the others."""
    answers = Answers()
    key: Key = ("/", 1, (1,))
    answers.make(key, _answer)
    assert answers.get(key) is not None
    assert answers.get(("/", 2, (1,))) is None
    assert answers.get(("/", 1, (2,))) is None
    answers.make(("/", 2, (1,)), _answer)
    assert answers.get(key) is None


def test_what_was_asked_for_longest_ago_leaves_first() -> None:
    """No more is held than there is room for, and nothing that would fill most of it."""
    answers = Answers(most_bytes=100)
    for name in "abcdefghijk":
        answers.make((name, 1, (1,)), lambda: _answer("x" * 10))
        answers.get(("a", 1, (1,)))
    assert answers.get(("a", 1, (1,))) is not None
    assert answers.get(("b", 1, (1,))) is None
    answers.make(("large", 1, (1,)), lambda: _answer("x" * 50))
    assert answers.get(("large", 1, (1,))) is None


def test_what_is_true_for_a_second_is_found_under_its_own_key() -> None:
    """Whoever asks gives both keys: that of the minute and that of the second."""
    answers = Answers()
    answers.make(("/", 1, (777,)), _answer)
    assert answers.get(("/", 1, (12,)), ("/", 1, (777,))) is not None
    assert answers.get(("/", 1, (12,)), ("/", 1, (778,))) is None
    assert (answers.made, answers.kept) == (1, 1)


def test_many_who_ask_at_once_have_it_made_once() -> None:
    """The first makes it while the others wait; different addresses do not wait for each other."""
    turns, answers = Turns(), Answers()
    made: list[str] = []

    async def ask(address: str) -> Answer:
        async with turns.of(address):
            found = answers.get((address, 1, (1,)))
            if found is None:
                await asyncio.sleep(0)
                made.append(address)
                found = answers.make((address, 1, (1,)), _answer)
            return found

    async def everyone() -> None:
        await asyncio.gather(*(ask(address) for address in "aaabbb"))

    with ThreadPoolExecutor(1) as thread:  # browser tests leave a loop running in ours
        thread.submit(asyncio.run, everyone()).result()
    assert sorted(made) == ["a", "b"]
    assert not turns._locks

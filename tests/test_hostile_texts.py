"""No text that a person can send holds up the others: what it costs grows with its length alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.trials.bench.hostile import Longest, cost, readers
from bot.trials.bench.hostile_texts import texts
from prompting.assist import Assistant
from prompting.reading.keep import missing
from prompting.reading.lexicon import built_in
from prompting.reading.opaque import read
from tests.given.scripted_writer import ScriptedWriter

SHORT, LONG = 1000, 4000
# Linear work is four times as dear, work that grows with the square sixteen times.
MOST = 9.0
READERS = readers()


def floor() -> float:
    """What is no news: a few walks over the text, letter by letter, in this run and on this
    machine."""
    text = "ab" * (LONG // 2)
    return 30 * cost(lambda said: [ord(letter) for letter in said], text, 3)


@pytest.mark.parametrize("name", READERS)
def test_what_a_text_costs_grows_with_its_length(name: str) -> None:
    reader, dear = READERS[name], floor()
    short = texts(SHORT)
    for which, text in texts(LONG).items():
        if (once := cost(reader, text, 1)) > dear:
            if once < MOST * cost(reader, short[which], 1) + dear:
                continue
            # The least of several is what it costs: one alone may have waited for others.
            many, few = cost(reader, text, 5), cost(reader, short[which], 5)
            assert many < MOST * few + dear, f"{which}: {many / few:.1f} times as dear"


def test_the_texts_are_what_they_say() -> None:
    for length in (SHORT, 6000):
        found = texts(length)
        assert len(found) > 100
        assert all(0.9 * length <= len(text) <= length for text in found.values())
        assert found == texts(length)


def test_brackets_within_brackets_are_looked_into_as_deep_as_people_write_them() -> None:
    weights = "(" * 12 + "gold" + ")" * 12
    assert [part.text for part in read(f"a {weights} cat").opaque] == [weights]
    deep = "{" * 1500 + "a|b" + "}" * 1500
    assert not read(deep).opaque


def test_parts_that_no_writer_may_touch_are_counted_once() -> None:
    """A wish of 1,500 weights was compared with itself once for each of them."""
    lexicon = built_in()
    few, many = ("{1.5::a|2::b} " * count for count in (100, 1500))

    def looked(text: str) -> Callable[[str], object]:
        wish = read(text)
        return lambda said: missing(wish, said, lexicon=lexicon)

    assert cost(looked(many), many, 5) < 40 * cost(looked(few), few, 5)  # 15 times as long
    assert not missing(read(few), few, lexicon=lexicon)
    assert len(missing(read(few), "", lexicon=lexicon)) == 100


async def test_a_wish_of_nothing_but_markup_is_no_writers_business() -> None:
    writer = ScriptedWriter()
    assistant = Assistant(writer)
    found = await assistant.assist("a cat " + "(a:1.1)" * 600, dialect="sdxl", seed=1)
    assert not writer.asked
    assert found.note


async def test_proposals_let_others_go_on_between_them() -> None:
    """All of them at once would hold the loop for as long as eight do."""
    longest = Longest()
    proposals = Assistant(ScriptedWriter()).propose("a red flower", dialect="starter", seed=1)
    assert len(await longest.of(proposals)) > 1
    assert longest.pauses >= 4


def test_what_is_read_a_second_time_is_never_what_is_timed() -> None:
    """Readers remember texts, and share that memory: a look-up would pass for a fast reader."""
    seen: list[str] = []
    for _ in range(2):
        cost(seen.append, "a cat on a mat " * 100, 1)
    assert len({text[:100] for text in seen}) == 2
    assert {len(text) for text in seen} == {1500}


def test_tags_cost_no_more_where_an_owner_has_hundreds_of_loras() -> None:
    """Each tag went through the whole catalog: half a second for each of eight pictures."""
    found = {name: cost(READERS["networks"], text, 3) for name, text in texts(LONG).items()}
    assert found["LoRA tags"] < 6 * max(found["choices"], floor())

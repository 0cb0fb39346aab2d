"""A wish as the tags that booru models were taught, with every word of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from prompting.assist import Assistant
from prompting.reading.facts import facts
from prompting.reading.lexicon import built_in
from prompting.speaking.tagging import people, tags_of, uncounted
from tests.given.scripted_writer import ScriptedWriter

WISHES = Path(__file__).parents[1] / "prompting" / "starter" / "wishes.jsonl"


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        (
            "a girl in a red dress sitting under a cherry tree at night",
            "girl, red dress, sitting, under cherry tree, night",
        ),
        ("two knights fighting in the rain on a hill", "two knights, fighting, rain, hill"),
        (
            "a black and white cat with green eyes looking at the camera",
            "black and white cat, green eyes, looking at the camera",
        ),
        (
            "a witch with long purple hair riding a broom through the clouds",
            "witch, long purple hair, riding broom, through clouds",
        ),
        (
            "a knight in shining armor kneeling before the queen",
            "knight, shining armor, kneeling, before queen",
        ),
        ("five candles, all blown out", "five candles, all blown out"),
        ("a bottle with a ship inside", "bottle, ship inside"),
        ("a scientist looking into a microscope", "scientist, looking into microscope"),
        ("a bowl of ramen with an egg", "bowl of ramen, egg"),
        ("three red apples in a basket", "three red apples, in basket"),
        ("a cup on the left and a plate on the right", "cup, on left, plate, on right"),
        ("a mecha in front of a burning city", "mecha, in front of burning city"),
        ('a cat with "OPEN" on a sign', 'a cat with "OPEN" on a sign'),
        ("", ""),
    ],
)
def test_each_thing_is_a_tag_with_what_belongs_to_it(text: str, tags: str) -> None:
    assert ", ".join(tags_of(text, built_in())) == tags


def test_no_word_of_any_wish_is_lost_in_tags() -> None:
    lexicon = built_in()
    lost = []
    for line in WISHES.read_text("utf-8").splitlines():
        wish = json.loads(line)
        if wish["lang"] != "en":
            continue
        said = set(facts(wish["wish"], lexicon, "en").words)
        told = set(facts(", ".join(tags_of(wish["wish"], lexicon)), lexicon, "en").words)
        lost += [(wish["wish"], said - told)] if said - told else []
    assert not lost


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("a king, a queen and their son", ("1girl", "2boys")),
        ("my grandmother knitting", ("1girl", "solo")),
        ("an old man fishing", ("1boy", "solo")),
        ("three women and a man at a table", ("3girls", "1boy")),
        ("a girl and a crowd behind her", ("1girl",)),
        ("an elderly couple dancing", ()),
        ("a firefighter carrying a child", ()),
        ("the girl's doll", ()),
        ("a windmill on a hill", ("no humans",)),
    ],
)
def test_people_are_counted_where_it_is_plain_who_they_are(
    text: str, counted: tuple[str, ...]
) -> None:
    assert people(text, built_in()) == counted


def test_who_is_counted_is_not_named_again_unless_more_is_said() -> None:
    lexicon = built_in()
    counted = people("two girls and an old man", lexicon)
    assert counted[0] == "2girls"
    assert uncounted(("two girls", "tall girl", "hat"), ("2girls",)) == ("tall girl", "hat")


@pytest.mark.parametrize("dialect", ["illustrious", "noobai", "pony"])
async def test_a_booru_prompt_has_no_articles_and_no_sentences(dialect: str) -> None:
    assistant = Assistant(ScriptedWriter())
    found = await assistant.assist(
        "a girl in a red dress and a boy under an umbrella at night", dialect=dialect, seed=1
    )
    tags = found.prompt.split(", ")
    assert {"1girl", "1boy", "red dress", "night", "under umbrella"} <= set(tags)
    assert not [tag for tag in tags if tag.startswith(("a ", "an ", "the ", "and "))]

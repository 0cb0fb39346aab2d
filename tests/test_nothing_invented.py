"""A writer's subject says the wish and no more, whatever it adds, drops or turns round."""

from __future__ import annotations

import pytest

from prompting.assist import Assistant, Assisted
from prompting.reading.filler import wished
from prompting.reading.invention import displaced, invented
from prompting.reading.lexicon import built_in
from prompting.writers import template
from tests.given.scripted_writer import ScriptedWriter

LEXICON = built_in()


async def say(text: str, subject: str, *, dialect: str = "sd15", placeholders: int = 0) -> Assisted:
    writer = ScriptedWriter([template.answer(subject=subject)], placeholders=placeholders)
    return await Assistant(writer).assist(text, dialect=dialect, seed=1)


INVENTED = [
    ("一个老渔夫", "Babu Yousif, old, fisherman"),
    ("一个老渔夫没戴帽子", "a samurai"),
    ("一个老渔夫在断桥上", "a samurai"),
    ("红色的猫", "a red cat with a dog"),
    ("红色的猫", "a red cat and two birds"),
    ("ein roter Hund", "a red dog named Rex"),
    ("the cat should be red", "a red cat on a sofa"),
    ("it is a cat, maybe blue", "a blue cat, Bananac"),
    ("the house is old", "three old houses"),
]


@pytest.mark.parametrize(("text", "subject"), INVENTED)
async def test_a_subject_that_invents_is_not_taken(text: str, subject: str) -> None:
    for placeholders in (0, 6):
        prompt = (await say(text, subject, placeholders=placeholders)).prompt.lower()
        for word in (
            "yousif",
            "dog and",
            "bird",
            "rex",
            "sofa",
            "bananac",
            "three old",
            "with a dog",
        ):
            assert word not in prompt


FORMS = [
    ("the cat is sitting on a mat", "a cat sits on a mat"),
    ("the cat should be red, on a mat", "a red cat on a mat"),
    ("it was raining, a wooden house", "a wooden house, rain"),
    ("一只红色的猫在雪地里", "a red cat in the snow"),
]


@pytest.mark.parametrize(("text", "subject"), FORMS)
def test_another_form_of_a_word_of_the_wish_is_no_invention(text: str, subject: str) -> None:
    assert invented(wished(text, LEXICON), subject, lexicon=LEXICON, language="en") == ()


def test_an_unknown_word_may_be_translated_by_who_knows_more_and_only_that() -> None:
    wish = wished("ein Zwackelmann auf einem Stuhl", LEXICON)
    known = "a gnome on a chair"
    assert invented(wish, known, lexicon=LEXICON, language="en", free=True) == ()
    assert invented(wish, known, lexicon=LEXICON, language="en") == ("gnome",)
    more = "a gnome in a big tall hat on a chair"
    assert invented(wish, more, lexicon=LEXICON, language="en", free=True)


@pytest.mark.parametrize(
    ("text", "subject", "turned"),
    [
        ("a cat, black, on a mat", "a black cat on a mat", False),
        ("a cat on a dog", "a dog on a cat", True),
        ("a cat on a dog", "a cat under a dog", True),
        ("a cat, a dog", "a cat as a dog", True),
    ],
)
def test_things_that_stand_otherwise_are_another_picture(
    text: str, subject: str, turned: bool
) -> None:
    assert displaced(wished(text, LEXICON), subject, lexicon=LEXICON) is turned


async def test_a_better_order_of_the_persons_words_is_used_and_nothing_else() -> None:
    text = "a cat, black, on a mat"
    assert (await say(text, "a black cat on a mat")).prompt.startswith("black cat on a mat,")
    for worse in ("a black cat on a rug", "a black cat", "a mat on a black cat", "a cat on a mat"):
        assert (await say(text, worse)).prompt.startswith("cat, black, on a mat,")


GARBLED = [
    ("what colour is the sky on mars?", "what playing with sky on mars"),
    ("What is 17*23? Answer with the number only.", "what is 17 as 23 Answer with the number on a"),
    ("bro as well, is it a cat or a moon?", "bro as a cat style"),
]


@pytest.mark.parametrize(("text", "answer"), GARBLED)
@pytest.mark.parametrize("dialect", ["sd15", "flux1", "sdxl", "qwen-image"])
async def test_questions_and_orders_stay_the_persons_words_in_their_order(
    text: str, answer: str, dialect: str
) -> None:
    prompt = (await say(text, answer, dialect=dialect, placeholders=6)).prompt.lower()
    at = 0
    for word in text.lower().strip("?.").replace("?", "").replace("*", " ").split():
        found = prompt.find(word.strip(",."), at)
        assert found >= at, (word, prompt)
        at = found

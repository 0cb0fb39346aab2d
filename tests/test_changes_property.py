"""Whatever is changed, no content word is lost and none is invented."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompting.changes import understand
from prompting.changing.intents import IntentKind, ShownPicture
from prompting.changing.phrasebook import languages
from prompting.changing.rewording import reworded
from prompting.changing.vocabulary import vocabulary

WORDS = vocabulary()
THINGS = ("cat", "castle", "robot", "flower", "lamp", "boat", "wizard", "teapot", "umbrella")
PLACES = ("on a sofa", "in a forest", "by the sea", "on a wooden table", "under a tree")
COLOURS = ("red", "blue", "green", "white", "purple", "black")
NEW = ("owl", "crown", "bicycle", "lantern", "quuxling", "zebra")
AIRS = ("night", "snow", "sunset", "fog", "winter")


def keys(text: str) -> set[str]:
    return {word.key for word in WORDS.read(text, "en") if word.content and not word.mark}


def changed(prompt: str, reply: str) -> tuple[str, str]:
    understood = understand(reply, ShownPicture(prompt=prompt))
    changes = [change for intent in understood.intents for change in intent.changes]
    assert changes, reply
    new = reworded(prompt, "", changes)
    return new.prompt, new.negative


prompts = st.builds(
    lambda colour, thing, place, more: f"a {colour} {thing} {place}{more}",
    st.sampled_from(COLOURS),
    st.sampled_from(THINGS),
    st.sampled_from(PLACES),
    st.sampled_from(("", ", two birds in the sky", ", (masterpiece:1.2), <lora:ink:0.8>")),
)


@given(prompts, st.sampled_from(COLOURS), st.sampled_from(("make it {}", "{} please", "now in {}")))
def test_a_new_colour_takes_the_place_of_the_old_and_of_nothing_else(
    prompt: str, colour: str, said: str
) -> None:
    old = prompt.split()[1]
    words, _ = changed(prompt, said.format(colour))
    assert keys(words) == keys(prompt) - {old} | {colour}


@given(prompts, st.sampled_from(NEW), st.sampled_from(("add a {}", "with a {}", "put a {} in")))
def test_what_is_added_comes_and_all_the_rest_stays(prompt: str, new: str, said: str) -> None:
    words, _ = changed(prompt, said.format(new))
    assert keys(words) == keys(prompt) | keys(new)


@given(prompts, st.sampled_from(NEW))
def test_what_is_put_in_the_place_of_a_thing_takes_that_alone(prompt: str, new: str) -> None:
    thing = prompt.split()[2]
    words, _ = changed(prompt, f"replace the {thing} with a {new}")
    assert keys(words) == keys(prompt) - keys(thing) | keys(new)


@given(prompts, st.sampled_from(AIRS), st.sampled_from(("make it {}", "same but {}", "{}")))
def test_another_hour_or_weather_comes_to_what_is_there(prompt: str, air: str, said: str) -> None:
    words, _ = changed(prompt, said.format(air))
    assert keys(words) == keys(prompt) | {air}


@given(prompts)
def test_what_is_removed_is_gone_from_the_words_and_stands_in_the_negative(prompt: str) -> None:
    words, negative = changed(prompt + ", a small dragon", "remove the dragon")
    assert keys(words) == keys(prompt)
    assert keys(negative) == {"dragon"}


@given(prompts, st.sampled_from(AIRS))
def test_weights_and_loras_survive_to_the_byte(prompt: str, air: str) -> None:
    tagged = f"{prompt}, (glowing eyes:1.3), <lora:ink:0.8>, __wild__, {{a|b}}"
    words, _ = changed(tagged, f"make it {air}")
    for part in ("(glowing eyes:1.3)", "<lora:ink:0.8>", "__wild__", "{a|b}"):
        assert part in words


@given(st.text(max_size=200))
def test_no_reply_raises_and_each_has_an_answer(reply: str) -> None:
    assert understand(reply, ShownPicture(prompt="a red flower", count=4)).intents


@pytest.mark.parametrize("language", languages())
def test_thanks_draw_nothing_in_any_language(language: str) -> None:
    thanks = {"en": "thanks!", "zh": "谢谢！", "de": "danke!", "fr": "merci !", "es": "¡gracias!"}
    reply = thanks.get(language)
    if reply is not None:
        understood = understand(reply, ShownPicture(prompt="a red flower"))
        assert [intent.kind for intent in understood.intents] == [IntentKind.NONE]


def test_a_reply_is_read_in_less_than_a_fiftieth_of_a_second() -> None:
    reply = "could you please make it night, remove the hat and use fewer steps?"
    shown = ShownPicture(prompt="a cat wearing a blue hat, sitting on a sofa")
    understand(reply, shown)  # the tables are read once
    best = min(_seconds(reply, shown) for _ in range(20))
    assert best < 0.05


def _seconds(reply: str, shown: ShownPicture) -> float:
    begun = time.process_time()
    understand(reply, shown)
    return time.process_time() - begun

"""Every model family is spoken to in its own way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from generation.families.family import FAMILIES, has_few_words
from prompting.errors import UnknownName, Unreadable
from prompting.reading.lexicon import built_in
from prompting.reading.opaque import read
from prompting.slots import LANGUAGES, Slots
from prompting.speaking.dialects import DIALECTS, Speech, dialect, load
from prompting.speaking.render import Rendered, render
from prompting.speaking.styles import built_in as styles
from prompting.writers import template

LEXICON = built_in()
CAT = Slots(subject="a red cat on a mat", details=("soft light", "fine fur"), style=("watercolor",))


def spoken(name: str, text: str = "a red cat on a mat, watercolor", slots: Slots = CAT) -> Rendered:
    wish = read(text)
    wish = replace(wish, language=LEXICON.language(wish.words))
    return render(slots, wish, DIALECTS[name], lexicon=LEXICON)


def test_the_families_that_people_draw_with_are_all_there() -> None:
    assert set(DIALECTS) >= {
        *("starter", "sd15", "sd21", "sdxl", "pony", "illustrious", "noobai", "sd3", "flux1"),
        *("kontext", "flux2", "qwen-image", "qwen-image-edit", "z-image", "wan", "ltx", "audio"),
    }


def test_every_family_of_the_house_has_a_dialect() -> None:
    lacking = {family.dialect for family in FAMILIES.values()} - DIALECTS.keys()
    assert lacking == set(), "each is a row of prompting/speaking/dialects.toml"
    for family in FAMILIES.values():
        # One that is drawn without cfg may be spoken to as its kin is, whose negatives count.
        assert DIALECTS[family.dialect].negative >= family.negative


def test_a_dialect_is_complete_and_says_where_it_comes_from() -> None:
    for row in DIALECTS.values():
        assert row.ask in template.DIALECTS
        assert row.tokens >= (31 if has_few_words(row.name) else 70)
        assert row.source
        assert set(row.keeps) <= set(LANGUAGES)
        assert row.negative or not row.default_negative


def test_the_documents_table_of_dialects_is_that_of_the_program() -> None:
    page = (Path(__file__).parent.parent / "docs/prompting.md").read_text("utf-8")
    for row in DIALECTS.values():
        words = "{} to {}".format(*row.words) if row.words else ""
        cells = (f"`{row.name}`", row.kind, row.tokens, words, "yes" if row.negative else "no")
        line = "| " + " | ".join(map(str, (*cells, ", ".join(row.keeps), row.source))) + " |"
        assert line in page, f"docs/prompting.md lacks: {line}"


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("starter", "a red cat on a mat, watercolor"),
        (
            "sd15",
            "red cat on a mat, watercolor, soft light, fine fur, masterpiece, best quality",
        ),
        ("sd21", "a red cat on a mat, watercolor, soft light, fine fur"),
        ("sdxl", "a red cat on a mat, watercolor, soft light, fine fur, highly detailed"),
        (
            "pony",
            "score_9, score_8_up, score_7_up, red cat, on mat, watercolor, soft light, fine fur",
        ),
        (
            "illustrious",
            "masterpiece, best quality, red cat, on mat, watercolor, soft light, fine fur",
        ),
        ("sd3", "A red cat on a mat, watercolor. Soft light, fine fur."),
        ("flux1", "A red cat on a mat, watercolor. Soft light, fine fur."),
        (
            "kontext",
            "A red cat on a mat, watercolor. Soft light. Fine fur. Keep everything else unchanged.",
        ),
        ("wan", "A red cat on a mat, watercolor. Soft light, fine fur."),
    ],
)
def test_a_dialect_has_its_own_order_and_marks(name: str, prompt: str) -> None:
    assert spoken(name).prompt == prompt


def test_booru_counts_people_and_says_where_there_are_none() -> None:
    girls = Slots(subject="two girls with red hair")
    assert "2girls" in spoken("noobai", "two girls with red hair", girls).prompt
    boy = Slots(subject="a boy on a beach")
    assert "1boy, solo" in spoken("pony", "a boy on a beach", boy).prompt
    cat = Slots(subject="a cat in the snow")
    assert "no humans" in spoken("noobai", "a cat in the snow", cat).prompt
    name = Slots(subject="Hatsune Miku")
    assert "no humans" not in spoken("noobai", "Hatsune Miku", name).prompt


def test_no_booru_mark_stands_in_prose_and_no_masterpiece_in_pony() -> None:
    for row in DIALECTS.values():
        prompt = spoken(row.name).prompt
        if row.kind is not Speech.BOORU:
            assert "score_" not in prompt
            assert "1girl" not in prompt
    assert "masterpiece" not in spoken("pony").prompt


@pytest.mark.parametrize("name", [row.name for row in DIALECTS.values() if not row.negative])
@pytest.mark.parametrize(
    ("text", "into", "forbidden"),
    [
        ("a street without people", "empty setting", "people"),
        ("a man with no hat", "bare-headed", "hat"),
        ("a house, no quuxes", "house", "quuxes"),
    ],
)
def test_without_a_negative_prompt_the_unwanted_becomes_something_positive(
    name: str, text: str, into: str, forbidden: str
) -> None:
    slots = Slots(subject=text.partition(" with")[0].partition(",")[0])
    said = spoken(name, text, slots)
    assert said.negative == ""
    if DIALECTS[name].kind is Speech.INSTRUCTION:
        assert "remove" in said.prompt
    else:
        assert into in said.prompt
        assert not forbidden or forbidden not in said.prompt.replace("bare-headed", "")
    assert "takes no negative prompt" in said.note or "“quuxes” could only be left" in said.note
    assert "\n" not in said.note


def test_with_a_negative_prompt_the_unwanted_goes_there_in_english() -> None:
    said = spoken("sd15", "一只猫，不要帽子", Slots(subject="a cat"))
    assert said.negative.startswith("hat, ")
    assert "hat" not in said.prompt
    assert spoken("qwen-image", "一只猫，不要帽子", Slots(subject="a cat")).negative == "帽子"


def test_qwen_keeps_a_negative_even_when_nothing_is_unwanted() -> None:
    assert spoken("qwen-image").negative == " "  # an empty one would switch the true CFG off


def test_the_persons_own_negative_comes_first() -> None:
    said = render(CAT, read("a red cat"), DIALECTS["sd15"], lexicon=LEXICON, negative="dogs, rain")
    assert said.negative.startswith("dogs, rain, worst quality")


def test_the_starter_hears_its_own_words_and_the_person_keeps_theirs() -> None:
    said = spoken(
        "starter", "two kitties in a forest, anime", Slots(subject="two kitties in a forest")
    )
    assert said.prompt == "two cats in a forest, in a grass field"
    rose = spoken("starter", "a crimson rose", Slots(subject="a crimson rose"))
    assert rose.prompt == "a crimson flower, rose"


def test_nothing_to_be_seen_is_added_to_what_is_heard() -> None:
    piano = Slots(subject="calm piano", details=("soft light",))
    said = spoken("audio", "calm piano", piano)
    assert said.prompt == "calm piano, high quality, stereo"


def test_the_starters_words_replace_only_whole_things() -> None:
    stop = spoken("starter", "a navy bus stop", Slots(subject="a navy bus stop"))
    assert stop.prompt == "a blue bus stop"


def test_the_starter_is_told_no_detail_that_it_never_saw() -> None:
    slots = Slots(subject="a red cat", details=("shallow depth of field", "in the snow"))
    assert spoken("starter", "a red cat", slots).prompt == "a red cat, in the snow"


def test_what_stands_in_its_place_stays_there() -> None:
    said = spoken("sdxl", "a (red:1.2) cat BREAK a {blue|green} dog <lora:x:1> --ar 3:2")
    assert said.prompt.startswith("a (red:1.2) cat BREAK a {blue|green} dog, ")
    assert said.prompt.endswith("<lora:x:1> --ar 3:2")


def test_a_style_wraps_the_words() -> None:
    said = render(
        CAT, read("a red cat"), DIALECTS["flux1"], lexicon=LEXICON, style=styles()["oil-painting"]
    )
    assert said.prompt.startswith("An oil painting of a red cat on a mat")


def test_an_unknown_dialect_names_its_neighbours() -> None:
    with pytest.raises(UnknownName) as caught:
        dialect("sd-xl")
    assert "sdxl" in caught.value.nearest


def test_a_broken_table_is_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "dialects.toml"
    for text in ("[x", '[x]\nkind = "song"', '[x]\nkind = "tags"\ncolour = 3', "x = 3"):
        path.write_text(text)
        with pytest.raises(Unreadable):
            load(path)

"""Named styles: enough of them, in two languages and every dialect, and none loses a word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from prompting.errors import UnknownName
from prompting.reading.lexicon import built_in, fold
from prompting.reading.opaque import read
from prompting.slots import Slots
from prompting.speaking import styles
from prompting.speaking.captions import vocabulary
from prompting.speaking.dialects import DIALECTS
from prompting.speaking.render import render, template_of
from prompting.speaking.styles import PROMPT, Style

STYLES = styles.built_in()


def test_there_are_at_least_sixty_and_every_name_is_one_styles() -> None:
    assert len(STYLES) >= 60
    called = [fold(name) for style in STYLES.values() for name in {style.en.lower(), style.zh}]
    assert len(set(called)) == len(called)


@pytest.mark.parametrize("style", STYLES.values(), ids=str)
def test_a_style_is_complete(style: Style) -> None:
    assert re.fullmatch(r"[a-z0-9-]{2,30}", style.name)
    assert re.search(r"[\u4e00-\u9fff]", style.zh)
    assert style.negative
    for template in (style.tags, style.prose, style.prose_zh, style.booru, style.edit):
        assert template.count(PROMPT) == 1
        assert template != PROMPT
    assert style.prose.endswith(".")
    assert not re.search(r"[\u4e00-\u9fff]", style.tags + style.prose + style.booru + style.edit)


def test_the_starter_is_only_asked_for_styles_that_it_was_trained_with() -> None:
    trained = {"cartoon style", "comic style", "sticker", "outline", *vocabulary().styles.values()}
    for style in STYLES.values():
        if style.starter:
            assert style.starter.removeprefix(f"{PROMPT}, ") in trained


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)
def test_every_style_can_be_spoken_in_every_dialect(dialect) -> None:  # type: ignore[no-untyped-def]
    wish = read('a red cat <lora:x:1> "HI"')
    for style in STYLES.values():
        spoken = render(Slots(subject="a red cat"), wish, dialect, lexicon=built_in(), style=style)
        assert "red cat" in spoken.prompt
        assert "<lora:x:1>" in spoken.prompt
        assert '"HI"' in spoken.prompt
        assert PROMPT not in spoken.prompt
        drawn = template_of(style, dialect, "en") != PROMPT
        assert drawn != ("cannot draw" in spoken.note)


def test_a_style_never_forbids_what_the_person_asked_for() -> None:
    spoken = render(
        Slots(subject="a photo of a cartoon"),
        read("a photo of a cartoon"),
        DIALECTS["sd15"],
        lexicon=built_in(),
        style=STYLES["watercolor"],
    )
    assert "photo" not in spoken.negative.split(", ")


def test_braces_in_a_wish_are_no_template() -> None:
    wish = read("a {prompt} cat %s {0}")
    spoken = render(
        Slots(subject=wish.words), wish, DIALECTS["sdxl"], lexicon=built_in(), style=STYLES["anime"]
    )
    assert "a {prompt} cat %s {0}" in spoken.prompt


@pytest.mark.parametrize("name", ["watercolor", "Watercolor", " WATERCOLOR ", "水彩"])
def test_a_style_is_found_by_any_of_its_names(name: str) -> None:
    assert STYLES.find(name) is STYLES["watercolor"]


@pytest.mark.parametrize("name", ["ink", "Ink", "水墨"])
def test_the_first_word_of_a_name_is_enough(name: str) -> None:
    assert STYLES.named(name) is STYLES["ink-wash"]
    for half in ("in", "water", "水"):
        with pytest.raises(UnknownName):
            STYLES.named(half)


def test_an_unknown_style_names_its_neighbours() -> None:
    with pytest.raises(UnknownName) as caught:
        STYLES.find("pixelart")
    assert caught.value.nearest[0] == "pixel-art"


def test_the_owners_styles_come_besides_and_replace_ours(tmp_path: Path) -> None:
    path = tmp_path / "styles.toml"
    path.write_text(
        '[house]\nzh = "招牌"\ntags = "{prompt}, our look"\n'
        '[watercolor]\nen = "Watercolor"\ntags = "{prompt}, wet on wet"\nnegative = "dry"\n',
        "utf-8",
    )
    own = STYLES.with_own(path)
    assert len(own) == len(STYLES) + 1
    assert own.find("招牌").prose == "{prompt}, our look"
    assert own["watercolor"].tags == "{prompt}, wet on wet"
    assert STYLES["watercolor"].tags != own["watercolor"].tags


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[x]\ntags = "no place for the words"', "exactly once"),
        ('[x]\ntags = "{prompt} {prompt}"', "exactly once"),
        ("[x]\ntags = 5", "no text"),
        ('[x]\ntags = "{prompt}, a"\ncolour = "red"', "unknown keys: colour"),
        ('[x]\nen = "X"', "neither tags nor prose"),
        ("x = 3", "no table"),
        ("[x", "end of"),
        ("\xff", ""),
    ],
)
def test_a_broken_style_says_what_is_wrong_and_takes_no_other_with_it(
    tmp_path: Path, text: str, reason: str
) -> None:
    path = tmp_path / "styles.toml"
    path.write_bytes(text.encode("latin-1"))
    own = STYLES.with_own(path)
    assert len(own) == len(STYLES)
    assert [reason in error.reason for error in own.refused] == [True]


def test_good_styles_stay_beside_a_broken_one(tmp_path: Path) -> None:
    path = tmp_path / "styles.toml"
    path.write_text('[bad]\ntags = 5\n[good]\ntags = "{prompt}, good"\n', "utf-16")
    own = STYLES.with_own(path)
    assert own["good"].tags == "{prompt}, good"
    assert [error.reason for error in own.refused] == ["bad.tags is no text"]


def test_an_absent_file_of_styles_is_named(tmp_path: Path) -> None:
    (refused,) = STYLES.with_own(tmp_path / "absent.toml").refused
    assert refused.found == "absent.toml"

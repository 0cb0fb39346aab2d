"""What a prompt says besides words is told: nothing of it is drawn as letters in silence."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompting.reading.markup import ChangeKind, Read, read

CHANGED = {
    "a [cat:dog:0.5] on grass": (ChangeKind.SCHEDULE, "a cat dog on grass"),
    "[mist:0.3], a house": (ChangeKind.SCHEDULE, "mist, a house"),
    "[noise::0.2] a house": (ChangeKind.SCHEDULE, "noise a house"),
    "[:dog: 12 ] a house": (ChangeKind.SCHEDULE, "dog a house"),
    "a [cow|horse] in a field": (ChangeKind.ALTERNATION, "a cow horse in a field"),
    "[a|(b:1.2)|c] x": (ChangeKind.ALTERNATION, "a (b:1.2) c x"),
    "a cat AND a dog :1.2": (ChangeKind.COMPOSITION, "a cat, a dog"),
    "a cat :0.9 AND rain :-1": (ChangeKind.COMPOSITION, "a cat"),
    "{{{gold}}}, {best quality}": (ChangeKind.EMPHASIS, "(gold:1.158), (best quality:1.05)"),
    "{{artist:x}} y": (ChangeKind.EMPHASIS, "(artist:x:1.103) y"),
    "a cat --ar 3:2 --no hat, dog": (ChangeKind.OPTION, "a cat"),
    "a cat --neg blurry": (ChangeKind.OPTION, "a cat"),
}


@pytest.mark.parametrize(("typed", "told"), CHANGED.items())
def test_it_is_told_and_read_as_words(typed: str, told: tuple[ChangeKind, str]) -> None:
    found = read(typed)
    assert (found.changes[0].kind, found.text) == told


@pytest.mark.parametrize(
    "typed",
    [
        "[[weak]] ((strong)) (c:1.2)",
        "\\[a:b:0.5\\]",
        "[a:b:c:0.5]",
        "[at 12:30 today]",
        "A CAT AND A DOG",
        "a -- b --dramatic light",
        '{"json": 1}',
        "\\{a\\}",
        "[a:0.5",
        "<3 and 2 < 3 > 1",
        "a BREAK b",
        "embedding:easyneg",
    ],
)
def test_what_is_none_of_it_stays(typed: str) -> None:
    assert read(typed) == Read(text=typed)


def test_tags_are_taken_out_with_all_that_they_say() -> None:
    found = read("a castle <lora:ink: v2:0.8>, <LYCO:x:te=0.5:unet=1> <hypernet:y:1>")
    assert found.text == "a castle ,"
    assert [(tag.kind, tag.args) for tag in found.tags] == [
        ("lora", "ink: v2:0.8"),
        ("lyco", "x:te=0.5:unet=1"),
        ("hypernet", "y:1"),
    ]


@pytest.mark.parametrize("typed", ["< lora:ink:0.8 >", "<Lora : ink:0.8>"])
def test_blanks_in_a_networks_tag_do_not_make_letters_of_it(typed: str) -> None:
    found = read(f"a cat {typed}")
    assert (found.text, found.tags[0].kind, found.tags[0].args) == ("a cat", "lora", "ink:0.8")
    assert not read("3 < b: 5 > 4").tags


def test_discords_own_emoji_are_their_names() -> None:
    assert read("a <:cat_jam:123456789012345678> b").text.split() == ["a", "cat", "jam", "b"]
    assert read("<a:dance:123456789012345678>").tags == ()


@given(st.text("ab [](){}<>|:\\-=AND0.5", max_size=80))
def test_every_text_can_be_read(text: str) -> None:
    found = read(text)
    assert len(found.text) <= 2 * len(text) + 40 * text.count("{")


HOSTILE = (
    *("[" * 6000, "[a:" * 2000, "[a:1]" * 1200, "[a|" * 1500 + "]" * 1500, "{" * 3000 + "}" * 3000),
    *("{a" * 2000 + "}" * 2000, "--no " * 1200, "<a:" * 2000, " AND" * 1500, "--ar x " * 800),
    *(
        "a AND" + " " * 5990 + "x",
        "AND : " * 1000,
        " " * 3000 + "--no " + " " * 2900,
        "<a:" + "b" * 5990,
    ),
)


def test_no_text_takes_longer_than_in_proportion_to_its_length() -> None:
    for text in HOSTILE:
        read.cache_clear()
        began = time.process_time()
        read(text)
        assert time.process_time() - began < 1.0, text[:20]

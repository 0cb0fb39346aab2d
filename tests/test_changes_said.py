"""The line about a change names what was there before, where the words of the picture say it."""

from __future__ import annotations

import pytest

from prompting.changes import understand
from prompting.changing.intents import ShownPicture
from prompting.changing.rewording import reworded


def line_of(prompt: str, reply: str) -> str:
    intents = understand(reply, ShownPicture(prompt=prompt)).intents
    return reworded(prompt, "", [c for intent in intents for c in intent.changes]).said


@pytest.mark.parametrize(
    ("prompt", "reply", "line"),
    [
        ("a red flower", "make it blue", "red → blue"),
        ("a village by day", "make it night", "day → night"),
        ("a cat in a forest", "put it on the beach", "forest → beach"),
        ("a cat with a red hat", "make the hat blue", "red → blue"),
        ("a red flower", "mach es blau", "red → blue"),
        (
            "a red car and a blue house",
            "make the car green and the house yellow",
            "red → green, blue → yellow",
        ),
    ],
)
def test_what_was_there_before_stands_beside_what_comes(prompt: str, reply: str, line: str) -> None:
    assert line_of(prompt, reply) == line


@pytest.mark.parametrize(
    ("prompt", "reply", "line"),
    [
        ("a red flower", "make it night", "night"),
        ("a flower", "make the flower blue", "flower → blue"),
        ("a cat wearing a hat", "remove the hat", "− hat"),
        ("一只红色的猫", "换成蓝色", "蓝色"),
    ],
)
def test_where_nothing_gives_way_the_change_alone_is_said(
    prompt: str, reply: str, line: str
) -> None:
    assert line_of(prompt, reply) == line

"""What a wish denies by its grammar or by a quality is asked for nowhere."""

from __future__ import annotations

import asyncio

import pytest

from prompting.assist import Assistant
from prompting.reading.denials import denials, without
from prompting.reading.lexicon import built_in
from prompting.scenery.gist import gist_of
from prompting.slots import WishText
from prompting.writers.cache import Memory
from prompting.writers.ladder import WriterConfig, open_writer


@pytest.mark.parametrize(
    ("wish", "whats", "rest"),
    [
        ("ein Ritter weder mit Schild noch mit Schwert", ["Schild", "Schwert"], "ein Ritter"),
        ("un cavaliere né con scudo né con spada", ["scudo", "spada"], "un cavaliere"),
        ("um cavaleiro nem com escudo nem com espada", ["escudo", "espada"], "um cavaleiro"),
        ("рыцарь ни с щитом ни с мечом", ["щитом", "мечом"], "рыцарь"),
        ("une fille sans chapeau, ni lunettes non plus", ["chapeau", "lunettes"], "une fille"),
        ("a beach, but please leave the people out", ["people"], "a beach"),
        ("keep the cars and the signs out of the picture, a street", ["cars", "signs"], "a street"),
        ("a street, keep the cars out of it", ["cars"], "a street"),
        ("a pizza, hold the olives", ["olives"], "a pizza"),
        ("two hands hold the moon", [], "two hands hold the moon"),
        ("a dog keeps out of the rain", [], "a dog keeps out of the rain"),
        ("不戴帽子的士兵站在城门前", ["帽子"], "士兵站在城门前"),
    ],
)
def test_a_denial_names_its_things_and_leaves_the_rest(
    wish: str, whats: list[str], rest: str
) -> None:
    found = denials(wish, built_in())
    assert [it.what for it in found] == whats
    assert without(wish, found) == rest


@pytest.mark.parametrize(
    ("wish", "kin"),
    [
        ("a hairless cat on a sofa", {"fur", "ruffled", "fringe"}),
        ("a leafless tree by a lake", {"foliage", "leaves"}),
        ("a beach without people", {"skin", "face", "crowd"}),
        ("没有叶子的树", {"枝叶", "树叶"}),
        ("a bald man", {"hair"}),
    ],
)
def test_what_is_denied_brings_none_of_its_kin(wish: str, kin: set[str]) -> None:
    lexicon = built_in()
    said = WishText(text=wish, language=lexicon.language(wish))
    assert kin <= gist_of(said, lexicon).denied


def test_who_wears_a_thing_decides_what_its_word_means() -> None:
    async def negative(wish: str) -> str:
        opened = await open_writer(WriterConfig())
        told = await Assistant(opened.writer, cache=Memory(0)).assist(wish, dialect="sd15", seed=1)
        if opened.writer is not None:
            await opened.writer.close()
        return told.negative

    assert asyncio.run(negative("un perro sin collar")).startswith("collar,")
    assert asyncio.run(negative("una mujer sin collar")).startswith("necklace,")

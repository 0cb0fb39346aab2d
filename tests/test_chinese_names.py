"""Chinese names stay whole; well-known ones have their English names."""

from __future__ import annotations

from pathlib import Path

import pytest

from prompting.assist import Assistant
from prompting.reading.lexicon import built_in
from tests.given.scripted_writer import ScriptedWriter

LEXICON = built_in()
STRANGE = (Path(__file__).parent / "data" / "chinese_names.txt").read_text("utf-8").split()
SENTENCES = ("{}的日落", "在{}前面跳舞的女孩", "一只猫和{}，水彩")
KNOWN = {
    "黄鹤楼": "Yellow Crane Tower",
    "断桥残雪": "Lingering Snow on the Broken Bridge",
    "西湖": "West Lake",
    "五台山": "Mount Wutai",
    "上海滩": "Shanghai Bund",
    "地中海": "Mediterranean",
    "千与千寻": "Spirited Away",
    "哪吒": "Nezha",
    "猪八戒": "Zhu Bajie the pig demon",
    "马里奥": "Super Mario",
    "哆啦A梦": "Doraemon",
    "兵马俑": "Terracotta Army",
    "布达拉宫": "Potala Palace",
    "端午节": "Dragon Boat Festival",
    "麻婆豆腐": "mapo tofu",
}


def whole(name: str) -> bool:
    """Whether the name is one word in every sentence."""
    return all(
        name in [word.text for word in LEXICON.read(sentence.format(name), "zh")]
        for sentence in SENTENCES
    )


@pytest.mark.parametrize(("name", "english"), KNOWN.items())
def test_a_well_known_name_is_whole_and_has_its_english_one(name: str, english: str) -> None:
    assert whole(name)
    assert LEXICON.english(f"{name}，水彩", "zh") == f"{english}, watercolor"


def test_four_in_five_names_that_no_table_knows_stay_whole() -> None:
    strange = [name for name in STRANGE if LEXICON.find(name, "zh") is None]
    kept = [name for name in strange if whole(name)]
    print(f"{len(kept)} of {len(strange)} names that no table knows stay whole")
    assert len(strange) >= 70
    assert len(kept) >= 0.8 * len(strange), sorted(set(strange) - set(kept))


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("两只白色的兔子", "two white rabbits"),
        ("小黑猫和大白狗", "small black cat and big white dog"),
        ("红砖墙", "red brick wall"),
        ("老人和海", "old man and sea"),
        ("金色的龙", "gold dragon"),
    ],
)
def test_what_only_looks_like_a_name_is_read(text: str, english: str) -> None:
    assert LEXICON.english(text, "zh") == english


@pytest.mark.parametrize("wish", ["西湖边的断桥残雪,水墨画", "孙悟空大战哪吒，剪纸", "阿房残照"])
async def test_a_model_that_reads_chinese_gets_the_wish_byte_for_byte(wish: str) -> None:
    assistant = Assistant(ScriptedWriter(placeholders=6))
    told = await assistant.assist(wish, dialect="qwen-image", seed=1)
    assert wish.split(",", maxsplit=1)[0].split("，", maxsplit=1)[0] in told.prompt
    assert "Left as written" not in told.note


async def test_a_name_that_nobody_knows_stays_as_written_and_is_named() -> None:
    assistant = Assistant(ScriptedWriter(placeholders=6))
    told = await assistant.assist("鹓鶵的日落", dialect="sd15", seed=1)
    assert "鹓鶵" in told.prompt
    assert "Left as written: 鹓鶵." in told.note

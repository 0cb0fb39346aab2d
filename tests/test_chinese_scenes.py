"""What goes on in a Chinese wish arrives in English: who does what to what, and where.

A wrong translation is worse than none: what is not read with certainty stays as it was written.
"""

from __future__ import annotations

import pytest

from prompting.assist import Assistant
from prompting.reading.lexicon import built_in
from tests.given.scripted_writer import ScriptedWriter

LEXICON = built_in()


@pytest.mark.parametrize(
    ("wish", "english"),
    [
        ("火车穿过雪山", "train passing through snowy mountain"),
        ("骑着自行车穿过稻田的男孩", "boy riding bicycle passing through rice field"),
        ("武士从屋顶跳下来", "samurai jumping down from the roof"),
        ("雪山脚下的小木屋", "cabin at the foot of the snowy mountain"),
        ("女孩把花插进花瓶里", "girl putting flower into the vase"),
        ("厨师把面团甩向空中", "chef throwing dough into the air"),
        ("爷爷牵着孙女的手过马路", "grandfather leading granddaughter's hand crossing street"),
        ("奶奶坐在院子里剥玉米", "grandmother sitting in the courtyard husking corn"),
        ("坐在树下的女孩", "girl sitting under the tree"),
        ("樱花盛开的街道", "street with cherry blossom blooming"),
        ("被狗追的猫", "dog chasing cat"),
        ("一串红灯笼挂在屋檐下", "string of red lanterns hanging under the eaves"),
        ("老爷爷推着一车西瓜上坡", "grandfather pushing cartload of watermelons going uphill"),
        ("树上停着一只乌鸦", "crow perched on the tree"),
        ("孩子们围着篝火讲故事", "children gathered around campfire telling a story"),
        ("熊猫宝宝抱着竹子睡觉", "panda baby holding bamboo sleeping"),
        (
            "情侣撑一把红伞走在雨中的小巷",
            "loving couple holding red umbrella walking in the alley in rain",
        ),
        ("厨师端着一盘冒着热气的饺子", "chef holding plate of dumpling emitting steam"),
        ("妈妈在灯下给孩子缝衣服", "mother under the lamp sewing for the child"),
        ("火车驶过开满樱花的山谷", "train passing through valley filled with cherry blossom"),
        ("女孩把书放在桌子上", "girl putting book on the table"),
        ("女孩把书放在头顶上走路", "girl putting book on the head walking"),
        ("女孩对着镜子梳头", "girl combing hair facing the mirror"),
    ],
)
def test_a_scene_is_put_into_the_order_of_english(wish: str, english: str) -> None:
    assert LEXICON.english(wish, "zh") == english


@pytest.mark.parametrize(
    ("wish", "whole"),
    [
        ("女孩踱过长廊", "踱过"),
        ("张小凡站在山顶", "张小凡"),
        ("杨某过和猫", "杨某过"),
        ("两个女孩扛过小桥", "扛过"),
    ],
)
def test_what_is_not_certain_stays_whole(wish: str, whole: str) -> None:
    assert whole in [word.text for word in LEXICON.read(wish, "zh") if word.content]
    assert whole in LEXICON.english(wish, "zh")


async def test_a_verb_that_nobody_knows_is_named_in_the_visible_line() -> None:
    assistant = Assistant(ScriptedWriter(placeholders=6))
    told = await assistant.assist("女孩踱过长廊", dialect="sd15", seed=1)
    assert "踱过" in told.prompt
    assert "Left as written: 踱过." in told.note

"""Replies in Chinese, and Chinese prompts with a change in them."""

from __future__ import annotations

import pytest

from prompting.changes import understand
from prompting.changing.intents import Action, Aspect, ContentChange, IntentKind, ShownPicture
from prompting.changing.rewording import reworded
from tests.given.changed_words import changed
from tests.given.reply_judge import kinds, replies

CAT = "一只橘猫坐在窗台上，窗外下着雪"
KITE = "一个小女孩在花园里放风筝，阳光明媚"
BRIDGE = "山间小桥，一位老人撑着伞，远处有瀑布"
CITY = "赛博朋克城市夜景，霓虹灯，飞行汽车"
PANDA = "一只熊猫在竹林里吃竹子"
HANFU = "汉服少女，黑色长发，手持团扇，站在荷花池边，古风"
FLOWER = "a red flower in a vase on a wooden table"


@pytest.mark.parametrize(
    ("prompt", "reply", "words"),
    [
        (CAT, "把橘猫换成一只白猫", "一只白猫坐在窗台上，窗外下着雪"),
        (CAT, "把窗台换成沙发", "一只橘猫坐在沙发上，窗外下着雪"),
        (CAT, "换成黑猫", "一只黑猫坐在窗台上，窗外下着雪"),
        (KITE, "风筝换成红色的", "一个小女孩在花园里放红色的风筝，阳光明媚"),
        (KITE, "把小女孩改成小男孩，谢谢", "一个小男孩在花园里放风筝，阳光明媚"),
        (KITE, "背景换成海滩", "一个小女孩在海滩里放风筝，阳光明媚"),
        (KITE, "改成晚上", "一个小女孩在花园里放风筝，晚上"),
        (KITE, "在旁边加一只小狗", "一个小女孩在花园里放风筝，阳光明媚，旁边有一只小狗"),
        (BRIDGE, "去掉老人", "山间小桥，远处有瀑布"),
        (BRIDGE, "把伞改成红伞", "山间小桥，一位老人撑着红伞，远处有瀑布"),
        (CITY, "变成白天吧", "赛博朋克城市白天，霓虹灯，飞行汽车"),
        (CITY, "飞行汽车太多了，去掉", "赛博朋克城市夜景，霓虹灯"),
        (PANDA, "不要竹子", "一只熊猫在竹林里"),
        (PANDA, "让它在弹吉他，而不是吃竹子", "一只熊猫在竹林里弹吉他"),
        (HANFU, "头发改成银白色", "汉服少女，银白色长发，手持团扇，站在荷花池边，古风"),
        (HANFU, "不要扇子", "汉服少女，黑色长发，站在荷花池边，古风"),
        (HANFU, "表情开心一点", f"{HANFU}，表情开心"),
        ("一只兔子在草地上", "来两只", "两只兔子在草地上"),
        (BRIDGE, "不要伞", "山间小桥，一位老人，远处有瀑布"),
        (KITE, "让她戴一副墨镜", f"{KITE}，戴一副墨镜"),
        ("戴着蓝色帽子的猫坐在沙发上", "去掉帽子", "猫坐在沙发上"),
        ("一个女孩和一只狗在公园散步", "把狗删掉", "一个女孩在公园散步"),
        ("花园里的女孩", "不要花", "花园里的女孩"),
        ("一只橘猫坐在窗台上，窗外下雨", "窗外改成大晴天", "一只橘猫坐在窗台上，窗外大晴天"),
        ("一个女孩坐在沙发上看书", "女孩别看书了，让她玩手机", "一个女孩坐在沙发上玩手机"),
        ("黑衣剑客站在竹林里", "剑客穿白衣服", "白衣剑客站在竹林里"),
        ("三只白兔子在草地上", "兔子改成一只就好", "一只白兔子在草地上"),
        ("三只兔子在草地上", "只要两只", "两只兔子在草地上"),
        ("国王穿着红色披风坐在王座上", "国王换个蓝色披风", "国王穿着蓝色披风坐在王座上"),
        ("戴帽子的女孩，红裙", "让她穿黑色长袍", "戴帽子的女孩，黑色长袍"),
        ("一个绿眼睛的女孩", "绿眼睛 -> 蓝眼睛", "一个蓝眼睛的女孩"),
        ("穿着条纹衬衫的男孩", "条纹衬衫改成黑色T恤", "穿着黑色T恤的男孩"),
        ("a steam train on a bridge", "火车换成一艘帆船", "a sailboat on a bridge"),
        ("a blue mug on a desk", "只改杯子的颜色，改成黄色", "a yellow mug on a desk"),
        ("a king in a red cape", "国王换个蓝色披风", "a king in a blue cape"),
        ("a girl with green eyes", "绿眼睛 -> 蓝眼睛", "a girl with blue eyes"),
        ("a boy, striped shirt", "条纹衬衫改成黑色T恤", "a boy, black t-shirt"),
        ("小狐狸在雪地里睡觉，夜晚", "狐狸醒过来", "小狐狸在雪地里醒过来，夜晚"),
        ("小狐狸在雪地里睡觉", "两只狐狸", "两只小狐狸在雪地里睡觉"),
        ("一碗拉面，上面有鸡蛋和海苔", "鸡蛋去掉", "一碗拉面，上面有海苔"),
        ("一碗拉面，木桌", "碗改成蓝色的", "一碗拉面，木桌，蓝色的碗"),
        ("武士站在樱花树下", "樱花换成枫叶", "武士站在枫叶树下"),
        (KITE, "下雨", "一个小女孩在花园里放风筝，雨"),
        (KITE, "把花园换成海滩，女孩不变", "一个小女孩在海滩里放风筝，阳光明媚"),
        ("a wooden cabin", "门口加一只小狗", "a wooden cabin, with a dog at the door"),
        ("a lighthouse", "加一艘帆船在远处", "a lighthouse, with a sailboat in the distance"),
        ("a woman, smiling", "别笑了", "a woman"),
        ("a woman", "戴个帽子", "a woman, wearing a hat"),
        ("an astronaut", "宇航员的衣服改成橙色", "an astronaut, orange clothes"),
        ("一只黑猫，屋顶上", "屋顶上再加一只白猫", "一只黑猫，屋顶上，屋顶上有一只白猫"),
        ("a rainy street in Paris", "街上改成晴天", "a street in Paris, sunny"),
        (KITE, "make it night", "一个小女孩在花园里放风筝，夜晚"),
    ],
)
def test_a_chinese_prompt_keeps_what_is_not_spoken_of(prompt: str, reply: str, words: str) -> None:
    assert changed(prompt, reply) == words


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("把花换成一只白猫", "a white cat in a vase on a wooden table"),
        ("花变成蓝色", "a blue flower in a vase on a wooden table"),
        ("去掉花瓶", "a red flower on a wooden table"),
        ("桌子上加一个苹果", f"{FLOWER}, with an apple on the table"),
        ("加一只蝴蝶停在花上", f"{FLOWER}, with a butterfly on the flower"),
        ("把花瓶改成玻璃的", "a red flower in a glass vase on a wooden table"),
        ("加一个狻猊", f"{FLOWER}, with 狻猊"),
        ("加一条龙在天上飞", f"{FLOWER}, with a dragon flying in the sky"),
        ("我觉得红色有点俗气，换成紫色", "a purple flower in a vase on a wooden table"),
        ("像照片一样", FLOWER),
    ],
)
def test_an_english_prompt_gets_the_words_in_english_as_far_as_they_are_known(
    reply: str, words: str
) -> None:
    assert changed(FLOWER, reply) == words


@pytest.mark.parametrize(
    ("prompt", "reply", "words"),
    [
        (FLOWER, "把花瓶換成茶壺，謝謝", "a red flower in a teapot on a wooden table"),
        (CAT, "背景換成沙灘", "一只橘猫坐在窗台上，窗外下着雪，沙滩背景"),
        ("一隻橘貓坐在窗臺上", "把貓換成狗", "一隻橘狗坐在窗臺上"),
    ],
)
def test_traditional_characters_are_read_and_a_prompt_of_them_stays(
    prompt: str, reply: str, words: str
) -> None:
    assert changed(prompt, reply) == words


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("make it a black cat", "一只黑猫坐在窗台上，窗外下着雪"),
        ("add a red scarf", f"{CAT}，红围巾"),
        ("把猫换成{狗|兔子}", "一只橘{狗|兔子}坐在窗台上，窗外下着雪"),
    ],
)
def test_words_of_another_language_arrive_in_chinese_and_choices_as_they_are(
    reply: str, words: str
) -> None:
    assert changed(CAT, reply) == words


@pytest.mark.parametrize("case", ["换成梵高", "水墨画风格", "油画风", "来个像素版的"])
def test_a_style_is_a_style_with_and_without_a_word_for_it(case: str) -> None:
    understood = understand(case, ShownPicture(prompt=CAT))
    assert [intent.kind for intent in understood.intents] == [IntentKind.RESTYLE]


@pytest.mark.parametrize(
    "reply",
    ["谢谢，太好看了", "哈哈哈", "好可爱！", "收到", "我想养一只", "辛苦了", "你们晚上吃啥"],
)
def test_thanks_and_talk_ask_for_no_picture(reply: str) -> None:
    understood = understand(reply, ShownPicture(prompt=CAT))
    assert {intent.kind for intent in understood.intents} == {IntentKind.NONE}


@pytest.mark.parametrize(
    ("reply", "pick"),
    [
        ("第二张", (2,)),
        ("二", (2,)),
        ("左上", (1,)),
        ("2和4不错", (2, 4)),
        ("最后一张最好看", (4,)),
    ],
)
def test_a_picture_is_chosen_by_number_and_by_place(reply: str, pick: tuple[int, ...]) -> None:
    (wish,) = understand(reply, ShownPicture(prompt=CITY, count=4)).intents
    assert (wish.kind, wish.pick) == (IntentKind.PICK, pick)


def test_chinese_is_understood_as_well_as_english() -> None:
    cases = [
        case for case in replies("shown.jsonl") + replies("cases.jsonl") if case["lang"] == "zh"
    ]
    wrong = [case["reply"] for case in cases if not _kinds_of(case) & set(kinds(case))]
    assert len(wrong) <= 0.05 * len(cases), wrong


def _kinds_of(case: dict[str, object]) -> set[str]:
    parent = case["parent"]
    assert isinstance(parent, dict)
    shown = ShownPicture(
        prompt=parent["prompt"],
        style=parent["style"],
        count=parent["count"],
        loras=tuple(lora["name"] for lora in parent["loras"]),
    )
    return {intent.kind.value for intent in understand(str(case["reply"]), shown).intents}


def test_a_character_inside_another_word_is_not_the_thing() -> None:
    change = ContentChange(action=Action.REMOVE, aspect=Aspect.OBJECT, what="花", language="zh")
    assert reworded("花园，一只猫", "", [change]).prompt == "花园，一只猫"


@pytest.mark.parametrize("reply", ["兔兔好萌啊啊啊", "兔子太可爱啦啦啦", "啊啊啊啊好美"])
def test_drawn_out_praise_of_what_is_there_draws_nothing(reply: str) -> None:
    shown = ShownPicture(prompt="一只白兔在雪地里")
    assert [intent.kind for intent in understand(reply, shown).intents] == [IntentKind.NONE]


@pytest.mark.parametrize(
    ("reply", "name", "value"),
    [
        ("步数加到40，种子别动", "steps", 40),
        ("cfg 调低一点", "cfg", None),
        ("种子换成 123", "seed", 123),
    ],
)
def test_a_blank_and_a_promise_leave_a_setting_whole(reply: str, name: str, value: object) -> None:
    intents = understand(reply, ShownPicture(prompt=FLOWER)).intents
    assert [(s.name, s.value) for intent in intents for s in intent.settings] == [(name, value)]

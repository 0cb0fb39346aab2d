"""A file of another program, dropped into chat: a card that says what it holds, and draws it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.chat.importing import asks_how, wants_it
from generation.recipe import needed
from tests.given.admins import make_admin
from tests.given.apps import Studio, a_studio
from tests.given.builders import a_blue_png
from tests.given.results import answers, is_result, labels, recipe_of
from tests.given.theirs import a_picture_of_theirs

TEXT = (
    "a red cat\nNegative prompt: dog\nSteps: 7, Sampler: Euler a, CFG scale: 3, Seed: 5, "
    "Size: 64x64, Model: {model}, Hires upscale: 2"
)
HERE = a_picture_of_theirs(TEXT.format(model="tiny"))
AWAY = a_picture_of_theirs(TEXT.format(model="dream_v8"))
CARD = "Read from A1111"


def mention(studio: Studio, words: str = "") -> str:
    me = studio.world.bot.user
    assert me is not None
    return f"<@{me.id}> {words}".strip()


@pytest.mark.usefixtures("contract")
@pytest.mark.parametrize("words", ["", "What's the prompt?"])
async def test_a_picture_with_a_mention_is_read_and_a_press_draws_it(
    tmp_path: Path, words: str
) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.say(mention(studio, words), files=[("theirs.png", HERE)])
        card = await ann.sees(CARD)
        for part in ("a red cat", "Not in it: dog", "7 steps", "seed 5", "✅", "hires fix"):
            assert part in card.content
        assert not studio.worker.orders, "nothing is drawn by looking"
        await ann.press(card, "Draw it")
        recipe = await recipe_of(await ann.sees(is_result))
    assert (recipe.prompt, recipe.seed) == ("a red cat", 5)
    assert (needed(recipe.sampling).steps, needed(recipe.sampling).sampler) == (
        7,
        "euler_ancestral",
    )


@pytest.mark.parametrize("words", ["recipe", "Settings?", "how was this made", "提示词是什么？"])
def test_who_asks_how_it_was_made_is_told(words: str) -> None:
    assert asks_how(words)
    assert not asks_how(f"{words} of a cat")


@pytest.mark.parametrize("words", ["", "Draw this!", "use this recipe", "画这个"])
def test_who_wants_what_came_with_it_gets_that(words: str) -> None:
    assert wants_it(words)


async def test_the_button_outlives_a_restart(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.say(mention(studio), files=[("theirs.png", HERE)])
        card = await ann.sees(CARD)
        assert card.reference is not None
        assert studio.client.seen.of(card.reference.message_id or 0) is None, "nothing is kept"
        await ann.press(card, "🖌️")
        assert (await recipe_of(await ann.sees(is_result))).seed == 5


async def test_what_is_missing_is_named_with_its_place_and_another_model_draws(
    tmp_path: Path,
) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.say(mention(studio), files=[("theirs.png", AWAY)])
        card = await ann.sees(CARD)
        assert "❌ Model `dream_v8` is not here." in card.content
        assert "https://civitai.com/search/models?query=dream_v8" in card.content
        await ann.press(card, "Draw it with tiny")
        recipe = await recipe_of(await ann.sees(is_result))
    assert (recipe.checkpoint.name, recipe.seed) == ("tiny", 5)


async def test_a_model_that_the_server_hides_draws_no_file_instead_of_its_own(
    tmp_path: Path,
) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        make_admin(here, here.ann)
        for hidden, button in (("tiny", ["Draw it with starter"]), ("starter", [])):
            await answers(await here.ann.command("server models", hide=hidden))
            asked = await here.ben.say(mention(studio), files=[("theirs.png", AWAY)])
            assert labels(await here.ben.sees(CARD, after=asked)) == button


async def test_a_text_file_fills_what_the_words_leave_out(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        text = TEXT.format(model="tiny").encode()
        await studio.world.ann.say(mention(studio, "a blue dog"), files=[("data.txt", text)])
        shown = await studio.world.ann.sees(is_result)
        recipe = await recipe_of(shown)
    assert (recipe.prompt, recipe.seed, needed(recipe.sampling).steps) == ("a blue dog", 5, 7)
    assert "no picture I can read" not in shown.content


async def test_the_menu_of_somebodys_picture_shows_what_it_says(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, ben = studio.world.ann, studio.world.ben
        said = await ben.say("look", files=[("theirs.png", HERE)])
        await ann.menu("Show recipe", said)
        card = await ann.sees(CARD)
        await ann.press(card, "Draw it")
        assert (await recipe_of(await ann.sees(is_result))).prompt == "a red cat"
        await ann.menu("Show recipe", await ben.say("mine", files=[("p.png", a_blue_png())]))
        await ann.sees("I cannot read from that file how it was drawn")


async def test_a_reply_with_a_mention_reads_the_picture_that_it_answers(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        said = await ann.say(mention(studio, "as a painting"), files=[("theirs.png", HERE)])
        await ann.sees(is_result)
        await ann.say(mention(studio, "settings"), reply_to=said)
        assert "seed 5" in (await ann.sees(CARD)).content
        # Discord shows us nothing of what others say among themselves.
        others = await studio.world.ben.say("look", files=[("theirs.png", HERE)])
        await ann.say(mention(studio, "settings"), reply_to=others)
        await ann.sees("Its menu (Apps, Show recipe) shows it to me")


async def test_the_card_is_in_the_language_of_whoever_asks(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        ann.reads("zh-CN")
        await ann.command("import", file=("theirs.png", AWAY))
        card = await ann.sees("读自 A1111")
        for part in ("不要出现：dog", "7 步", "模型 `dream_v8` 不在这里", "第二遍绘制"):
            assert part in card.content
        await ann.press(card, "用 tiny 画")
        await ann.sees("我从文件中采用了")


async def test_import_shows_the_card_and_draws(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("import", file=("theirs.png", AWAY))
        card = await ann.sees(CARD)
        await ann.press(card, "Draw it with tiny")
        assert (await recipe_of(await ann.sees(is_result))).seed == 5
        await ann.command("import", file=("p.png", a_blue_png()))
        await ann.sees("I cannot read from that file how it was drawn")


async def test_imagine_takes_the_rest_from_a_file(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        options = {"from": ("theirs.png", HERE)}
        await ann.command("imagine", prompt="a blue dog", steps=4, **options)
        first = await ann.sees(is_result)
        recipe = await recipe_of(first)
        assert (recipe.prompt, recipe.seed, needed(recipe.sampling).steps) == ("a blue dog", 5, 4)
        assert needed(recipe.words).negative_prompt == "dog"
        await ann.command("imagine", prompt="-", **options)
        assert (await recipe_of(await ann.sees(is_result, after=first))).prompt == "a red cat"


async def test_words_with_a_picture_are_about_the_picture_as_ever(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        await studio.world.ann.say(mention(studio, "as a painting"), files=[("theirs.png", HERE)])
        assert "painting" in (await recipe_of(await studio.world.ann.sees(is_result))).prompt
    assert studio.worker.orders[-1].inputs == (HERE,)

"""LoRAs and embeddings that a prompt names are put on, refused by name, or noted; by every way."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from bot.pages.apologies import apology_for
from bot.studio.assistant import PromptAssist, WordSettings
from bot.studio.named_adapters import marked
from generation.errors import GenerationError, NoSuchName, OutOfRange
from generation.recipe import Recipe, needed
from prompting.writers.ladder import Opened, WriterConfig
from storage.people import AssistMode
from storage.tickets import Request
from tests.given.apps import a_studio, a_wish, an_app, drawn
from tests.given.builders import a_lora, a_model_folder
from tests.given.fakes import FakeWorker
from tests.given.results import is_result, recipe_of
from tests.given.scripted_writer import ScriptedWriter


def an_embedding(folder: Path, name: str, family: str = "starter") -> None:
    file = folder / f"{name}.safetensors"
    header = {"emb_params": {"dtype": "F32", "shape": [2, 768], "data_offsets": [0, 6144]}}
    text = json.dumps(header).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(struct.pack("<Q", len(text)) + text + name.encode().ljust(6144, b"\0"))
    card = f'family = "{family}"\nkind = "embedding"\n'
    file.with_name(f"{file.name}.atelier.toml").write_text(card)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Models of the starter's family: two LoRAs and three embeddings, one of another family."""
    models = tmp_path / "models"
    a_model_folder(models)
    for name in ("ink", "odd, v2", "name: v2"):
        path = a_lora(models, name)
        path.write_bytes(path.read_bytes()[:-1] + name[:1].encode())
        path.with_name(f"{path.name}.atelier.toml").write_text(
            'family = "starter"\nkind = "lora"\n'
        )
    an_embedding(models, "EasyNeg")
    an_embedding(models, "bad-hands-5")
    an_embedding(models, "foreign", "sd15")
    return tmp_path


def on(recipe: Recipe) -> list[tuple[str, str, float]]:
    return [(a.kind, a.weights.name, a.strength) for a in recipe.adapters]


async def asked(folder: Path, prompt: str, **draft: object) -> tuple[Recipe, Request]:
    async with an_app(folder, FakeWorker()) as app:
        outcome = await drawn(app, a_wish(prompt, draft=draft))
        return outcome.pictures[0].recipe, outcome.request


LORA = ("lora", "ink", 0.8)
NEGATIVE = ("embedding", "EasyNeg", 1.0)


@pytest.mark.parametrize(
    ("prompt", "words", "adapters"),
    [
        ("a red cat <lora:ink:0.8>", "a red cat", [LORA]),
        ("<lora:ink> a", "a", [("lora", "ink", 1.0)]),
        ("a <LYCO:INK.safetensors: .8 >", "a", [LORA]),
        ("a <lora:ink:te=0.8:unet=0.8>", "a", [LORA]),
        ("a <lora:ink:0.5:0.8>", "a", [LORA]),
        ("a <lora:ink:-0.8>", "a", [("lora", "ink", -0.8)]),
        ("a <lora:ink:0>", "a", []),
        ("a <lora:odd, v2:0.8><lora:ink:0.8>", "a", [("lora", "odd, v2", 0.8), LORA]),
        ("a <lora:ink:0.8> <lora:ink:0.8>", "a", [LORA, LORA]),
        ("a <lora:name: v2:0.8>", "a", [("lora", "name: v2", 0.8)]),
        ("a <lora:name v2:0.8>", "a", [("lora", "name: v2", 0.8)]),  # as a PNG of ours says it
        ("a {<lora:ink:0.8>|<lora:ink:0.8>}", "a", [LORA]),
        ("easyneg, a", "easyneg, a", [NEGATIVE]),
        ("EASYNEG.pt, a", "EASYNEG, a", [NEGATIVE]),
        ("(easyneg:1.2), a", "(easyneg:1.2), a", [NEGATIVE]),
        ("embedding:easyneg, a", "easyneg, a", [NEGATIVE]),
        ("(embedding:EasyNeg.safetensors:1.2) a", "(EasyNeg:1.2) a", [NEGATIVE]),
        ("embedding:easyneg:1.2 a", "(easyneg:1.2) a", [NEGATIVE]),
        ("a bad-hands-5", "a bad-hands-5", [("embedding", "bad-hands-5", 1.0)]),
        ("easynegative", "easynegative", []),
    ],
)
async def test_what_the_words_name_is_on(
    folder: Path, prompt: str, words: str, adapters: list[tuple[str, str, float]]
) -> None:
    recipe, _ = await asked(folder, prompt)
    assert (recipe.prompt, on(recipe)) == (words, adapters)


async def test_an_embedding_in_the_negative_prompt_is_on_and_a_lora_there_is_told(
    folder: Path,
) -> None:
    recipe, request = await asked(
        folder, "a red cat", negative_prompt="easyneg, blurry <lora:ink:1>"
    )
    assert needed(recipe.words).negative_prompt == "easyneg, blurry"
    assert on(recipe) == [NEGATIVE]
    assert any("<lora:ink:1>" in note for note in request.notes)


@pytest.mark.parametrize(
    ("prompt", "error", "said"),
    [
        ("a <lora:inc:0.8>", NoSuchName, "Did you mean `ink`"),
        ("a embedding:easynex", NoSuchName, "Did you mean `EasyNeg`"),
        ("a <lora:ink:50>", OutOfRange, "a number from -10 to 10"),
        ("a <lora:ink:strong>", OutOfRange, "`strong`"),
        ("a <lora:ink:nan>", OutOfRange, "`nan`"),
        ("a embedding:foreign", GenerationError, "Stable Diffusion 1"),
        ("<lora:ink>", OutOfRange, "word"),
    ],
)
async def test_what_is_not_here_is_refused_by_name(
    folder: Path, prompt: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as refused:
        await asked(folder, prompt)
    assert said in apology_for(refused.value)


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("a foreign word", "is an embedding for Stable Diffusion 1"),
        ("a <hypernet:x:0.5>", "no hypernetworks"),
        ("a <segment:face>", "which I do not know"),
        ("a <lora:ink:0.5:0.8>", "took 0.8"),
        ("a <lora:ink:0.8:lbw=MIDD>", "lbw=MIDD"),
        ("a [cat:dog:0.5]", "switches words while drawing"),
        ("a [cat|dog]", "takes turns"),
        ("a cat AND a dog", "mixes them"),
        ("{{{gold}}}", "NovelAI"),
        ("a __colour__ car", "no list called “colour”"),
        ("a cat --stylize 250", "--stylize 250"),
    ],
)
async def test_what_cannot_be_done_is_noted(folder: Path, prompt: str, said: str) -> None:
    _, request = await asked(folder, prompt)
    assert any(said in note for note in request.notes), request.notes


async def test_an_unknown_list_is_read_as_its_name(folder: Path) -> None:
    recipe, _ = await asked(folder, "a __colours/dark_red__ car")
    assert recipe.prompt == "a dark red car"


async def test_wildcards_may_bring_loras_and_embeddings(folder: Path) -> None:
    wildcards = folder / "data" / "wildcards"
    wildcards.mkdir(parents=True)
    (wildcards / "look.txt").write_text("drawn, <lora:ink:0.8> embedding:easyneg\n")
    recipe, _ = await asked(folder, "a cat, __look__")
    assert recipe.prompt == "a cat, drawn, easyneg"
    assert on(recipe) == [LORA, NEGATIVE]


async def test_the_options_strength_counts_and_the_other_is_told(folder: Path) -> None:
    async with an_app(folder, FakeWorker()) as app:
        ink = app.studio.offers.lora("ink:0.5")
        outcome = await drawn(app, a_wish("a <lora:ink:0.8>", draft={"adapters": (ink,)}))
        assert on(outcome.pictures[0].recipe) == [("lora", "ink", 0.5)]
        assert any("the prompt says 0.8" in note for note in outcome.request.notes)
        parent = outcome.pictures[0]
        outcome = await drawn(app, a_wish("b <lora:ink:0.8>", parent=parent))
        assert on(outcome.pictures[0].recipe) == [LORA], "it was only carried over"


@pytest.mark.parametrize("way", ["command", "mention"])
async def test_by_command_and_mention_and_again_and_in_own_words(folder: Path, way: str) -> None:
    async def opened(_: WriterConfig) -> Opened:
        return Opened(writer=ScriptedWriter(placeholders=6), notes=())

    words = PromptAssist(WordSettings(assist=AssistMode.OFF), open_=opened)
    async with a_studio(folder, prompt_assist=words) as studio:
        ann = studio.world.ann
        prompt = "a red cat, easyneg <lora:ink:0.8>"
        if way == "command":
            await ann.command("imagine", prompt=prompt)
        else:
            me = studio.world.bot.user
            assert me is not None
            await ann.say(f"<@{me.id}> {prompt}")
        first = await ann.sees(is_result)
        recipe = await recipe_of(first)
        assert on(recipe) == [LORA, NEGATIVE]
        await ann.press(first, "🎲")
        second = await ann.sees(is_result, after=first)
        assert on(await recipe_of(second)) == [LORA, NEGATIVE]
        await ann.press(second, "✨")
        third = await recipe_of(await ann.sees(is_result, after=second))
        assert sorted(on(third)) == sorted([LORA, NEGATIVE]), "the assistant has not eaten them"
        assert "easyneg" in third.prompt
        assert "<" not in third.prompt
        assert ":" not in third.prompt


async def test_the_assistant_is_told_which_words_are_names(folder: Path) -> None:
    async with an_app(folder, FakeWorker()) as app:
        text = marked("EasyNeg, a cat, embedding:easyneg, easynegative", app.catalog)
    assert text == "embedding:EasyNeg, a cat, embedding:easyneg, easynegative"

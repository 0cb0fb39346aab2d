"""The built-in model: what it was taught, that it loads like any SD 1.x folder, how it draws."""

from pathlib import Path
from random import Random

import pytest

from generation.starter import words
from generation.training.starter import captions
from generation.training.starter.captions import EVERYTHING, caption
from generation.training.starter.draw import SIZE, draw
from generation.training.starter.scenes import (
    CLASHES,
    COLOURS,
    Scene,
    combinations,
    held_out_scenes,
    training_scene,
)

MODEL = Path(__file__).parent.parent / "generation" / "starter" / "models" / "starter"
PROMPT = "a red cat on a blue background"


def test_a_seed_draws_the_same_pixels_again() -> None:
    scene = Scene(object="cat", colour="red", background="sea", style="watercolor")
    assert draw(scene, Random(7)).tobytes() == draw(scene, Random(7)).tobytes()
    assert draw(scene, Random(7)).tobytes() != draw(scene, Random(8)).tobytes()


def test_pixel_art_keeps_to_its_grid() -> None:
    scene = Scene(object="boat", colour="white", background="sunset", style="pixel art")
    picture = draw(scene, Random(1))
    small = picture.resize((16, 16), 0)
    assert small.resize((SIZE, SIZE), 0).tobytes() == picture.tobytes()


def test_held_out_combinations_never_reach_training() -> None:
    dice = Random(3)
    assert not any(training_scene(dice).held_out for _ in range(5000))
    assert all(scene.held_out for scene in held_out_scenes(300, dice))


def test_about_a_tenth_is_held_out_and_nothing_clashes() -> None:
    scenes = [
        Scene(object=thing, colour=colour, background=background, style="flat")
        for thing, colour, background in combinations()
    ]
    assert 0.08 < sum(scene.held_out for scene in scenes) / len(scenes) < 0.12
    assert not any((scene.colour, scene.background) in CLASHES for scene in scenes)


def test_a_caption_mentions_what_it_says_it_does() -> None:
    dice = Random(5)
    for _ in range(2000):
        scene = training_scene(dice)
        said = caption(scene, dice)
        text = said.text.lower()
        if "object" in said.says:
            assert any(word in text for word in words.OBJECT_WORDS[scene.object])
        if "colour" in said.says:
            assert any(word in text for word in words.COLOUR_WORDS[scene.colour])
        if "style" in said.says:
            assert any(word in text for word in words.STYLE_WORDS[scene.style])
        if "background" in said.says:
            table = words.COLOUR_WORDS if scene.background in COLOURS else words.SCENERY_WORDS
            assert any(word in text for word in table[scene.background])


def test_captions_are_phrased_in_many_ways() -> None:
    scene = Scene(object="fish", colour="green", background="night sky", style="outline")
    dice = Random(2)
    assert len({caption(scene, dice, EVERYTHING).text for _ in range(500)}) > 400
    assert captions.silence(dice).says == frozenset()


def test_the_model_is_small_enough_to_ship() -> None:
    assert sum(path.stat().st_size for path in MODEL.rglob("*") if path.is_file()) <= 30e6
    assert not list(MODEL.rglob("*.bin"))


@pytest.mark.filterwarnings("ignore")
def test_it_loads_and_draws_like_any_sd1_folder() -> None:
    import torch
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(MODEL)
    pipeline.set_progress_bar_config(disable=True)
    made = pipeline(
        PROMPT, num_inference_steps=2, generator=torch.Generator("cpu").manual_seed(1)
    ).images[0]
    assert made.size == (SIZE, SIZE)
    assert max(high - low for low, high in made.getextrema()) > 50  # not a blank


@pytest.mark.filterwarnings("ignore")
def test_any_text_becomes_tokens() -> None:
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(MODEL / "tokenizer")
    assert tokenizer.model_max_length == 77
    assert tokenizer.pad_token_id == tokenizer.eos_token_id == len(tokenizer) - 1
    for text in ("", "rote Katze", "красный кот", "赤い猫 🐱"):
        ids = tokenizer(text)["input_ids"]
        assert ids[0] == tokenizer.bos_token_id
        assert ids[-1] == tokenizer.eos_token_id
        assert tokenizer.eos_token_id not in ids[:-1]


@pytest.mark.filterwarnings("ignore")
def test_the_judge_reads_renders_rightly() -> None:
    from generation.training.starter.judge import judge_accuracy, load_judge

    assert min(judge_accuracy(load_judge(), 500, seed=4321)) >= 0.99


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_held_out_pictures_show_what_was_asked() -> None:
    from generation.training.starter import evaluate
    from generation.training.starter.judge import load_judge
    from generation.training.starter.text import KINDS

    pipeline = evaluate.load_pipeline(MODEL, evaluate.SAMPLER)
    drawn = list(
        evaluate.draw_held_out(pipeline, 40, seed=2, steps=evaluate.STEPS, cfg=evaluate.CFG)
    )
    right = evaluate.rights(load_judge(), drawn).float().mean(dim=0).tolist()
    shares = dict(zip(KINDS, right, strict=True))
    assert shares["colour"] >= 0.9
    assert shares["object"] >= 0.85
    assert shares["background"] >= 0.85

"""The claim that MusicGen's sounds are those of transformers' `generate`, sample for sample."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from generation.catalog.catalog import Catalog
from generation.draft import complete
from generation.errors import OutOfRange
from generation.fleet.wire import Stepped
from generation.recipe import Recipe, needed
from generation.spans import TokenDice
from generation.worker import exactness
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import Model
from tests.given import tinymodels
from tests.given.builders import a_draft, changed
from tests.given.pausing import a_table_of
from tests.given.stock_sounds import Samples, made, of_stock
from tests.given.tiny import musicgen

GREEDY = TokenDice(temperature=0.0, top_k=0)
FREE = TokenDice(temperature=1.0, top_k=250)
STRICT = TokenDice(temperature=0.7, top_k=5)


def catalog(*, stereo: bool = False) -> Catalog:
    return _catalog(stereo)


@cache
def _catalog(stereo: bool) -> Catalog:
    exactness.switch_on(threads=1)
    home = tinymodels.home() / f"musicgen-{stereo}"
    musicgen.build(home / "tiny-musicgen", stereo=stereo)
    found = Catalog([home], home / "digests.json")
    found.scan()
    return found


def model(*, stereo: bool = False) -> Model:
    return _model(stereo)


@cache
def _model(stereo: bool) -> Model:
    cache_of = ModelCache(catalog(stereo=stereo), torch.device("cpu"), None)
    recipe = a_song(FREE, stereo=stereo)
    with cache_of.take(recipe, on_load=lambda _: None) as found:
        return found


def a_song(dice: TokenDice, *, stereo: bool = False, cfg: float = 3.0) -> Recipe:
    (entry,) = catalog(stereo=stereo).models()
    draft = changed(a_draft(prompt="a calm flute"), seconds=0.3, cfg=cfg)
    found = complete(draft, entry.model, seed=7, device="cpu")
    return replace(found, dice=dice)


def by_stock(recipe: Recipe, of: Model) -> Samples:
    """By `generate`, from torch's global dice, which are fenced in."""
    dice, sampling, sound = needed(recipe.dice), needed(recipe.sampling), needed(recipe.sound)
    parts: dict[str, Any] = {k: of.parts[k] for k in ("text_encoder", "decoder")}
    whole = stock(of, parts)
    text = of.parts.tokenizers["text_encoder"](recipe.prompt, return_tensors="pt")
    thrown: dict[str, Any] = {"do_sample": False}
    if dice.temperature:
        thrown = {"do_sample": True, "temperature": dice.temperature, "top_k": dice.top_k}
    delay = of.parts["decoder"].num_codebooks // sound.channels
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        samples = whole.generate(
            input_ids=text.input_ids,
            attention_mask=text.attention_mask,
            guidance_scale=sampling.cfg,
            max_new_tokens=int(np.ceil(sound.seconds * 50)) + delay - 1,
            pad_token_id=2048,
            bos_token_id=2048,
            decoder_start_token_id=2048,
            **thrown,
        )
    return of_stock(samples[0], sound)


def stock(of: Model, parts: dict[str, Any]) -> Any:
    import transformers

    whole = transformers.MusicgenForConditionalGeneration(audio_encoder=of.parts["vae"], **parts)
    whole.enc_to_dec_proj = of.parts["words"].enc_to_dec_proj
    return whole.eval()


@pytest.mark.parametrize("dice", [GREEDY, FREE, STRICT], ids=["greedy", "free", "strict"])
@pytest.mark.parametrize("cfg", [1.0, 3.0])
def test_the_same_throws_give_the_same_samples(dice: TokenDice, cfg: float) -> None:
    recipe = a_song(dice, cfg=cfg)
    assert np.array_equal(made(recipe, model()), by_stock(recipe, model()))


def test_stereo_has_a_song_for_each_side() -> None:
    recipe, of = a_song(FREE, stereo=True), model(stereo=True)
    ours = made(recipe, of)
    assert np.array_equal(ours, by_stock(recipe, of))
    assert not np.array_equal(ours[:, 0], ours[:, 1])


def test_whatever_is_thrown_comes_from_the_recipes_seed_and_torchs_own_dice_lie_still() -> None:
    recipe = a_song(FREE)
    before = torch.random.get_rng_state()
    one, two = made(recipe, model()), made(replace(recipe, seed=8), model())
    assert torch.equal(before, torch.random.get_rng_state())
    assert not np.array_equal(one, two)
    assert np.array_equal(one, made(recipe, model()))


def test_paused_between_any_two_tokens_with_another_song_between_it_is_the_same() -> None:
    recipe = a_song(FREE)
    table = a_table_of(catalog(), None, patience=0.0)
    expected = table.draw(recipe)
    other = replace(recipe, seed=9)
    drawn = table.draw_with_pauses_midway(
        recipe, meanwhile=lambda time: table.draw(other) if time in (3, 11) else None
    )
    assert drawn == expected


def test_a_step_is_a_second_whatever_steps_anybody_likes() -> None:
    (entry,) = catalog().models()
    said = changed(a_draft(prompt="a calm flute"), seconds=2.5, steps=20, sampler="lms")
    recipe = complete(said, entry.model, seed=7, device="cpu")
    assert needed(recipe.sampling).steps == 3
    table = a_table_of(catalog(), None)
    table.draw(recipe)
    told = [(r.done, r.total) for r in table.heard if isinstance(r, Stepped)]
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_longer_than_it_was_trained_for_and_dice_of_others_are_refused() -> None:
    (entry,) = catalog().models()
    with pytest.raises(OutOfRange, match="30 seconds"):
        complete(changed(a_draft(prompt="x"), seconds=31.0), entry.model, seed=1, device="cpu")
    with pytest.raises(OutOfRange, match="temperature"):
        complete(changed(a_draft(prompt="x"), temperature=9.0), entry.model, seed=1, device="cpu")


def test_the_file_is_told_wherever_it_lies_and_says_how_large_its_decoder_is(
    tmp_path: Path,
) -> None:
    musicgen.build(tmp_path / "songs", seed=1)
    found = Catalog([tmp_path], tmp_path / "digests.json")
    found.scan()
    (entry,) = found.models()
    assert (entry.name, entry.family, found.refused()) == ("songs", "musicgen", ())

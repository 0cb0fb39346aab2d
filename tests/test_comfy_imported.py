"""What ComfyUI drew is drawn here with its settings, and its words are read as they were there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from generation.interchange import reading
from generation.recipe import needed
from tests.given.apps import a_wish, an_app, drawn
from tests.given.comfy_graphs import USUAL, prompt
from tests.given.fakes import FakeWorker

WEIGHED = {**USUAL, "n2": ("CLIPTextEncode", {"text": "a (red:1.4) cat", "clip": ["1", 1]})}


async def test_its_settings_are_drawn_and_its_weights_are_set(tmp_path: Path) -> None:
    imported = reading.read({"prompt": prompt(**WEIGHED)})
    async with an_app(tmp_path, FakeWorker()) as app:
        wish = replace(a_wish(""), imported=imported)
        outcome = await drawn(app, wish)
        other = replace(a_wish("a (blue:1.4) dog"), imported=imported)
        said_otherwise = await drawn(app, other)
    recipe = outcome.pictures[0].recipe
    words, sampling = needed(recipe.words), needed(recipe.sampling)
    assert (words.prompt, words.syntax) == ("a (red:1.4) cat", "comfy")
    assert (sampling.sampler, sampling.scheduler) == ("euler_ancestral", "sgm_uniform")
    assert (sampling.steps, sampling.cfg, recipe.seed) == (30, 4.5, 2**63 % 2**32)
    assert needed(said_otherwise.pictures[0].recipe.words).syntax == "a1111-2"

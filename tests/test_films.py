"""Claims about films at work: what may happen between their pieces, and what is shown of them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from generation.families.architecture import Stage
from generation.modes import MODES, Distilled
from generation.recipe import Recipe
from generation.spans import Experts, Motion
from generation.worker import pulse
from generation.worker.baton import Baton
from generation.worker.codecs.previews import Previewer
from generation.worker.codecs.video import pieced
from generation.worker.memory import needs
from generation.worker.render import render
from tests.given import loaded
from tests.given.builders import changed
from tests.given.stock_films import FRAMES, a_film, drawn


def with_company(recipe: Recipe, between: Callable[[], object]) -> tuple[bytes, int]:
    """A film during whose every rest something else happens; how many there were."""
    place, rests, busy = Baton().place(), 0, False

    def rest() -> None:
        nonlocal rests, busy
        if not busy:
            rests, busy = rests + 1, True
            between()
            busy = False

    place.enter()
    with pulse.of(place, rest=rest):
        model = loaded.model("wan")
        content = render(recipe, (), model, on_step=lambda *_: pulse.rest()).content
    place.leave()
    return content, rests


def test_another_film_between_all_steps_and_pieces_changes_no_value() -> None:
    recipe, model = a_film("wan"), loaded.model("wan")
    other = changed(recipe, seed=2, prompt="a dog")
    content, rests = with_company(recipe, lambda: drawn(other, model))
    assert content == drawn(recipe, model).tobytes()
    assert rests >= 4 + (FRAMES - 1) // 4 + 1  # steps, and latent frames that are decoded


def test_each_expert_is_on_the_device_in_its_turn() -> None:
    recipe = a_film("wan-2.2", experts=Experts(boundary=0.9, cfg=3.0))
    model, asked = loaded.model("wan-2.2"), list[Stage]()
    render(recipe, (), model, on_step=lambda *_: None, at=asked.append)
    assert asked == [Stage.ENCODE, Stage.DENOISE, Stage.REFINE, Stage.DECODE]
    assert [part.key.part for part in model.at(Stage.DENOISE)] == ["transformer"]
    assert [part.key.part for part in model.at(Stage.REFINE)] == ["transformer_2"]
    assert Stage.REFINE in needs.stages(recipe)
    assert Stage.REFINE not in needs.stages(a_film("wan"))


def test_what_was_taught_to_draw_in_few_steps_is_guided_by_neither_expert() -> None:
    usual = Distilled(mode=MODES["lightx2v"]).usual(flows=True)
    assert (usual.sampling.cfg, usual.experts.cfg) == (1.0, 1.0)


def test_the_preview_of_a_film_is_its_middle_frame() -> None:
    latents = torch.rand(1, 3, 5, 4, 6)
    shown = Previewer(factors=torch.eye(3), offset=torch.zeros(3), scale=8)
    assert shown.jpeg(latents) == shown.jpeg(latents[:, :, 2])
    assert Image.open(io.BytesIO(shown.jpeg(latents))).size == (48, 32)


def twice(_vae: object, latents: Tensor) -> Iterator[Tensor]:
    """A VAE in which each latent frame is two frames, and a piece's first is one."""
    yield latents.repeat_interleave(2, dim=2)[:, :, 1:].expand(1, 3, -1, 2, 2)


@pytest.mark.parametrize(("piece", "overlap"), [(2, 1), (3, 2), (4, 1), (9, 3)])
def test_pieces_of_a_film_are_as_long_as_the_whole_and_meet(piece: int, overlap: int) -> None:
    latents = torch.arange(7.0).view(1, 1, 7, 1, 1)
    motion = Motion(frames=13, fps=8.0, piece=piece, overlap=overlap)
    found = torch.cat(list(pieced(twice, motion, 2)(None, latents)), dim=2)
    (whole,) = twice(None, latents)
    assert found.shape == whole.shape
    assert np.allclose(found, whole)

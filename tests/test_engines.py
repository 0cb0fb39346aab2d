"""What engines hand to their networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from generation.families.architecture import SERVES
from generation.families.family import ARCHITECTURES
from generation.recipe import Canvas
from generation.tasks import NEEDS, Task
from generation.worker.engines.engine import Given
from generation.worker.engines.table import ENGINES
from generation.worker.loading.loader import NO_HEADS
from generation.worker.memory.needs import most_activations
from generation.worker.parts import Parts
from generation.worker.render import render
from generation.worker.tasks.table import TASKS
from generation.worker.text.clip import EncodedWords
from tests.given.builders import a_blue_png, a_recipe, an_enlarged

WORDS = EncodedWords(
    context=torch.ones(1, 77, 8),
    negative=torch.zeros(1, 77, 8),
    pooled=None,
    negative_pooled=None,
)


@dataclass
class Listening:
    """A UNet that keeps what it is given, and answers with its first channels."""

    config: Any
    dtype: torch.dtype = torch.float32
    heard: Tensor | None = None

    def __call__(self, lanes: Tensor, _t: Tensor, **_: object) -> tuple[Tensor]:
        self.heard = lanes
        return (lanes[:, :4],)


@dataclass
class Config:
    in_channels: int
    out_channels: int = 4
    addition_embed_type: str | None = None
    time_cond_proj_dim: int | None = None


def test_every_architecture_has_an_engine_and_every_engine_an_architecture() -> None:
    assert ENGINES.keys() == {architecture.name for architecture in ARCHITECTURES}


def test_every_task_has_its_needs_a_way_to_work_it_and_an_architecture_that_can() -> None:
    assert NEEDS.keys() == TASKS.keys() == set(Task)
    made = {purpose for one in ARCHITECTURES for purpose in one.purposes.values()}
    drawn = (one.tasks for one in ARCHITECTURES)
    done = frozenset().union(*drawn, *(SERVES[purpose] for purpose in made))
    # A clip gets more pixels by no architecture: nothing of it is drawn.
    assert done | {Task.UPSCALE_VIDEO} == set(Task)


@pytest.mark.parametrize("cfg", [1.0, 7.0])
def test_extra_channels_lie_behind_the_noisy_ones_in_every_lane(cfg: float) -> None:
    unet = Listening(config=Config(in_channels=9))
    parts = Parts(modules={"unet": unet}, tokenizers={})
    extra = torch.full((1, 5, 8, 8), 0.5)
    predict = ENGINES["sd1"].predictor(parts, a_recipe(cfg=cfg), Given(words=WORDS, extra=extra))
    y = torch.randn(1, 4, 8, 8)
    predict(y, torch.tensor(500))
    assert unet.heard is not None
    assert unet.heard.shape[0] == (1 if cfg == 1.0 else 2)
    for lane in unet.heard:
        assert torch.equal(lane, torch.cat([y, extra], dim=1)[0])


def test_a_task_without_words_and_sampling_makes_its_result_without_a_model() -> None:
    model, data = NO_HEADS.model(), a_blue_png(64, 48)
    bare = an_enlarged(canvas=Canvas(width=128, height=96))
    steps: list[tuple[int, int]] = []
    made = render(bare, (data,), model, on_step=lambda done, of, _: steps.append((done, of)))
    assert steps == [(1, 1)]
    assert len(made.content) == 128 * 96 * 3
    assert model.loaded == ()
    assert most_activations(bare, model) == 0

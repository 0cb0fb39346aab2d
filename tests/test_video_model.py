"""The built-in video model, asked for what it never saw together; formulas and a judge look."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers import WanPipeline

from generation.training.film.evaluate import clip_wishes, draw_held_out, rights
from generation.training.film.export import MODEL
from generation.training.film.judge import judged, load_clip_judge
from generation.training.starter.evaluate import one_thread


def _found(count: int, seed: int, *, steps: int, cfg: float) -> np.ndarray:
    """(count, 3): whether object, colour and motion are as asked, by the stock pipeline."""
    with one_thread():
        pipeline, judge = WanPipeline.from_pretrained(MODEL, dtype=torch.float32), load_clip_judge()
        pipeline.set_progress_bar_config(disable=True)
        wishes = clip_wishes(count, seed)
        drawn = draw_held_out(pipeline, wishes, seed, steps=steps, cfg=cfg)
        found = [judged(judge, one.frames) for one in drawn]
    return rights(found, [wish.scene for wish in wishes])


def test_it_is_small() -> None:
    assert sum(file.stat().st_size for file in MODEL.rglob("*")) < 15_000_000


def test_what_it_draws_is_mostly_as_asked_for() -> None:
    right = _found(3, 2, steps=12, cfg=3.0)
    assert right.sum() >= 6, right


@pytest.mark.slow
def test_held_out_combinations_move_as_asked_for() -> None:
    right = _found(36, 2, steps=20, cfg=3.0)
    assert (right.mean(axis=0) >= 0.85).all(), right.mean(axis=0)

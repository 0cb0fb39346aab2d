"""A clip with more pixels: frame by frame what a picture becomes."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from bot.studio.enlarging import Larger, larger_clip
from generation import enlarging
from generation.draft import Draft, DraftCanvas, enlarged
from generation.draft_spans import DraftMotion
from generation.enlarging import MAX_CLIP_PIXELS
from generation.errors import OutOfRange
from generation.media.clips import ClipFacts
from generation.media.pyav import Frame
from generation.media.table import medium_of
from generation.recipe import Input, Recipe, Sha256
from generation.tasks import Task
from generation.worker.render import latents_sha256
from generation.worker.tasks.table import TASKS
from generation.worker.tasks.task import Bench
from tests.given.apps import a_wish
from tests.given.videos import animation, marked

FRAMES = marked(3)
CLIP = Input(role="clip", sha256=Sha256("a" * 64), fit="cover")


def larger(task: Task, role: str) -> Recipe:
    """The recipe by which it is twice as large, and nothing is drawn."""
    draft = Draft(
        task=task,
        canvas=DraftCanvas(width=128, height=96),
        motion=DraftMotion(frames=3, fps=8.0),
        enlarging=enlarging.plain(),
        inputs=(Input(role=role, sha256=Sha256("a" * 64), fit="cover"),),
    )
    return enlarged(draft)


def made(recipe: Recipe, data: bytes) -> tuple[bytes, list[tuple[int, int]]]:
    """Its content, and the steps that were told."""
    steps: list[tuple[int, int]] = []
    without_network: Any = SimpleNamespace(parts=SimpleNamespace(modules={}))
    bench = Bench(
        recipe=recipe,
        inputs=(data,),
        model=without_network,
        generator=torch.Generator(),
        locate=lambda _: pytest.fail("nothing is to be found"),
        on_step=lambda done, total, _: steps.append((done, total)),
    )
    work = TASKS[recipe.task]
    latents = work.begin(bench).init
    assert latents is not None
    return work.finish(bench, latents).content, steps


def png(frame: Frame) -> bytes:
    out = io.BytesIO()
    Image.fromarray(frame).save(out, "PNG")
    return out.getvalue()


def test_each_frame_becomes_what_it_would_as_a_picture() -> None:
    recipe = larger(Task.UPSCALE_VIDEO, "clip")
    assert medium_of(recipe).name == "video"
    content, steps = made(recipe, animation(FRAMES, "WEBP", [125] * 3))
    pictures = [made(larger(Task.UPSCALE, "init"), png(frame))[0] for frame in FRAMES]
    assert content == b"".join(pictures)
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_latents_have_the_digest_of_all_their_numbers_however_many_pieces() -> None:
    latents = torch.arange(24).reshape(3, 2, 4)
    whole = latents.to(torch.float32).numpy().astype("<f4")
    assert latents_sha256(latents) == latents_sha256(torch.from_numpy(whole.reshape(1, 24)))
    assert latents_sha256(latents.to(torch.uint8)) == latents_sha256(latents)
    assert np.isfinite(whole).all()


def test_a_clip_of_too_many_pixels_is_refused_with_what_would_fit() -> None:
    facts = ClipFacts(width=640, height=360, seconds=7200, fps=30, format="MP4", sound=True)
    offers: Any = None  # nobody is asked
    with pytest.raises(OutOfRange) as refused:
        larger_clip(a_wish(), CLIP, facts, Larger(factor=2.0), offers)
    most = MAX_CLIP_PIXELS // (1280 * 720)
    assert (refused.value.what, refused.value.allowed) == ("frames", f"at most {most} at 1280x720")
    with pytest.raises(OutOfRange, match="redraw"):
        larger_clip(a_wish(), CLIP, facts, Larger(factor=2.0, redraw=0.3), offers)

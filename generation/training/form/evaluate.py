"""Measures the 3D model that ships: wishes of combinations that it was never trained on.

    python -m generation.training.form.evaluate --count 100

Invariant: the stock pipeline draws, the formulas judge; no wish names a combination of form, colour
and size that was in its training.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import ShapEPipeline

from generation.media.surfaces import Mesh, is_watertight
from generation.training.form.export import MODEL
from generation.training.form.judge import Sentence, judged
from generation.training.form.wishes import Body, held_out_bodies, phrase
from generation.training.starter.evaluate import one_thread, wilson

STEPS, CFG, RESOLUTION = 16, 2.0, 64
SAYS = frozenset({"form", "colour", "size"})


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedWish:
    """A wish, what came of it, and at which price."""

    words: str
    body: Body
    sentence: Sentence
    closed: bool
    seconds: float

    @property
    def right(self) -> bool:
        """Whether form and colour are those that were asked for."""
        return (self.sentence.form, self.sentence.colour) == (self.body.form, self.body.colour)


def load_pipeline(folder: Path = MODEL) -> ShapEPipeline:
    """The model as anybody loads it."""
    pipeline = ShapEPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def formed(pipeline: ShapEPipeline, words: str, seed: int, grid: int = RESOLUTION) -> Mesh:
    """The mesh that the stock pipeline makes of words, z up."""
    latents = pipeline(
        words,
        num_inference_steps=STEPS,
        guidance_scale=CFG,
        generator=torch.Generator().manual_seed(seed),
        output_type="latent",
    ).images
    mesh = pipeline.shap_e_renderer.decode_to_mesh(latents, "cpu", grid_size=grid)
    channels = [mesh.vertex_channels[name] for name in "RGB"]
    return Mesh(
        positions=mesh.verts.float().numpy(),
        colours=torch.stack(channels, dim=-1).float().numpy(),
        faces=mesh.faces.numpy().astype(np.uint32),
    )


def judged_wishes(pipeline: ShapEPipeline, count: int, seed: int) -> Iterator[JudgedWish]:
    """So many held-out wishes, one after the other."""
    dice = Random(seed)
    for number, body in enumerate(held_out_bodies(count, dice)):
        words = phrase(body, dice, SAYS).text
        begun = time.process_time()
        mesh = formed(pipeline, words, seed * 100_000 + number)
        seconds = time.process_time() - begun
        sentence = judged(
            mesh.positions.astype(np.float64),
            mesh.colours.astype(np.float64),
            mesh.faces.astype(np.int64),
            body,
        )
        yield JudgedWish(
            words=words,
            body=body,
            sentence=sentence,
            closed=is_watertight(mesh),
            seconds=seconds,
        )


def rows(found: Sequence[JudgedWish]) -> Iterator[str]:
    """The table."""
    said = {
        "form": [w.sentence.form == w.body.form for w in found],
        "colour": [w.sentence.colour == w.body.colour for w in found],
        "size": [w.sentence.size == w.body.size for w in found],
        "form and colour": [w.right for w in found],
        "watertight": [w.closed for w in found],
        "overlap of 0.7 or more": [w.sentence.overlap >= 0.7 for w in found],
    }
    for name, each in said.items():
        low, high = wilson(sum(each), len(each))
        share = 100 * sum(each) / len(each)
        many, range_ = f"{sum(each)} of {len(each)}", f"{100 * low:.1f}-{100 * high:.1f} %"
        yield f"| {name} | {many} | {share:.1f} % | {range_} |"
    overlaps = sorted(w.sentence.overlap for w in found)
    middle = f"{np.mean(overlaps):.3f} / {np.median(overlaps):.3f} / {overlaps[0]:.3f}"
    yield f"| overlap, mean / median / least | {middle} | | |"
    seconds = [w.seconds for w in found]
    spent = f"{np.mean(seconds):.2f} / {max(seconds):.2f}"
    yield f"| seconds of one thread, mean / most | {spent} | | |"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="name what came out wrong")
    asked = parser.parse_args()
    with one_thread():
        found = list(judged_wishes(load_pipeline(asked.model), asked.count, asked.seed))
    print("| held-out wishes | how many | share | 95 % interval |\n|---|---|---|---|")
    print("\n".join(rows(found)))
    if asked.show:
        for wish in found:
            if not wish.right or wish.sentence.overlap < 0.7 or not wish.closed:
                print(f"{wish.words!r}: {wish.sentence} {'' if wish.closed else 'open'}")


if __name__ == "__main__":
    main()

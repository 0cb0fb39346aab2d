"""Measures the model: wishes in held-out phrasings, made through plain diffusers, told by formulas.

    python -m generation.training.sound.evaluate --count 100 --seed 1

Invariant: no phrasing of it was ever in training, and all combinations are asked for in turn; each
sound is made alone, with its own CPU generator, so a row can be repeated.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from diffusers import StableAudioPipeline

from generation.training.starter.evaluate import one_thread, wilson

from .captions import held_out_caption
from .export import MODEL
from .judge import judged, right_on_renders, rights
from .wishes import ATTRIBUTES, SoundWish, combinations

STEPS, CFG, SECONDS = 20, 1.4, 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutSound:
    """One sound and how it was asked for."""

    asked: SoundWish
    prompt: str
    wave: npt.NDArray[np.float32]
    seconds: float  # of making it

    @property
    def right(self) -> list[bool]:
        """Which attributes are as asked."""
        return rights(self.wave, self.asked)


def load_pipeline(folder: Path = MODEL) -> Any:
    """The model as any Stable Audio folder loads, in fp32 on the CPU."""
    pipeline = StableAudioPipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def make_held_out(
    pipeline: Any, count: int, seed: int, *, steps: int = STEPS, cfg: float = CFG
) -> Iterator[HeldOutSound]:
    """`count` sounds of all combinations in turn, asked for in held-out phrasings."""
    dice = Random(seed)
    asked: list[SoundWish] = []
    while len(asked) < count:
        asked += dice.sample(combinations(), min(len(combinations()), count - len(asked)))
    for i, one in enumerate(asked):
        prompt = held_out_caption(one, dice).text
        began = time.process_time()
        wave = pipeline(
            prompt,
            audio_end_in_s=SECONDS,
            num_inference_steps=steps,
            guidance_scale=cfg,
            generator=torch.Generator("cpu").manual_seed(seed * 100_000 + i),
        ).audios[0, 0]
        yield HeldOutSound(
            asked=one,
            prompt=prompt,
            wave=wave.float().numpy(),
            seconds=time.process_time() - began,
        )


def table(made: list[HeldOutSound], judge: list[float]) -> str:
    """Markdown: one row for each attribute."""
    right = np.array([one.right for one in made])
    count = len(right)
    lines = [
        "| attribute | right | share | 95 % interval | judge on renders |",
        "|---|---|---|---|---|",
    ]
    columns = [*((n, right[:, i]) for i, n in enumerate(ATTRIBUTES)), ("all", right.all(axis=1))]
    for i, (name, column) in enumerate(columns):
        found = int(column.sum())
        low, high = wilson(found, count)
        own = f"{100 * judge[i]:.1f} %" if i < len(judge) else ""
        lines.append(
            f"| {name} | {found} of {count} | {100 * found / count:.1f} % "
            f"| {100 * low:.1f}-{100 * high:.1f} % | {own} |"
        )
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--cfg", type=float, default=CFG)
    parser.add_argument("--errors", action="store_true", help="list what was heard otherwise")
    given = parser.parse_args()
    with one_thread():
        pipeline = load_pipeline(given.model)
        made = list(
            make_held_out(pipeline, given.count, given.seed, steps=given.steps, cfg=given.cfg)
        )
    print(table(made, right_on_renders(1_000, 1234)))
    seconds = sorted(one.seconds for one in made)
    print(f"\nmedian {seconds[len(seconds) // 2]:.2f} s, slowest {seconds[-1]:.2f} s of one thread")
    for one in made if given.errors else ():
        if not all(one.right):
            print(f"{one.prompt!r}: {one.asked}, heard {judged(one.wave, one.asked.kind)}")


if __name__ == "__main__":
    main()

"""Measures the model: held-out combinations, drawn through plain diffusers, judged by formulas.

    python -m generation.training.film.evaluate --count 100 --seed 1

Invariant: no combination of object, colour and motion it asks for was ever in training; each clip
is drawn alone, with its own CPU generator, so a row can be repeated.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import WanPipeline
from PIL import Image, ImageDraw

from generation.training.starter.evaluate import one_thread, wilson

from .captions import ASKED, EVERYTHING, caption_of
from .draw import FRAMES, SIDE
from .export import MODEL
from .judge import ClipReading, judge_shares, judged, load_clip_judge
from .scenes import MovingScene, held_out_clips

STEPS, CFG = 20, 3.0
KINDS = ("object", "colour", "motion")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipWish:
    """What is asked for, in words."""

    scene: MovingScene
    prompt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutClip:
    """One held-out clip and how it was asked for."""

    wish: ClipWish
    frames: np.ndarray
    seconds: float


def clip_wishes(count: int, seed: int) -> list[ClipWish]:
    """`count` wishes of held-out combinations, phrased at random, half with a background."""
    dice = Random(seed)
    wishes = []
    for scene in held_out_clips(count, dice):
        says = EVERYTHING if dice.random() < 0.5 else ASKED
        wishes.append(ClipWish(scene=scene, prompt=caption_of(scene, dice, says).text))
    return wishes


def draw_held_out(
    pipeline: WanPipeline, wishes: Sequence[ClipWish], seed: int, *, steps: int, cfg: float
) -> Iterator[HeldOutClip]:
    """A clip of each wish."""
    for i, wish in enumerate(wishes):
        started = time.process_time()
        drawn = pipeline(
            wish.prompt,
            width=SIDE,
            height=SIDE,
            num_frames=FRAMES,
            num_inference_steps=steps,
            guidance_scale=cfg,
            generator=torch.Generator("cpu").manual_seed(seed * 100_000 + i),
        ).frames[0]
        frames = (drawn * 255).round().astype(np.uint8)
        yield HeldOutClip(wish=wish, frames=frames, seconds=time.process_time() - started)


def rights(found: Sequence[ClipReading], asked: Sequence[MovingScene]) -> np.ndarray:
    """(count, 3) booleans: which attributes were found as asked."""
    return np.array(
        [
            [getattr(f, kind) == getattr(a, kind) for kind in KINDS]
            for f, a in zip(found, asked, strict=True)
        ]
    )


def clip_sheet(drawn: Sequence[HeldOutClip], right: np.ndarray, every: int = 3) -> Image.Image:
    """Every third frame of each clip with what was asked; what was judged otherwise is in red."""
    shown = range(0, FRAMES, every)
    across, line, pad = 3, 11, 4
    wide, tall = len(shown) * (SIDE + 2) + pad, SIDE + line + pad
    rows = -(-len(drawn) // across)
    sheet = Image.new("RGB", (across * wide + pad, rows * tall + pad), "white")
    pen = ImageDraw.Draw(sheet)
    for i, (one, good) in enumerate(zip(drawn, right.tolist(), strict=True)):
        x, y = pad + i % across * wide, pad + i // across * tall
        for j, k in enumerate(shown):
            sheet.paste(Image.fromarray(one.frames[k]), (x + j * (SIDE + 2), y))
        for j, kind in enumerate(KINDS):
            word = getattr(one.wish.scene, kind)
            pen.text((x + j * 70, y + SIDE), word, fill="black" if good[j] else "red")
    return sheet


def shares_table(right: np.ndarray, judged_rightly: dict[str, float]) -> str:
    """Markdown: one row per attribute."""
    count = len(right)
    lines = [
        "| attribute | right | share | 95 % interval | judge on renders |",
        "|---|---|---|---|---|",
    ]
    columns = [*((kind, right[:, i]) for i, kind in enumerate(KINDS)), ("all", right.all(axis=1))]
    for kind, column in columns:
        found = int(column.sum())
        low, high = wilson(found, count)
        own = f"{100 * judged_rightly[kind]:.1f} %" if kind in judged_rightly else ""
        lines.append(
            f"| {kind} | {found} of {count} | {100 * found / count:.1f} % "
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
    parser.add_argument("--sheet", type=Path, help="write a sheet of the first 30 here")
    parser.add_argument("--errors", action="store_true", help="list what was judged otherwise")
    asked = parser.parse_args()
    with one_thread():
        judge = load_clip_judge()
        pipeline = WanPipeline.from_pretrained(asked.model, dtype=torch.float32)
        pipeline.set_progress_bar_config(disable=True)
        wishes = clip_wishes(asked.count, asked.seed)
        drawn = list(draw_held_out(pipeline, wishes, asked.seed, steps=asked.steps, cfg=asked.cfg))
        found = [judged(judge, one.frames) for one in drawn]
        right = rights(found, [wish.scene for wish in wishes])
        print(shares_table(right, judge_shares(judge, 500, 1234)))
    seconds = sorted(one.seconds for one in drawn)
    print(
        f"\n{asked.steps} steps, cfg {asked.cfg}: median {seconds[len(seconds) // 2]:.2f} s, "
        f"slowest {seconds[-1]:.2f} s of one thread for each clip"
    )
    if asked.errors:
        for wish, seen, good in zip(wishes, found, right, strict=True):
            if not good.all():
                print(f"{wish.prompt!r}: {wish.scene} seen as {seen}")
    if asked.sheet:
        clip_sheet(drawn[:30], right[:30]).save(asked.sheet)


if __name__ == "__main__":
    main()

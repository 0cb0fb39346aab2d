"""Measures the model: held-out combinations, drawn through plain diffusers, read by the judge.

    python -m generation.training.starter.evaluate --count 200 --seed 1

Invariant: no combination of object, colour and background it asks for was ever in training; each
picture is drawn alone, with its own CPU generator, so a row can be repeated.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    StableDiffusionPipeline,
)
from PIL import Image, ImageDraw, ImageOps

from .captions import EVERYTHING, caption
from .draw import SIZE
from .export import MODEL
from .judge import Judge, judge_accuracy, load_judge, targets_of
from .scenes import Scene, held_out_scenes
from .text import KINDS

STEPS, CFG, SAMPLER = 20, 2.0, "dpmpp_2m"
SAMPLERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "ddim": (DDIMScheduler, {}),
    "euler": (EulerDiscreteScheduler, {}),
    "euler_ancestral": (EulerAncestralDiscreteScheduler, {}),
    "dpmpp_2m": (DPMSolverMultistepScheduler, {}),
    "dpmpp_2m karras": (DPMSolverMultistepScheduler, {"use_karras_sigmas": True}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutPicture:
    """One held-out picture and how it was asked for."""

    scene: Scene
    prompt: str
    picture: Image.Image
    seconds: float


@contextmanager
def one_thread() -> Iterator[None]:
    """The times in the table are for one CPU thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def load_pipeline(folder: Path, sampler: str) -> StableDiffusionPipeline:
    """The model as any SD 1.x checkpoint loads, in fp32 on the CPU."""
    pipeline = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
    kind, options = SAMPLERS[sampler]
    pipeline.scheduler = kind.from_config(pipeline.scheduler.config, **options)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def wilson(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    z = 1.96
    share, size = right / count, count + z * z
    middle = (right + z * z / 2) / size
    half = z * (share * (1 - share) * count + z * z / 4) ** 0.5 / size
    return middle - half, middle + half


def draw_held_out(
    pipeline: StableDiffusionPipeline,
    count: int,
    seed: int,
    *,
    steps: int,
    cfg: float,
    size: tuple[int, int] = (SIZE, SIZE),
) -> Iterator[HeldOutPicture]:
    """`count` pictures of held-out combinations, the captions phrased at random."""
    dice = Random(seed)
    for i, scene in enumerate(held_out_scenes(count, dice)):
        prompt = caption(scene, dice, EVERYTHING).text
        started = time.monotonic()
        picture = pipeline(
            prompt,
            width=size[0],
            height=size[1],
            num_inference_steps=steps,
            guidance_scale=cfg,
            generator=torch.Generator("cpu").manual_seed(seed * 100_000 + i),
        ).images[0]
        yield HeldOutPicture(
            scene=scene, prompt=prompt, picture=picture, seconds=time.monotonic() - started
        )


@torch.no_grad()
def read_pictures(judge: Judge, pictures: Sequence[Image.Image]) -> torch.Tensor:
    """(count, 4) class indices, in the order of KINDS; of the middle square of other shapes."""
    squares = [ImageOps.fit(p.convert("RGB"), (SIZE, SIZE)) for p in pictures]
    stacked = torch.from_numpy(np.stack([np.asarray(p) for p in squares]))
    batch = stacked.permute(0, 3, 1, 2).float() / 127.5 - 1
    return torch.stack([read.argmax(-1) for read in judge(batch)], dim=1)


def rights(judge: Judge, drawn: Sequence[HeldOutPicture]) -> torch.Tensor:
    """(count, 4) booleans: which attributes the judge found as asked."""
    return read_pictures(judge, [d.picture for d in drawn]) == targets_of([d.scene for d in drawn])


def contact_sheet(
    drawn: Sequence[HeldOutPicture], right: torch.Tensor, across: int = 10
) -> Image.Image:
    """The pictures with what was asked; what the judge read otherwise is in red."""
    line, pad = 11, 4
    tall = SIZE + 4 * line + 2 * pad
    rows = -(-len(drawn) // across)
    sheet = Image.new("RGB", (across * (SIZE + pad) + pad, rows * tall + pad), "white")
    pen = ImageDraw.Draw(sheet)
    for i, (one, good) in enumerate(zip(drawn, right.tolist(), strict=True)):
        x, y = pad + i % across * (SIZE + pad), pad + i // across * tall
        sheet.paste(ImageOps.fit(one.picture, (SIZE, SIZE)), (x, y))
        for j, kind in enumerate(KINDS):
            ink = "black" if good[j] else "red"
            pen.text((x, y + SIZE + j * line), f"{getattr(one.scene, kind)}", fill=ink)
    return sheet


def table(right: torch.Tensor, judged: Sequence[float]) -> str:
    """Markdown: one row per attribute."""
    count = len(right)
    lines = [
        "| attribute | right | share | 95 % interval | judge on renders |",
        "|---|---|---|---|---|",
    ]
    columns = [
        *((kind, right[:, i]) for i, kind in enumerate(KINDS)),
        ("all four", right.all(dim=1)),
    ]
    for i, (kind, column) in enumerate(columns):
        found = int(column.sum())
        low, high = wilson(found, count)
        own = f"{100 * judged[i]:.2f} %" if i < len(judged) else ""
        lines.append(
            f"| {kind} | {found} of {count} | {100 * found / count:.1f} % "
            f"| {100 * low:.1f}-{100 * high:.1f} % | {own} |"
        )
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--width", type=int, default=SIZE)
    parser.add_argument("--height", type=int, default=SIZE)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--cfg", type=float, default=CFG)
    parser.add_argument("--sampler", choices=SAMPLERS, default=SAMPLER)
    parser.add_argument("--sheet", type=Path, help="write a contact sheet of the first 60 here")
    parser.add_argument("--errors", action="store_true", help="list what the judge read otherwise")
    asked = parser.parse_args()
    with one_thread():
        judge = load_judge()
        pipeline = load_pipeline(asked.model, asked.sampler)
        drawn = list(
            draw_held_out(
                pipeline,
                asked.count,
                asked.seed,
                steps=asked.steps,
                cfg=asked.cfg,
                size=(asked.width, asked.height),
            )
        )
        right = rights(judge, drawn)
        print(table(right, judge_accuracy(judge, 2000, 1234)))
        seconds = sorted(d.seconds for d in drawn)
        print(
            f"\n{asked.steps} steps, {asked.sampler}, cfg {asked.cfg}: median "
            f"{seconds[len(seconds) // 2]:.2f} s, "
            f"slowest {seconds[-1]:.2f} s per picture on one thread"
        )
        if asked.errors:
            for one, good in zip(drawn, right.tolist(), strict=True):
                wrong = [kind for kind, ok in zip(KINDS, good, strict=True) if not ok]
                if wrong:
                    print(f"{', '.join(wrong)}: {one.prompt!r} {one.scene}")
        if asked.sheet:
            contact_sheet(drawn[:60], right[:60]).save(asked.sheet)


if __name__ == "__main__":
    main()

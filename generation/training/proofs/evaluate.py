"""Judges what was taught to the starter: held-out words and pictures, drawn by stock diffusers.

    python -m generation.training.proofs.evaluate lcm --count 100

Invariant: no combination that is asked for was in the pictures that were learned from; what is
compared is drawn from the same words and the same noise.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from diffusers import ControlNetModel, LCMScheduler, StableDiffusionControlNetPipeline
from PIL import Image

from generation.media.edges import canny
from generation.training.editor.trials import generators, in_batches
from generation.training.proofs.pictures import RINGS, WORD, flower_scene, renamed, rings_scene
from generation.training.proofs.reading import edge_overlap, is_faded, is_rings
from generation.training.starter.captions import EVERYTHING, caption
from generation.training.starter.draw import draw
from generation.training.starter.evaluate import (
    CFG,
    SAMPLER,
    STEPS,
    HeldOutPicture,
    contact_sheet,
    load_pipeline,
    one_thread,
    read_pictures,
    wilson,
)
from generation.training.starter.export import MODEL
from generation.training.starter.judge import Judge, load_judge, targets_of
from generation.training.starter.scenes import Scene, held_out_scenes
from generation.training.starter.text import KINDS

MODELS = MODEL.parent
RAPID_STEPS = 4
NAMES = {
    "lcm": "starter-lcm.safetensors",
    "faded": "starter-faded.safetensors",
    "word": f"{WORD}.safetensors",
    "rings": "starter-zwx.safetensors",
    "canny": "starter-canny",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofTrial:
    """What is asked for, and in which words."""

    scene: Scene
    prompt: str
    seed: int


def usual_trials(count: int, seed: int) -> list[ProofTrial]:
    """Held-out combinations in the captions' own phrasings."""
    dice = Random(seed)
    return [
        ProofTrial(scene=s, prompt=caption(s, dice, EVERYTHING).text, seed=seed * 100_000 + n)
        for n, s in enumerate(held_out_scenes(count, dice))
    ]


def new_trials(
    scenes: Callable[[Random], Scene], word: str, count: int, seed: int
) -> list[ProofTrial]:
    """Held-out places of something that is called by a new word."""
    dice, found = Random(seed), []
    for n in range(count):
        scene = scenes(dice)
        prompt = renamed(scene, dice, word)
        found.append(ProofTrial(scene=scene, prompt=prompt, seed=seed * 100_000 + n))
    return found


def flower_trials(count: int, seed: int) -> list[ProofTrial]:
    """Places where no blue flower was in training, by the new word."""
    return new_trials(partial(flower_scene, held_out=True), WORD, count, seed)


def rings_trials(count: int, seed: int) -> list[ProofTrial]:
    """Places where no target was in training, by its trigger."""
    return new_trials(partial(rings_scene, held_out=True), RINGS, count, seed)


def pictures_of(
    pipeline: Any,
    trials: Sequence[ProofTrial],
    *,
    steps: int = STEPS,
    cfg: float = CFG,
    controls: Sequence[Image.Image] | None = None,
) -> list[Image.Image]:
    """A picture for each trial, some at a time."""
    made: list[Image.Image] = []
    for part in in_batches(len(trials)):
        some = trials[part]
        more = {} if controls is None else {"image": list(controls[part])}
        made += pipeline(
            [one.prompt for one in some],
            num_inference_steps=steps,
            guidance_scale=cfg,
            generator=generators([one.seed for one in some]),
            **more,
        ).images
    return made


def right(judge: Judge, trials: Sequence[ProofTrial], pictures: Sequence[Image.Image]) -> Any:
    """(count, 4) booleans: which attributes are as asked for."""
    return read_pictures(judge, list(pictures)) == targets_of([one.scene for one in trials])


def row_of(name: str, found: Sequence[bool]) -> str:
    """A row of a table: how many, which share, and its 95 % interval."""
    low, high = (100 * bound for bound in wilson(sum(found), len(found)))
    share = 100 * sum(found) / len(found)
    return f"| {name} | {sum(found)} of {len(found)} | {share:.1f} % | {low:.1f}-{high:.1f} % |"


def content_rows(
    judge: Judge, trials: Sequence[ProofTrial], drawn: Mapping[str, Any]
) -> Iterator[str]:
    """For each way of drawing: the mean of the four attributes, and all four."""
    for name, pictures in drawn.items():
        good = right(judge, trials, pictures).float()
        each = ", ".join(
            f"{kind} {100 * float(share):.0f}"
            for kind, share in zip(KINDS, good.mean(dim=0), strict=True)
        )
        yield row_of(f"{name}: all four as asked for", good.bool().all(dim=1).tolist())
        yield f"| {name}: mean of the four ({each}) | | {100 * float(good.mean()):.1f} % | |"


def judged_lcm(asked: argparse.Namespace, judge: Judge) -> Iterator[str]:
    """Four steps with the LoRA against the usual twenty without."""
    trials = usual_trials(asked.count, asked.seed)
    usual, rapid = load_pipeline(MODEL, SAMPLER), with_lora(asked.file, rapid=True)
    drawn = {
        f"{STEPS} steps, {SAMPLER}, cfg {CFG:g}": pictures_of(usual, trials),
        f"{RAPID_STEPS} steps, lcm, cfg 1, with the LoRA": pictures_of(
            rapid, trials, steps=RAPID_STEPS, cfg=1.0
        ),
    }
    bare = rapid_of(load_pipeline(MODEL, SAMPLER))
    drawn[f"{RAPID_STEPS} steps, lcm, cfg 1, without"] = pictures_of(
        bare, trials, steps=RAPID_STEPS, cfg=1.0
    )
    yield from content_rows(judge, trials, drawn)
    slow = _median_s(usual, trials[:9], steps=STEPS, cfg=CFG)
    fast = _median_s(rapid, trials[:9], steps=RAPID_STEPS, cfg=1.0)
    yield f"| median time of a picture | {slow:.2f} s, {fast:.2f} s | {slow / fast:.1f} times | |"


def _median_s(pipeline: Any, trials: Sequence[ProofTrial], *, steps: int, cfg: float) -> float:
    """Of the process's own time, whatever else the machine does."""
    spent = []
    for one in trials:
        begun = time.process_time()
        pictures_of(pipeline, [one], steps=steps, cfg=cfg)
        spent.append(time.process_time() - begun)
    return float(np.median(spent))


def with_lora(file: Path, *, rapid: bool = False) -> Any:
    """The starter with a LoRA on, as anybody loads one."""
    pipeline = load_pipeline(MODEL, SAMPLER)
    pipeline.load_lora_weights(file.parent, weight_name=file.name)
    return rapid_of(pipeline) if rapid else pipeline


def rapid_of(pipeline: Any) -> Any:
    """The same, drawing by the lcm sampler."""
    config = dict(pipeline.scheduler.config, original_inference_steps=20)
    pipeline.scheduler = LCMScheduler.from_config(config)
    return pipeline


def judged_faded(asked: argparse.Namespace, judge: Judge) -> Iterator[str]:
    """The style is there, and what was asked for, too; where it can be seen."""
    trials = [one for one in usual_trials(4 * asked.count, asked.seed) if _shows_fading(one.scene)]
    trials = trials[: asked.count]
    drawn = {
        "without": pictures_of(load_pipeline(MODEL, SAMPLER), trials),
        "with the LoRA": pictures_of(with_lora(asked.file), trials),
    }
    for name, pictures in drawn.items():
        yield row_of(f"{name}: faded", [is_faded(one) for one in pictures])
    yield from content_rows(judge, trials, drawn)
    _sheet(asked, judge, trials, drawn["with the LoRA"])


def _shows_fading(scene: Scene) -> bool:
    """Whether its corners are no paper as they are."""
    return scene.style != "watercolor" and scene.background not in ("white", "snow", "yellow")


def judged_word(asked: argparse.Namespace, judge: Judge) -> Iterator[str]:
    """The word brings what it was taught to mean, and nothing else changes."""
    trials = flower_trials(asked.count, asked.seed)
    taught = load_pipeline(MODEL, SAMPLER)
    taught.load_textual_inversion(str(asked.file), token=WORD)
    drawn = {
        "without": pictures_of(load_pipeline(MODEL, SAMPLER), trials),
        "with the word": pictures_of(taught, trials),
    }
    for name, pictures in drawn.items():
        both = right(judge, trials, pictures)[:, :2].all(dim=1)
        yield row_of(f"{name}: a blue flower", both.tolist())
        yield from _kept_rows(name, judge, trials, pictures, list(KINDS))
    _sheet(asked, judge, trials, drawn["with the word"])


def judged_rings(asked: argparse.Namespace, judge: Judge) -> Iterator[str]:
    """The trigger brings the subject, and other words bring what they did."""
    trials = rings_trials(asked.count, asked.seed)
    usual = usual_trials(asked.count, asked.seed)
    bare, taught = load_pipeline(MODEL, SAMPLER), with_lora(asked.file)
    for name, pipeline in {"without": bare, "with it": taught}.items():
        pictures = pictures_of(pipeline, trials)
        yield row_of(f"{name}, {RINGS}: the target is there", [is_rings(one) for one in pictures])
        yield from _kept_rows(f"{name}, {RINGS}", judge, trials, pictures, ("background", "style"))
        others = pictures_of(pipeline, usual)
        yield from content_rows(judge, usual, {f"{name}, other words": others})
        yield row_of(f"{name}, other words: a target is there", [is_rings(one) for one in others])
    _sheet(asked, judge, trials, pictures)


def judged_canny(asked: argparse.Namespace, judge: Judge) -> Iterator[str]:
    """Edges of held-out pictures, drawn again."""
    trials = usual_trials(asked.count, asked.seed)
    controls = [canny(draw(one.scene, Random(one.seed))).convert("RGB") for one in trials]
    bare = load_pipeline(MODEL, SAMPLER)
    net = ControlNetModel.from_pretrained(asked.file, torch_dtype=torch.float32)
    steered = StableDiffusionControlNetPipeline(**bare.components, controlnet=net)
    steered.set_progress_bar_config(disable=True)
    drawn = {
        "without": pictures_of(bare, trials),
        "with it": pictures_of(steered, trials, controls=controls),
    }
    for name, pictures in drawn.items():
        for within in (0, 1, 2):
            found = [edge_overlap(p, c, within) for p, c in zip(pictures, controls, strict=True)]
            yield (
                f"| {name}: IoU of edges within {within} px: mean, median | "
                f"| {np.mean(found):.3f}, {np.median(found):.3f} | |"
            )
    yield from content_rows(judge, trials, drawn)
    _sheet(asked, judge, trials, drawn["with it"])


def _kept_rows(
    name: str,
    judge: Judge,
    trials: Sequence[ProofTrial],
    pictures: Sequence[Image.Image],
    kinds: Sequence[str],
) -> Iterator[str]:
    good = right(judge, trials, pictures)
    for kind in kinds:
        yield row_of(f"{name}: {kind}", good[:, list(KINDS).index(kind)].tolist())


def _sheet(
    asked: argparse.Namespace,
    judge: Judge,
    trials: Sequence[ProofTrial],
    pictures: Sequence[Image.Image],
) -> None:
    if asked.sheet:
        shown = [
            HeldOutPicture(scene=t.scene, prompt=t.prompt, picture=p, seconds=0)
            for t, p in zip(trials, pictures, strict=True)
        ][:20]
        contact_sheet(shown, right(judge, trials, pictures)[:20]).save(asked.sheet)


JUDGES: Mapping[str, Callable[[argparse.Namespace, Judge], Iterator[str]]] = {
    "lcm": judged_lcm,
    "faded": judged_faded,
    "word": judged_word,
    "rings": judged_rings,
    "canny": judged_canny,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("proof", choices=JUDGES)
    parser.add_argument("--file", type=Path, help="(what ships)")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sheet", type=Path, help="write a contact sheet of the first 20 here")
    asked = parser.parse_args(arguments)
    asked.file = asked.file or MODELS / NAMES[asked.proof]
    with one_thread(), torch.no_grad():
        print("| what | how many | share | 95 % interval |\n|---|---|---|---|")
        for row in JUDGES[asked.proof](asked, load_judge()):
            print(row, flush=True)


if __name__ == "__main__":
    main()

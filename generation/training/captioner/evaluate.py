"""Measures the captioner that ships: held-out pictures that the starter drew, and strangers.

    python -m generation.training.captioner.evaluate --count 300
    python -m generation.training.captioner.evaluate --photos FOLDER     also of photographs

Invariant: no combination of object, colour and background, no seed and no kind of stranger that it
is measured with was in its training; and what it says of a picture is what the worker says.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from PIL import Image
from safetensors.torch import load_file

from generation.modules.attributes import SIDE, AttributeNet
from generation.starter.sentences import told
from generation.training.captioner.looks import PART, as_floats
from generation.training.captioner.sights import HEADS
from generation.training.captioner.strangers import KEPT
from generation.training.captioner.train import SHIPPED
from generation.training.starter.captions import EVERYTHING, caption
from generation.training.starter.evaluate import (
    CFG,
    SAMPLER,
    STEPS,
    load_pipeline,
    one_thread,
    read_pictures,
    wilson,
)
from generation.training.starter.export import MODEL as STARTER
from generation.training.starter.judge import load_judge, targets_of
from generation.training.starter.scenes import Scene, held_out_scenes
from generation.training.starter.text import KINDS

CROPS = 40  # of each photograph


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureReading:
    """What was said of one picture; no words: it cannot tell."""

    seen: Mapping[str, str]
    words: str

    def right(self, scene: Scene, *names: str) -> bool:
        """Whether it was said, and those attributes are the scene's."""
        return bool(self.words) and all(self.seen[n] == getattr(scene, n) for n in names)


def load_captioner(folder: Path = SHIPPED) -> AttributeNet:
    """The trained network, ready to read pictures."""
    heads = json.loads((folder / "config.json").read_text())["heads"]
    network = AttributeNet({name: len(names) for name, names in heads.items()})
    numbers = load_file(folder / "model.safetensors")
    network.load_state_dict({k: v.float() for k, v in numbers.items()}, strict=False)
    return network.eval()


@torch.no_grad()
def readings(network: AttributeNet, pictures: Sequence[Image.Image]) -> list[PictureReading]:
    """What it says of each."""
    found = []
    for picture in pictures:
        classes, sure, beyond = network.read(as_floats([picture.resize((SIDE, SIDE))]))
        seen = {name: HEADS[name][at] for name, at in classes.items()}
        found.append(PictureReading(seen=seen, words=told(seen, sure=sure, beyond=beyond)))
    return found


def drawn_by_starter(prompts: Sequence[str], seed: int) -> Iterator[Image.Image]:
    """A picture for each prompt, as the starter is usually asked."""
    pipeline = load_pipeline(STARTER, SAMPLER)
    for first in range(0, len(prompts), PART):
        some = list(prompts[first : first + PART])
        yield from pipeline(
            some,
            num_inference_steps=STEPS,
            guidance_scale=CFG,
            generator=[
                torch.Generator().manual_seed(seed * 100_000 + first + n) for n in range(len(some))
            ],
        ).images


def share(found: Sequence[bool]) -> str:
    """How many, which share of all, and its 95 % interval."""
    right, count = sum(found), len(found)
    low, high = wilson(right, count)
    return f"{right} of {count} | {100 * right / count:.1f} % | {100 * low:.1f}-{100 * high:.1f} %"


def own_rows(network: AttributeNet, count: int, seed: int) -> Iterator[str]:
    """Held-out pictures that the starter drew, and what it draws of what was said of them."""
    dice = Random(seed)
    scenes = held_out_scenes(count, dice)
    prompts = [caption(scene, dice, EVERYTHING).text for scene in scenes]
    pictures = list(drawn_by_starter(prompts, seed))
    judge = load_judge()
    judged = read_pictures(judge, pictures)
    asked = (judged == targets_of(scenes)).all(dim=1).tolist()
    found = readings(network, pictures)
    pairs = list(zip(found, scenes, strict=True))

    def as_asked(*names: str) -> str:
        return share([reading.right(scene, *names) for reading, scene in pairs])

    plain = [r.right(s, *KINDS) for (r, s), ok in zip(pairs, asked, strict=True) if ok]
    yield from (
        f"| object and colour as asked for | {as_asked('object', 'colour')} |",
        *(f"| {kind} as asked for | {as_asked(kind)} |" for kind in KINDS),
        f"| all four as asked for | {as_asked(*KINDS)} |",
        f"| all four, where the judge finds them drawn | {share(plain)} |",
        f"| it cannot tell | {share([not reading.words for reading in found])} |",
    )
    again = list(drawn_by_starter([reading.words or "nothing" for reading in found], seed + 1))
    same = (read_pictures(judge, again) == judged).tolist()
    told_of = [row for row, reading in zip(same, found, strict=True) if reading.words]
    there = share([row[0] and row[1] for row in told_of])
    yield from (
        f"| described and drawn again: object and colour the same to the judge | {there} |",
        f"| ... and background and style as well | {share([all(row) for row in told_of])} |",
    )


def stranger_rows(network: AttributeNet, count: int, photos: Path | None) -> list[str]:
    """How often it says that it cannot tell, of each kind."""
    each = {kind.__name__: [kind(Random(seed)) for seed in range(count)] for kind in KEPT}
    if photos is not None:
        each["photographs"] = list(crops_of(photos))
    refused = {
        name: [not r.words for r in readings(network, pictures)] for name, pictures in each.items()
    }
    rows = [f"| {name} | {share(found)} |" for name, found in refused.items()]
    every = [one for found in refused.values() for one in found]
    return [*rows, f"| all of them | {share(every)} |"]


def crops_of(folder: Path) -> Iterator[Image.Image]:
    """Squares of all sizes out of the pictures in a folder."""
    for file in sorted(folder.iterdir()):
        with Image.open(file) as opened:
            whole = opened.convert("RGB")
        dice, least = Random(file.name), min(whole.size)
        for _ in range(CROPS):
            side = dice.randint(min(128, least), least)
            left, top = (dice.randint(0, end - side) for end in whole.size)
            yield whole.crop((left, top, left + side, top + side))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--strangers", type=int, default=50, help="of each kind")
    parser.add_argument("--photos", type=Path, help="a folder of photographs")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with one_thread():
        network = load_captioner(asked.model)
        head = "| {} | how many | share | 95 % interval |\n|---|---|---|---|"
        print(head.format("strangers: it says that it cannot tell"))
        print("\n".join(stranger_rows(network, asked.strangers, asked.photos)), flush=True)
        print(head.format("pictures that the starter drew"))
        for row in own_rows(network, asked.count, asked.seed):
            print(row, flush=True)


if __name__ == "__main__":
    main()

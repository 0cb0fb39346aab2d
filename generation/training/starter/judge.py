"""The judge: a small classifier that says what a picture shows.

Invariant: it is trained on rendered pictures only, never on a generated one, and on training
combinations only; blur, noise and block-wise softening in its training stand for what an
autoencoder does to a picture.

    python -m generation.training.starter.judge a.png b.png     one JSON object per picture, on
    stdout
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn

from .clock import Clock, cosine, set_rate
from .draw import SIZE
from .scenes import Scene, held_out_scenes
from .text import KINDS
from .vae import pictures, to_floats

FOLDER = Path(__file__).parents[2] / "starter" / "judge"
BATCH = 64


class Judge(nn.Module):
    """Five strided convolutions, then one head per attribute; 128x128 RGB in -1..1."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 24, 48, 96, 128, 160)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.hidden = nn.Sequential(
            nn.Flatten(), nn.Dropout(0.1), nn.Linear(160 * 16, 64), nn.ReLU()
        )
        self.heads = nn.ModuleList(nn.Linear(64, len(names)) for names in KINDS.values())

    def forward(self, batch: torch.Tensor) -> list[torch.Tensor]:
        features = self.hidden(self.body(batch))
        return [head(features) for head in self.heads]


def targets_of(scenes: list[Scene]) -> torch.Tensor:
    """(count, 4) class indices in the order of KINDS."""
    return torch.tensor(
        [[names.index(getattr(s, kind)) for kind, names in KINDS.items()] for s in scenes]
    )


def _weathered(batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Slight blur, noise and shifts of brightness: what a decoder may add, and no more."""

    def chance() -> float:
        return float(torch.rand((), generator=generator))

    if chance() < 0.5:
        soft = nn.functional.avg_pool2d(
            nn.functional.pad(batch, (1, 1, 1, 1), mode="replicate"), 3, 1
        )
        batch = torch.lerp(batch, soft, chance())
    if chance() < 0.25:
        small = nn.functional.interpolate(batch, scale_factor=0.5, mode="area")
        batch = nn.functional.interpolate(small, scale_factor=2, mode="bilinear")
    if chance() < 0.5:
        batch = batch + 0.08 * chance() * torch.randn(batch.shape, generator=generator)
    if chance() < 0.5:
        cells = torch.randn(len(batch), 3, 16, 16, generator=generator)
        batch = batch + 0.06 * chance() * nn.functional.interpolate(
            cells, scale_factor=8, mode="bilinear"
        )
    bright = 1 + 0.08 * (2 * torch.rand(len(batch), 1, 1, 1, generator=generator) - 1)
    return (batch * bright).clamp(-1, 1)


@torch.no_grad()
def judge_accuracy(judge: Judge, count: int, seed: int) -> list[float]:
    """Share of fresh renders of held-out combinations judged rightly, in the order of KINDS."""
    dice = Random(seed)
    scenes = held_out_scenes(count, dice)
    drawn = pictures(count, dice, scenes)
    read = [
        torch.cat(head)
        for head in zip(*(judge(to_floats(p)) for p in torch.split(drawn, 100)), strict=True)
    ]
    truth = targets_of(scenes)
    return [float((r.argmax(-1) == truth[:, i]).float().mean()) for i, r in enumerate(read)]


def load_judge(folder: Path = FOLDER) -> Judge:
    """The trained judge, ready to read pictures."""
    judge = Judge()
    weights = load_file(folder / "judge.safetensors")
    judge.load_state_dict(
        {name: w.float() if w.is_floating_point() else w for name, w in weights.items()}
    )
    return judge.eval()


def save_judge(judge: Judge, folder: Path = FOLDER) -> None:
    """Weights in fp16, the classes beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    halves = {n: w.half() if w.is_floating_point() else w for n, w in judge.state_dict().items()}
    save_file(halves, folder / "judge.safetensors")
    (folder / "classes.json").write_text(json.dumps(KINDS, indent=2) + "\n")


def train_judge(minutes: float, seed: int = 4) -> None:
    """Trains by the clock on renders drawn as it goes, then writes FOLDER."""
    torch.manual_seed(seed)
    judge, dice = Judge(), Random(seed)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(judge.parameters(), lr=2e-3, weight_decay=0.01)
    clock = Clock(minutes=minutes)
    while clock.share() < 1:
        set_rate(optimizer, cosine(clock.share(), 2e-3))
        scenes: list[Scene] = []
        drawn = pictures(BATCH, dice, scenes)
        truth = targets_of(scenes)
        read = judge(_weathered(to_floats(drawn), generator))
        loss = sum(
            (nn.functional.cross_entropy(r, truth[:, i]) for i, r in enumerate(read)),
            torch.zeros(()),
        )
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
        clock.step += 1
        if clock.step % 200 == 0:
            judge.eval()
            right = judge_accuracy(judge, 500, 78)
            judge.train()
            shown = " ".join(f"{kind} {100 * r:.1f}%" for kind, r in zip(KINDS, right, strict=True))
            print(
                f"{time.strftime('%H:%M:%S')} judge step {clock.step} "
                f"loss {float(loss.detach()):.4f} {shown}",
                flush=True,
            )
    save_judge(judge.eval())


@torch.no_grad()
def judged(files: Sequence[Path], judge: Judge) -> Iterator[dict[str, str]]:
    """What each picture file shows, in the words of KINDS."""
    for file in files:
        with Image.open(file) as image:
            picture = image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.LANCZOS)
        read = judge(to_floats(torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]))
        found = {
            kind: names[int(head.argmax())]
            for (kind, names), head in zip(KINDS.items(), read, strict=True)
        }
        yield {"file": str(file), **found}


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints what the pictures show."""
    parser = argparse.ArgumentParser(description="Says what pictures show.")
    parser.add_argument("files", nargs="+", type=Path)
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    for found in judged(asked.files, load_judge()):
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()

"""The judge of clips: what the object is and its colour, by a small classifier of cut-out frames.

Invariant: it is trained on rendered clips only, never on a generated one, and on training
combinations only.  How the object moves is told by formulas (`motions`), which learn nothing.
"""

import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from generation.training.starter.clock import Clock, cosine, set_rate
from generation.training.starter.scenes import COLOURS, OBJECTS
from generation.training.starter.vae import to_floats

from .draw import FRAMES, draw_clip, lit
from .motions import motion_of, track_of
from .scenes import MovingScene, held_out_clips, training_clip

FILE = Path(__file__).parents[2] / "starter" / "judge" / "clips.safetensors"
CUT = 32  # pixels of a side of what the classifier sees
MARGIN = 0.15
KINDS: dict[str, tuple[str, ...]] = {"object": OBJECTS, "colour": COLOURS}
BATCH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipReading:
    """What a clip shows."""

    object: str
    colour: str
    motion: str


class ClipJudge(nn.Module):
    """Four convolutions, then one head per attribute; CUT x CUT RGB in -1..1."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise((3, 24, 48, 64, 64)):
            layers += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 4, 64), nn.ReLU())
        self.heads = nn.ModuleList(nn.Linear(64, len(names)) for names in KINDS.values())

    def forward(self, batch: torch.Tensor) -> list[torch.Tensor]:
        features = self.body(batch)
        return [head(features) for head in self.heads]


def cut_out(frames: np.ndarray) -> torch.Tensor:
    """(seen, 3, CUT, CUT) in -1..1: the object of each frame that shows it, made equally large."""
    track, cuts = track_of(frames), []
    for frame, mask in zip(frames[track.seen], track.masks[track.seen], strict=True):
        rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
        y, x = (rows[0] + rows[-1] + 1) / 2, (columns[0] + columns[-1] + 1) / 2
        half = max(rows[-1] - rows[0], columns[-1] - columns[0], 4) * (0.5 + MARGIN)
        cuts.append(_resampled(frame, x, y, half))
    return torch.cat(cuts) if cuts else torch.zeros(0, 3, CUT, CUT)


def _resampled(frame: np.ndarray, x: float, y: float, half: float) -> torch.Tensor:
    """The square around (x, y), in CUT x CUT pixels; beyond the border the border goes on."""
    picture = to_floats(torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None])
    tall, wide = frame.shape[:2]
    steps = (torch.arange(CUT) + 0.5) / CUT * 2 - 1
    across = ((x + half * steps) / wide) * 2 - 1
    down = ((y + half * steps) / tall) * 2 - 1
    grid = torch.stack(torch.meshgrid(down, across, indexing="ij")[::-1], dim=-1)[None].float()
    return nn.functional.grid_sample(picture, grid, padding_mode="border", align_corners=False)


def _lesson(scenes: list[MovingScene], dice: Random) -> tuple[torch.Tensor, torch.Tensor]:
    """One cut-out frame of each scene, softened as an autoencoder may, and what it shows."""
    cuts, truths = [], []
    for scene in scenes:
        shown = [i for i in range(FRAMES) if scene.motion != "blink" or lit(i)]
        chosen = dice.choice(shown)
        frame = _weathered(draw_clip(scene, dice, chosen + 1)[chosen], dice)
        cut = cut_out(frame[None])
        if len(cut):
            cuts.append(cut)
            truths.append([names.index(getattr(scene, kind)) for kind, names in KINDS.items()])
    return torch.cat(cuts), torch.tensor(truths)


def _weathered(frame: np.ndarray, dice: Random) -> np.ndarray:
    """Some blur, noise and shifts of brightness: what a decoder may add, and no more."""
    soft: np.ndarray = frame.astype(np.float64)
    for _ in range(dice.choice((0, 0, 1, 2, 3, 4))):
        padded = np.pad(soft, ((1, 1), (1, 1), (0, 0)), mode="edge")
        near = (padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]) / 4
        soft = soft + dice.uniform(0.3, 1.0) * (near - soft)
    noise = np.random.default_rng(dice.getrandbits(32)).normal(size=soft.shape)
    soft = soft * dice.uniform(0.94, 1.04) + dice.choice((0, 4, 8)) * noise
    return soft.clip(0, 255).astype(np.uint8)


@torch.no_grad()
def judged(judge: ClipJudge, frames: np.ndarray) -> ClipReading:
    """What (frames, H, W, 3) uint8 shows; "" for what cannot be told."""
    cuts = cut_out(frames)
    if not len(cuts):
        return ClipReading(object="", colour="", motion="")
    thing, colour = (
        names[int(found.log_softmax(-1).sum(0).argmax())]
        for names, found in zip(KINDS.values(), judge(cuts), strict=True)
    )
    return ClipReading(object=thing, colour=colour, motion=motion_of(frames))


def judge_shares(judge: ClipJudge, count: int, seed: int) -> dict[str, float]:
    """Share of fresh renders of held-out combinations judged rightly, per attribute."""
    dice = Random(seed)
    scenes = held_out_clips(count, dice)
    found = [judged(judge, draw_clip(scene, dice)) for scene in scenes]
    return {
        kind: sum(getattr(f, kind) == getattr(s, kind) for f, s in zip(found, scenes, strict=True))
        / count
        for kind in (*KINDS, "motion")
    }


def load_clip_judge(file: Path = FILE) -> ClipJudge:
    """The trained judge, ready to read clips."""
    judge = ClipJudge()
    weights = load_file(file)
    judge.load_state_dict(
        {n: w.float() if w.is_floating_point() else w for n, w in weights.items()}
    )
    return judge.eval()


def train_clip_judge(minutes: float, seed: int = 4) -> None:
    """Trains by the processor's clock on renders drawn as it goes, then writes FILE in fp16."""
    torch.manual_seed(seed)
    judge, dice = ClipJudge(), Random(seed)
    optimizer = torch.optim.AdamW(judge.parameters(), lr=3e-3, weight_decay=0.01)
    clock = Clock(minutes=minutes, now=time.process_time)
    while clock.share() < 1:
        set_rate(optimizer, cosine(clock.share(), 3e-3))
        cuts, truth = _lesson([training_clip(dice) for _ in range(BATCH)], dice)
        loss = torch.zeros(())
        for i, found in enumerate(judge(cuts)):
            loss = loss + nn.functional.cross_entropy(found, truth[:, i])
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
        clock.step += 1
        if clock.step % 100 == 0:
            print(f"judge step {clock.step} loss {float(loss.detach()):.4f}", flush=True)
    judge.eval()
    halves = {n: w.half() if w.is_floating_point() else w for n, w in judge.state_dict().items()}
    save_file(halves, FILE)
    print(judge_shares(judge, 400, 78), flush=True)

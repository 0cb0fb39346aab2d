"""The training program of the captioner that ships.

    nice -n 10 python -m generation.training.captioner.train

Invariant: it can be stopped at any time and goes on where its last checkpoint left off; the minutes
are those of one processor thread, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from generation.catalog.captioners import OURS
from generation.modules.attributes import AttributeNet
from generation.starter.sentences import SOMETHING_ELSE
from generation.training.captioner.looks import (
    DrawnBank,
    as_floats,
    classes_of,
    decoded,
    drawn_bank,
    starter_autoencoder,
    travelled,
)
from generation.training.captioner.sights import (
    HEADS,
    WholeScene,
    drawn,
    some_sight,
    usual_sight,
)
from generation.training.captioner.strangers import TRAINED, Kind
from generation.training.starter.clock import Clock, cosine, follow, resume, save, set_rate
from generation.training.starter.scenes import OBJECTS, held_out_scenes, training_scene
from generation.training.starter.vae import to_floats

WORK = Path("var/captioner")
SHIPPED = Path(__file__).parents[2] / "starter" / "models" / "starter-captioner"
CARD = 'title = "Captioner of the starter\'s world (built in)"\n'
MINUTES = 20.0
KNOWN, STRANGE, BY_STARTER, DECODED = 36, 18, 10, 6  # pictures of a batch
PEAK, DECAY = 2e-3, 0.998
STRANGER = HEADS["object"].index(SOMETHING_ELSE)
DRAWN = 480  # pictures that the starter draws first
FARTHEST = 0.995  # share of its own pictures that lie within reach


@dataclass(slots=True, kw_only=True)
class CaptionLessons:
    """Where batches come from."""

    dice: Random
    generator: torch.Generator
    bank: DrawnBank
    vae: AutoencoderKL

    def batch(self) -> tuple[Tensor, Tensor]:
        """Pictures, -1..1, and their classes; of strangers the first class counts alone."""
        known = [self._sight() for _ in range(KNOWN)]
        pictures = [drawn(sight, self.dice) for sight in known]
        pictures += [self._kind()(self.dice) for _ in range(STRANGE)]
        seen = as_floats([travelled(picture, self.dice) for picture in pictures])
        some = torch.randperm(len(seen), generator=self.generator)[:DECODED]
        seen[some] = decoded(self.vae, seen[some], self.generator)
        which = torch.randint(len(self.bank.pictures), (BY_STARTER,), generator=self.generator)
        seen = torch.cat([seen, to_floats(self.bank.pictures[which])])
        classes = [classes_of(known), strangers(STRANGE), self.bank.classes[which]]
        return seen, torch.cat(classes)

    def _sight(self) -> WholeScene:
        scene = training_scene(self.dice)
        return some_sight(scene, self.dice) if self.dice.random() < 0.4 else usual_sight(scene)

    def _kind(self) -> Kind:
        return self.dice.choice(TRAINED)


def strangers(count: int) -> Tensor:
    """Classes of what is not of that world: the object alone is said."""
    classes = torch.full((count, len(HEADS)), -100)
    classes[:, 0] = STRANGER
    return classes


def new_network() -> AttributeNet:
    """The network before it has learned."""
    return AttributeNet({name: len(names) for name, names in HEADS.items()})


def train(work: Path, minutes: float) -> AttributeNet:
    """Train, or go on training, until the minutes are used; returns the averaged network."""
    torch.manual_seed(11)
    work.mkdir(parents=True, exist_ok=True)
    network = new_network()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average: AttributeNet = copy.deepcopy(network)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.02)
    bank = drawn_bank(work, DRAWN)
    clock = Clock(minutes=minutes, now=time.process_time)
    held: dict[str, Any] = resume(work / "captioner.ckpt", clock, network, optimizer)
    if held:
        average.load_state_dict(held["average"])
    lessons = CaptionLessons(
        dice=Random(31 + clock.step),
        generator=torch.Generator().manual_seed(31 + clock.step),
        bank=bank,
        vae=starter_autoencoder(),
    )
    while clock.share() < 1.0:
        set_rate(optimizer, cosine(clock.share(), PEAK))
        loss = _step(network, optimizer, *lessons.batch())
        follow(average, network, min(DECAY, clock.step / (clock.step + 10)))
        _take_over_statistics(average, network)
        clock.step += 1
        if clock.step % 100 == 0:
            _report(clock, loss, average)
        if clock.checkpoint_due():
            save(work / "captioner.ckpt", clock, network, optimizer, average=average.state_dict())
    save(work / "captioner.ckpt", clock, network, optimizer, average=average.state_dict())
    return average.eval()


def _step(
    network: AttributeNet, optimizer: torch.optim.Optimizer, seen: Tensor, classes: Tensor
) -> float:
    network.train()
    with torch.autocast("cpu", torch.bfloat16):
        said = network(seen.contiguous(memory_format=torch.channels_last))
    loss = torch.zeros(())
    for i, scores in enumerate(said.values()):
        weight = 2.0 if i == 0 else 1.0
        loss = loss + weight * cross_entropy(scores.float(), classes[:, i])
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimizer.step()
    return float(loss.detach())


def _take_over_statistics(average: nn.Module, network: nn.Module) -> None:
    """What normalisation has counted; those are averages already."""
    for slow, fast in zip(average.buffers(), network.buffers(), strict=True):
        slow.copy_(fast)


def _report(clock: Clock, loss: float, network: AttributeNet) -> None:
    seen, classes = examined(200, seed=99)
    right = told(network.eval(), seen) == classes
    shares = " ".join(
        f"{n} {100 * s:.1f}" for n, s in zip(HEADS, right.float().mean(0), strict=True)
    )
    dice = Random(98)
    odd = as_floats([dice.choice(TRAINED)(dice) for _ in range(100)])
    refused = (told(network, odd)[:, 0] == STRANGER).float().mean()
    print(
        f"{time.strftime('%H:%M:%S')} {clock.elapsed_s() / 60:.1f} min, step {clock.step}, "
        f"loss {loss:.3f}: {shares}; strangers {100 * refused:.0f}",
        flush=True,
    )


def examined(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Pictures of held-out combinations and their classes, a third of them unusual."""
    dice = Random(seed)
    scenes = held_out_scenes(count, dice)
    sights = [some_sight(s, dice) if dice.random() < 1 / 3 else usual_sight(s) for s in scenes]
    pictures = [travelled(drawn(sight, dice), dice) for sight in sights]
    return as_floats(pictures), classes_of(sights)


@torch.no_grad()
def told(network: AttributeNet, seen: Tensor) -> Tensor:
    """(count, heads) class indices."""
    parts = [network(part) for part in torch.split(seen, 50)]
    return torch.stack([torch.cat([p[name] for p in parts]).argmax(-1) for name in HEADS], dim=1)


@torch.no_grad()
def measure_reach(network: AttributeNet, lessons: Sequence[tuple[Tensor, Tensor]]) -> None:
    """Centres of the objects, and how far from them what it has learned lies."""
    features = torch.cat([network.features(seen) for seen, _ in lessons])
    things = torch.cat([classes[:, 0] for _, classes in lessons])
    own = things != STRANGER
    features, things = features[own], things[own]
    # The stranger's centre is never anybody's: out of the way.
    network.centres.fill_(1e4)
    for thing in range(len(OBJECTS)):
        network.centres[thing] = features[things == thing].mean(0)
    around = features - network.centres[things]
    spread = around.T @ around / len(around) + 1e-3 * torch.eye(features.shape[1])
    network.whitening.copy_(torch.linalg.cholesky(torch.linalg.inv(spread)))
    network.reach.fill_(1.0)
    network.reach.fill_(float(torch.quantile(network.distance(features), FARTHEST)))


def export(network: AttributeNet, folder: Path = SHIPPED) -> int:
    """Writes the folder; returns its bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    # Statistics and distances keep their precision; they are few.
    exact = ("running", "centres", "whitening", "reach")
    tensors = {
        key: value.contiguous() if any(word in key for word in exact) else value.half().contiguous()
        for key, value in network.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    save_file(tensors, folder / "model.safetensors")
    (folder / "model.safetensors").chmod(0o644)
    config = {"model_type": OURS, "heads": HEADS}
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    (folder / "atelier.toml").write_text(CARD)
    return sum(path.stat().st_size for path in folder.iterdir())


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of one thread, in all")
    parser.add_argument("--work", type=Path, default=WORK, help=f"checkpoints ({WORK})")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="the folder that is written")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    network = train(asked.work, asked.minutes)
    lessons = CaptionLessons(
        dice=Random(7),
        generator=torch.Generator().manual_seed(7),
        bank=drawn_bank(asked.work, DRAWN),
        vae=starter_autoencoder(),
    )
    measure_reach(network, [lessons.batch() for _ in range(60)])
    size = export(network, asked.out)
    print(f"{asked.out}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()

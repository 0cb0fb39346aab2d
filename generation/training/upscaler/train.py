"""The training program of the upscaler that ships: ESRGAN's network, small, for twice the size.

    nice -n 10 python -m generation.training.upscaler.train

Invariant: it can be stopped at any time and goes on where its last checkpoint left off; the minutes
are those of one processor thread, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import copy
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from generation.modules.rrdb import RRDBNet
from generation.training.starter.clock import Clock, cosine, follow, resume, save, set_rate
from generation.training.upscaler.data import pair_bank

WORK = Path("var/upscaler")
SHIPPED = Path(__file__).parents[2] / "starter" / "models" / "atelier-2x.safetensors"
CARD = 'title = "Upscaler 2x (built in)"\n'
MINUTES = 12.0
BUILD = {"width": 32, "growth": 16, "blocks": 3, "ups": 1}
BATCH = 8
PEAK = 6e-4
DECAY = 0.995  # of the average that is kept
EXACT_FROM = 0.75  # share of the time after which nothing is rounded to bf16


@torch.no_grad()
def begin_as_interpolation(network: RRDBNet) -> None:
    """Weights with which it enlarges bilinearly, so that only what is better has to be learned.

    The colours pass through the first three channels, the others begin small and at random.
    """
    across = torch.tensor([0.25, 0.5, 0.25])
    enlarge = across[:, None] * across[None, :]
    middle = torch.zeros(3, 3)
    middle[1, 1] = 1.0
    passing = {
        "conv_first": middle,
        "conv_up1": enlarge,
        "conv_hr": middle,
        "conv_last": middle,
    }
    for conv in network.modules():
        if isinstance(conv, nn.Conv2d):
            conv.weight.mul_(0.3)
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]  # each has one
    network.conv_body.weight[:3] = 0.0
    for name, kernel in passing.items():
        conv = getattr(network, name)
        conv.weight[:3] = 0.0
        for colour in range(3):
            conv.weight[colour, colour] = kernel


def train(work: Path, minutes: float) -> RRDBNet:
    """Train, or go on training, until the minutes are used; returns the averaged network."""
    torch.manual_seed(7)
    network = RRDBNet(**BUILD)
    begin_as_interpolation(network)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average: RRDBNet = copy.deepcopy(network)
    optimizer = torch.optim.Adam(network.parameters(), betas=(0.9, 0.99))
    clock = Clock(minutes=minutes, now=time.process_time)
    held: dict[str, Any] = resume(work / "upscaler.ckpt", clock, network, optimizer)
    if held:
        average.load_state_dict(held["average"])
    bank = pair_bank(seed=clock.step, count=120)
    shown, losses = time.monotonic(), []
    while clock.share() < 1.0:
        bank.grow()
        set_rate(optimizer, cosine(clock.share(), PEAK))
        loss = _step(network, optimizer, *bank.pairs(BATCH), exact=clock.share() > EXACT_FROM)
        follow(average, network, min(DECAY, clock.step / (clock.step + 10)))
        clock.step += 1
        losses.append(loss)
        if time.monotonic() - shown > 30:
            mean = sum(losses) / len(losses)
            print(f"{clock.elapsed_s() / 60:.1f} min, step {clock.step}, L1 {mean:.5f}", flush=True)
            shown, losses = time.monotonic(), []
        if clock.checkpoint_due():
            save(work / "upscaler.ckpt", clock, network, optimizer, average=average.state_dict())
    save(work / "upscaler.ckpt", clock, network, optimizer, average=average.state_dict())
    return average


def _step(
    network: RRDBNet, optimizer: torch.optim.Optimizer, small: Tensor, large: Tensor, *, exact: bool
) -> float:
    with torch.autocast("cpu", torch.bfloat16, enabled=not exact):
        made = network(small.contiguous(memory_format=torch.channels_last))
    loss = (made.float() - large).abs().mean()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    return float(loss.detach())


def export(network: RRDBNet, path: Path = SHIPPED) -> int:
    """Writes the weights as people's upscalers are published; returns the bytes."""
    tensors = {key: value.half().contiguous() for key, value in network.state_dict().items()}
    save_file(tensors, path)
    path.chmod(0o644)
    path.with_name(f"{path.name}.atelier.toml").write_text(CARD)
    return path.stat().st_size


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of one thread, in all")
    parser.add_argument("--work", type=Path, default=WORK, help=f"checkpoints ({WORK})")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="the file that is written")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    size = export(train(asked.work, asked.minutes), asked.out)
    print(f"{asked.out}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()

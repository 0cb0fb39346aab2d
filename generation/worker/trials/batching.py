"""`python -m generation.worker.trials.batching`: do several pictures in one forward pass pay here?

The UNet is called as a drawing calls it, with both lanes of cfg, for 1, 2, 4 and 8 pictures at a
time.  Time is the process's own, so that a busy machine changes little.  The invariant: it says
what is so and decides nothing; docs/decisions/0006-one-picture-per-forward-pass.md does.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import Any

import torch
from torch import Tensor

from generation.catalog.partconfigs import CONFIGS
from generation.worker import exactness

BATCHES = (1, 2, 4, 8)
WORDS = 77


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        "python -m generation.worker.trials.batching", description=__doc__
    )
    parser.add_argument("--unet", choices=("starter", "sd15"), default="starter")
    parser.add_argument("--side", type=int, default=128, help="pixels")
    parser.add_argument("--no-cfg", action="store_true", help="one lane, as few-step models draw")
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--times", type=int, default=9)
    parser.add_argument("--device", default="auto", choices=("auto", "cuda", "cpu"))
    options = parser.parse_args(arguments)
    exactness.switch_on(threads=1)
    device = exactness.pick_device(options.device)
    unet = _starter() if options.unet == "starter" else _sd15()
    unet = unet.eval().requires_grad_(False).to(device)
    scale = 8 if options.unet == "sd15" else _starter_scale()
    lanes = 1 if options.no_cfg else 2
    print(f"{options.unet} {options.side}x{options.side}, {lanes} lane(s), {device}, one thread")
    with torch.inference_mode():
        _measure(unet, options.side // scale, lanes, options.batches, options.times, device)


def _measure(
    unet: Any, side: int, lanes: int, batches: Sequence[int], times: int, device: torch.device
) -> None:
    generator = torch.Generator().manual_seed(0)
    most = max(batches)
    channels, width = unet.config.in_channels, unet.config.cross_attention_dim
    pictures = torch.randn((most, channels, side, side), generator=generator).to(device)
    words = torch.randn((lanes, most, WORDS, width), generator=generator).to(device)
    t = torch.tensor(500, device=device)

    def step(chosen: Sequence[int]) -> Tensor:
        """One step of these pictures: the negative lanes first, then the positive ones."""
        y = torch.cat([pictures[n : n + 1] for n in chosen])
        context = torch.cat([words[lane, n : n + 1] for lane in range(lanes) for n in chosen])
        out: Tensor = unet(
            torch.cat([y] * lanes), t, encoder_hidden_states=context, return_dict=False
        )[0]
        return out.view(lanes, len(chosen), *out.shape[1:])

    rounds: dict[int, list[float]] = {batch: [] for batch in batches}
    for _ in range(times):  # in turns, so that a warmer processor favours none
        for batch in batches:
            rounds[batch].append(_timed(partial(step, range(batch)), device))
    alone = step([0])[:, 0]
    first = median(rounds[batches[0]]) / batches[0]
    for batch in batches:
        each = median(rounds[batch]) / batch
        company, filled = step(range(batch))[:, 0], step([0] * batch)[:, 0]
        print(
            f"  {batch} at a time: {1 / each:7.3f} steps/s, {first / each:.2f} x;  "
            f"as self-filled: {_same(company, filled)};  as alone: {_same(company, alone)}"
        )


def _timed(work: Callable[[], object], device: torch.device) -> float:
    if device.type != "cuda":
        began = time.process_time()
        work()
        return time.process_time() - began
    torch.cuda.synchronize(device)
    began = time.perf_counter()
    work()
    torch.cuda.synchronize(device)
    return time.perf_counter() - began


def _same(one: Tensor, two: Tensor) -> str:
    if torch.equal(one, two):
        return "identical"
    return f"differs by {float((one - two).abs().max()):.1e}"


def _starter() -> Any:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    module = UNet2DConditionModel.from_pretrained(_STARTER / "unet", torch_dtype=torch.float32)
    for tensor in (*module.parameters(), *module.buffers()):
        tensor.data = tensor.data.clone()
    return module


def _starter_scale() -> int:
    config = json.loads((_STARTER / "vae" / "config.json").read_text())
    return int(2 ** (len(config["block_out_channels"]) - 1))


def _sd15() -> Any:
    """The real shape with made-up numbers, which takes the same time."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    with torch.device("meta"):
        config = json.loads((CONFIGS / "sd1" / "unet" / "config.json").read_text())
        module = UNet2DConditionModel.from_config(config)
    module = module.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(0)
    for tensor in module.parameters():
        tensor.data.normal_(0.0, 0.02, generator=generator)
    return module


_STARTER = CONFIGS.parents[1] / "starter" / "models" / "starter"


if __name__ == "__main__":
    main()

"""Measures the upscaler that ships: held-out pictures, halved and made large again.

    python -m generation.training.upscaler.evaluate --count 48

Invariant: no picture it is measured with was ever in training, and what is measured is what the
worker does: the network, then corrections, then whole numbers.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from generation.modules.rrdb import RRDBNet
from generation.training.starter.scenes import STYLES, held_out_scenes
from generation.training.upscaler.data import floats, renders
from generation.training.upscaler.train import BUILD, SHIPPED

Enlarge = Callable[[Image.Image], Image.Image]
RESAMPLING = Image.Resampling


def decibels(one: Image.Image, other: Image.Image) -> float:
    """How near two pictures are: PSNR."""
    off = np.asarray(one, float) - np.asarray(other, float)
    return float(20 * np.log10(255 / max(np.sqrt((off**2).mean()), 1e-3)))


def by_lanczos(small: Image.Image) -> Image.Image:
    """Pillow's own."""
    return small.resize((2 * small.width, 2 * small.height), RESAMPLING.LANCZOS)


def by_network(path: Path) -> Enlarge:
    """By the weights in a file of this build, without corrections."""
    network = RRDBNet(**BUILD).eval()
    network.load_state_dict({key: value.float() for key, value in load_file(path).items()})

    @torch.inference_mode()
    def enlarge(small: Image.Image) -> Image.Image:
        made = network(floats(small)[None])[0].clamp(0, 1).permute(1, 2, 0)
        return Image.fromarray((made * 255).round().to(torch.uint8).numpy())

    return enlarge


def corrected(enlarge: Enlarge, rounds: int = 4) -> Enlarge:
    """The same, with what the worker does afterwards (written a second time, in its order)."""

    def resized(samples: np.ndarray, size: tuple[int, int], how: RESAMPLING) -> np.ndarray:
        bands = [Image.fromarray(samples[..., n].copy()).resize(size, how) for n in range(3)]
        return np.stack([np.asarray(band) for band in bands], axis=-1)

    def both(small: Image.Image) -> Image.Image:
        given, made = np.asarray(small, np.float32), np.asarray(enlarge(small), np.float32)
        for number in range(rounds):
            halving = (RESAMPLING.BOX, RESAMPLING.BICUBIC)[number % 2]
            lost = given - resized(made, small.size, halving)
            wide = resized(lost, (made.shape[1], made.shape[0]), RESAMPLING.BICUBIC)
            made = np.clip(made + wide, 0, 255)
        return Image.fromarray(np.rint(made).astype(np.uint8))

    return both


def rows(ways: dict[str, Enlarge], count: int, seed: int) -> Sequence[str]:
    """Markdown: how near each way comes to the large picture, and back to the small one."""
    scenes = held_out_scenes(count, Random(seed))
    large = renders(scenes, seed)
    lines = [
        f"| | {' | '.join(STYLES)} | all | worst | halved again, worst (box, bicubic, lanczos) |",
        f"|---|{'---|' * (len(STYLES) + 3)}",
    ]
    back = (RESAMPLING.BOX, RESAMPLING.BICUBIC, RESAMPLING.LANCZOS)
    for name, enlarge in ways.items():
        near: dict[str, list[float]] = {style: [] for style in STYLES}
        again: list[list[float]] = []
        for scene, picture in zip(scenes, large, strict=True):
            small = picture.reduce(2)
            made = enlarge(small)
            near[scene.style].append(decibels(made, picture))
            again.append([decibels(made.resize(small.size, how), small) for how in back])
        every = [one for style in near.values() for one in style]
        means = [f"{np.mean(near[style]):.1f}" for style in STYLES]
        worst = ", ".join(f"{low:.1f}" for low in np.min(again, axis=0))
        lines.append(
            f"| {name} | {' | '.join(means)} | {np.mean(every):.1f} | {min(every):.1f} | {worst} |"
        )
    return lines


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--file", type=Path, default=SHIPPED)
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    network = by_network(asked.file)
    ways = {
        "Lanczos": by_lanczos,
        "Lanczos, corrected": corrected(by_lanczos),
        "network": network,
        "network, corrected": corrected(network),
    }
    print("\n".join(rows(ways, asked.count, asked.seed)))


if __name__ == "__main__":
    main()

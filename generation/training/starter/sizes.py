"""The starter at other sizes: its UNet taught further on canvases of 96 to 192 pixels a side.

Invariant: only the UNet is trained, and it begins as the starter's; every batch is of one shape.
The square around which the object is placed is at least 96 pixels and lies anywhere on the canvas,
which is what outpainting needs; text encoder and autoencoder are the starter's very files.
"""

import copy
import os
import shutil
import time
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from .bank import SILENT
from .captions import caption, silence
from .clock import Clock, cosine, follow, resume, save, set_rate
from .draw import SIZE, Frame, PartDice, draw_framed
from .export import MODEL
from .scenes import Scene, training_scene
from .text import KINDS, tokens_of
from .unet import denoising_loss, descend, drawn_from
from .vae import encode_scenes

SIZES_MODEL = MODEL.parent / "starter-sizes"
CARD = 'family = "starter"\ntitle = "Starter for all sizes (built in)"\n'
SAME = ("vae", "text_encoder", "tokenizer", "scheduler", "model_index.json")
# Width and height, and how often, of the canvases.
SHAPES = {
    (128, 128): 5,
    (96, 96): 2,
    (160, 160): 3,
    (192, 192): 3,
    (160, 128): 2,
    (128, 160): 2,
    (192, 128): 2,
    (128, 192): 2,
}
SMALLEST = 96  # pixels of the square around which the object is placed
COUNT = 800  # pictures of each shape
BATCH = 32  # pictures of SIZE x SIZE, or as many pixels in other shapes
PEAK = 5e-4


def random_frame(width: int, height: int, dice: Random) -> Frame:
    """A canvas of this shape; its object is as large as fits half of the time."""
    short = min(width, height)
    side = short if dice.random() < 0.5 else dice.randint(SMALLEST, short)
    left, top = dice.randint(0, width - side), dice.randint(0, height - side)
    return Frame(width=width, height=height, side=side, left=left, top=top)


def starter_part_unet() -> UNet2DConditionModel:
    """The starter's denoiser, in fp32."""
    unet: UNet2DConditionModel = UNet2DConditionModel.from_pretrained(
        MODEL / "unet", torch_dtype=torch.float32
    )
    return unet


def _shape_bank(vae: AutoencoderKL, width: int, height: int) -> dict[str, object]:
    dice = Random(f"{width} {height}")
    scenes = [training_scene(dice) for _ in range(COUNT)]
    means, deviations = [], []
    for start in range(0, COUNT, 20):
        drawn = np.stack(
            [
                np.asarray(
                    draw_framed(
                        scene,
                        PartDice.of(dice.randrange(2**40)),
                        random_frame(width, height, dice),
                    )
                )
                for scene in scenes[start : start + 20]
            ]
        )
        mean, deviation = encode_scenes(vae, torch.from_numpy(drawn).permute(0, 3, 1, 2))
        means.append(mean.bfloat16())
        deviations.append(deviation.bfloat16())
    return {
        "mean": torch.cat(means),
        "deviation": torch.cat(deviations),
        "scenes": [tuple(getattr(scene, kind) for kind in KINDS) for scene in scenes],
    }


def draw_sizes(work: Path) -> None:
    """Writes work/sizes/WxH.pt, leaving alone what is there already."""
    folder = work / "sizes"
    folder.mkdir(parents=True, exist_ok=True)
    vae = AutoencoderKL.from_pretrained(MODEL / "vae", torch_dtype=torch.float32).eval()
    for width, height in SHAPES:
        path = folder / f"{width}x{height}.pt"
        if path.exists():
            continue
        torch.save(_shape_bank(vae, width, height), path.with_suffix(".part"))
        os.replace(path.with_suffix(".part"), path)
        print(f"{time.strftime('%H:%M:%S')} {COUNT} pictures of {width}x{height}", flush=True)


class SizesLessons:
    """Draws batches, each of one shape."""

    def __init__(self, work: Path, seed: int) -> None:
        self.dice, self.generator = Random(seed), torch.Generator().manual_seed(seed)
        self.tokenizer = CLIPTokenizer.from_pretrained(MODEL / "tokenizer")
        self.encoder = CLIPTextModel.from_pretrained(MODEL / "text_encoder", dtype=torch.float32)
        self.banks = {
            (width, height): torch.load(work / "sizes" / f"{width}x{height}.pt", weights_only=True)
            for width, height in SHAPES
        }

    @torch.no_grad()
    def batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Clean latents and the words' states."""
        width, height = self.dice.choices([*SHAPES], [*SHAPES.values()])[0]
        bank = self.banks[width, height]
        count = BATCH * SIZE * SIZE // (width * height)
        rows = [self.dice.randrange(COUNT) for _ in range(count)]
        clean = drawn_from(bank["mean"][rows], bank["deviation"][rows], self.generator)
        texts = []
        for row in rows:
            scene = Scene(**dict(zip(KINDS, bank["scenes"][row], strict=True)))
            silent = self.dice.random() < SILENT
            texts.append((silence(self.dice) if silent else caption(scene, self.dice)).text)
        states = self.encoder(tokens_of(texts, self.tokenizer)).last_hidden_state
        return clean, states


def train_sizes(work: Path, minutes: float, seed: int = 6) -> None:
    """Trains by the clock; the average goes to work/sizes.pt at every checkpoint."""
    torch.manual_seed(seed)
    unet = starter_part_unet()
    average = copy.deepcopy(unet).requires_grad_(False)
    optimizer = torch.optim.AdamW(unet.parameters(), lr=PEAK, weight_decay=0.01, betas=(0.9, 0.99))
    clock = Clock(minutes=minutes)
    held = resume(work / "sizes.ckpt", clock, unet, optimizer)
    if "average" in held:
        average.load_state_dict(held["average"])
    lessons = SizesLessons(work, seed + clock.step)
    recent, begun = 0.0, clock.step
    while clock.share() < 1:
        set_rate(optimizer, cosine(clock.share(), PEAK))
        clean, states = lessons.batch()
        loss = denoising_loss(unet, clean, states, lessons.generator)
        descend(unet, optimizer, loss)
        clock.step += 1
        follow(average, unet, min(0.998, clock.step / (clock.step + 10)))
        value = float(loss.detach())
        recent += 0.02 * (value - recent) if clock.step - begun > 1 else value
        if clock.step % 50 == 0:
            print(
                f"{time.strftime('%H:%M:%S')} sizes step {clock.step} "
                f"{clock.elapsed_s() / 60:.1f} min loss {recent:.4f}",
                flush=True,
            )
        if clock.checkpoint_due():
            save(work / "sizes.ckpt", clock, unet, optimizer, average=average.state_dict())
    torch.save(average.state_dict(), work / "sizes.pt")
    print(f"sizes done: {clock.step} steps", flush=True)


def export_sizes(work: Path, folder: Path = SIZES_MODEL) -> int:
    """Writes the model folder and returns its size in bytes."""
    unet = starter_part_unet()
    unet.load_state_dict(torch.load(work / "sizes.pt", weights_only=True))
    unet.half().save_pretrained(folder / "unet", safe_serialization=True)
    for name in SAME:
        if (MODEL / name).is_dir():
            shutil.copytree(MODEL / name, folder / name, dirs_exist_ok=True)
        else:
            shutil.copy(MODEL / name, folder / name)
    (folder / "atelier.toml").write_text(CARD)
    for path in folder.rglob("*.safetensors"):
        path.chmod(0o644)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

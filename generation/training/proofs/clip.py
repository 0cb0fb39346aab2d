"""The CLIP that ships: which words belong to which picture of the starter's world.

    nice -n 10 python -m generation.training.proofs.clip train
    python -m generation.training.proofs.clip judge --count 500

Invariant: no held-out combination is drawn for it; what is written is a folder as transformers'
`CLIPModel` and `CLIPProcessor` read it.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import CLIPConfig, CLIPModel, CLIPTextModel, CLIPTokenizer

from generation.training.adapters.descent import Pace, descend
from generation.training.adapters.lessons import floats
from generation.training.adapters.written import write_tensors
from generation.training.proofs.evaluate import MODELS, pictures_of, row_of, usual_trials
from generation.training.starter.captions import EVERYTHING, Caption, caption
from generation.training.starter.draw import SIZE, draw
from generation.training.starter.evaluate import SAMPLER, load_pipeline, one_thread
from generation.training.starter.export import MODEL
from generation.training.starter.scenes import (
    BACKGROUNDS,
    COLOURS,
    OBJECTS,
    STYLES,
    Scene,
    held_out_scenes,
    training_scene,
)
from generation.training.starter.text import KINDS

SHIPPED = MODELS / "starter-clip"
WORK = Path("var/training/starter-clip")
CARD = 'family = "starter"\ntitle = "CLIP of the starter\'s world (built in)"\n'
DRAWN = 4000  # pictures, each said anew every time it is seen
BATCH, STEPS, RATE = 96, 300, 1e-3
WIDTH, SHARED, PATCH = 128, 96, 16
AMONG = 10
# The middle of -1..1, as `floats` gives pictures.
LOOKS = {
    "image_processor_type": "CLIPImageProcessor",
    "crop_size": {"height": SIZE, "width": SIZE},
    "size": {"shortest_edge": SIZE},
    "do_resize": True,
    "do_center_crop": True,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "do_convert_rgb": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "resample": 3,
}


def new_clip() -> Any:
    """A small CLIP; its words begin as the starter's own text encoder reads them."""
    text = CLIPTextModel.from_pretrained(MODEL / "text_encoder", dtype=torch.float32)
    config = CLIPConfig(
        text_config=text.config.to_dict() | {"projection_dim": SHARED, "_name_or_path": ""},
        vision_config={
            "hidden_size": WIDTH,
            "intermediate_size": 4 * WIDTH,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "image_size": SIZE,
            "patch_size": PATCH,
            "projection_dim": SHARED,
        },
        projection_dim=SHARED,
    )
    clip = CLIPModel(config)
    clip.text_model.load_state_dict(_text_of(text))
    return clip


def _text_of(encoder: Any) -> dict[str, Tensor]:
    return {n.removeprefix("text_model."): t for n, t in encoder.state_dict().items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenScene:
    """A picture's scene, and what a caption says of it."""

    scene: Scene
    said: Caption

    def fits(self, other: Scene) -> bool:
        """Whether the words are as true of another picture."""
        return all(getattr(self.scene, k) == getattr(other, k) for k in self.said.says)


class ClipCourse:
    """Pictures and words that learn to lie near where they belong together."""

    def __init__(self, count: int = DRAWN) -> None:
        torch.manual_seed(21)
        self.clip, dice = new_clip(), Random(21)
        self.tokenizer = CLIPTokenizer.from_pretrained(MODEL / "tokenizer")
        self.scenes = [training_scene(dice) for _ in range(count)]
        drawn = [draw(scene, dice) for scene in self.scenes]
        self.pictures = torch.stack([((floats([p])[0] + 1) * 127.5).round().byte() for p in drawn])

    def learns(self) -> Mapping[str, Tensor]:
        return dict(self.clip.named_parameters())

    def loss(self, generator: torch.Generator) -> Tensor:
        rows = torch.randint(len(self.scenes), (BATCH,), generator=generator)
        dice = Random(int(torch.randint(2**31, (1,), generator=generator)))
        seen = [SeenScene(scene=s, said=caption(s, dice)) for s in (self.scenes[r] for r in rows)]
        pictures = self.pictures[rows].float() / 127.5 - 1
        pictures = pictures + 0.05 * torch.randn(pictures.shape, generator=generator)
        scores = self._scores(pictures, [one.said.text for one in seen])
        # What is as true of another picture is no mistake.
        alike = torch.tensor([[one.fits(other.scene) for other in seen] for one in seen])
        alike &= ~torch.eye(BATCH, dtype=torch.bool)
        scores = scores.masked_fill(alike, -1e4)
        own = torch.arange(BATCH)
        return (cross_entropy(scores, own) + cross_entropy(scores.T, own)) / 2

    def _scores(self, pictures: Tensor, texts: Sequence[str]) -> Tensor:
        """(texts, pictures): how well they belong together."""
        with torch.autocast("cpu", torch.bfloat16):
            said = self.clip(
                pixel_values=pictures, **words_of(self.tokenizer, texts), return_dict=True
            )
        scores: Tensor = said.logits_per_text.float()
        return scores

    def export(self, numbers: Mapping[str, Tensor], path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        write_tensors(numbers, path / "model.safetensors", {"format": "pt"})
        config = self.clip.config.to_dict() | {"architectures": ["CLIPModel"], "dtype": "float32"}
        (path / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
        (path / "preprocessor_config.json").write_text(json.dumps(LOOKS, indent=2) + "\n")
        for name in ("tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt"):
            shutil.copy(MODEL / "tokenizer" / name, path / name)


def words_of(tokenizer: Any, texts: Sequence[str]) -> Mapping[str, Tensor]:
    """Token ids and what of them is words, no longer than the longest."""
    held = tokenizer(list(texts), padding=True, truncation=True, max_length=77, return_tensors="pt")
    return {"input_ids": held["input_ids"], "attention_mask": held["attention_mask"]}


def load_clip(folder: Path = SHIPPED) -> tuple[Any, Any]:
    """The model in fp32 and its tokenizer, as stock transformers load them."""
    clip = CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()
    return clip, CLIPTokenizer.from_pretrained(folder)


def others_of(scene: Scene, dice: Random) -> list[Scene]:
    """Nine scenes that are not this one, each different in a single thing."""
    tables = {"object": OBJECTS, "colour": COLOURS, "background": BACKGROUNDS, "style": STYLES}
    found: list[Scene] = []
    while len(found) < AMONG - 1:
        kind = dice.choice(list(KINDS))
        value = dice.choice(tables[kind])
        other = Scene(**{k: value if k == kind else getattr(scene, k) for k in KINDS})
        if other != scene and other not in found:
            found.append(other)
    return found


@torch.no_grad()
def ranked_first(
    clip: Any, tokenizer: Any, pictures: Sequence[Image.Image], captions: Sequence[Sequence[str]]
) -> list[bool]:
    """Whether the first of a picture's captions is the likeliest."""
    found = []
    for picture, texts in zip(pictures, captions, strict=True):
        said = clip(pixel_values=floats([picture.convert("RGB")]), **words_of(tokenizer, texts))
        found.append(int(said.logits_per_image[0].argmax()) == 0)
    return found


def among(scenes: Sequence[Scene], dice: Random, *, hard: bool) -> list[list[str]]:
    """For each scene ten captions, the true one first; `hard`: the others differ in one thing."""
    asked = []
    for scene in scenes:
        rest = [s for s in scenes if s != scene]
        others = others_of(scene, dice) if hard else dice.sample(rest, AMONG - 1)
        asked.append([caption(s, dice, EVERYTHING).text for s in (scene, *others)])
    return asked


def judged(folder: Path, count: int, seed: int) -> Iterator[str]:
    """Held-out pictures, drawn by the program and by the starter."""
    clip, tokenizer = load_clip(folder)
    dice = Random(seed)
    scenes = held_out_scenes(count, dice)
    renders = [draw(scene, dice) for scene in scenes]
    trials = usual_trials(min(count, 100), seed)
    painted = pictures_of(load_pipeline(MODEL, SAMPLER), trials)
    for name, shown, of in (
        ("pictures of the drawing program", renders, scenes),
        ("pictures by the starter", painted, [one.scene for one in trials]),
    ):
        for hard in (False, True):
            captions = among(of, dice, hard=hard)
            found = ranked_first(clip, tokenizer, shown, captions)
            kind = "nine that differ in one thing" if hard else "nine of other pictures"
            yield row_of(f"{name}: the true caption first, before {kind}", found)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("train", "judge"))
    parser.add_argument("--folder", type=Path, default=SHIPPED)
    parser.add_argument("--work", type=Path, default=WORK)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    with one_thread():
        if asked.what == "train":
            course = ClipCourse()
            pace = Pace(steps=asked.steps, rate=RATE, average=0.98, seed=21)
            course.export(descend(course, pace, asked.work), asked.folder)
            return
        print("| what | how many | share | 95 % interval |\n|---|---|---|---|")
        for row in judged(asked.folder, asked.count, asked.seed):
            print(row, flush=True)


if __name__ == "__main__":
    main()

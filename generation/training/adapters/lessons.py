"""What is learned from: a folder of pictures with their words beside them.

    cat.png  cat.txt                 a picture and its caption; without one the trigger is its words
    cat.control.png                  of a ControlNet: a control picture made elsewhere

Pictures are encoded once and kept in the work folder.  Invariant: the bank is a function of the
files, the checkpoint and the size; another folder is another bank.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from generation.training.adapters.checkpoint import ReadWords, TaughtCheckpoint

FORMATS = frozenset({"PNG", "JPEG", "WEBP", "BMP"})
AT_ONCE = 16  # pictures encoded together
SAYS_EVERY = 800


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionedPicture:
    """A picture's file and its words."""

    file: Path
    caption: str

    @property
    def control(self) -> Path:
        """Where its control picture lies, if somebody made one."""
        return self.file.with_name(f"{self.file.stem}.control.png")


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureBank:
    """Latents of pictures; rows of the same index belong together."""

    mean: Tensor  # (count, 4, h, w) fp16, times the VAE's scaling factor
    deviation: Tensor
    captions: Sequence[str]

    def __len__(self) -> int:
        return len(self.mean)

    def drawn(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """Latents of these pictures, drawn from what the autoencoder says of them."""
        mean, deviation = self.mean[rows].float(), self.deviation[rows].float()
        return mean + deviation * torch.randn(mean.shape, generator=generator)


def captioned(folder: Path, trigger: str = "") -> list[CaptionedPicture]:
    """The pictures of a folder, by name; a trigger that a caption lacks comes first in it."""
    found, known = [], Image.registered_extensions()
    for file in sorted(folder.iterdir()):
        if known.get(file.suffix.casefold()) not in FORMATS or file.stem.endswith(".control"):
            continue
        beside = file.with_suffix(".txt")
        said = beside.read_text(encoding="utf-8").strip() if beside.exists() else ""
        if trigger and trigger.casefold() not in said.casefold():
            said = f"{trigger}, {said}" if said else trigger
        found.append(CaptionedPicture(file=file, caption=said))
    if not found:
        raise SystemExit(f"{folder}: there is no picture in it")
    return found


def opened(file: Path, side: int) -> Image.Image:
    """The middle square of a picture, as it is held, side x side."""
    with Image.open(file) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    return ImageOps.fit(upright, (side, side), Image.Resampling.LANCZOS)


def floats(pictures: Sequence[Image.Image]) -> Tensor:
    """(count, channels, height, width), -1..1."""
    stacked = torch.from_numpy(np.stack([np.asarray(p) for p in pictures]))
    return stacked.permute(0, 3, 1, 2).float() / 127.5 - 1


def picture_bank(
    taught: TaughtCheckpoint, lessons: Sequence[CaptionedPicture], work: Path
) -> PictureBank:
    """Encoded now, or as it was kept."""
    held = _kept(taught, lessons, work)
    captions = [lesson.caption for lesson in lessons]
    return PictureBank(mean=held["mean"], deviation=held["deviation"], captions=captions)


def _kept(
    taught: TaughtCheckpoint, lessons: Sequence[CaptionedPicture], work: Path
) -> dict[str, Tensor]:
    path = work / f"bank-{_digest(taught, lessons)[:16]}.pt"
    if path.exists():
        known: dict[str, Tensor] = torch.load(path, weights_only=True)
        return known
    means, deviations = [], []
    for first in range(0, len(lessons), AT_ONCE):
        some = [opened(one.file, taught.side) for one in lessons[first : first + AT_ONCE]]
        mean, deviation = taught.latents(floats(some))
        means.append(mean.half().cpu())
        deviations.append(deviation.half().cpu())
        if (done := first + len(some)) % SAYS_EVERY == 0:
            print(f"encoded {done} of {len(lessons)} pictures", flush=True)
    held = {"mean": torch.cat(means), "deviation": torch.cat(deviations)}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(held, path.with_suffix(".part"))
    os.replace(path.with_suffix(".part"), path)
    return held


def _digest(taught: TaughtCheckpoint, lessons: Sequence[CaptionedPicture]) -> str:
    held = hashlib.sha256(f"{taught.name} {taught.side} {taught.precision}".encode())
    for one in lessons:
        held.update(hashlib.sha256(one.file.read_bytes()).digest())
    return held.hexdigest()


class WordBank:
    """The words of captions, read once; `silence` is what is said where nothing is."""

    def __init__(
        self, taught: TaughtCheckpoint, captions: Sequence[str], silence: str = ""
    ) -> None:
        self.captions = list(captions)
        self._read: dict[str, tuple[Tensor, Tensor | None]] = {}
        with torch.no_grad():
            for first in range(0, len(self.captions), AT_ONCE):
                self._keep(taught, self.captions[first : first + AT_ONCE])
            self._keep(taught, [silence])
        self.silence = silence

    def _keep(self, taught: TaughtCheckpoint, texts: Sequence[str]) -> None:
        said = taught.words(texts)
        for n, text in enumerate(texts):
            pooled = None if said.pooled is None else said.pooled[n].half().cpu()
            self._read[text] = (said.states[n].half().cpu(), pooled)

    def of(self, rows: Sequence[int], silent: Sequence[bool], device: torch.device) -> ReadWords:
        """What is said of these rows; nothing of those that are silent."""
        texts = [self.silence if s else self.captions[r] for r, s in zip(rows, silent, strict=True)]
        return self.said(texts, device)

    def said(self, texts: Sequence[str], device: torch.device) -> ReadWords:
        """The states of captions that were read."""
        read = [self._read[text] for text in texts]
        pooled = None if read[0][1] is None else torch.stack([p for _, p in read if p is not None])
        return ReadWords(states=torch.stack([s for s, _ in read]), pooled=pooled).to(device)

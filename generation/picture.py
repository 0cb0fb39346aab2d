"""The picture that a recipe became, the environment it became so in, and whether two are the same.

Pictures are compared by their decoded pixels, never by the file: encoders differ between versions,
pixels do not.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import NewType

from generation.recipe import Recipe, Sha256
from generation.spelling import plain, read

EnvironmentId = NewType("EnvironmentId", str)

# A remark of the worker on one picture, which its environment's flags keep.
DECODED_AGAIN = "its VAE overflowed and decoded again in fp32"
MAX_REMARK = 200  # letters


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What the machine contributes to the last bits of a picture."""

    device: str  # "cpu", "cuda", "mps"
    hardware: str  # the name of the GPU or of the processor, with its vector instructions
    driver: str  # GPU driver and CUDA version, "" on a processor
    python: str
    torch: str
    diffusers: str
    transformers: str
    # The others that touch pixels, and what reads clips and sounds: "peft 0.21.2, pillow 13.0.0".
    libraries: str
    threads: int  # CPU threads of one operation
    flags: str  # the exactness switches, in words
    probe: str  # "exact": drawn twice alike at start; otherwise what differed

    @property
    def id(self) -> EnvironmentId:
        """Equal environments, and only they, share it."""
        text = json.dumps(plain(self), sort_keys=True, separators=(",", ":"))
        return EnvironmentId(f"e1-{hashlib.sha256(text.encode()).hexdigest()[:32]}")


def environment_in(text: str) -> Environment:
    """What `plain` wrote of one, also before it had all of today's fields."""
    return read(Environment, json.loads(text), kept=True)


def remarked(environment: Environment, remark: str) -> Environment:
    """The environment of one picture, with what its worker remarked on it."""
    if not remark:
        return environment
    return replace(environment, flags=f"{environment.flags}; {remark[:MAX_REMARK]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A finished picture with everything needed to tell whether it was drawn again."""

    recipe: Recipe
    environment: Environment
    file: bytes  # that carries the recipe; of which kind, the medium says
    pixels_sha256: Sha256  # of the decoded RGB pixels, row by row
    latents_sha256: Sha256  # of the final latents, before the VAE
    seconds: float  # time the device worked on it

    @property
    def file_sha256(self) -> Sha256:
        """The digest of its file."""
        return Sha256(hashlib.sha256(self.file).hexdigest())


class Verdict(StrEnum):
    """The honest answers to "is it the same picture?"."""

    IDENTICAL = "IDENTICAL"
    ELSEWHERE = "ELSEWHERE"  # drawn in another environment: not promised, and not the same
    DIVERGED = "DIVERGED"  # same environment, other pixels: a bug of ours
    UNPROVEN = "UNPROVEN"  # only a file of it is known, which holds its content but nearly


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A verdict and what explains it."""

    verdict: Verdict
    differences: tuple[str, ...]  # "torch: 2.13.0 then, 2.14.0 here"


def compare(before: Picture | Fingerprint, after: Picture | Fingerprint) -> Comparison:
    """Tell whether `after` is the same picture as `before`, and if not, whose doing it is."""
    differences = differing(before.environment, after.environment)
    if before.pixels_sha256 is None:
        # Encoded to the same bytes, it was the same before.
        same = before.file_sha256 == after.file_sha256
        verdict = Verdict.IDENTICAL if same else Verdict.UNPROVEN
        return Comparison(verdict=verdict, differences=differences)
    if before.pixels_sha256 == after.pixels_sha256:
        return Comparison(verdict=Verdict.IDENTICAL, differences=differences)
    if differences:
        return Comparison(verdict=Verdict.ELSEWHERE, differences=differences)
    return Comparison(verdict=Verdict.DIVERGED, differences=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What is enough of a picture to compare it: the pixels' digest and where they were made."""

    environment: Environment
    pixels_sha256: Sha256 | None  # None: only a file is known that holds its content but nearly
    file_sha256: Sha256 | None = None


# Where a picture was drawn of which only the file is known.
UNKNOWN = Environment(
    device="unknown",
    hardware="unknown",
    driver="unknown",
    python="unknown",
    torch="unknown",
    diffusers="unknown",
    transformers="unknown",
    libraries="unknown",
    threads=0,
    flags="unknown",
    probe="unknown",
)


def differing(then: Environment, here: Environment) -> tuple[str, ...]:
    """Name each fact in which two environments differ.

    Of libraries those that both name: a later version of this program names more of them.
    """
    if then == UNKNOWN:
        return ("the file does not say where it was drawn",)
    old, new = _facts(then), _facts(here)
    both = (k for k in old if k in new)
    return tuple(f"{k}: {old[k]} then, {new[k]} here" for k in both if old[k] != new[k])


def _facts(environment: Environment) -> dict[str, object]:
    facts = asdict(environment)
    libraries = (each.partition(" ") for each in facts.pop("libraries").split(", "))
    return facts | {name: version for name, _, version in libraries}

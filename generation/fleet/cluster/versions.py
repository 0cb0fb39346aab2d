"""What must be alike on every machine of a cluster, so that they draw the same pictures.

The invariant: two machines whose `Versions` do not differ run the same code with the same
libraries; what is left (processor, card, driver) is part of each picture's `Environment`.
"""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict, dataclass, fields
from importlib import metadata
from pathlib import Path

import generation

ROOT = Path(generation.__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The libraries that touch pixels and samples, and our own code."""

    python: str  # without the last number
    torch: str  # "2.13.0": the build for a processor is compared as the one for a card
    diffusers: str
    transformers: str
    peft: str
    numpy: str
    pillow: str
    safetensors: str
    tokenizers: str
    av: str
    scipy: str
    soundfile: str
    code: str  # the beginning of a digest of the package's Python files and models' configs


def here(root: Path = ROOT) -> Versions:
    """The versions of this machine, without loading any of the libraries."""
    libraries = [f.name for f in fields(Versions) if f.name not in ("python", "code")]
    return Versions(
        python=".".join(platform.python_version_tuple()[:2]),
        code=_code(root),
        **{name: _version(name) for name in libraries},
    )


def differing(here: Versions, there: Versions) -> tuple[str, ...]:
    """Name each thing that is not alike."""
    ours, theirs = asdict(here), asdict(there)
    return tuple(f"{k} {theirs[k]} there, {ours[k]} here" for k in ours if ours[k] != theirs[k])


def say() -> str:
    """The versions as text: what a node is asked for."""
    return json.dumps(asdict(here()))


def parse(text: str) -> Versions:
    """What `say` said elsewhere, perhaps in another version of this module.  Raises ValueError."""
    data = json.loads(text)
    if not isinstance(data, dict):
        raise ValueError("it did not say its versions")
    return Versions(**{f.name: str(data.get(f.name, "unknown")) for f in fields(Versions)})


def _version(library: str) -> str:
    try:
        return metadata.version(library).partition("+")[0]
    except metadata.PackageNotFoundError:
        return "none"


def _code(root: Path) -> str:
    """The same for the same sources, whatever their line ends."""
    digest = hashlib.sha256()
    configs = (file for file in (root / "worker" / "configs").rglob("*") if file.is_file())
    for file in sorted(
        (*root.rglob("*.py"), *configs), key=lambda f: f.relative_to(root).as_posix()
    ):
        text = file.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{file.relative_to(root).as_posix()} {len(text)}\n".encode() + text)
    return digest.hexdigest()[:12]

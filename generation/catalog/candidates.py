"""What may be weights in the folders of models: each file and diffusers folder once."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from generation.catalog.modelfolder import INDEX, PICKLES, UNREAD, is_vae_folder
from generation.catalog.naming import readable
from generation.catalog.segmenters import is_segmenter_folder
from generation.errors import UnusableWeights


def candidates(folders: Sequence[Path], refused: list[UnusableWeights]) -> Iterator[Path]:
    """Every file and diffusers folder that may be weights, each once, by whatever link."""
    seen: set[Path] = set()
    waiting = list(reversed(folders))
    for folder in folders:
        if not folder.is_dir():
            refused.append(UnusableWeights(str(folder), "there is no such folder"))
            waiting.remove(folder)
    while waiting:
        path = waiting.pop()
        try:
            real = path.resolve(strict=True)
            if real in seen:
                continue
            seen.add(real)
            mode = real.stat().st_mode
            if stat.S_ISDIR(mode):
                if (path / INDEX).exists() or is_vae_folder(path) or is_segmenter_folder(path):
                    yield path
                else:
                    # A link's name, not its target's, is what people see: HF caches name by digest.
                    inside = sorted((p for p in path.iterdir() if p.name[:1] != "."), reverse=True)
                    waiting += inside
            elif path.suffix.lower() in (*PICKLES, *UNREAD, ".safetensors"):
                if stat.S_ISREG(mode):
                    yield path
                else:  # opening a pipe would wait for ever
                    refused.append(UnusableWeights(readable(path), "it is no regular file"))
        except FileNotFoundError:
            refused.append(UnusableWeights(readable(path), "it is a link to nothing"))
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, in Python 3.11
            reason = getattr(error, "strerror", None) or str(error)
            refused.append(UnusableWeights(readable(path), f"it cannot be read: {reason}"))

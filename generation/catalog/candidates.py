"""What may be weights in the folders of models: each file and diffusers folder once."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from generation.catalog.captioners import TYPES, files_of_captioner
from generation.catalog.components import parts_apart
from generation.catalog.controlnets import is_controlnet_folder
from generation.catalog.heads import WRITTEN_AS
from generation.catalog.modelfolder import (
    PICKLES,
    UNREAD,
    adapter_of_folder,
    files_of_folder,
    has_tokenizer,
    index_of,
    is_vae_folder,
    model_type,
)
from generation.catalog.naming import readable
from generation.catalog.scorers import SCORERS, files_of_scorer
from generation.catalog.segmenters import MODEL_TYPE, files_of_segmenter
from generation.catalog.shards import is_index, is_shard, lacks_index
from generation.errors import UnusableWeights

# Networks that are no part of a checkpoint, by their model_type: which of their files matter.
_ALONE = {
    MODEL_TYPE: files_of_segmenter,
    **dict.fromkeys(TYPES, files_of_captioner),
    **dict.fromkeys(SCORERS, files_of_scorer),
}

# Those that checkpoints read words with as well.
_ENCODERS = {
    part.network.module.split(".")[2]
    for part in parts_apart()
    if part.network.library == "transformers"
}


def files_of(path: Path, name: str) -> list[Path]:
    """The files of a folder that decide what it does.  Raises UnusableWeights."""
    return _ALONE.get(model_type(path) or "", files_of_folder)(path, name)


def _is_alone(path: Path) -> bool:
    """Whether a folder is such a network; one without a tokenizer may be a text encoder."""
    if is_vae_folder(path) or is_controlnet_folder(path) or adapter_of_folder(path):
        return True
    kind = model_type(path)
    return kind in _ALONE and not (kind in _ENCODERS and not has_tokenizer(path))


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
                if index_of(path).exists() or _is_alone(path):
                    yield path
                else:
                    # A link's name, not its target's, is what people see: HF caches name by digest.
                    inside = sorted((p for p in path.iterdir() if p.name[:1] != "."), reverse=True)
                    waiting += inside
            elif is_shard(path) and not lacks_index(path):
                pass  # its index is looked at
            elif path.suffix.lower() in (*PICKLES, *UNREAD, *WRITTEN_AS) or is_index(path):
                if stat.S_ISREG(mode):
                    yield path
                else:  # opening a pipe would wait for ever
                    refused.append(UnusableWeights(readable(path), "it is no regular file"))
        except FileNotFoundError:
            refused.append(UnusableWeights(readable(path), "it is a link to nothing"))
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, in Python 3.11
            reason = getattr(error, "strerror", None) or str(error)
            refused.append(UnusableWeights(readable(path), f"it cannot be read: {reason}"))

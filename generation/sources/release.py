"""A release: what one place offers under one id, with what it says of it.

Invariant: all of its files together are one thing that can be drawn with, or a part of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from generation.sources.fetching import RemoteFile

# Folders as ComfyUI calls them, in which people look for things of a kind.
FOLDERS = frozenset(
    {
        *("checkpoints", "diffusion_models", "text_encoders", "vae", "loras", "embeddings"),
        *("controlnet", "upscale_models", "clip_vision", "model_patches", "style_models"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Files of one thing.  `base` is what CivitAI calls its base model."""

    source: str  # names it again: "hf:me/tiny/x.safetensors"
    files: tuple[RemoteFile, ...]
    title: str = ""  # where its place gives one to this thing alone
    page: str = ""
    folder: str = ""  # below the model folder; "" where its kind is not told
    is_folder: bool = False  # of diffusers: its files belong into one folder
    family: str | None = None
    licence: str | None = None
    base: str | None = None
    base_model: str | None = None
    triggers: tuple[str, ...] = ()
    preview: str | None = None
    usual: Mapping[str, object] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all files whose size is known."""
        return sum(file.size or file.about or 0 for file in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """One line of a search: something that can be added by its `source`."""

    source: str
    title: str
    kind: str = ""
    licence: str = ""
    size: int | None = None
    downloads: int | None = None
    note: str = ""

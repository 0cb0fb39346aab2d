"""Tiny scorers of random numbers, each as transformers keeps its kind in a folder."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from tests.given.captioners import tokenizer_of_letters
from tests.given.tiny.parts import saved, tiny_tokenizer

SIDE, PATCH, PATCHES, LONGEST = 32, 8, 16, 32
KINDS = ("clip", "siglip", "siglip2")
_ALIKE = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
_LOOKS: dict[str, Any] = {
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.4, 0.3],
    "do_resize": True,
}


def build_scorer(folder: Path, kind: str, *, seed: int = 0, family: str = "") -> Path:
    """A scorer of that model_type; `family`: whose pictures its card says that it scores."""
    saved(folder, partial(_network, kind), seed)
    _tokenizer(kind).save_pretrained(folder)
    _looks(kind).save_pretrained(folder)
    if family:
        (folder / "atelier.toml").write_text(f'family = "{family}"\n')
    return folder


def _tokenizer(kind: str) -> Any:
    """Letters as each kind's own tokenizer reads them; CLIP tells by its end where a text ends."""
    if kind == "clip":
        return tiny_tokenizer()
    if kind == "siglip":
        return tokenizer_of_letters()
    from transformers import Siglip2Tokenizer

    special = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")
    tokens = (*special, *(chr(letter) for letter in range(33, 127)), "\u2581")
    return Siglip2Tokenizer(vocab={token: n for n, token in enumerate(tokens)}, merges=[])


def _network(kind: str) -> Any:
    import torch
    import transformers

    tokenizer = _tokenizer(kind)
    text = {
        **_ALIKE,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": LONGEST,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    sight: dict[str, Any] = {**_ALIKE, "image_size": SIDE, "patch_size": PATCH}
    made: Any
    if kind == "clip":
        config = transformers.CLIPConfig(text_config=text, vision_config=sight, projection_dim=12)
        made = transformers.CLIPModel(config)
    elif kind == "siglip":
        made = transformers.SiglipModel(
            transformers.SiglipConfig(text_config=text, vision_config=sight)
        )
    else:
        sight = {**_ALIKE, "patch_size": PATCH, "num_patches": PATCHES}
        made = transformers.Siglip2Model(
            transformers.Siglip2Config(text_config=text, vision_config=sight)
        )
    with torch.no_grad():  # with numbers as small as new ones are, all pictures look alike
        for each in made.parameters():
            each.add_(torch.randn(each.shape), alpha=0.2)
    return made


def _looks(kind: str) -> Any:
    """What brings pictures to the shape that such a network takes, without torchvision."""
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
    from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil

    square = {"height": SIDE, "width": SIDE}
    if kind == "clip":
        return CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=square, **_LOOKS)
    if kind == "siglip":
        return SiglipImageProcessorPil(size=square, **_LOOKS)
    return Siglip2ImageProcessorPil(patch_size=PATCH, max_num_patches=PATCHES, **_LOOKS)

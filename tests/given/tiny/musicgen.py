"""A tiny MusicGen: one file, which says how large all of it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def build(folder: Path, *, seed: int = 0, stereo: bool = False) -> Path:
    """Write what is published as `model.safetensors` into `folder`, under the folder's name."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = network(stereo=stereo)
        for layer in made.audio_encoder.quantizer.layers:  # nothing, until it is trained
            torch.nn.init.normal_(layer.codebook.embed)
    tensors = {
        key.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): tensor.contiguous()
        for key, tensor in made.state_dict().items()
        if "embed_tokens.weight" not in key or not key.startswith("text_encoder.")
    }
    save_file(tensors, folder / f"{folder.name}.safetensors")
    return folder


def network(*, stereo: bool = False) -> Any:
    """All of it, as transformers builds it."""
    import transformers

    from generation.catalog.partconfigs import CONFIGS, config_of

    known = {name: dict(config_of(CONFIGS / "musicgen" / name)) for name in _SIZES}
    for name, sizes in _SIZES.items():
        known[name] |= sizes
    books = {"num_codebooks": 8, "audio_channels": 2} if stereo else {}
    return transformers.MusicgenForConditionalGeneration(
        transformers.MusicgenConfig(
            text_encoder=known["text_encoder"],
            audio_encoder=known["vae"],
            decoder=known["decoder"] | books,
        )
    )


# Two heads of 64, which no tensor says.
_SIZES: dict[str, dict[str, object]] = {
    "decoder": {
        "hidden_size": 128,
        "ffn_dim": 48,
        "num_attention_heads": 2,
        "num_hidden_layers": 2,
    },
    "vae": {"num_filters": 4, "hidden_size": 8, "codebook_dim": 8},
    "text_encoder": {"d_model": 32, "d_ff": 37, "d_kv": 8, "num_heads": 4, "num_layers": 2},
}

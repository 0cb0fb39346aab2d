"""A tiny ERNIE-Image: two blocks, FLUX.2's VAE, and a Ministral 3 with its tower."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from tests.given.tiny import flux2, parts

SCHEDULER: dict[str, object] = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "num_train_timesteps": 1000,
    "shift": 3.0,
}
WIDTH = 16  # of the text encoder's states


def build(folder: Path, *, seed: int = 0) -> Path:
    """Write one into `folder`."""
    parts.saved(folder / "tokenizer", tokenizer, seed)
    parts.saved(folder / "text_encoder", language_model, seed)
    parts.saved(folder / "transformer", _transformer, seed)
    parts.saved(folder / "vae", flux2.vae, seed)
    index: dict[str, object] = {
        "pe": [None, None],
        "pe_tokenizer": [None, None],
        "text_encoder": ["transformers", "Mistral3Model"],
        "tokenizer": ["transformers", "TokenizersBackend"],
        "transformer": ["diffusers", "ErnieImageTransformer2DModel"],
        "vae": ["diffusers", "AutoencoderKLFlux2"],
    }
    parts.write_index(folder, "ErnieImagePipeline", index, SCHEDULER)
    return folder


def tokenizer() -> Any:
    """Mistral's, which begins a text with a token of its own."""
    from tokenizers.processors import TemplateProcessing

    made = flux2.mistral_tokenizer()
    number = made.convert_tokens_to_ids("<s>")
    made.backend_tokenizer.post_processor = TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", number)]
    )
    return made


def language_model() -> Any:
    import transformers

    config = transformers.Mistral3Config(
        text_config={
            "model_type": "ministral3",
            "hidden_size": WIDTH,
            "intermediate_size": 24,
            "num_hidden_layers": 3,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 8,
            "vocab_size": 300,
        },
        vision_config={
            "model_type": "pixtral",
            "hidden_size": 16,
            "intermediate_size": 24,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 28,
            "patch_size": 14,
        },
    )
    return transformers.Mistral3Model(config)


def _transformer() -> Any:
    import torch
    from diffusers import ErnieImageTransformer2DModel

    made = ErnieImageTransformer2DModel(
        hidden_size=64,
        num_attention_heads=2,
        num_layers=2,
        ffn_hidden_size=96,
        text_in_dim=WIDTH,
        rope_axes_dim=(8, 12, 12),
    )
    for layer in (made.adaLN_modulation[-1], made.final_linear):  # nothing, until it is trained
        torch.nn.init.normal_(layer.weight, std=0.1)
        torch.nn.init.normal_(layer.bias, std=0.1)
    return made


def named(ours: dict[str, Tensor]) -> dict[str, Tensor]:
    """The transformer's tensors as files have them: by the same names."""
    return {key: tensor.clone() for key, tensor in ours.items()}

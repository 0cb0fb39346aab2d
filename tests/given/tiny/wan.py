"""Tiny Wans: two blocks of one head, VAEs a few channels wide, and a UMT5 of two layers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from tests.given.tiny import parts, qwen_image, qwen_image_21

SCHEDULER: dict[str, object] = {
    "_class_name": "UniPCMultistepScheduler",
    "num_train_timesteps": 1000,
    "prediction_type": "flow_prediction",
    "use_flow_sigmas": True,
    "flow_shift": 3.0,
}
WIDTH = 96  # of the words
SIZES: dict[str, Any] = {
    "num_attention_heads": 2,
    "attention_head_dim": 12,
    "in_channels": 16,
    "out_channels": 16,
    "text_dim": WIDTH,
    "freq_dim": 32,
    "ffn_dim": 40,
    "rope_max_seq_len": 32,
}


def build(folder: Path, *, seed: int = 0, pipeline: str = "WanPipeline") -> Path:
    """Write a tiny Wan 2.1 into `folder`."""
    _words(folder, seed)
    parts.saved(folder / "transformer", transformer, seed)
    parts.saved(folder / "vae", vae, seed)
    parts.write_index(folder, pipeline, _index("transformer"), SCHEDULER)
    return folder


def build_i2v(folder: Path, *, seed: int = 0, both: bool = False) -> Path:
    """2.1's that goes on from a picture, or draws what lies between two."""
    _words(folder, seed)
    looks = {"image_dim": 32, "added_kv_proj_dim": 24, "in_channels": 36}
    places = {"pos_embed_seq_len": 2 * 50} if both else {}
    parts.saved(folder / "transformer", partial(transformer, **looks, **places), seed)
    parts.saved(folder / "vae", vae, seed)
    parts.saved(folder / "image_encoder", _image_encoder, seed)
    parts.saved(folder / "image_processor", _processor, seed)
    index = _index("transformer") | {
        "image_encoder": ["transformers", "CLIPVisionModel"],
        "image_processor": ["transformers", "CLIPImageProcessor"],
    }
    parts.write_index(folder, "WanImageToVideoPipeline", index, SCHEDULER)
    return folder


def build_22(folder: Path, *, seed: int = 0, from_pictures: bool = False) -> Path:
    """2.2's with two experts."""
    _words(folder, seed)
    channels = 36 if from_pictures else 16
    for nth, name in enumerate(("transformer", "transformer_2")):
        parts.saved(folder / name, partial(transformer, in_channels=channels), seed + nth)
    parts.saved(folder / "vae", vae, seed)
    index = _index("transformer", "transformer_2") | {
        "boundary_ratio": 0.9 if from_pictures else 0.875
    }
    kind = "ImageToVideo" if from_pictures else ""
    parts.write_index(folder, f"Wan{kind}Pipeline", index, SCHEDULER)
    return folder


def build_5b(folder: Path, *, seed: int = 0) -> Path:
    """2.2's of 5B, whose tokens are told their own time."""
    _words(folder, seed)
    channels = {"in_channels": 48, "out_channels": 48}
    parts.saved(folder / "transformer", partial(transformer, **channels), seed)
    parts.saved(folder / "vae", vae_of_22, seed)
    index = _index("transformer") | {"transformer_2": [None, None], "expand_timesteps": True}
    parts.write_index(folder, "WanPipeline", index, SCHEDULER)
    return folder


def build_vace(folder: Path, *, seed: int = 0) -> Path:
    """VACE, whose second block has one beside it."""
    _words(folder, seed)
    parts.saved(folder / "transformer", _vace, seed)
    parts.saved(folder / "vae", vae, seed)
    index = _index() | {"transformer": ["diffusers", "WanVACETransformer3DModel"]}
    parts.write_index(folder, "WanVACEPipeline", index, SCHEDULER)
    return folder


def _vace() -> Any:
    from diffusers import WanVACETransformer3DModel

    return WanVACETransformer3DModel(**SIZES, num_layers=4, vace_layers=[0, 2])


def _processor() -> Any:
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    return CLIPImageProcessorPil()


def _image_encoder() -> Any:
    import transformers

    config = transformers.CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=40,
        num_hidden_layers=3,
        num_attention_heads=4,
        image_size=224,
        patch_size=32,
    )
    return transformers.CLIPVisionModel(config)


def _words(folder: Path, seed: int) -> None:
    _, words = parts.tiny_tokenizers()
    parts.saved(folder / "tokenizer", lambda: words, seed)
    parts.saved(folder / "text_encoder", umt5, seed)


def _index(*transformers: str) -> dict[str, object]:
    return {
        "text_encoder": ["transformers", "UMT5EncoderModel"],
        "tokenizer": ["transformers", "T5TokenizerFast"],
        "vae": ["diffusers", "AutoencoderKLWan"],
        **{name: ["diffusers", "WanTransformer3DModel"] for name in transformers},
    }


def umt5() -> Any:
    import transformers

    config = transformers.UMT5Config(
        d_model=WIDTH,
        d_kv=8,
        d_ff=37,
        num_heads=4,
        num_layers=2,
        feed_forward_proj="gated-gelu",
        vocab_size=300,
    )
    return transformers.UMT5EncoderModel(config)


def transformer(**options: object) -> Any:
    from diffusers import WanTransformer3DModel

    return WanTransformer3DModel(**(SIZES | {"num_layers": 2} | options))


def vae() -> Any:
    """2.1's."""
    from diffusers import AutoencoderKLWan

    return AutoencoderKLWan(base_dim=4)


def vae_of_22() -> Any:
    """2.2 5B's."""
    from diffusers import AutoencoderKLWan

    return AutoencoderKLWan(
        base_dim=8,
        decoder_base_dim=8,
        z_dim=48,
        num_res_blocks=1,
        is_residual=True,
        in_channels=12,
        out_channels=12,
        patch_size=2,
        scale_factor_spatial=16,
        latents_mean=[0.1] * 48,
        latents_std=[0.8] * 48,
    )


def one_file(folder: Path) -> dict[str, Tensor]:
    """All of a folder's tensors in one file."""
    found: dict[str, Tensor] = {}
    for key, tensor in parts.read(folder, "transformer", "diffusion_pytorch_model").items():
        found[f"model.diffusion_model.{named(key)}"] = tensor
    found |= {f"vae.{key}": tensor for key, tensor in qwen_image.vae_file(folder).items()}
    for key, tensor in parts.read(folder, "text_encoder", "model").items():
        found[f"text_encoders.umt5xxl.transformer.{key}"] = tensor
    return found


def one_file_of_5b(folder: Path) -> dict[str, Tensor]:
    """The same of 2.2 5B, whose VAE is built otherwise."""
    vae = {f"vae.{key}": tensor for key, tensor in qwen_image_21.vae_file(folder).items()}
    return {k: its for k, its in one_file(folder).items() if not k.startswith("vae.")} | vae


# In this order.
_NAMES = {
    "condition_embedder.time_embedder.linear_1": "time_embedding.0",
    "condition_embedder.time_embedder.linear_2": "time_embedding.2",
    "condition_embedder.text_embedder.linear_1": "text_embedding.0",
    "condition_embedder.text_embedder.linear_2": "text_embedding.2",
    "condition_embedder.time_proj": "time_projection.1",
    "attn1": "self_attn",
    "attn2": "cross_attn",
    ".to_out.0.": ".o.",
    ".to_q.": ".q.",
    ".to_k.": ".k.",
    ".to_v.": ".v.",
    "proj_out": "head.head",
    "norm2": "norm3",
    "ffn.net.0.proj": "ffn.0",
    "ffn.net.2": "ffn.2",
    ".proj_in.": ".before_proj.",
}


def named(key: str) -> str:
    """The makers' name of a tensor of the transformer."""
    if key == "scale_shift_table":
        return "head.modulation"
    key = key.replace(".proj_out.", ".after_proj.")
    for ours, theirs in _NAMES.items():
        key = key.replace(ours, theirs)
    return key.replace("scale_shift_table", "modulation")

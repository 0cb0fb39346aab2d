"""The classes of diffusers and transformers that architectures are made of, named and described.

A class stands here once, however many architectures have it.  Invariant: a setting of its config is
passed on to the class, or has a value with which it changes nothing, or the folder is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from generation.families import blueprint
from generation.families.architecture import Config, Network, Shapes, Tokenizer
from generation.families.builds import causal_vae, dc_vae, image_vae

UNET = Network(
    module="diffusers.models.unets.unet_2d_condition",
    name="UNet2DConditionModel",
    weights="diffusion_pytorch_model",
    tensors=blueprint.unet,
    # What it would read besides latents, words and sizes, which nobody gives it here.
    only={
        "class_embed_type": (None,),
        "num_class_embeds": (None,),
        "encoder_hid_dim": (None,),
        "encoder_hid_dim_type": (None,),
        "attention_type": ("default", None),
    },
    settings=frozenset(
        (
            *("act_fn", "addition_embed_type", "addition_embed_type_num_heads"),
            *("addition_time_embed_dim", "attention_head_dim", "block_out_channels"),
            *("center_input_sample", "class_embeddings_concat", "conv_in_kernel"),
            *("conv_out_kernel", "cross_attention_dim", "cross_attention_norm"),
            *("down_block_types", "downsample_padding", "in_channels", "out_channels"),
            *("dropout", "dual_cross_attention", "flip_sin_to_cos", "freq_shift"),
            *("layers_per_block", "mid_block_only_cross_attention", "mid_block_scale_factor"),
            *("mid_block_type", "norm_eps", "norm_num_groups", "num_attention_heads"),
            *("only_cross_attention", "projection_class_embeddings_input_dim"),
            *("resnet_out_scale_factor", "resnet_skip_time_act", "resnet_time_scale_shift"),
            "time_cond_proj_dim",
            *("reverse_transformer_layers_per_block", "sample_size", "time_embedding_act_fn"),
            *("time_embedding_dim", "time_embedding_type", "timestep_post_act"),
            *("transformer_layers_per_block", "up_block_types", "upcast_attention"),
            *("use_linear_projection", "decay", "inv_gamma", "min_decay", "optimization_step"),
            *("power", "update_after_step", "use_ema_warmup"),  # of a moving average; the last 7
        )
    ),
)


_OLD_ATTENTION = {
    ".query.": ".to_q.",
    ".key.": ".to_k.",
    ".value.": ".to_v.",
    ".proj_attn.": ".to_out.0.",
}


def _modern_vae_name(key: str) -> str:
    """diffusers' name of today for one of 2022."""
    if ".attentions." in key:
        for old, new in _OLD_ATTENTION.items():
            key = key.replace(old, new)
    return key


def odd_factor(config: Config) -> str | None:
    for key in ("scaling_factor", "shift_factor"):
        value = config.get(key, 1.0)
        if key == "shift_factor" and value is None:
            continue
        if not isinstance(value, int | float) or not math.isfinite(value) or not value:
            return f"the {key} of its VAE is {value!r:.40}"
    return None


AUTOENCODER = Network(
    module="diffusers.models.autoencoders.autoencoder_kl",
    name="AutoencoderKL",
    weights="diffusion_pytorch_model",
    tensors=blueprint.vae,
    only={
        "latents_mean": (None,),
        "latents_std": (None,),
        "in_channels": (3,),
        "out_channels": (3,),
    },
    settings=frozenset(
        (
            *("act_fn", "block_out_channels", "down_block_types", "force_upcast"),
            *("latent_channels", "layers_per_block", "mid_block_add_attention"),
            *("norm_num_groups", "sample_size", "scaling_factor", "shift_factor"),
            *("up_block_types", "use_post_quant_conv", "use_quant_conv"),
        )
    ),
    modern=_modern_vae_name,
    fault=odd_factor,
)


def odd_latents(config: Config) -> str | None:
    """Latents are scaled by a mean and a spread of each channel."""
    for key in ("latents_mean", "latents_std"):
        values = config.get(key)
        if values is None:  # its class has the published ones
            continue
        many: Sequence[object] = values if isinstance(values, Sequence) else (None,)
        if not all(map(_number, many)) or (key == "latents_std" and 0 in many):
            return f"the {key} of its VAE is {values!r:.40}"
    return None


def _number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


CAUSAL_AUTOENCODER = Network(
    module="diffusers.models.autoencoders.autoencoder_kl_qwenimage",
    name="AutoencoderKLQwenImage",
    weights="diffusion_pytorch_model",
    tensors=causal_vae.tensors,
    settings=frozenset((*causal_vae.USUAL, "latents_mean", "latents_std")),
    only={"input_channels": (3, None), "attn_scales": ([], (), None)},
    fault=odd_latents,
)

IMAGE_AUTOENCODER = Network(
    module="diffusers.models.autoencoders.autoencoder_kl_qwenimage21",
    name="AutoencoderKLQwenImage21",
    weights="diffusion_pytorch_model",
    tensors=image_vae.tensors,
    settings=frozenset((*image_vae.USUAL, "latents_mean", "latents_std")),
    only={
        "in_channels": (4, None),
        "out_channels": (4, None),
        "attn_scales": ([], (), None),
        "is_residual": (True, None),
        "patch_size": (None,),
        "scale_factor_spatial": (16, None),
    },
    fault=odd_latents,
)

DEEP_AUTOENCODER = Network(
    module="diffusers.models.autoencoders.autoencoder_dc",
    name="AutoencoderDC",
    weights="diffusion_pytorch_model",
    tensors=dc_vae.tensors,
    settings=frozenset(dc_vae.USUAL),
    only={"in_channels": (3, None)},
    fault=odd_factor,
)


def _without_level(key: str) -> str:
    return key.removeprefix("text_model.")


def _clip_tensors(config: Config) -> Shapes | None:
    return blueprint.clip(_of_text(config) | {"architectures": ["CLIPTextModel"]})


def _projected_clip_tensors(config: Config) -> Shapes | None:
    return blueprint.clip(_of_text(config) | {"architectures": ["CLIPTextModelWithProjection"]})


def _of_text(config: Config) -> dict[str, object]:
    """The part of a CLIP's config that is about text."""
    inner = config.get("text_config")
    return dict(inner if isinstance(inner, dict) else config)


_CLIP_BESIDE = ("vision_model.", "visual_", "text_projection.")

CLIP = Network(
    module="transformers.models.clip.modeling_clip",
    name="CLIPTextModel",
    weights="model",
    tensors=_clip_tensors,
    settings=None,
    modern=_without_level,
    harmless=_CLIP_BESIDE,
)
PROJECTED_CLIP = Network(
    module="transformers.models.clip.modeling_clip",
    name="CLIPTextModelWithProjection",
    weights="model",
    tensors=_projected_clip_tensors,
    settings=None,
    modern=_without_level,
    harmless=_CLIP_BESIDE,
)


def clip_tokenizer(name: str, padding: str) -> Tokenizer:
    """CLIP's, in a folder of that name."""
    return Tokenizer(
        name=name,
        module="transformers.models.clip.tokenization_clip",
        classes=("CLIPTokenizer", "CLIPTokenizerFast"),
        padding=padding,
    )


# llama.cpp's names for the encoder's.
_T5_IN_GGUF = re.compile(r"enc\.blk\.(\d+)\.(\w+)\.weight")
_T5_ENDS_IN_GGUF = {
    "token_embd.weight": "shared.weight",
    "enc.output_norm.weight": "encoder.final_layer_norm.weight",
}
_T5_LAYER_IN_GGUF = {
    "attn_q": "0.SelfAttention.q",
    "attn_k": "0.SelfAttention.k",
    "attn_v": "0.SelfAttention.v",
    "attn_o": "0.SelfAttention.o",
    "attn_rel_b": "0.SelfAttention.relative_attention_bias",
    "attn_norm": "0.layer_norm",
    "ffn_gate": "1.DenseReluDense.wi_0",
    "ffn_up": "1.DenseReluDense.wi_1",
    "ffn_down": "1.DenseReluDense.wo",
    "ffn_norm": "1.layer_norm",
}


def _modern_t5_name(key: str) -> str:
    match = _T5_IN_GGUF.fullmatch(key)
    if match is None or match[2] not in _T5_LAYER_IN_GGUF:
        return _T5_ENDS_IN_GGUF.get(key, key)
    return f"encoder.block.{match[1]}.layer.{_T5_LAYER_IN_GGUF[match[2]]}.weight"


T5 = Network(
    module="transformers.models.t5.modeling_t5",
    name="T5EncoderModel",
    weights="model",
    tensors=blueprint.t5,
    settings=None,
    modern=_modern_t5_name,
    # The same as `shared`; and of a whole T5 what writes.
    harmless=("encoder.embed_tokens.", "decoder.", "lm_head."),
)


def _umt5_tensors(config: Config) -> Shapes | None:
    return blueprint.t5({**config, "model_type": "umt5"})


UMT5 = Network(
    module="transformers.models.umt5.modeling_umt5",
    name="UMT5EncoderModel",
    weights="model",
    tensors=_umt5_tensors,
    settings=None,
    modern=_modern_t5_name,
    harmless=(*T5.harmless, "spiece_model"),
)


def t5_tokenizer(name: str) -> Tokenizer:
    """T5's, in a folder of that name."""
    return Tokenizer(
        name=name,
        module="transformers.models.t5.tokenization_t5",
        classes=("T5Tokenizer", "T5TokenizerFast"),
        padding="<pad>",
    )

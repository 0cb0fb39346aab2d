"""Tiny HunyuanVideos 1.5: two blocks of two heads, a thin VAE, and readers of two layers."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from tests.given.tiny import parts, qwen_image

SCHEDULER: dict[str, object] = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "num_train_timesteps": 1000,
    "shift": 5.0,
}
WIDTH, QUOTED, SEEN = 32, 24, 20  # of what is said of words, of those in quotes, of pictures


def build(
    folder: Path,
    *,
    seed: int = 0,
    from_pictures: bool = False,
    leaping: bool = False,
    cfg: float = 6.0,
) -> Path:
    """Write a tiny one into `folder`; `leaping`: taught to leap over steps."""
    words = tokenizer()
    parts.saved(folder / "tokenizer", lambda: words, seed)
    parts.saved(folder / "text_encoder", partial(language_model, len(words)), seed)
    parts.saved(folder / "tokenizer_2", _letters, seed)
    parts.saved(folder / "text_encoder_2", _byt5, seed)
    kind = {"use_meanflow": leaping, "task_type": "i2v" if from_pictures else "t2v"}
    parts.saved(folder / "transformer", partial(transformer, **kind), seed)
    parts.saved(folder / "vae", vae, seed)
    index: dict[str, object] = {
        "guider": ["diffusers", "ClassifierFreeGuidance"],
        "text_encoder": ["transformers", "Qwen2_5_VLTextModel"],
        "text_encoder_2": ["transformers", "T5EncoderModel"],
        "tokenizer": ["transformers", "Qwen2Tokenizer"],
        "tokenizer_2": ["transformers", "ByT5Tokenizer"],
        "transformer": ["diffusers", "HunyuanVideo15Transformer3DModel"],
        "vae": ["diffusers", "AutoencoderKLHunyuanVideo15"],
    }
    if from_pictures:
        parts.saved(folder / "image_encoder", siglip, seed)
        parts.saved(folder / "feature_extractor", processor, seed)
        index |= {
            "feature_extractor": ["transformers", "SiglipImageProcessor"],
            "image_encoder": ["transformers", "SiglipVisionModel"],
        }
    write_guider(folder, guidance_scale=cfg)
    pipeline = f"HunyuanVideo15{'ImageToVideo' if from_pictures else ''}Pipeline"
    parts.write_index(folder, pipeline, index, SCHEDULER)
    return folder


def write_guider(folder: Path, **settings: object) -> None:
    """What guides, as its class keeps it."""
    said = {
        "_class_name": "ClassifierFreeGuidance",
        "_diffusers_version": "0.42.1",
        "enabled": True,
        "guidance_rescale": 0.0,
        "start": 0.0,
        "stop": 1.0,
        "use_original_formulation": False,
        **settings,
    }
    (folder / "guider").mkdir(exist_ok=True)
    (folder / "guider" / "guider_config.json").write_text(json.dumps(said))


def tokenizer() -> Any:
    """Qwen's, of bytes, with what it says of chats."""
    found = qwen_image.tokenizer()
    found.chat_template = parts.CHAT
    return found


def language_model(tokens: int) -> Any:
    import transformers

    config = transformers.Qwen2_5_VLTextModel.config_class(
        hidden_size=WIDTH,
        intermediate_size=48,
        num_hidden_layers=4,
        num_attention_heads=2,
        num_key_value_heads=1,
        vocab_size=tokens,
        bos_token_id=1,
        eos_token_id=2,
        rope_parameters={
            "rope_type": "default",
            "mrope_section": [2, 3, 3],
            "rope_theta": 1e6,
        },
    )
    return transformers.Qwen2_5_VLTextModel(config)


def _letters() -> Any:
    import transformers

    return transformers.ByT5Tokenizer()


def _byt5() -> Any:
    import transformers

    config = transformers.T5Config(
        d_model=QUOTED,
        d_kv=8,
        d_ff=37,
        num_heads=2,
        num_layers=2,
        feed_forward_proj="gated-gelu",
        vocab_size=384,
    )
    return transformers.T5EncoderModel(config)


def siglip() -> Any:
    import transformers

    config = transformers.SiglipVisionConfig(
        hidden_size=SEEN,
        intermediate_size=40,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=32,
        patch_size=8,
    )
    return transformers.SiglipVisionModel(config)


def processor() -> Any:
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    return SiglipImageProcessorPil(size={"height": 32, "width": 32})


def transformer(**options: Any) -> Any:
    """Films of 96 by 64 pixels are of the nearest shape to theirs that the stock pipeline draws."""
    from diffusers import HunyuanVideo15Transformer3DModel

    return HunyuanVideo15Transformer3DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        num_layers=2,
        num_refiner_layers=1,
        rope_axes_dim=(4, 6, 6),
        text_embed_dim=WIDTH,
        text_embed_2_dim=QUOTED,
        image_embed_dim=SEEN,
        target_size=80,
        **options,
    )


def vae() -> Any:
    from diffusers import AutoencoderKLHunyuanVideo15

    return AutoencoderKLHunyuanVideo15(block_out_channels=(8, 8, 16, 64, 64), layers_per_block=1)


_WHOLE = {
    "time_embed.timestep_embedder.linear_1": "time_in.mlp.0",
    "time_embed.timestep_embedder.linear_2": "time_in.mlp.2",
    "time_embed.timestep_embedder_r.linear_1": "time_r_in.mlp.0",
    "time_embed.timestep_embedder_r.linear_2": "time_r_in.mlp.2",
    "context_embedder.time_text_embed.timestep_embedder.linear_1": "txt_in.t_embedder.mlp.0",
    "context_embedder.time_text_embed.timestep_embedder.linear_2": "txt_in.t_embedder.mlp.2",
    "context_embedder.time_text_embed.text_embedder.linear_1": "txt_in.c_embedder.linear_1",
    "context_embedder.time_text_embed.text_embedder.linear_2": "txt_in.c_embedder.linear_2",
    "context_embedder.proj_in": "txt_in.input_embedder",
    "context_embedder_2.norm": "byt5_in.layernorm",
    "context_embedder_2.linear_1": "byt5_in.fc1",
    "context_embedder_2.linear_2": "byt5_in.fc2",
    "context_embedder_2.linear_3": "byt5_in.fc3",
    "image_embedder.norm_in": "vision_in.proj.0",
    "image_embedder.linear_1": "vision_in.proj.1",
    "image_embedder.linear_2": "vision_in.proj.3",
    "image_embedder.norm_out": "vision_in.proj.4",
    "x_embedder.proj": "img_in.proj",
    "cond_type_embed": "cond_type_embedding",
    "proj_out": "final_layer.linear",
}
_BLOCK = {
    "norm1.linear": "img_mod.linear",
    "norm1_context.linear": "txt_mod.linear",
    "attn.norm_q": "img_attn_q_norm",
    "attn.norm_k": "img_attn_k_norm",
    "attn.norm_added_q": "txt_attn_q_norm",
    "attn.norm_added_k": "txt_attn_k_norm",
    "attn.to_out.0": "img_attn_proj",
    "attn.to_add_out": "txt_attn_proj",
    "ff.net.0.proj": "img_mlp.fc1",
    "ff.net.2": "img_mlp.fc2",
    "ff_context.net.0.proj": "txt_mlp.fc1",
    "ff_context.net.2": "txt_mlp.fc2",
}
_REFINER = {
    "norm1": "norm1",
    "norm2": "norm2",
    "attn.to_out.0": "self_attn_proj",
    "ff.net.0.proj": "mlp.fc1",
    "ff.net.2": "mlp.fc2",
    "norm_out.linear": "adaLN_modulation.1",
}


def named(ours: dict[str, Tensor]) -> dict[str, Tensor]:
    """The transformer as ComfyUI has it; three projections are one tensor of its file."""
    import torch

    found: dict[str, Tensor] = {}
    for key, tensor in ours.items():
        stem, _, end = key.rpartition(".")
        if stem in _WHOLE:
            found[f"{_WHOLE[stem]}.{end}"] = tensor
        elif stem == "norm_out.linear":
            found[f"final_layer.adaLN_modulation.1.{end}"] = torch.cat(tensor.chunk(2)[::-1])
        elif stem.startswith("transformer_blocks."):
            _, number, inner = stem.split(".", 2)
            if inner in _BLOCK:
                found[f"double_blocks.{number}.{_BLOCK[inner]}.{end}"] = tensor
        else:
            *_, number, inner = stem.removeprefix("context_embedder.token_refiner.").split(".", 2)
            if inner in _REFINER:
                found[f"{_BLOCKS_OF_WORDS}.{number}.{_REFINER[inner]}.{end}"] = tensor
    for end in ("weight", "bias"):
        for key in [key for key in ours if key.endswith(f"attn.to_q.{end}")]:
            whole = torch.cat([ours[key.replace("to_q", one)] for one in ("to_q", "to_k", "to_v")])
            number = key.split(".attn.")[0].rpartition(".")[2]
            if key.startswith("transformer_blocks."):
                found[f"double_blocks.{number}.img_attn_qkv.{end}"] = whole
                words = [key.replace("to_q", f"add_{one}_proj") for one in "qkv"]
                found[f"double_blocks.{number}.txt_attn_qkv.{end}"] = torch.cat(
                    [ours[one] for one in words]
                )
            else:
                found[f"{_BLOCKS_OF_WORDS}.{number}.self_attn_qkv.{end}"] = whole
    return found


_BLOCKS_OF_WORDS = "txt_in.individual_token_refiner.blocks"


def one_file(folder: Path) -> dict[str, Tensor]:
    """All parts, by the names of ComfyUI's files."""
    drawn = named(parts.read(folder, "transformer", "diffusion_pytorch_model"))
    found = {f"model.diffusion_model.{key}": tensor for key, tensor in drawn.items()}
    for key, tensor in parts.read(folder, "vae", "diffusion_pytorch_model").items():
        for ours, theirs in (
            ("mid_block.resnets.0.", "mid.block_1."),
            ("mid_block.resnets.1.", "mid.block_2."),
            ("mid_block.attentions.0.to_", "mid.attn_1."),
            ("mid_block.attentions.0.", "mid.attn_1."),
            ("down_blocks.", "down."),
            ("up_blocks.", "up."),
            (".resnets.", ".block."),
            (".downsamplers.0.", ".downsample."),
            (".upsamplers.0.", ".upsample."),
            (".conv_shortcut.", ".nin_shortcut."),
        ):
            key = key.replace(ours, theirs)
        found[f"vae.{key}"] = tensor
    for key, tensor in parts.read(folder, "text_encoder", "model").items():
        found[f"text_encoders.qwen25_7b.transformer.model.{key}"] = tensor
    for key, tensor in parts.read(folder, "text_encoder_2", "model").items():
        found[f"text_encoders.byt5.transformer.{key}"] = tensor
    if (folder / "image_encoder").is_dir():
        for key, tensor in parts.read(folder, "image_encoder", "model").items():
            found[f"clip_vision.vision_model.{key.removeprefix('vision_model.')}"] = tensor
    return {key: tensor.clone() for key, tensor in found.items()}

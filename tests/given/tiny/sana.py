"""A tiny Sana: two blocks, a VAE of six levels, and a Gemma 2; Sprint, and one with places."""

from __future__ import annotations

import re
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from generation.families.text.language import GEMMA2
from generation.worker.text.pieces import gemma
from tests.given import languagemodels
from tests.given.languagemodels import as_pieces
from tests.given.tiny import parts

SCHEDULER: dict[str, object] = {
    "_class_name": "DPMSolverMultistepScheduler",
    "algorithm_type": "dpmsolver++",
    "beta_end": 0.02,
    "beta_schedule": "linear",
    "beta_start": 0.0001,
    "final_sigmas_type": "zero",
    "flow_shift": 3.0,
    "num_train_timesteps": 1000,
    "prediction_type": "flow_prediction",
    "solver_order": 2,
    "use_flow_sigmas": True,
}
OF_SPRINT: dict[str, object] = {
    "_class_name": "SCMScheduler",
    "num_train_timesteps": 1000,
    "prediction_type": "trigflow",
    "sigma_data": 0.5,
}
SPRINT: dict[str, Any] = {"guidance_embeds": True, "qk_norm": "rms_norm_across_heads"}


def build(folder: Path, *, seed: int = 0, **transformer: object) -> Path:
    """Write one into `folder`; `transformer`: what else the config of its transformer says."""
    parts.saved(folder / "tokenizer", tokenizer, seed)
    parts.saved(folder / "text_encoder", _gemma, seed)
    parts.saved(folder / "transformer", partial(_transformer, **transformer), seed)
    parts.saved(folder / "vae", _vae, seed)
    sprint = "guidance_embeds" in transformer
    index: dict[str, object] = {
        "text_encoder": ["transformers", "Gemma2Model"],
        "tokenizer": ["transformers", "GemmaTokenizerFast"],
        "transformer": ["diffusers", "SanaTransformer2DModel"],
        "vae": ["diffusers", "AutoencoderDC"],
    }
    name = "SanaSprintPipeline" if sprint else "SanaPipeline"
    parts.write_index(folder, name, index, OF_SPRINT if sprint else SCHEDULER)
    return folder


@cache
def pieces() -> bytes:
    """As Gemma's: bytes and a few words."""
    given = [("<pad>", 3), ("<eos>", 3), ("<bos>", 3), ("<unk>", 2)]
    given += [(f"<0x{byte:02X}>", 6) for byte in range(256)]
    given += [(word, 1) for word in ("▁", *"acdegort", "ca", "cat", "▁cat", "do", "dog", "re")]
    return as_pieces([(text, -float(n), kind) for n, (text, kind) in enumerate(given)])


def tokenizer() -> Any:
    """Of these pieces."""
    return gemma(pieces(), "it")


def _gemma() -> Any:
    config = languagemodels.small("gemma2", max_position_embeddings=4096)
    return languagemodels.made(GEMMA2, config)


def _transformer(**others: object) -> Any:
    from diffusers import SanaTransformer2DModel

    return SanaTransformer2DModel(
        **{
            "num_attention_heads": 2,
            "num_layers": 2,
            "num_cross_attention_heads": 2,
            "cross_attention_head_dim": 32,
            "cross_attention_dim": 64,
            "caption_channels": 32,
            **others,
        }
    )


def _vae() -> Any:
    from diffusers import AutoencoderDC

    widths, kinds = (16, 16, 16, 32, 32, 32), ("ResBlock",) * 3 + ("EfficientViTBlock",) * 3
    scales = ((), (), (), (5,), (5,), (5,))
    return AutoencoderDC(
        encoder_block_types=kinds,
        decoder_block_types=kinds,
        encoder_block_out_channels=widths,
        decoder_block_out_channels=widths,
        encoder_layers_per_block=(1,) * 6,
        decoder_layers_per_block=(1,) * 6,
        encoder_qkv_multiscales=scales,
        decoder_qkv_multiscales=scales,
        downsample_block_type="conv",
        upsample_block_type="interpolate",
        scaling_factor=0.41407,
    )


_NAMES = {
    "patch_embed": "x_embedder",
    "caption_projection.linear_": "y_embedder.y_proj.fc",
    "caption_norm": "attention_y_norm",
    "time_embed.linear": "t_block.1",
    "proj_out": "final_layer.linear",
    "transformer_blocks": "blocks",
    "ff.conv_inverted": "mlp.inverted_conv.conv",
    "ff.conv_depth": "mlp.depth_conv.conv",
    "ff.conv_point": "mlp.point_conv.conv",
    "attn1.to_out.0": "attn.proj",
    "attn2.to_out.0": "cross_attn.proj",
    "attn2.to_q": "cross_attn.q_linear",
}
_TIMES = re.compile(r"time_embed\.(?:emb\.)?(timestep|guidance)_embedder\.linear_([12])")
_NORM = re.compile(r"attn([12])\.norm_([qk])")


def named(ours: dict[str, Tensor]) -> dict[str, Tensor]:
    """The transformer's tensors as its own files have them."""
    made = {"final_layer.scale_shift_table": ours["scale_shift_table"].clone()}
    for key, tensor in ours.items():
        if "attn1.to_q" in key:
            three = [ours[key.replace("to_q", f"to_{one}")] for one in "qkv"]
            made[_named(key).replace("attn1.to_q", "attn.qkv")] = torch.cat(three)
        elif "attn2.to_k" in key:
            two = [ours[key.replace("to_k", f"to_{one}")] for one in "kv"]
            made[_named(key).replace("attn2.to_k", "cross_attn.kv_linear")] = torch.cat(two)
        elif key != "scale_shift_table" and not re.search(r"attn1\.to_[kv]|attn2\.to_v", key):
            made[_named(key)] = tensor.clone()
    return made


def _named(key: str) -> str:
    for here, there in _NAMES.items():
        key = key.replace(here, there)
    key = _NORM.sub(lambda m: f"{'' if m[1] == '1' else 'cross_'}attn.{m[2]}_norm", key)
    layers = {"1": "0", "2": "2"}
    kinds = {"timestep": "t", "guidance": "cfg"}
    return _TIMES.sub(lambda m: f"{kinds[m[1]]}_embedder.mlp.{layers[m[2]]}", key)


# The VAE's: a name in a block, and what it is called in its own files.
_IN_A_BLOCK = {
    "attn.to_out": "context_module.main.proj.conv",
    "attn.norm_out": "context_module.main.proj.norm",
    "attn.to_qkv_multiscale.0.proj_in": "context_module.main.aggreg.0.0",
    "attn.to_qkv_multiscale.0.proj_out": "context_module.main.aggreg.0.1",
    "attn.to_q": "context_module.main.qkv.conv",
    "conv_out.conv_inverted": "local_module.main.inverted_conv.conv",
    "conv_out.conv_depth": "local_module.main.depth_conv.conv",
    "conv_out.conv_point": "local_module.main.point_conv.conv",
    "conv_out.norm": "local_module.main.point_conv.norm",
    "conv1": "main.conv1.conv",
    "conv2": "main.conv2.conv",
    "norm": "main.conv2.norm",
}
_AROUND = {
    "encoder.conv_in": "encoder.project_in.conv",
    "encoder.conv_out": "encoder.project_out.main.op_list.0.conv",
    "decoder.conv_in": "decoder.project_in.main.conv",
    "decoder.norm_out": "decoder.project_out.op_list.0",
    "decoder.conv_out": "decoder.project_out.op_list.2.conv",
}
_BLOCK = re.compile(r"(encoder|decoder)\.(?:down|up)_blocks\.(\d+)\.(\d+)\.(.+)\.(weight|bias)")


def named_vae(ours: dict[str, Tensor]) -> dict[str, Tensor]:
    """The VAE's tensors as its own files have them."""
    made = {}
    for key, tensor in ours.items():
        block = _BLOCK.fullmatch(key)
        if block is None:
            name, _, end = key.rpartition(".")
            made[f"{_AROUND[name]}.{end}"] = tensor.clone()
            continue
        side, level, number, name, end = block.groups()
        resampled = {"conv": "main.conv" if side == "encoder" else "main.conv.conv"}
        if name in ("attn.to_k", "attn.to_v"):
            continue
        if name == "attn.to_q":
            tensor = torch.cat([ours[key.replace("to_q", f"to_{one}")] for one in "qkv"])
        if name in ("attn.to_q", "attn.to_out"):
            tensor = tensor[:, :, None, None]
        theirs = (_IN_A_BLOCK | resampled)[name]
        made[f"{side}.stages.{level}.op_list.{number}.{theirs}.{end}"] = tensor.clone()
    return made


def one_file(folder: Path) -> dict[str, Tensor]:
    """All of a folder's tensors in one file, by the names of each part's own."""
    transformer = parts.read(folder, "transformer", "diffusion_pytorch_model")
    found = {f"model.diffusion_model.{key}": t for key, t in named(transformer).items()}
    vae = parts.read(folder, "vae", "diffusion_pytorch_model")
    found |= {f"vae.{key}": tensor for key, tensor in named_vae(vae).items()}
    for key, tensor in parts.read(folder, "text_encoder", "model").items():
        found[f"text_encoders.gemma2_2b.transformer.model.{key}"] = tensor
    return found

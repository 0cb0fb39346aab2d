"""Writes the tiny models as single files, with the keys that CompVis and Stability gave them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.given.tiny import (
    ace_step,
    anima,
    ernie_image,
    flux,
    flux2,
    flux3,
    hidream,
    hunyuan_video,
    krea2,
    longcat_image,
    ltx,
    ltx2,
    lumina2,
    qwen_image,
    qwen_image_21,
    sana,
    stable_audio,
    stable_audio_3,
    wan,
    z_image,
)

Tensors = dict[str, Tensor]


def write(architecture: str, folder: Path, file: Path) -> None:
    """A diffusers folder as one file."""
    if architecture in _WHOLE:
        save_file(_WHOLE[architecture](folder), file)
        return
    tensors = _drawing_parts(architecture, folder)
    for part, prefix, named in _ENCODERS[architecture]:
        if (folder / part).is_dir():
            tensors |= named(_part(folder, part, "model"), prefix)
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, file)


def _part(folder: Path, part: str, stem: str) -> Tensors:
    return load_file(folder / part / f"{stem}.safetensors")


def _renamed(tensors: Tensors, prefix: str) -> Tensors:
    return {prefix + k.removeprefix("text_model."): v.clone() for k, v in tensors.items()}


def _drawing_parts(architecture: str, folder: Path) -> Tensors:
    if architecture in _TRANSFORMERS:
        ours = _part(folder, "transformer", "diffusion_pytorch_model")
        named = _TRANSFORMERS[architecture](ours)
        return {f"model.diffusion_model.{key}": tensor for key, tensor in named.items()} | _vae(
            folder, _VAES.get(architecture, "first_stage_model.")
        )
    unet = _part(folder, "unet", "diffusion_pytorch_model")
    layers = json.loads((folder / "unet" / "config.json").read_text())["layers_per_block"]
    return {
        **{f"model.diffusion_model.{_unet_key(k, layers)}": v for k, v in unet.items()},
        **_vae(folder),
    }


def _vae(folder: Path, prefix: str = "first_stage_model.") -> Tensors:
    vae = _part(folder, "vae", "diffusion_pytorch_model")
    beside = _INSIDE if "bn.running_mean" in vae else {}
    named = {_vae_key(k): _vae_tensor(k, v) for k, v in vae.items()}
    return {prefix + beside.get(k.split(".")[0], "") + k: v for k, v in named.items()}


# In FLUX.2's, its first and last 1x1 convolutions are the encoder's and the decoder's.
_INSIDE = {"quant_conv": "encoder.", "post_quant_conv": "decoder."}


_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
_UNET_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "time_embedding.cond_proj": "time_embed.cond_proj",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}


def _unet_key(key: str, layers: int) -> str:
    parts = key.split(".")
    if (stem := ".".join(parts[:2])) in _UNET_ENDS:
        return ".".join([_UNET_ENDS[stem], *parts[2:]])
    if parts[0] in _UNET_ENDS:
        return ".".join([_UNET_ENDS[parts[0]], *parts[1:]])
    if parts[0] == "mid_block":
        at = {"resnets.0": 0, "attentions.0": 1, "resnets.1": 2}[".".join(parts[1:3])]
        return ".".join([f"middle_block.{at}", *_inside(parts[3:])])
    block, kind, number = int(parts[1]), parts[2], int(parts[3])
    if parts[0] == "down_blocks":
        place = 1 + block * (layers + 1) + number
        if kind == "downsamplers":
            return f"input_blocks.{1 + block * (layers + 1) + layers}.0.op.{parts[-1]}"
        return ".".join([f"input_blocks.{place}.{int(kind == 'attentions')}", *_inside(parts[4:])])
    place = block * (layers + 1) + number
    if kind == "upsamplers":
        # Beside the block's last resnet, and behind its attention if it has one.
        behind = 2 if block == 0 else 1
        return f"output_blocks.{block * (layers + 1) + layers}.{behind}.conv.{parts[-1]}"
    return ".".join([f"output_blocks.{place}.{int(kind == 'attentions')}", *_inside(parts[4:])])


def _inside(parts: list[str]) -> list[str]:
    return [_RESNET.get(parts[0], parts[0]), *parts[1:]]


def _vae_key(key: str) -> str:
    blocks = 4
    key = key.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    for side in ("encoder", "decoder"):
        key = key.replace(f"{side}.mid_block.resnets.0", f"{side}.mid.block_1")
        key = key.replace(f"{side}.mid_block.resnets.1", f"{side}.mid.block_2")
        key = key.replace(f"{side}.mid_block.attentions.0", f"{side}.mid.attn_1")
    for ours, theirs in (
        ("group_norm", "norm"),
        ("to_q", "q"),
        ("to_k", "k"),
        ("to_v", "v"),
        ("to_out.0", "proj_out"),
    ):
        if ".mid.attn_1." in key:
            key = key.replace(f".attn_1.{ours}.", f".attn_1.{theirs}.")
    for block in range(blocks):
        key = key.replace(f"down_blocks.{block}.resnets.", f"down.{block}.block.")
        key = key.replace(f"down_blocks.{block}.downsamplers.0.", f"down.{block}.downsample.")
        key = key.replace(f"up_blocks.{block}.resnets.", f"up.{blocks - 1 - block}.block.")
        key = key.replace(f"up_blocks.{block}.upsamplers.0.", f"up.{blocks - 1 - block}.upsample.")
    return key


def _vae_tensor(key: str, tensor: Tensor) -> Tensor:
    """The old VAE's attention is made of 1x1 convolutions."""
    if ".attentions.0.to_" in key and key.endswith("weight"):
        return tensor[:, :, None, None].contiguous()
    return tensor


_OPEN_CLIP = {
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "final_layer_norm.weight": "ln_final.weight",
    "final_layer_norm.bias": "ln_final.bias",
}
_OPEN_CLIP_LAYER = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}


def _open_clip(tensors: Tensors, prefix: str) -> Tensors:
    tensors = {key.removeprefix("text_model."): tensor for key, tensor in tensors.items()}
    out: Tensors = {}
    for key, tensor in tensors.items():
        if key in _OPEN_CLIP:
            out[prefix + _OPEN_CLIP[key]] = tensor.clone()
        elif key == "text_projection.weight":
            out[prefix + "text_projection"] = tensor.T.contiguous()
        elif ".self_attn.q_proj." in key:
            _, _, layer, end = _layer(key)
            three = [tensors[key.replace("q_proj", f"{name}_proj")] for name in "qkv"]
            out[f"{prefix}transformer.resblocks.{layer}.attn.in_proj_{end}"] = torch.cat(three)
        elif ".layers." in key and ".k_proj." not in key and ".v_proj." not in key:
            _, inner, layer, end = _layer(key)
            out[f"{prefix}transformer.resblocks.{layer}.{_OPEN_CLIP_LAYER[inner]}.{end}"] = (
                tensor.clone()
            )
    return out


def _layer(key: str) -> tuple[str, str, str, str]:
    before, _, rest = key.partition(".layers.")
    number, _, inner = rest.partition(".")
    inner, _, end = inner.rpartition(".")
    return before, inner, number, end


def _open_clip_of_2(tensors: Tensors, prefix: str) -> Tensors:
    """As the files of 2.x have it: with a last layer and a projection, which nobody reads."""
    found = _open_clip(tensors, prefix)
    blocks = f"{prefix}transformer.resblocks."
    last = max(int(key.removeprefix(blocks).split(".")[0]) for key in found if blocks in key)
    more = {
        key.replace(f"{blocks}{last}.", f"{blocks}{last + 1}."): torch.full_like(tensor, torch.nan)
        for key, tensor in found.items()
        if key.startswith(f"{blocks}{last}.")
    }
    width = found[f"{prefix}ln_final.weight"].shape[0]
    more |= {f"{prefix}text_projection": torch.zeros(width, width)}
    return {**found, **more, f"{prefix}logit_scale": torch.ones(())}


# Stability's names for the transformer of Stable Diffusion 3, and diffusers'.
_MMDIT = {
    "pos_embed": "pos_embed.pos_embed",
    "x_embedder.proj.{}": "pos_embed.proj.{}",
    "t_embedder.mlp.0.{}": "time_text_embed.timestep_embedder.linear_1.{}",
    "t_embedder.mlp.2.{}": "time_text_embed.timestep_embedder.linear_2.{}",
    "y_embedder.mlp.0.{}": "time_text_embed.text_embedder.linear_1.{}",
    "y_embedder.mlp.2.{}": "time_text_embed.text_embedder.linear_2.{}",
    "context_embedder.{}": "context_embedder.{}",
    "final_layer.linear.{}": "proj_out.{}",
}
_MMDIT_BLOCK = {
    "x_block.adaLN_modulation.1": ("norm1.linear",),
    "context_block.adaLN_modulation.1": ("norm1_context.linear",),
    "x_block.attn.qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
    "context_block.attn.qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
    "x_block.attn.ln_q": ("attn.norm_q",),
    "x_block.attn.ln_k": ("attn.norm_k",),
    "context_block.attn.ln_q": ("attn.norm_added_q",),
    "context_block.attn.ln_k": ("attn.norm_added_k",),
    "x_block.attn.proj": ("attn.to_out.0",),
    "context_block.attn.proj": ("attn.to_add_out",),
    "x_block.attn2.qkv": ("attn2.to_q", "attn2.to_k", "attn2.to_v"),
    "x_block.attn2.ln_q": ("attn2.norm_q",),
    "x_block.attn2.ln_k": ("attn2.norm_k",),
    "x_block.attn2.proj": ("attn2.to_out.0",),
    "x_block.mlp.fc1": ("ff.net.0.proj",),
    "x_block.mlp.fc2": ("ff.net.2",),
    "context_block.mlp.fc1": ("ff_context.net.0.proj",),
    "context_block.mlp.fc2": ("ff_context.net.2",),
}


def _mmdit(ours: Tensors) -> Tensors:
    """Where a norm's scale and shift lie in one tensor, Stability's shift comes first."""
    out = Tensors()
    last = max(int(key.split(".")[1]) for key in ours if key.startswith("transformer_blocks."))
    for end in ("weight", "bias"):
        for theirs, name in _MMDIT.items():
            if (key := name.format(end)) in ours:
                out[theirs.format(end)] = ours[key]
        scaled, shifted = ours[f"norm_out.linear.{end}"].chunk(2)
        out[f"final_layer.adaLN_modulation.1.{end}"] = torch.cat([shifted, scaled])
        for block in range(last + 1):
            for theirs, names in _MMDIT_BLOCK.items():
                keys = [f"transformer_blocks.{block}.{name}.{end}" for name in names]
                if keys[0] in ours:
                    whole = torch.cat([ours[key] for key in keys])
                    if block == last and names == ("norm1_context.linear",):
                        whole = torch.cat(whole.chunk(2)[::-1])
                    out[f"joint_blocks.{block}.{theirs}.{end}"] = whole
    return out


_TRANSFORMERS: dict[str, Callable[[Tensors], Tensors]] = {
    "sd3": _mmdit,
    "flux1": flux.named,
    "flux1-schnell": flux.named,
    "flux2-klein": flux2.named,
    "flux2-dev": flux2.named,
    "flux3": flux3.named,
    "z-image": z_image.named,
    "ernie-image": ernie_image.named,
    "hidream": hidream.named,
    "chroma": flux.named_chroma,
    "lumina2": lumina2.named,
    "longcat-image": longcat_image.named,
}
# Those whose parts are all called otherwise.
_WHOLE: dict[str, Callable[[Path], Tensors]] = {
    "qwen-image": qwen_image.one_file,
    "sana": sana.one_file,
    "qwen-image-2.1": qwen_image_21.one_file,
    "krea2": krea2.one_file,
    "anima": anima.one_file,
    "wan": wan.one_file,
    "wan-2.2-5b": wan.one_file_of_5b,
    "wan-vace": wan.one_file,
    "ltx-video": ltx.one_file,
    "ltx-2": ltx2.one_file,
    "ltx-2.3": ltx2.one_file,
    "hunyuan-video-1.5": hunyuan_video.one_file,
    "ace-step": ace_step.one_file,
    "stable-audio": stable_audio.one_file,
    "stable-audio-3": stable_audio_3.one_file,
}
# Where the VAE's names begin otherwise.
_VAES = dict.fromkeys(
    (
        "flux1",
        "flux1-schnell",
        "flux2-klein",
        "flux2-dev",
        "flux3",
        "z-image",
        "chroma",
        "longcat-image",
        "ernie-image",
        "hidream",
        "lumina2",
    ),
    "vae.",
)


def _mistral(tensors: Tensors, prefix: str) -> Tensors:
    """Its layers, as ComfyUI keeps them."""
    inner = {k: t for k, t in tensors.items() if "language_model." in k}
    return {
        prefix + re.sub(r".*language_model\.(model\.)?", "model.", k): t for k, t in inner.items()
    }


def _qwen3_vl(tensors: Tensors, prefix: str) -> Tensors:
    """Its tower beside its layers."""
    names = {key: key.replace("language_model.", "model.") for key in tensors}
    return {prefix + names[key]: tensor for key, tensor in tensors.items()}


def _qwen3(tensors: Tensors, prefix: str) -> Tensors:
    return {f"{prefix}model.{key}": tensor for key, tensor in tensors.items()}


def _clip_l(tensors: Tensors, prefix: str) -> Tensors:
    """Without its projection, which changes nothing."""
    inner = {key: tensor for key, tensor in tensors.items() if key != "text_projection.weight"}
    return _renamed(inner, f"{prefix}text_model.")


def _clip_g(tensors: Tensors, prefix: str) -> Tensors:
    projection = tensors["text_projection.weight"].clone()
    return {**_clip_l(tensors, prefix), f"{prefix}text_projection.weight": projection}


def _t5(tensors: Tensors, prefix: str) -> Tensors:
    return {prefix + key: tensor.clone() for key, tensor in tensors.items()}


_OF_FLUX = (
    ("text_encoder", "text_encoders.clip_l.transformer.", _clip_l),
    ("text_encoder_2", "text_encoders.t5xxl.transformer.", _t5),
)
# The text encoders of each architecture: their folder, and what they are called in a file.
_ENCODERS = {
    "flux1": _OF_FLUX,
    "flux1-schnell": _OF_FLUX,
    "longcat-image": (("text_encoder", "text_encoders.qwen25_7b.transformer.", _t5),),
    "chroma": (("text_encoder", "text_encoders.t5xxl.transformer.", _t5),),
    "sd1": (("text_encoder", "cond_stage_model.transformer.text_model.", _renamed),),
    "sd2": (("text_encoder", "cond_stage_model.model.", _open_clip_of_2),),
    "sdxl": (
        ("text_encoder", "conditioner.embedders.0.transformer.text_model.", _renamed),
        ("text_encoder_2", "conditioner.embedders.1.model.", _open_clip),
    ),
    "sdxl-refiner": (("text_encoder_2", "conditioner.embedders.0.model.", _open_clip),),
    "sd3": (
        ("text_encoder", "text_encoders.clip_l.transformer.", _clip_l),
        ("text_encoder_2", "text_encoders.clip_g.transformer.", _clip_g),
        ("text_encoder_3", "text_encoders.t5xxl.transformer.", _t5),
    ),
    "flux2-klein": (("text_encoder", "text_encoders.qwen3_4b.transformer.", _qwen3),),
    "flux2-dev": (("text_encoder", "text_encoders.mistral3_24b.transformer.", _mistral),),
    "flux3": (("text_encoder", "text_encoders.qwen3vl_4b.transformer.", _qwen3_vl),),
    "hidream": (
        ("text_encoder", "text_encoders.clip_l.transformer.", _clip_g),
        ("text_encoder_2", "text_encoders.clip_g.transformer.", _clip_g),
        ("text_encoder_3", "text_encoders.t5xxl.transformer.", _t5),
        ("text_encoder_4", "text_encoders.llama.transformer.", _qwen3),
    ),
    "ernie-image": (("text_encoder", "text_encoders.ministral3_3b.transformer.", _mistral),),
    "z-image": (("text_encoder", "text_encoders.qwen3_4b.transformer.", _qwen3),),
    "lumina2": (("text_encoder", "text_encoders.gemma2_2b.transformer.", lumina2.words),),
}

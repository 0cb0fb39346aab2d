"""Tiny models of FLUX.3 klein, distilled and base."""

from __future__ import annotations

import json
import re
import shutil
from functools import partial
from pathlib import Path
from typing import Any

from tests.given.languagemodels import made, small
from tests.given.tiny.flux2 import vae
from tests.given.tiny.parts import chat_tokenizer, saved, write_index

WIDTH = 16  # of a layer of the encoder, of which the 32nd is read
_SCHEDULER = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "num_train_timesteps": 1000,
    "shift": 6.93,
}


def build(folder: Path, *, seed: int = 0, flow_map: bool = True) -> Path:
    """Write a tiny FLUX.3 klein into `folder`."""
    saved(folder / "tokenizer", chat_tokenizer, seed)
    saved(folder / "text_encoder", qwen3_vl, seed)
    saved(folder / "transformer", partial(transformer, flow_map=flow_map), seed)
    saved(folder / "vae", vae, seed)
    index: dict[str, object] = {
        "text_encoder": ["transformers", "Qwen3VLForConditionalGeneration"],
        "tokenizer": ["transformers", "Qwen2TokenizerFast"],
        "transformer": ["diffusers", "Flux3Transformer2DModel"],
        "vae": ["diffusers", "AutoencoderKLFlux2"],
    }
    distilled = "Distilled" if flow_map else ""
    write_index(folder, f"Flux3{distilled}ModularPipeline", index, _SCHEDULER)
    return folder


def build_of_blocks(folder: Path) -> Path:
    """The same as published: diffusers' blocks say where their parts come from."""
    build(folder)
    shutil.rmtree(folder / "scheduler")
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").unlink()
    found: dict[str, object] = {"_blocks_class_name": "Flux3DistilledAutoBlocks"}
    of_elsewhere = ["transformers", "Qwen3_5ForConditionalGeneration"]
    for part, said in {**index, "prompt_upsampler": of_elsewhere}.items():
        if not isinstance(said, list):
            found[part] = said
        elif part != "scheduler":  # the blocks make one
            home = {"pretrained_model_name_or_path": "somebody/flux3", "subfolder": part}
            found[part] = [None, None, {**home, "type_hint": said}]
    (folder / "modular_model_index.json").write_text(json.dumps(found))
    return folder


def qwen3_vl() -> Any:
    from generation.families.text.language import QWEN3_VL

    config = small("qwen3-vl", num_hidden_layers=33, hidden_size=WIDTH)
    return made(QWEN3_VL, config)


def transformer(*, flow_map: bool) -> Any:
    from diffusers import Flux3Transformer2DModel

    return Flux3Transformer2DModel(
        attention_head_dim=16,
        axes_dims_rope=(4, 4, 4, 4),
        flow_map=flow_map,
        joint_attention_dim=8 * WIDTH,
        num_attention_heads=2,
        num_layers=1,
        num_single_layers=2,
    )


Tensors = dict[str, Any]
_NAMES = (
    (r"^x_embedders", "emb_in"),
    (r"^context_embedder", "txt_in"),
    (r"^timestep_embedder\.linear_1", "time_in.in_layer"),
    (r"^timestep_embedder\.linear_2", "time_in.out_layer"),
    (r"^target_timestep_embedder\.linear_1", "ref_time_in.in_layer"),
    (r"^target_timestep_embedder\.linear_2", "ref_time_in.out_layer"),
    (r"^mode_blocks", "content_mode_blocks"),
    (r"^single_transformer_blocks", "single_blocks"),
    (r"^proj_out", "final_layer.image.linear"),
    (r"^norm_out\.linear", "final_layer.image.adaLN_modulation.1"),
    (r"attn\.to_(.)\.", r"\1_proj."),
    (r"attn\.to_out\.0", "attn_out"),
    (r"attn\.norm_q\.weight", "norm.query_norm.scale"),
    (r"attn\.norm_k\.weight", "norm.key_norm.scale"),
    (r"ff\.linear_in", "mlp_in"),
    (r"ff\.linear_out", "mlp_out"),
    (r"(stream_modulations\.\w+)\.linear", r"\1.lin"),
)


def named(ours: Tensors) -> Tensors:
    """The transformer by the names of Black Forest Labs' files."""
    import torch

    out: Tensors = {}
    for key, tensor in ours.items():
        theirs = key
        for pattern, name in _NAMES:
            theirs = re.sub(pattern, name, theirs)
        swapped = key == "norm_out.linear.weight"
        out[theirs] = torch.cat(tensor.chunk(2)[::-1]) if swapped else tensor
    return out

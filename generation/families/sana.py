"""Sana, Sana 1.5 and Sana Sprint: their parts, and how their files are told.

    model.diffusion_model.blocks...     the transformer; queries, keys and values lie in one tensor
    text_encoders.gemma2_2b.            Gemma 2 2B, which reads the words
    vae.                                the deep VAE: 32 channels, 32 pixels of a side are one

Sprint is told its guidance, by layers of its own.  The others have the same tensors: a folder says
for which size it was made, and a file by the places of its tokens, which no other use is made of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial

from generation.errors import UnusableWeights
from generation.families.architecture import (
    Architecture,
    Config,
    Lies,
    Network,
    Noise,
    Part,
    Shapes,
    Stage,
    Trained,
)
from generation.families.builds import dc_vae, sana
from generation.families.fitting import words_of
from generation.families.flux import DENOISER
from generation.families.laid import laid, under
from generation.families.networks import DEEP_AUTOENCODER
from generation.families.text.gemma import GEMMA2_PART
from generation.families.trained import FLOW_SCHEDULER, FLOW_SOLVERS, of_flow_solver
from generation.tasks import Task

# diffusers' names, and those of the single files.
_NAMES = {
    "patch_embed.": "x_embedder.",
    "time_embed.emb.timestep_embedder.linear_1": "t_embedder.mlp.0",
    "time_embed.emb.timestep_embedder.linear_2": "t_embedder.mlp.2",
    "time_embed.timestep_embedder.linear_1": "t_embedder.mlp.0",
    "time_embed.timestep_embedder.linear_2": "t_embedder.mlp.2",
    "time_embed.guidance_embedder.linear_1": "cfg_embedder.mlp.0",
    "time_embed.guidance_embedder.linear_2": "cfg_embedder.mlp.2",
    "time_embed.linear.": "t_block.1.",
    "caption_projection.linear_": "y_embedder.y_proj.fc",
    "caption_norm.": "attention_y_norm.",
    "transformer_blocks.": "blocks.",
    ".attn1.to_out.0.": ".attn.proj.",
    ".attn1.norm_q.": ".attn.q_norm.",
    ".attn1.norm_k.": ".attn.k_norm.",
    ".attn2.to_q.": ".cross_attn.q_linear.",
    ".attn2.to_out.0.": ".cross_attn.proj.",
    ".attn2.norm_q.": ".cross_attn.q_norm.",
    ".attn2.norm_k.": ".cross_attn.k_norm.",
    ".ff.conv_inverted.": ".mlp.inverted_conv.conv.",
    ".ff.conv_depth.": ".mlp.depth_conv.conv.",
    ".ff.conv_point.": ".mlp.point_conv.conv.",
    "proj_out.": "final_layer.linear.",
}
_TABLE = "scale_shift_table"
_THREE, _TWO = re.compile(r"\.attn1\.to_([qkv])\."), re.compile(r"\.attn2\.to_([kv])\.")


def lies(shapes: Shapes, _config: Config) -> Mapping[str, Sequence[Lies]]:
    """Where the transformer's tensors lie in a single file."""
    return {key: (_place(key),) for key in shapes}


def _place(key: str) -> Lies:
    name = f"final_layer.{_TABLE}" if key == _TABLE else key
    for ours, theirs in _NAMES.items():
        name = name.replace(ours, theirs)
    if (one := _THREE.search(name)) is not None:
        whole = _THREE.sub(".attn.qkv.", name)
        return Lies(key=DENOISER + whole, nth="qkv".index(one[1]), of=3)
    if (one := _TWO.search(name)) is not None:
        whole = _TWO.sub(".cross_attn.kv_linear.", name)
        return Lies(key=DENOISER + whole, nth="kv".index(one[1]), of=2)
    return Lies(key=DENOISER + name)


def told(shapes: Shapes) -> Config:
    """What a single file's tensors say of its transformer; nothing where they are not its."""
    return sana.told(under(DENOISER, shapes))


TRANSFORMER = Network(
    module="diffusers.models.transformers.sana_transformer",
    name="SanaTransformer2DModel",
    weights="diffusion_pytorch_model",
    tensors=sana.tensors,
    settings=frozenset(sana.USUAL),
)
_VAE = "vae."


_SPRINTS = "SCMScheduler"
_SPRINTS_SETTINGS: Mapping[str, object] = {
    "num_train_timesteps": 1000,
    "prediction_type": "trigflow",
    "sigma_data": 0.5,
}


def _of_scheduler(config: Config, name: str) -> Trained:
    """Sprint's angles are levels of a flow: how far the next lies is its family's."""
    if config.get("_class_name") != _SPRINTS:
        return of_flow_solver(config, name)
    for key, value in config.items():
        if not key.startswith("_") and (key, value) not in _SPRINTS_SETTINGS.items():
            raise UnusableWeights(name, f"its scheduler's {key:.60} is {value!r:.60}")
    return Trained(prediction="flow", noise="flow:1.0")


def _recognise(shapes: Shapes) -> bool:
    return f"{DENOISER}blocks.0.mlp.inverted_conv.conv.weight" in shapes


def _recognise_folder(config: Config) -> bool:
    return config.get("_class_name") == TRANSFORMER.name


_BY_SIDE = {16: "sana-512", 64: "sana-2k", 128: "sana-4k"}


def _made_for(config: Config) -> str | None:
    if config.get("guidance_embeds"):
        return "sana-sprint"
    side = config.get("sample_size")
    return _BY_SIDE.get(side) if isinstance(side, int) else None


SANA = Architecture(
    name="sana",
    family="sana",
    parts=(
        Part(
            name="transformer",
            title="transformer",
            network=TRANSFORMER,
            stage=Stage.DENOISE,
            config="sana/transformer",
            told=told,
            prefix=DENOISER,
            layout=laid(lies),
            lies=lies,
            # Places that are counted anew, what stands for no words, and a loss of Sprint's.
            spare=lambda _: tuple(
                DENOISER + name
                for name in ("pos_embed", "y_embedder.y_embedding", "logvar_linear.")
            ),
            settings={"in_channels": (32, None), "out_channels": (32, None)},
        ),
        Part(
            name="vae",
            title="VAE",
            network=DEEP_AUTOENCODER,
            stage=Stage.DECODE,
            config="sana/vae",
            prefix=_VAE,
            layout=partial(dc_vae.layout, prefix=_VAE),
            lies=partial(dc_vae.lies, prefix=_VAE),
            settings={"latent_channels": (32, None)},
            file="dc-ae-f32c32-sana-1.0.safetensors",
        ),
        GEMMA2_PART,
    ),
    recognise=_recognise,
    recognise_folder=_recognise_folder,
    pipelines="Sana(Sprint(Img2Img)?)?Pipeline",
    finer=lambda shapes, _metadata: _made_for(told(shapes)),
    finer_folder=lambda _index, config: _made_for(config),
    alike={"sana": ("sana-512",)},
    fits=words_of(read_as="caption_channels"),
    noise=Noise(
        levels="flow:3.0",
        prediction="flow",
        schedulers=frozenset({FLOW_SCHEDULER, _SPRINTS, *FLOW_SOLVERS}),
        read=_of_scheduler,
    ),
    tasks=frozenset(
        {
            *(Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.BLEND),
            *(Task.INPAINT, Task.OUTPAINT, Task.UPSCALE),
        }
    ),
    grid=32,  # a latent pixel
    latent_channels=32,
)

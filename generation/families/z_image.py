"""Z-Image and Z-Image-Turbo: their parts, and how their files are told.

    model.diffusion_model.layers...     the transformer; queries, keys and values lie in one tensor
    text_encoders.qwen3_4b.             Qwen3-4B, which reads the words
    vae.                                FLUX.1's VAE

Turbo was distilled from the other and has its tensors: a folder's shift tells them apart (3 and 6),
and of a file its card.  A file's own tensors say how large its transformer is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from generation.families.architecture import (
    Architecture,
    Config,
    Lies,
    Network,
    Noise,
    Part,
    Shapes,
    Stage,
)
from generation.families.builds import z_image
from generation.families.fitting import words_of
from generation.families.flux import DENOISER, VAE_PART
from generation.families.laid import laid, under
from generation.families.text.encoder import encoder
from generation.families.text.language import QWEN3, qwen_tokenizer
from generation.families.trained import FLOW_SCHEDULER, of_flow_scheduler
from generation.tasks import Task

# diffusers' names, and those of the single files.
_NAMES = {
    "all_x_embedder.2-1.": "x_embedder.",
    "all_final_layer.2-1.": "final_layer.",
    ".attention.to_out.0.": ".attention.out.",
    ".attention.norm_q.": ".attention.q_norm.",
    ".attention.norm_k.": ".attention.k_norm.",
}
_THREE = re.compile(r"\.attention\.to_([qkv])\.")
_LAYER = re.compile(r"(layers|noise_refiner)\.(\d+)\.")


def _named(key: str) -> str:
    """The single file's name for one of diffusers'."""
    for ours, theirs in _NAMES.items():
        key = key.replace(ours, theirs)
    return DENOISER + _THREE.sub(".attention.qkv.", key)


def lies(shapes: Shapes, _config: Config) -> Mapping[str, Sequence[Lies]]:
    """Where the transformer's tensors lie in a single file."""
    return {key: (_place(key),) for key in shapes}


def _place(key: str) -> Lies:
    if (one := _THREE.search(key)) is None:
        return Lies(key=_named(key))
    return Lies(key=_named(key), nth="qkv".index(one[1]), of=3)


def told(shapes: Shapes) -> Config:
    """What a single file's tensors say of its transformer; nothing where they are not its."""
    mine = under(DENOISER, shapes)
    counts = {"layers": 0, "noise_refiner": 0}
    for key in mine:
        if (found := _LAYER.match(key)) is not None:
            counts[found[1]] = max(counts[found[1]], int(found[2]) + 1)
    try:
        width, pixels = mine["x_embedder.weight"]
        heads = width // mine["layers.0.attention.q_norm.weight"][0]
        return {
            "cap_feat_dim": mine["cap_embedder.1.weight"][1],
            "dim": width,
            "in_channels": pixels // z_image.PATCH**2,
            "n_heads": heads,
            "n_kv_heads": heads,
            "n_layers": counts["layers"],
            "n_refiner_layers": counts["noise_refiner"],
        }
    except (LookupError, ValueError, ZeroDivisionError):
        return {}


TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_z_image",
    name="ZImageTransformer2DModel",
    weights="diffusion_pytorch_model",
    tensors=z_image.tensors,
    settings=frozenset(z_image.USUAL),
    only={
        "all_patch_size": ([z_image.PATCH],),
        "all_f_patch_size": ([1],),
        "siglip_feat_dim": (None,),  # of Z-Image-Omni, which looks at pictures
    },
)


def _recognise(shapes: Shapes) -> bool:
    ours = ("layers.0.adaLN_modulation.0.weight", "layers.0.attention.qkv.weight", "cap_pad_token")
    return all(DENOISER + key in shapes for key in ours)


def _recognise_folder(config: Config) -> bool:
    return config.get("_class_name") == TRANSFORMER.name


_ENCODER = "text_encoders.qwen3_4b.transformer."

Z_IMAGE = Architecture(
    name="z-image",
    family="z-image-turbo",
    parts=(
        Part(
            name="transformer",
            title="transformer",
            network=TRANSFORMER,
            stage=Stage.DENOISE,
            config="z-image/transformer",
            told=told,
            prefix=DENOISER,
            layout=laid(lies),
            lies=lies,
            spare=lambda _: (f"{DENOISER}norm_final.",),  # of no use in the network itself
        ),
        VAE_PART,
        encoder(
            QWEN3,
            title="text encoder (Qwen3-4B)",
            config="text/qwen3",
            prefix=_ENCODER,
            classes=("Qwen3ForCausalLM",),
            tokenizer=qwen_tokenizer(),
            file="qwen_3_4b.safetensors",
        ),
    ),
    recognise=_recognise,
    recognise_folder=_recognise_folder,
    pipelines="ZImage(Img2Img|Inpaint)?Pipeline",
    noise=Noise(
        levels="flow:3.0",
        prediction="flow",
        schedulers=frozenset({FLOW_SCHEDULER}),
        read=of_flow_scheduler,
    ),
    fits=words_of(read_as="cap_feat_dim"),
    alike={"z-image-turbo": ("z-image",)},
    by_levels={"flow:3.0": "z-image-turbo", "flow:6.0": "z-image"},
    tasks=frozenset(
        {
            *(Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.BLEND),
            *(Task.INPAINT, Task.OUTPAINT, Task.UPSCALE),
        }
    ),
    grid=16,  # two latent pixels of a side are one of its tokens
    latent_channels=16,
)

"""Lumina-Image 2.0 and its finetunes: their parts, and how their files are told.

    model.diffusion_model.layers...     the transformer; queries, keys and values lie in one tensor
    text_encoders.gemma2_2b.            Gemma 2 2B, which reads the words
    vae.                                FLUX.1's VAE

NetaYume has the tensors of the model that it was tuned from: the metadata says it, a folder's shift
(4 instead of 6), or a card.  A file's own tensors say how large its transformer is.
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
from generation.families.builds import lumina2
from generation.families.fitting import words_of
from generation.families.flux import DENOISER, VAE_PART
from generation.families.laid import laid, under
from generation.families.marks import by_marks
from generation.families.text.gemma import GEMMA2_PART
from generation.families.trained import FLOW_SCHEDULER, of_flow_scheduler
from generation.tasks import Task

# diffusers' names, and those of the single files.
_NAMES = {
    "time_caption_embed.caption_embedder.": "cap_embedder.",
    "time_caption_embed.timestep_embedder.linear_1.": "t_embedder.mlp.0.",
    "time_caption_embed.timestep_embedder.linear_2.": "t_embedder.mlp.2.",
    "norm_out.linear_1.": "final_layer.adaLN_modulation.1.",
    "norm_out.linear_2.": "final_layer.linear.",
    ".attn.to_out.0.": ".attention.out.",
    ".attn.norm_q.": ".attention.q_norm.",
    ".attn.norm_k.": ".attention.k_norm.",
    ".feed_forward.linear_": ".feed_forward.w",
    ".norm1.linear.": ".adaLN_modulation.1.",
    ".norm1.norm.": ".attention_norm1.",
    ".norm1.": ".attention_norm1.",  # of blocks that are told no time
    ".norm2.": ".attention_norm2.",
}
_THREE = re.compile(r"\.attn\.to_([qkv])\.")
_LAYER = re.compile(r"(layers|noise_refiner)\.(\d+)\.")


def _named(key: str) -> str:
    """The single file's name for one of diffusers'."""
    for ours, theirs in _NAMES.items():
        key = key.replace(ours, theirs)
    return DENOISER + _THREE.sub(".attention.qkv.", key)


def lies(shapes: Shapes, config: Config) -> Mapping[str, Sequence[Lies]]:
    """Where the transformer's tensors lie in a single file."""
    queries = lumina2.shared({**lumina2.USUAL, **config})
    return {key: _places(key, queries) for key in shapes}


def _places(key: str, queries: int) -> tuple[Lies, ...]:
    """`queries`: how many shares of the rows they have, where keys and values have one each."""
    if (one := _THREE.search(key)) is None:
        return (Lies(key=_named(key)),)
    shares = {"q": range(queries), "k": [queries], "v": [queries + 1]}[one[1]]
    return tuple(Lies(key=_named(key), nth=nth, of=queries + 2) for nth in shares)


def told(shapes: Shapes) -> Config:
    """What a single file's tensors say of its transformer; nothing where they are not its."""
    mine = under(DENOISER, shapes)
    counts = {"layers": 0, "noise_refiner": 0}
    for key in mine:
        if (found := _LAYER.match(key)) is not None:
            counts[found[1]] = max(counts[found[1]], int(found[2]) + 1)
    try:
        width, pixels = mine["x_embedder.weight"]
        head = mine["layers.0.attention.q_norm.weight"][0]
        rows = mine["layers.0.attention.qkv.weight"][0]
        return {
            "cap_feat_dim": mine["cap_embedder.1.weight"][1],
            "hidden_size": width,
            "in_channels": pixels // lumina2.PATCH**2,
            "num_attention_heads": width // head,
            "num_kv_heads": (rows - width) // 2 // head,
            "num_layers": counts["layers"],
            "num_refiner_layers": counts["noise_refiner"],
        }
    except (LookupError, ValueError, ZeroDivisionError):
        return {}


TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_lumina2",
    name="Lumina2Transformer2DModel",
    weights="diffusion_pytorch_model",
    tensors=lumina2.tensors,
    settings=frozenset(lumina2.USUAL),
)


def _recognise(shapes: Shapes) -> bool:
    ours = ("layers.0.adaLN_modulation.1.weight", "layers.0.attention.qkv.weight")
    return all(DENOISER + key in shapes for key in (*ours, "cap_embedder.1.weight"))


def _recognise_folder(config: Config) -> bool:
    return config.get("_class_name") == TRANSFORMER.name


LUMINA2 = Architecture(
    name="lumina2",
    family="lumina2",
    parts=(
        Part(
            name="transformer",
            title="transformer",
            network=TRANSFORMER,
            stage=Stage.DENOISE,
            config="lumina2/transformer",
            told=told,
            prefix=DENOISER,
            layout=laid(lies),
            lies=lies,
            spare=lambda _: (f"{DENOISER}norm_final.",),  # of no use in the network itself
            settings={"in_channels": (16, None), "out_channels": (16, None)},
        ),
        VAE_PART,
        GEMMA2_PART,
    ),
    recognise=_recognise,
    recognise_folder=_recognise_folder,
    pipelines="Lumina2(Text2Img)?Pipeline",
    noise=Noise(
        levels="flow:6.0",
        prediction="flow",
        schedulers=frozenset({FLOW_SCHEDULER}),
        read=of_flow_scheduler,
    ),
    fits=words_of(read_as="cap_feat_dim"),
    by_levels={"flow:4.0": "netayume", "flow:6.0": "lumina2"},
    finer=by_marks({"netayume": "netayume", "neta-lumina": "netayume"}),
    alike={"lumina2": ("netayume",)},
    tasks=frozenset(
        {
            *(Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.BLEND),
            *(Task.INPAINT, Task.OUTPAINT, Task.UPSCALE),
        }
    ),
    grid=16,  # two latent pixels of a side are one of its tokens
    latent_channels=16,
)

"""Krea 2 and Krea 2 Turbo: their parts, and how their files are told.

    model.diffusion_model.blocks...     the transformer, which fuses twelve states of each token
    text_encoders.qwen3vl_4b.           Qwen3-VL-4B, which reads the words
    vae.                                Qwen-Image's VAE

Turbo was distilled from the other and has its tensors: a folder says it (`is_distilled`), of a file
its card does.  Turbo's levels are the same at every size, whatever its scheduler says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

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
from generation.families.builds import krea2
from generation.families.fitting import words_of
from generation.families.flux import DENOISER
from generation.families.laid import renamed, turned, under
from generation.families.qwen_image import QWEN_IMAGE
from generation.families.text.encoder import encoder
from generation.families.text.language import QWEN3_VL, qwen_tokenizer
from generation.families.trained import FLOW_SCHEDULER, of_flow_scheduler
from generation.tasks import Task

# The states of Qwen3-VL that it reads of each token, side by side.
LAYERS = (2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 32, 35)

# diffusers' names, and those of the makers' files.
_BEGINNINGS = {
    "img_in.": "first.",
    "time_embed.linear_1.": "tmlp.0.",
    "time_embed.linear_2.": "tmlp.2.",
    "time_mod_proj.": "tproj.1.",
    "txt_in.norm.weight": "txtmlp.0.scale",
    "txt_in.linear_1.": "txtmlp.1.",
    "txt_in.linear_2.": "txtmlp.3.",
    "text_fusion.": "txtfusion.",
    "transformer_blocks.": "blocks.",
    "final_layer.linear.": "last.linear.",
    "final_layer.norm.weight": "last.norm.scale",
    "final_layer.scale_shift_table": "last.modulation.lin",
}
_INSIDE = {
    ".attn.to_q.": ".attn.wq.",
    ".attn.to_k.": ".attn.wk.",
    ".attn.to_v.": ".attn.wv.",
    ".attn.to_out.0.": ".attn.wo.",
    ".attn.to_gate.": ".attn.gate.",
    ".attn.norm_q.weight": ".attn.qknorm.qnorm.scale",
    ".attn.norm_k.weight": ".attn.qknorm.knorm.scale",
    ".ff.": ".mlp.",
    ".norm1.weight": ".prenorm.scale",
    ".norm2.weight": ".postnorm.scale",
    ".scale_shift_table": ".mod.lin",
}


_THEIRS = partial(renamed, beginnings=_BEGINNINGS, inside=_INSIDE)
_OURS = partial(renamed, beginnings=turned(_BEGINNINGS), inside=turned(_INSIDE))


def layout(shapes: Shapes, _config: Config) -> Shapes:
    """The transformer's tensors as a single file has them: a block's modulations in one row."""
    return {
        DENOISER + _THEIRS(key): (shape[0] * shape[1],)
        if _THEIRS(key).endswith(".mod.lin")
        else shape
        for key, shape in shapes.items()
    }


def lies(shapes: Shapes, _config: Config) -> Mapping[str, Sequence[Lies]]:
    """Where the transformer's tensors lie in a single file."""
    return {key: (Lies(key=DENOISER + _THEIRS(key)),) for key in shapes}


def told(shapes: Shapes) -> Config:
    """What a single file's tensors say of its transformer; nothing where they are not its."""
    mine = under(DENOISER, shapes)
    return krea2.told({_OURS(key): shape for key, shape in mine.items()})


TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_krea2",
    name="Krea2Transformer2DModel",
    weights="diffusion_pytorch_model",
    tensors=krea2.tensors,
    settings=frozenset(krea2.USUAL),
)


def _recognise(shapes: Shapes) -> bool:
    return f"{DENOISER}txtfusion.projector.weight" in shapes


def _recognise_folder(config: Config) -> bool:
    return config.get("_class_name") == TRANSFORMER.name


def _in_folder(index: Config, _config: Config) -> str:
    return "krea2-turbo" if index.get("is_distilled") else "krea2"


KREA2 = Architecture(
    name="krea2",
    family="krea2-turbo",
    parts=(
        Part(
            name="transformer",
            title="transformer",
            network=TRANSFORMER,
            stage=Stage.DENOISE,
            config="krea2/transformer",
            told=told,
            prefix=DENOISER,
            layout=layout,
            lies=lies,
            settings={
                "in_channels": (64, None),
                "num_text_layers": (len(LAYERS), None),
            },
        ),
        QWEN_IMAGE.vae,
        encoder(
            QWEN3_VL,
            config="text/qwen3-vl",
            prefix="text_encoders.qwen3vl_4b.transformer.",
            title="text encoder (Qwen3-VL-4B)",
            classes=("Qwen3VLForConditionalGeneration",),
            tokenizer=qwen_tokenizer(),
            file="qwen3vl_4b.safetensors",
        ),
    ),
    recognise=_recognise,
    recognise_folder=_recognise_folder,
    pipelines="Krea2Pipeline",
    alike={"krea2-turbo": ("krea2",)},
    finer_folder=_in_folder,
    fits=words_of(read_as="text_hidden_dim"),
    index={
        "is_distilled": (True, False, None),
        "patch_size": (2, None),
        "text_encoder_select_layers": (list(LAYERS), None),
    },
    noise=Noise(
        levels="flow-mu:0.5:1.15:256:6400",
        prediction="flow",
        schedulers=frozenset({FLOW_SCHEDULER}),
        read=of_flow_scheduler,
    ),
    tasks=frozenset(
        {
            *(Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.BLEND),
            *(Task.INPAINT, Task.OUTPAINT, Task.UPSCALE),
        }
    ),
    grid=16,  # two latent pixels of a side are one of its tokens
    latent_channels=16,
)

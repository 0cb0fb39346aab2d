"""Wan 2.1 and 2.2: their parts, and how their files are told.

    model.diffusion_model.blocks...     the transformer; 16 channels draw from words, 36 go on from
                                        a picture
    transformer_2                       of 2.2 A14B: the expert that draws what little noise leaves
    vae.                                2.1's VAE: 16 channels, 8 pixels of a side and 4 frames are
                                        one; 2.2 5B has another of 48 channels and 16 pixels
    text_encoders.umt5xxl.              UMT5-XXL, which reads the words

A file's own tensors say how large its transformer is.  2.1's and 2.2's are built alike: a folder's
pipeline tells them, and of a file its card.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from generation.families.architecture import (
    Architecture,
    Config,
    Network,
    Noise,
    Part,
    Settings,
    Shapes,
    Stage,
)
from generation.families.builds import wan, wan_vae
from generation.families.flux import DENOISER, VAE
from generation.families.laid import renamed, turned, under
from generation.families.networks import odd_latents
from generation.families.text.umt5 import UMT5_PART
from generation.families.trained import FLOW_SCHEDULER, FLOW_SOLVERS, of_flow_solver
from generation.recipe import Recipe
from generation.tasks import Task

# diffusers' names of the transformer, and those of its files.
_BEGINNINGS = {
    "condition_embedder.time_embedder.linear_1.": "time_embedding.0.",
    "condition_embedder.time_embedder.linear_2.": "time_embedding.2.",
    "condition_embedder.text_embedder.linear_1.": "text_embedding.0.",
    "condition_embedder.text_embedder.linear_2.": "text_embedding.2.",
    "condition_embedder.time_proj.": "time_projection.1.",
    "condition_embedder.image_embedder.norm1.": "img_emb.proj.0.",
    "condition_embedder.image_embedder.ff.net.0.proj.": "img_emb.proj.1.",
    "condition_embedder.image_embedder.ff.net.2.": "img_emb.proj.3.",
    "condition_embedder.image_embedder.norm2.": "img_emb.proj.4.",
    "condition_embedder.image_embedder.pos_embed": "img_emb.emb_pos",
    "proj_out.": "head.head.",
    "scale_shift_table": "head.modulation",
}
_INSIDE = {
    ".attn1.": ".self_attn.",
    ".attn2.": ".cross_attn.",
    ".to_out.0.": ".o.",
    **{f".to_{one}.": f".{one}." for one in "qkv"},
    **{f".add_{one}_proj.": f".{one}_img." for one in "kv"},
    ".norm_added_k.": ".norm_k_img.",
    ".norm2.": ".norm3.",
    ".ffn.net.0.proj.": ".ffn.0.",
    ".ffn.net.2.": ".ffn.2.",
    ".scale_shift_table": ".modulation",
    ".proj_in.": ".before_proj.",
    ".proj_out.": ".after_proj.",
}
_THEIRS = partial(renamed, beginnings=_BEGINNINGS, inside=_INSIDE)
_OURS = partial(renamed, beginnings=turned(_BEGINNINGS), inside=turned(_INSIDE))


def layout(shapes: Shapes, _config: Config) -> Shapes:
    """The transformer's tensors as a file names them."""
    return {DENOISER + _THEIRS(key): shape for key, shape in shapes.items()}


def told(shapes: Shapes) -> Config:
    """What a file's tensors say of its transformer; nothing where they are not its."""
    mine = under(DENOISER, shapes)
    return wan.told({_OURS(key): shape for key, shape in mine.items()})


def _vae_layout(shapes: Shapes, config: Config) -> Shapes:
    return {VAE + key: shape for key, shape in wan_vae.layout(shapes, config).items()}


TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_wan",
    name="WanTransformer3DModel",
    weights="diffusion_pytorch_model",
    tensors=wan.tensors,
    settings=frozenset(wan.USUAL),
    only={"qk_norm": ("rms_norm_across_heads", None)},
)
AUTOENCODER = Network(
    module="diffusers.models.autoencoders.autoencoder_kl_wan",
    name="AutoencoderKLWan",
    weights="diffusion_pytorch_model",
    tensors=wan_vae.tensors,
    settings=frozenset((*wan_vae.USUAL, "latents_mean", "latents_std", "clip_output")),
    only={"attn_scales": ([], (), None), "scale_factor_temporal": (4, None)},
    fault=odd_latents,
)


_OLDER: Settings = {"z_dim": (16, None), "is_residual": (False, None)}
_NEWER: Settings = {"z_dim": (48,), "is_residual": (True,)}


def _transformer(name: str, title: str, config: str) -> Part:
    return Part(
        name=name,
        title=title,
        network=TRANSFORMER,
        stage=Stage.DENOISE,
        config=f"{config}/transformer",
        told=told,
        prefix=DENOISER,
        layout=layout,
        # Of releases before the first: it is not used.
        spare=lambda _: (f"{DENOISER}model_type.",),
    )


def _vae(config: str, channels: int, file: str) -> Part:
    return Part(
        name="vae",
        title="VAE",
        network=AUTOENCODER,
        stage=Stage.DECODE,
        config=f"{config}/vae",
        prefix=VAE,
        layout=_vae_layout,
        settings=_OLDER if channels == 16 else _NEWER,
        file=file,
    )


def _recognise(channels: int) -> Callable[[Shapes], bool]:
    def recognise(shapes: Shapes) -> bool:
        last = shapes.get(f"{DENOISER}head.head.weight", ())
        mine = f"{DENOISER}blocks.0.self_attn.norm_q.weight" in shapes
        return (
            mine
            and f"{DENOISER}vace_blocks.0.modulation" not in shapes
            and (last[:1] == (4 * channels,))
        )

    return recognise


def _recognise_folder(channels: int) -> Callable[[Config], bool]:
    def recognise(config: Config) -> bool:
        made = config.get("out_channels", 16)
        return config.get("_class_name") == TRANSFORMER.name and made == channels

    return recognise


def _fits(configs: Mapping[str, Config]) -> str | None:
    read = configs.get("transformer", {}).get("text_dim")
    given = configs.get("text_encoder", {}).get("d_model")
    if not isinstance(read, int) or not isinstance(given, int) or read == given:
        return None
    return f"its words are {given} wide, and {read} is read"


def tokens(recipe: Recipe) -> float:
    """The work of a call, in millions of tokens' pixels: a film's, of every fourth frame."""
    frames = recipe.motion.frames if recipe.motion is not None else 1
    return recipe.drawn_at.pixels / 1e6 * ((frames - 1) // 4 + 1)


_NOISE = Noise(
    levels="flow:8.0",  # of ComfyUI's; folders say 3 or 5
    prediction="flow",
    schedulers=frozenset({FLOW_SCHEDULER, *FLOW_SOLVERS}),
    read=of_flow_solver,
)

WAN = Architecture(
    name="wan",
    family="wan-2.1",
    parts=(
        _transformer("transformer", "transformer", "wan"),
        _vae("wan", 16, "wan_2.1_vae.safetensors"),
        UMT5_PART,
    ),
    recognise=_recognise(16),
    recognise_folder=_recognise_folder(16),
    pipelines="WanPipeline",
    fits=_fits,
    noise=_NOISE,
    tasks=frozenset({Task.TEXT_TO_VIDEO}),
    grid=16,  # two latent pixels of a side are one of its tokens
    latent_channels=16,
    medium="video",
    work=tokens,
)

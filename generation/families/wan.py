"""Wan 2.1 and 2.2: their parts, and how their files are told.

    model.diffusion_model.blocks...     the transformer; 16 channels draw from words, 36 go on from
                                        a picture
    model.diffusion_model.vace_blocks   of VACE: blocks beside, which see a clip and pictures
    transformer_2                       of 2.2 A14B: the expert that draws what little noise leaves
    vae.                                2.1's VAE: 16 channels, 8 pixels of a side and 4 frames are
                                        one; 2.2 5B has another of 48 channels and 16 pixels
    text_encoders.umt5xxl.              UMT5-XXL, which reads the words
    clip_vision.                        of 2.1: CLIP-H, which looks at what a film goes on from

A file's own tensors say how large its transformer is.  2.1's and 2.2's are built alike: a folder's
pipeline tells them, and of a file its card.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from generation.families.architecture import (
    LOOKS_BY,
    Architecture,
    Config,
    Network,
    Noise,
    Part,
    Settings,
    Shapes,
    Stage,
)
from generation.families.builds import clip_vision, wan, wan_vae
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


def _bare(key: str) -> str:
    """A tensor's name without the level that older releases have around it."""
    return key.removeprefix("vision_model.")


TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_wan",
    name="WanTransformer3DModel",
    weights="diffusion_pytorch_model",
    tensors=wan.tensors,
    settings=frozenset(wan.USUAL),
    only={"qk_norm": ("rms_norm_across_heads", None)},
)
VACE_TRANSFORMER = replace(
    TRANSFORMER,
    module="diffusers.models.transformers.transformer_wan_vace",
    name="WanVACETransformer3DModel",
    tensors=wan.vace_tensors,
    settings=frozenset(wan.VACE),
)
LOOKS = Network(
    module="transformers.models.clip.modeling_clip",
    name="CLIPVisionModel",
    weights="model",
    tensors=clip_vision.tensors,
    settings=None,
    modern=_bare,
    harmless=("visual_projection.", "text_model.", "text_projection.", "logit_scale"),
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


_LOOKS = "clip_vision."


def _looks_layout(shapes: Shapes, _config: Config) -> Shapes:
    return {f"{_LOOKS}vision_model.{key}": shape for key, shape in shapes.items()}


_OLDER: Settings = {"z_dim": (16, None), "is_residual": (False, None)}
_NEWER: Settings = {"z_dim": (48,), "is_residual": (True,)}


def _transformer(config: str) -> Part:
    return Part(
        name="transformer",
        title="transformer",
        network=TRANSFORMER,
        stage=Stage.DENOISE,
        config=f"{config}/transformer",
        told=told,
        prefix=DENOISER,
        layout=layout,
        # Of releases before the first: it is not used.
        spare=lambda _: (f"{DENOISER}model_type.",),
    )


def _bare_second(key: str) -> str:
    return _SECOND + key.removeprefix(_SECOND).removeprefix(DENOISER)


def _second_file(config: Config) -> str:
    """What goes on from pictures sees them beside the noise."""
    made = "t2v" if config.get("in_channels", 16) == 16 else "i2v"
    return f"wan2.2_{made}_low_noise_14B_fp16.safetensors"


# The expert that draws where little noise is left: in files always one of its own.
_SECOND = "transformer_2."
_SECOND_PART = Part(
    name="transformer_2",
    title="second transformer",
    network=TRANSFORMER,
    stage=Stage.REFINE,
    config="wan/transformer_2",
    told=lambda shapes: told(
        {DENOISER + key: shape for key, shape in under(_SECOND, shapes).items()}
    ),
    prefix=_SECOND,
    layout=lambda shapes, _: {_SECOND + _THEIRS(key): shape for key, shape in shapes.items()},
    spelling=lambda key: _bare_second(key) if key.startswith(_SECOND) else key,
    optional=True,
    file=_second_file,
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


_VACE_MARK = f"{DENOISER}vace_blocks.0.modulation"


def _recognise(channels: int) -> Callable[[Shapes], bool]:
    def recognise(shapes: Shapes) -> bool:
        last = shapes.get(f"{DENOISER}head.head.weight", ())
        mine = f"{DENOISER}blocks.0.self_attn.norm_q.weight" in shapes
        return mine and _VACE_MARK not in shapes and (last[:1] == (4 * channels,))

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


GOING_ON = frozenset({Task.IMAGE_TO_VIDEO, Task.EXTEND_VIDEO})
# What prepares pictures for CLIP does it alike in all of them.
_INDEX: Settings = {
    "boundary_ratio": (None, 0.875, 0.9),
    "expand_timesteps": (False, True, None),
    "image_processor": (
        *(["transformers", f"CLIPImageProcessor{kind}"] for kind in ("", "Fast")),
        [None, None],
    ),
}


def _finer(shapes: Shapes, _metadata: Mapping[str, str]) -> str | None:
    """By what is seen beside the noise; a file has one expert of 2.2, and a card says it."""
    said = told(shapes)
    return _of(said) if said.get("in_channels") != 16 else None


def _finer_folder(index: Config, denoiser: Config) -> str | None:
    second = index.get("transformer_2")
    two = isinstance(second, list) and second[-1] is not None
    if denoiser.get("in_channels", 16) != 16:
        return _of(denoiser)
    return "wan-2.2" if two else None


def _of(transformer: Config) -> str:
    """The family of a transformer that goes on from pictures."""
    if transformer.get("image_dim") is None:
        return "wan-2.2-i2v"
    return "wan-2.1-i2v" if transformer.get("pos_embed_seq_len") is None else "wan-2.1-flf2v"


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
        _transformer("wan"),
        _vae("wan", 16, "wan_2.1_vae.safetensors"),
        UMT5_PART,
        Part(
            name=LOOKS_BY,
            title="image encoder (CLIP-H)",
            network=LOOKS,
            stage=Stage.ENCODE,
            config=f"wan/{LOOKS_BY}",
            prefix=_LOOKS,
            layout=_looks_layout,
            spare=lambda _: tuple(_LOOKS + begin for begin in LOOKS.harmless),
            classes=(LOOKS.name, "CLIPVisionModelWithProjection"),
            file="clip_vision_h.safetensors",
            optional=True,
        ),
        _SECOND_PART,
    ),
    recognise=_recognise(16),
    recognise_folder=_recognise_folder(16),
    pipelines="Wan(ImageToVideo|VideoToVideo)?Pipeline",
    fits=_fits,
    noise=_NOISE,
    finer=_finer,
    finer_folder=_finer_folder,
    index=_INDEX,
    tasks=frozenset({Task.TEXT_TO_VIDEO, Task.VIDEO_TO_VIDEO, *GOING_ON}),
    grid=16,  # two latent pixels of a side are one of its tokens
    latent_channels=16,
    medium="video",
    work=tokens,
)

WAN_VACE = Architecture(
    name="wan-vace",
    family="wan-vace",
    parts=(
        replace(_transformer("wan-vace"), network=VACE_TRANSFORMER),
        WAN.vae,
        UMT5_PART,
    ),
    recognise=lambda shapes: _VACE_MARK in shapes,
    recognise_folder=lambda config: config.get("_class_name") == VACE_TRANSFORMER.name,
    pipelines="WanVACEPipeline",
    fits=_fits,
    noise=_NOISE,
    index={"boundary_ratio": (None,)},
    tasks=frozenset({Task.EDIT_VIDEO, *GOING_ON}),
    grid=16,
    latent_channels=16,
    medium="video",
    work=tokens,
)

WAN_5B = Architecture(
    name="wan-2.2-5b",
    family="wan-2.2-5b",
    parts=(
        _transformer("wan-2.2-5b"),
        _vae("wan-2.2-5b", 48, "wan2.2_vae.safetensors"),
        UMT5_PART,
    ),
    recognise=_recognise(48),
    recognise_folder=_recognise_folder(48),
    pipelines=WAN.pipelines,
    fits=_fits,
    noise=_NOISE,
    index=_INDEX,
    tasks=WAN.tasks,
    grid=32,  # two latent pixels of a side, of 16 pixels each
    latent_channels=48,
    medium="video",
    work=tokens,
)

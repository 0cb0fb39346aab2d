"""HunyuanVideo 1.5: its parts, and how its folders are told.

    transformer      film and words are tokens of one attention; beside the noise of each latent
                     frame lies what is known of it, and whether anything is
    vae              16 pixels of a side and 4 frames are one
    text_encoder     the words' half of Qwen2.5-VL
    text_encoder_2   ByT5, which reads letter by letter what stands in quotes
    image_encoder    of what goes on from a picture: SigLIP, which sees it

    model.diffusion_model.double_blocks   the transformer in a file, as ComfyUI has it: three
                                          projections of an attention are one tensor
    vae. text_encoders.qwen25_7b. text_encoders.byt5. clip_vision.    the others

All have the same tensors but the one that was taught to leap over steps; a folder says what it is:
by its size in pixels, its image encoder, and what guides it.  Of a file its card says that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from generation.families import encoder_files
from generation.families.architecture import (
    GUIDED_AT,
    LOOKS_BY,
    Architecture,
    Config,
    Lies,
    Network,
    Noise,
    Part,
    Settings,
    Shapes,
    Stage,
    Tokenizer,
)
from generation.families.builds import hunyuan_video, siglip
from generation.families.flux import DENOISER, VAE
from generation.families.laid import count_of, laid, renamed, under
from generation.families.lengths import film_work
from generation.families.networks import T5, odd_factor
from generation.families.text.encoder import encoder
from generation.families.text.language import QWEN25_VL_WORDS, qwen_tokenizer
from generation.families.trained import FLOW_SCHEDULER, of_flow_scheduler
from generation.tasks import Task

NAME = "hunyuan-video-1.5"
STEP = 4  # frames of each latent one but the first, which is of one
SIDE = 16  # pixels of a latent pixel's side
LARGE, TAUGHT, LEAPING = "-720p", "-distilled", "-step-distilled"
SEEING = "-i2v"
_LARGE = 960  # the side of a square of as many pixels

TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_hunyuan_video15",
    name="HunyuanVideo15Transformer3DModel",
    weights="diffusion_pytorch_model",
    tensors=hunyuan_video.tensors,
    settings=frozenset(hunyuan_video.USUAL),
    only={
        "patch_size": (1, None),
        "patch_size_t": (1, None),
        "qk_norm": ("rms_norm", None),
        "task_type": ("t2v", "i2v", None),
    },
)
AUTOENCODER = Network(
    module="diffusers.models.autoencoders.autoencoder_kl_hunyuanvideo15",
    name="AutoencoderKLHunyuanVideo15",
    weights="diffusion_pytorch_model",
    tensors=hunyuan_video.vae,
    settings=frozenset(hunyuan_video.VAE),
    only={
        "in_channels": (3, None),
        "out_channels": (3, None),
        "spatial_compression_ratio": (SIDE, None),
        "temporal_compression_ratio": (STEP, None),
    },
    fault=odd_factor,
)
SIGLIP = Network(
    module="transformers.models.siglip.modeling_siglip",
    name="SiglipVisionModel",
    weights="model",
    tensors=siglip.tensors,
    settings=None,
    # Older releases have a level around it.
    modern=lambda key: key.removeprefix("vision_model."),
    harmless=("text_model.", "logit_scale", "logit_bias"),
)


def latent_frames(frames: int) -> int:
    """How many latent frames a film of so many frames is."""
    return (frames - 1) // STEP + 1


# diffusers' names of the transformer, and those of its files.
_BEGINNINGS = {
    "time_embed.timestep_embedder.linear_1.": "time_in.mlp.0.",
    "time_embed.timestep_embedder.linear_2.": "time_in.mlp.2.",
    "time_embed.timestep_embedder_r.linear_1.": "time_r_in.mlp.0.",
    "time_embed.timestep_embedder_r.linear_2.": "time_r_in.mlp.2.",
    "context_embedder.time_text_embed.timestep_embedder.linear_1.": "txt_in.t_embedder.mlp.0.",
    "context_embedder.time_text_embed.timestep_embedder.linear_2.": "txt_in.t_embedder.mlp.2.",
    "context_embedder.time_text_embed.text_embedder.": "txt_in.c_embedder.",
    "context_embedder.proj_in.": "txt_in.input_embedder.",
    "context_embedder.token_refiner.refiner_blocks.": "txt_in.individual_token_refiner.blocks.",
    "context_embedder_2.norm.": "byt5_in.layernorm.",
    "context_embedder_2.linear_": "byt5_in.fc",
    "image_embedder.norm_in.": "vision_in.proj.0.",
    "image_embedder.linear_1.": "vision_in.proj.1.",
    "image_embedder.linear_2.": "vision_in.proj.3.",
    "image_embedder.norm_out.": "vision_in.proj.4.",
    "x_embedder.": "img_in.",
    "cond_type_embed.": "cond_type_embedding.",
    "transformer_blocks.": "double_blocks.",
    "norm_out.linear.": "final_layer.adaLN_modulation.1.",
    "proj_out.": "final_layer.linear.",
}
_INSIDE = {
    ".norm1.linear.": ".img_mod.linear.",
    ".norm1_context.linear.": ".txt_mod.linear.",
    ".attn.norm_added_q.": ".txt_attn_q_norm.",
    ".attn.norm_added_k.": ".txt_attn_k_norm.",
    ".attn.norm_q.": ".img_attn_q_norm.",
    ".attn.norm_k.": ".img_attn_k_norm.",
    ".attn.to_add_out.": ".txt_attn_proj.",
    ".ff_context.net.0.proj.": ".txt_mlp.fc1.",
    ".ff_context.net.2.": ".txt_mlp.fc2.",
}
# What is called so in a block that draws, and so in one that refines words.
_OF_BLOCKS = {
    ".attn.to_out.0.": (".img_attn_proj.", ".self_attn_proj."),
    ".ff.net.0.proj.": (".img_mlp.fc1.", ".mlp.fc1."),
    ".ff.net.2.": (".img_mlp.fc2.", ".mlp.fc2."),
    ".norm_out.linear.": (".norm_out.linear.", ".adaLN_modulation.1."),
}
_THREE = ("to_q", "to_k", "to_v"), ("add_q_proj", "add_k_proj", "add_v_proj")
_LAST = "norm_out.linear."  # whose halves lie the other way round


def _where(own: Shapes, _config: Config) -> Mapping[str, Sequence[Lies]]:
    return {key: _pieces(key) for key in own}


def _pieces(key: str) -> Sequence[Lies]:
    """Where a tensor of the transformer lies in a file."""
    refines = ".token_refiner." in key
    for ours, theirs in _OF_BLOCKS.items():
        key = key.replace(ours, theirs[refines]) if "_blocks." in key else key
    named = DENOISER + renamed(key, _BEGINNINGS, _INSIDE)
    for three, whole in zip(_THREE, ("img_attn_qkv", "txt_attn_qkv"), strict=True):
        for nth, one in enumerate(three):
            if f".attn.{one}." in key:
                joined = "self_attn_qkv" if refines else whole
                return (Lies(key=named.replace(f"attn.{one}", joined), nth=nth, of=3),)
    if key.startswith(_LAST):
        return tuple(Lies(key=named, nth=nth, of=2) for nth in (1, 0))
    return (Lies(key=named),)


def _told(shapes: Shapes) -> Config:
    """What a file's tensors say of its transformer; nothing where they are not its."""
    mine = under(DENOISER, shapes)
    said = (
        mine.get(f"{name}.weight", ())
        for name in ("img_in.proj", "txt_in.input_embedder", "byt5_in.layernorm", _SEES)
    )
    drawn, words, quoted, seen = said
    head = mine.get("double_blocks.0.img_attn_q_norm.weight", ())
    if not (drawn and words and quoted and seen and head):
        return {}
    return {
        "in_channels": drawn[1],
        "num_attention_heads": drawn[0] // head[0],
        "attention_head_dim": head[0],
        "num_layers": count_of(mine, "double_blocks"),
        "num_refiner_layers": count_of(mine, "txt_in.individual_token_refiner.blocks"),
        "text_embed_dim": words[1],
        "text_embed_2_dim": quoted[0],
        "image_embed_dim": seen[0],
        "use_meanflow": f"{_LEAPS}.mlp.0.weight" in mine,
    }


_SEES, _LEAPS = "vision_in.proj.0", "time_r_in"
_BYT5, _EYES = "text_encoders.byt5.transformer.", "clip_vision."
_VAE_INSIDE = {
    **{f".mid_block.resnets.{nth}.": f".mid.block_{nth + 1}." for nth in (0, 1)},
    **{f".mid_block.attentions.0.to_{one}.": f".mid.attn_1.{one}." for one in "qkv"},
    ".mid_block.attentions.0.": ".mid.attn_1.",
    ".down_blocks.": ".down.",
    ".up_blocks.": ".up.",
    ".resnets.": ".block.",
    ".downsamplers.0.": ".downsample.",
    ".upsamplers.0.": ".upsample.",
    ".conv_shortcut.": ".nin_shortcut.",
}


def _vae_layout(shapes: Shapes, _config: Config) -> Shapes:
    return {VAE + renamed(key, {}, _VAE_INSIDE): shape for key, shape in shapes.items()}


def _eyes_layout(shapes: Shapes, _config: Config) -> Shapes:
    return {f"{_EYES}vision_model.{key}": shape for key, shape in shapes.items()}


# What the transformer reads, of which part, and as what.
_READ = (
    ("text_embed_dim", "text_encoder", "hidden_size", "words"),
    ("text_embed_2_dim", "text_encoder_2", "d_model", "words in quotes"),
    ("image_embed_dim", LOOKS_BY, "hidden_size", "pictures"),
)


def _fits(configs: Mapping[str, Config]) -> str | None:
    denoiser = configs.get("transformer", {})
    for said, part, given, what in _READ:
        read, made = denoiser.get(said), configs.get(part, {}).get(given)
        if isinstance(read, int) and isinstance(made, int) and read != made:
            return f"its {what} are {made} wide, and {read} is read"
    latent, beside = configs.get("vae", {}).get("latent_channels"), denoiser.get("in_channels")
    if isinstance(latent, int) and isinstance(beside, int) and beside != 2 * latent + 1:
        return f"its latents have {latent} channels, and {beside} are read, which are no {latent}"
    return None


def _finer(shapes: Shapes, _metadata: Mapping[str, str]) -> str | None:
    """One that leaps is of those that go on from pictures; all else its card says."""
    leaps = f"{DENOISER}{_LEAPS}.mlp.0.weight" in shapes
    return NAME + SEEING + LEAPING if leaps else None


def _finer_folder(index: Config, denoiser: Config) -> str:
    looks = index.get(LOOKS_BY)
    seeing = isinstance(looks, list) and looks[-1] is not None
    found = NAME + (LARGE if denoiser.get("target_size") == _LARGE else "")
    if seeing and denoiser.get("use_meanflow"):
        return NAME + SEEING + LEAPING
    return found + (SEEING if seeing else "") + (TAUGHT if index.get(GUIDED_AT) == 1 else "")


_INDEX: Settings = {
    "guider": (["diffusers", "ClassifierFreeGuidance"],),
    # What prepares pictures for SigLIP does it alike in all of them.
    "feature_extractor": (
        *(["transformers", f"SiglipImageProcessor{kind}"] for kind in ("", "Fast", "Pil")),
        [None, None],
    ),
}


# What a card may call a file, whose tensors are all alike.
_ALIKE = tuple(
    NAME + size + sees + taught
    for sees in ("", SEEING)
    for size in ("", LARGE)
    for taught in ("", TAUGHT)
    if size + sees + taught
)
HUNYUAN_VIDEO = Architecture(
    name=NAME,
    family=NAME,
    parts=(
        Part(
            name="transformer",
            title="transformer",
            network=TRANSFORMER,
            stage=Stage.DENOISE,
            config=f"{NAME}/transformer",
            told=_told,
            prefix=DENOISER,
            layout=laid(_where),
            lies=_where,
        ),
        Part(
            name="vae",
            title="VAE",
            network=AUTOENCODER,
            stage=Stage.DECODE,
            config=f"{NAME}/vae",
            prefix=VAE,
            layout=_vae_layout,
            file="hunyuanvideo15_vae_fp16.safetensors",
        ),
        encoder(
            QWEN25_VL_WORDS,
            config=f"{NAME}/text_encoder",
            prefix="text_encoders.qwen25_7b.transformer.",
            tokenizer=qwen_tokenizer(),
            title="text encoder (Qwen2.5-VL)",
            file="qwen_2.5_vl_7b.safetensors",
        ),
        Part(
            name="text_encoder_2",
            title="text encoder (ByT5)",
            network=T5,
            stage=Stage.ENCODE,
            config=f"{NAME}/text_encoder_2",
            prefix=_BYT5,
            layout=encoder_files.t5(_BYT5),
            spare=encoder_files.beside(_BYT5, *T5.harmless),
            tokenizer=Tokenizer(
                name="tokenizer_2",
                module="transformers.models.byt5.tokenization_byt5",
                classes=("ByT5Tokenizer",),
                padding="<pad>",
            ),
            file="byt5_small_glyphxl_fp16.safetensors",
        ),
        Part(
            name=LOOKS_BY,
            title="image encoder (SigLIP)",
            network=SIGLIP,
            stage=Stage.ENCODE,
            config=f"{NAME}/{LOOKS_BY}",
            prefix=_EYES,
            layout=_eyes_layout,
            spare=encoder_files.beside(_EYES, *SIGLIP.harmless),
            file="sigclip_vision_patch14_384.safetensors",
            optional=True,
        ),
    ),
    recognise=lambda shapes: (
        f"{DENOISER}cond_type_embedding.weight" in shapes
        and (f"{DENOISER}double_blocks.0.img_attn_qkv.weight" in shapes)
    ),
    finer=_finer,
    recognise_folder=lambda config: config.get("_class_name") == TRANSFORMER.name,
    pipelines="HunyuanVideo15(ImageToVideo)?Pipeline",
    finer_folder=_finer_folder,
    index=_INDEX,
    fits=_fits,
    alike={NAME: _ALIKE, NAME + SEEING + LEAPING: ()},
    noise=Noise(
        levels="flow:5.0",  # of 480p; folders of others say 7 or 9
        prediction="flow",
        schedulers=frozenset({FLOW_SCHEDULER}),
        read=of_flow_scheduler,
    ),
    tasks=frozenset({Task.TEXT_TO_VIDEO, Task.IMAGE_TO_VIDEO, Task.EXTEND_VIDEO}),
    grid=SIDE,
    latent_channels=32,
    medium="video",
    work=film_work(latent_frames),
)

"""HiDream I1 (full, dev and fast): its parts, and how its files are told.

    model.diffusion_model.double_stream_blocks...   the transformer, by diffusers' own names
    text_encoders.clip_l. clip_g.                   two CLIPs with 248 places, of which a summary
    text_encoders.t5xxl. llama.                     T5-XXL, and Llama 3.1 8B, all of whose layers
    vae.                                            FLUX.1's VAE

Dev and fast were distilled from full and have its tensors: a folder's scheduler tells them apart,
of a file its card does.
"""

from __future__ import annotations

from collections.abc import Mapping

from generation.families import encoder_files
from generation.families.architecture import (
    Architecture,
    Config,
    Network,
    Noise,
    Part,
    Shapes,
    Stage,
    Trained,
)
from generation.families.builds import hidream
from generation.families.encoder_files import CLIP_G, CLIP_L, T5XXL
from generation.families.flux import DENOISER, VAE_PART
from generation.families.laid import under
from generation.families.networks import PROJECTED_CLIP, T5, clip_tokenizer, t5_tokenizer
from generation.families.text.encoder import encoder
from generation.families.text.language import LLAMA, llama_tokenizer
from generation.families.trained import (
    FLOW_SCHEDULER,
    FLOW_SOLVERS,
    of_flow_scheduler,
    of_flow_solver,
)
from generation.tasks import Task

TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_hidream_image",
    name="HiDreamImageTransformer2DModel",
    weights="diffusion_pytorch_model",
    tensors=hidream.tensors,
    settings=frozenset(hidream.USUAL),
)
_LCM = "FlowMatchLCMScheduler"


def _of_scheduler(config: Config, name: str) -> Trained:
    """What a folder's scheduler says of the levels; which sampler walks them a recipe says."""
    if config.get("_class_name") == _LCM:  # and sizes of steps, which are none by default
        more = {"_class_name", "scale_factors", "upscale_mode"}
        return of_flow_scheduler({k: v for k, v in config.items() if k not in more}, name)
    return of_flow_solver(config, name)


def told(shapes: Shapes) -> Config:
    """What a single file's tensors say of its transformer; nothing where they are not its."""
    return hidream.told(under(DENOISER, shapes))


def _layout(shapes: Shapes, _config: Config) -> Shapes:
    return {DENOISER + key: shape for key, shape in shapes.items()}


def _recognise(shapes: Shapes) -> bool:
    return f"{DENOISER}double_stream_blocks.0.block.adaLN_modulation.1.bias" in shapes


def _recognise_folder(config: Config) -> bool:
    return config.get("_class_name") == TRANSFORMER.name


def _in_folder(index: Config, _config: Config) -> str:
    """Dev's shift is another than fast's: `by_levels`."""
    scheduler = index.get("scheduler")
    few = isinstance(scheduler, list) and _LCM in scheduler
    return "hidream-fast" if few else "hidream-full"


def _clip(name: str, prefix: str, title: str, padding: str, file: str) -> Part:
    return Part(
        name=f"text_encoder{name}",
        title=title,
        network=PROJECTED_CLIP,
        stage=Stage.ENCODE,
        config=f"hidream/text_encoder{name}",
        prefix=prefix,
        layout=encoder_files.clip(prefix, projected=True),
        tokenizer=clip_tokenizer(f"tokenizer{name}", padding=padding),
        file=file,
    )


def _words_fit(configs: Mapping[str, Config]) -> str | None:
    """Why Llama is none of the transformer's: it reads as many layers as blocks ask for."""
    layers = configs.get("transformer", {}).get("llama_layers")
    there = configs.get("text_encoder_4", {}).get("num_hidden_layers")
    if isinstance(layers, list) and isinstance(there, int) and max(layers) >= there:
        return f"it has {there} layers, and {max(layers) + 1} are read"
    return None


HIDREAM = Architecture(
    name="hidream",
    family="hidream-full",
    parts=(
        Part(
            name="transformer",
            title="transformer",
            network=TRANSFORMER,
            stage=Stage.DENOISE,
            config="hidream/transformer",
            told=told,
            prefix=DENOISER,
            layout=_layout,
            settings={"in_channels": (16,), "patch_size": (hidream.PATCH,)},
        ),
        VAE_PART,
        _clip(
            "",
            CLIP_L,
            "first text encoder (CLIP-L)",
            "<|endoftext|>",
            "clip_l_hidream.safetensors",
        ),
        _clip("_2", CLIP_G, "second text encoder (CLIP-G)", "!", "clip_g_hidream.safetensors"),
        Part(
            name="text_encoder_3",
            title="third text encoder (T5-XXL)",
            network=T5,
            stage=Stage.ENCODE,
            config="sd3/text_encoder_3",
            prefix=T5XXL,
            layout=encoder_files.t5(T5XXL),
            spare=encoder_files.beside(T5XXL, *T5.harmless),
            tokenizer=t5_tokenizer("tokenizer_3"),
            file="t5xxl_fp8_e4m3fn_scaled.safetensors",
        ),
        encoder(
            LLAMA,
            name="text_encoder_4",
            config="text/llama3.1",
            prefix="text_encoders.llama.transformer.",
            title="fourth text encoder (Llama 3.1 8B)",
            classes=("LlamaForCausalLM",),
            tokenizer=llama_tokenizer("tokenizer_4"),
            file="llama_3.1_8b_instruct_fp8_scaled.safetensors",
        ),
    ),
    recognise=_recognise,
    recognise_folder=_recognise_folder,
    pipelines="HiDreamImagePipeline",
    finer_folder=_in_folder,
    by_levels={"flow:6.0": "hidream-dev"},
    alike={"hidream-full": ("hidream-dev", "hidream-fast")},
    fits=_words_fit,
    noise=Noise(
        levels="flow:3.0",
        prediction="flow",
        schedulers=frozenset({FLOW_SCHEDULER, _LCM, *FLOW_SOLVERS}),
        read=_of_scheduler,
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

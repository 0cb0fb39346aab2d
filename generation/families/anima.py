"""Anima: its parts, and how their files are told.

    model.diffusion_model.blocks...         the transformer, which is Cosmos-Predict2's
    model.diffusion_model.llm_adapter...    the text conditioner, which lies in the same file
    text_encoders.qwen3_06b.                Qwen3-0.6B, which reads the words
    vae.                                    Qwen-Image's VAE

Cosmos' own models have the same transformer: their files are told by the text conditioner that they
lack (`generation.catalog.strangers`), their folders by their pipelines.  A transformer alone by
diffusers' names is taken for Anima's, and draws nothing without a text conditioner.
"""

from __future__ import annotations

from functools import partial

from generation.families.architecture import (
    Architecture,
    Config,
    Network,
    Noise,
    Part,
    Shapes,
    Stage,
)
from generation.families.builds import anima
from generation.families.fitting import words_of
from generation.families.flux import DENOISER
from generation.families.laid import renamed, turned, under
from generation.families.networks import t5_tokenizer
from generation.families.qwen_image import QWEN_IMAGE
from generation.families.text.encoder import encoder
from generation.families.text.language import QWEN3, qwen_tokenizer
from generation.families.trained import FLOW_SCHEDULER, of_flow_scheduler
from generation.tasks import Task

CONDITIONER = f"{DENOISER}llm_adapter."

# diffusers' names of the transformer, and those of its files.
_BEGINNINGS = {
    "patch_embed.proj.": "x_embedder.proj.1.",
    "time_embed.t_embedder.": "t_embedder.1.",
    "time_embed.norm.": "t_embedding_norm.",
    "transformer_blocks.": "blocks.",
    "norm_out.linear_1.": "final_layer.adaln_modulation.1.",
    "norm_out.linear_2.": "final_layer.adaln_modulation.2.",
    "proj_out.": "final_layer.linear.",
}
_INSIDE = {
    **{
        f".norm{number}.linear_{nth}.": f".adaln_modulation_{what}.{nth}."
        for number, what in ((1, "self_attn"), (2, "cross_attn"), (3, "mlp"))
        for nth in (1, 2)
    },
    ".attn1.": ".self_attn.",
    ".attn2.": ".cross_attn.",
    **{f".to_{one}.": f".{one}_proj." for one in "qkv"},
    ".to_out.0.": ".output_proj.",
    ".norm_q.": ".q_norm.",
    ".norm_k.": ".k_norm.",
    ".ff.net.0.proj.": ".mlp.layer1.",
    ".ff.net.2.": ".mlp.layer2.",
}


_THEIRS = partial(renamed, beginnings=_BEGINNINGS, inside=_INSIDE)
_OURS = partial(renamed, beginnings=turned(_BEGINNINGS), inside=turned(_INSIDE))


def layout(shapes: Shapes, _config: Config) -> Shapes:
    """The transformer's tensors as a file names them."""
    return {DENOISER + _THEIRS(key): shape for key, shape in shapes.items()}


def told(shapes: Shapes) -> Config:
    """What a file's tensors say of its transformer; nothing where they are not its."""
    mine = under(DENOISER, shapes)
    return anima.transformer_told({_OURS(key): shape for key, shape in mine.items()})


def _layout_of_conditioner(shapes: Shapes, _config: Config) -> Shapes:
    return {CONDITIONER + key: shape for key, shape in shapes.items()}


def _told_of_conditioner(shapes: Shapes) -> Config:
    return anima.conditioner_told(under(CONDITIONER, shapes))


TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_cosmos",
    name="CosmosTransformer3DModel",
    weights="diffusion_pytorch_model",
    tensors=anima.transformer,
    settings=frozenset(anima.TRANSFORMER),
    only={"concat_padding_mask": (True, None)},
)
TEXT_CONDITIONER = Network(
    module="diffusers.models.condition_embedders.condition_embedder_anima",
    name="AnimaTextConditioner",
    weights="diffusion_pytorch_model",
    tensors=anima.conditioner,
    settings=frozenset(anima.CONDITIONER),
    told=anima.conditioner_told,
)


def _recognise(shapes: Shapes) -> bool:
    return f"{DENOISER}blocks.0.adaln_modulation_mlp.1.weight" in shapes


def _recognise_folder(config: Config) -> bool:
    """Cosmos' folders are told by their pipelines."""
    return config.get("_class_name") == TRANSFORMER.name


ANIMA = Architecture(
    name="anima",
    family="anima",
    parts=(
        Part(
            name="transformer",
            title="transformer",
            network=TRANSFORMER,
            stage=Stage.DENOISE,
            config="anima/transformer",
            told=told,
            prefix=DENOISER,
            layout=layout,
            # Of the training, and what the network computes itself.
            spare=lambda _: tuple(
                DENOISER + begin for begin in ("accum_", "pos_embedder.", "llm_adapter.rotary_emb.")
            ),
            settings={"in_channels": (16, None), "out_channels": (16, None)},
        ),
        QWEN_IMAGE.vae,
        encoder(
            QWEN3,
            title="text encoder (Qwen3-0.6B)",
            config="text/qwen3",
            prefix="text_encoders.qwen3_06b.transformer.",
            classes=("Qwen3ForCausalLM",),
            tokenizer=qwen_tokenizer(),
            file="qwen_3_06b_base.safetensors",
        ),
        Part(
            name="text_conditioner",
            title="text conditioner",
            network=TEXT_CONDITIONER,
            stage=Stage.ENCODE,
            config="anima/text_conditioner",
            told=_told_of_conditioner,
            prefix=CONDITIONER,
            layout=_layout_of_conditioner,
            tokenizer=t5_tokenizer("t5_tokenizer"),
            file="text_conditioner/diffusion_pytorch_model.safetensors",
        ),
    ),
    recognise=_recognise,
    recognise_folder=_recognise_folder,
    pipelines="AnimaModularPipeline",
    fits=words_of(read_as="source_dim", denoiser="text_conditioner"),
    noise=Noise(
        levels="flow:3.0",
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

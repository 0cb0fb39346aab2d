"""ACE-Step 1.5 and its turbo: their parts, and how a folder of them is told.

    condition_encoder         what reads words, lyrics and a voice, with a stretch of silence
    transformer               two frames of latents a token, 25 frames a second
    audio_tokenizer, audio_token_detokenizer    a sound as five tokens a second, for covers

    model.diffusion_model.decoder.      the transformer in a single file, ...encoder. the conditions
    text_encoders.qwen3_06b.            Qwen3 0.6B, which reads the words

Turbo was distilled from guidance: a folder's `is_turbo` says it, and of a file a card.  ComfyUI's
files lack the silence, of which the first frames lie in configs/; all behind them are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from generation.errors import UnusableWeights
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
from generation.families.builds import ace_step as build
from generation.families.laid import under
from generation.families.oobleck import oobleck_part
from generation.families.text.encoder import encoder
from generation.families.text.language import QWEN3, qwen_tokenizer
from generation.families.trained import FLOW_SCHEDULER, of_flow_scheduler
from generation.tasks import AUDIO, Task

_WHOLE = "model.diffusion_model."
# diffusers' names, and those of the makers' files.
_NAMES = {
    ".to_q.": ".q_proj.",
    ".to_k.": ".k_proj.",
    ".to_v.": ".v_proj.",
    ".to_out.0.": ".o_proj.",
    ".norm_q.": ".q_norm.",
    ".norm_k.": ".k_norm.",
    "proj_in_conv.": "proj_in.1.",
    "proj_out_conv.": "proj_out.1.",
}
# In files of all parts: the language model that plans a song before it is made, of either size.
_PLANNERS = ("text_encoders.qwen3_2b.", "text_encoders.qwen3_4b.")
_PIPELINE = "diffusers.pipelines.ace_step.modeling_ace_step"
SHIFT = "flow:3.0"  # which its pipeline says itself; the scheduler's is 1

TRANSFORMER = Network(
    module="diffusers.models.transformers.ace_step_transformer",
    name="AceStepTransformer1DModel",
    weights="diffusion_pytorch_model",
    tensors=build.transformer,
    settings=frozenset(build.TRANSFORMER),
)
CONDITION_ENCODER = Network(
    module=_PIPELINE,
    name="AceStepConditionEncoder",
    weights="diffusion_pytorch_model",
    tensors=build.condition_encoder,
    settings=frozenset(build.CONDITIONS),
)
AUDIO_TOKENIZER = Network(
    module=_PIPELINE,
    name="AceStepAudioTokenizer",
    weights="diffusion_pytorch_model",
    tensors=build.tokenizer,
    settings=frozenset(build.TOKENIZER),
    only={"fsq_input_num_quantizers": (1, None)},
)
AUDIO_DETOKENIZER = Network(
    module=_PIPELINE,
    name="AceStepAudioTokenDetokenizer",
    weights="diffusion_pytorch_model",
    tensors=build.detokenizer,
    settings=frozenset(build.DETOKENIZER),
)


def _of_scheduler(config: Config, name: str) -> Trained:
    """A flow whose times go from 0 to 1, shifted by the pipeline."""
    if config.get("num_train_timesteps") != 1:
        said = config.get("num_train_timesteps")
        raise UnusableWeights(name, f"its scheduler's num_train_timesteps is {said!r:.60}")
    found = of_flow_scheduler({**config, "num_train_timesteps": 1000}, name)
    if found.noise != "flow:1.0":
        raise UnusableWeights(name, f"its scheduler's levels are {found.noise}, not evenly from 1")
    return Trained(prediction=found.prediction, noise=SHIFT)


def _fits(configs: Mapping[str, Config]) -> str | None:
    """What reads the conditions gives them as wide as they are looked at."""
    mine, words = configs.get("transformer", {}), configs.get("condition_encoder", {})
    read = mine.get("encoder_hidden_size") or mine.get("hidden_size")
    given = words.get("hidden_size")
    if read is not None and given is not None and read != given:
        return f"its conditions are {given} wide, {read} are read"
    encoded = configs.get("text_encoder", {}).get("hidden_size")
    wanted = words.get("text_hidden_dim")
    if encoded is not None and wanted is not None and encoded != wanted:
        return f"its text encoder gives words {encoded} wide, {wanted} are read"
    return None


def _turbo(_index: Config, denoiser: Config) -> str | None:
    """The family that its transformer says."""
    is_turbo = denoiser.get("is_turbo") is True or denoiser.get("model_version") == "turbo"
    return "ace-step-turbo" if is_turbo else None


def _named(key: str) -> str:
    """The makers' name for one of diffusers'."""
    for ours, theirs in _NAMES.items():
        key = key.replace(ours, theirs)
    return key


def _part(
    name: str,
    title: str,
    network: Network,
    stage: Stage,
    prefix: str,
    *,
    supplied: tuple[str, ...] = (),
    spare: tuple[str, ...] = (),
) -> Part:
    """A network whose tensors lie behind that beginning, which is its own."""

    def layout(shapes: Shapes, _: Config) -> Shapes:
        return {_place(prefix, key): shape for key, shape in shapes.items()}

    def told(shapes: Shapes) -> Config:
        mine = under(prefix, shapes)
        return _TOLD[name](mine) if mine else {}

    return Part(
        name=name,
        title=title,
        network=network,
        stage=stage,
        config=f"ace-step/{name}",
        # A denoiser alone has its names without the first of these levels.
        prefix=_WHOLE if stage is Stage.DENOISE and name == "transformer" else prefix,
        layout=layout,
        told=told,
        file=f"{name}/diffusion_pytorch_model.safetensors",
        supplied=supplied,
        spare=lambda _: spare,
    )


def _place(prefix: str, key: str) -> str:
    """Where a tensor lies: what stands for no conditions, beside what reads them."""
    return (_WHOLE if key == "null_condition_emb" else prefix) + _named(key)


def _sizes(shapes: Shapes, first: str) -> dict[str, object]:
    """What all of the networks say, by the first of their layers."""
    head = shapes[f"{first}.self_attn.q_norm.weight"][0]
    inner, width = shapes[f"{first}.mlp.gate_proj.weight"]
    return {
        "head_dim": head,
        "hidden_size": width,
        "intermediate_size": inner,
        "num_attention_heads": shapes[f"{first}.self_attn.q_proj.weight"][0] // head,
        "num_key_value_heads": shapes[f"{first}.self_attn.k_proj.weight"][0] // head,
    }


def _layers(shapes: Shapes, begin: str = "layers.") -> int:
    return len({key.split(begin, 1)[1].partition(".")[0] for key in shapes if begin in key})


def _of_transformer(shapes: Shapes) -> Config:
    _, read, patch = shapes["proj_in.1.weight"]
    return _sizes(shapes, "layers.0") | {
        "audio_acoustic_hidden_dim": shapes["proj_out.1.weight"][1],
        "encoder_hidden_size": shapes["condition_embedder.weight"][1],
        "in_channels": read,
        "num_hidden_layers": _layers(shapes),
        "patch_size": patch,
    }


def _of_conditions(shapes: Shapes) -> Config:
    return _sizes(shapes, "lyric_encoder.layers.0") | {
        "num_lyric_encoder_hidden_layers": _layers(shapes, "lyric_encoder.layers."),
        "num_timbre_encoder_hidden_layers": _layers(shapes, "timbre_encoder.layers."),
        "text_hidden_dim": shapes["text_projector.weight"][1],
        "timbre_hidden_dim": shapes["timbre_encoder.embed_tokens.weight"][1],
    }


def _of_tokenizer(shapes: Shapes) -> Config:
    return _sizes(shapes, "attention_pooler.layers.0") | {
        "audio_acoustic_hidden_dim": shapes["audio_acoustic_proj.weight"][1],
        "fsq_dim": shapes["quantizer.project_in.weight"][1],
        "num_attention_pooler_hidden_layers": _layers(shapes),
    }


def _of_detokenizer(shapes: Shapes) -> Config:
    return _sizes(shapes, "layers.0") | {
        "audio_acoustic_hidden_dim": shapes["proj_out.weight"][0],
        "num_attention_pooler_hidden_layers": _layers(shapes),
        "pool_window_size": shapes["special_tokens"][1],
    }


def _or_nothing(read: Callable[[Shapes], Config]) -> Callable[[Shapes], Config]:
    """Nothing where the tensors are not its."""

    def told(shapes: Shapes) -> Config:
        try:
            return read(shapes)
        except (LookupError, ValueError, ZeroDivisionError):
            return {}

    return told


_TOLD: Mapping[str, Callable[[Shapes], Config]] = {
    "transformer": _or_nothing(_of_transformer),
    "condition_encoder": _or_nothing(_of_conditions),
    "audio_tokenizer": _or_nothing(_of_tokenizer),
    "audio_token_detokenizer": _or_nothing(_of_detokenizer),
}


def _recognise(shapes: Shapes) -> bool:
    ours = ("decoder.condition_embedder.weight", "decoder.layers.0.cross_attn.q_proj.weight")
    return all(_WHOLE + key in shapes for key in ours)


ACE_STEP = Architecture(
    name="ace-step",
    family="ace-step",
    parts=(
        _part(
            "transformer",
            "transformer",
            TRANSFORMER,
            Stage.DENOISE,
            f"{_WHOLE}decoder.",
            spare=_PLANNERS,
        ),
        oobleck_part("ace-step/vae", "vae.", "ace_1.5_vae.safetensors"),
        encoder(
            QWEN3,
            title="text encoder (Qwen3 0.6B)",
            config="text/qwen3",
            prefix="text_encoders.qwen3_06b.transformer.",
            tokenizer=qwen_tokenizer(),
            file="qwen_0.6b_ace15.safetensors",
        ),
        _part(
            "condition_encoder",
            "encoder of conditions",
            CONDITION_ENCODER,
            Stage.ENCODE,
            "model.diffusion_model.encoder.",
            supplied=("silence_latent",),
        ),
        _part(
            "audio_tokenizer",
            "tokenizer of sounds",
            AUDIO_TOKENIZER,
            Stage.DENOISE,
            "model.diffusion_model.tokenizer.",
        ),
        _part(
            "audio_token_detokenizer",
            "detokenizer of sounds",
            AUDIO_DETOKENIZER,
            Stage.DENOISE,
            "model.diffusion_model.detokenizer.",
        ),
    ),
    recognise=_recognise,
    recognise_folder=lambda config: config.get("_class_name") == TRANSFORMER.name,
    pipelines="AceStepPipeline",
    noise=Noise(
        levels=SHIFT,
        prediction="flow",
        schedulers=frozenset({FLOW_SCHEDULER}),
        read=_of_scheduler,
        whole=1.0,
    ),
    fits=_fits,
    finer_folder=_turbo,
    tasks=frozenset({Task.TEXT_TO_AUDIO, Task.AUDIO_TO_AUDIO}),
    grid=1,
    latent_channels=64,
    medium=AUDIO,
)

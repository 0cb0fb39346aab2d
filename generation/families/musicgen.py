"""MusicGen: its parts, and how its file is told.

    text_encoder.     T5-base, which reads the words
    enc_to_dec_proj.  brings them to the decoder's width
    decoder.          writes tokens, one after the other
    audio_encoder.    EnCodec, which makes sound of them

All of it lies in one file, the `model.safetensors` that is published, under whatever name; the file
says how large its decoder is.  A folder of transformers is not read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from generation.errors import UnusableWeights
from generation.families.architecture import (
    Architecture,
    Config,
    Dtype,
    Network,
    Noise,
    Part,
    Shapes,
    Stage,
    Trained,
)
from generation.families.builds import musicgen as build
from generation.families.laid import under
from generation.families.networks import T5, t5_tokenizer
from generation.tasks import AUDIO, Task


def _modern(key: str) -> str:
    """Today's name of a direction and a length."""
    key = key.replace(".weight_g", ".parametrizations.weight.original0")
    return key.replace(".weight_v", ".parametrizations.weight.original1")


DECODER = Network(
    module="transformers.models.musicgen.modeling_musicgen",
    name="MusicgenForCausalLM",
    weights="model",
    tensors=build.decoder,
    settings=None,
)
ENCODEC = Network(
    module="transformers.models.encodec.modeling_encodec",
    name="EncodecModel",
    weights="model",
    tensors=build.encodec,
    settings=None,
    modern=_modern,
)
WORDS = Network(
    module="generation.modules.words_to_width",
    name="WordsToWidth",
    weights="model",
    tensors=build.words,
    settings=None,
)


def _or_nothing(read: Callable[[Shapes], Config], prefix: str) -> Callable[[Shapes], Config]:
    """What tensors behind that beginning say; nothing where they are not its."""

    def told(shapes: Shapes) -> Config:
        try:
            return read(under(prefix, shapes))
        except (LookupError, ValueError):
            return {}

    return told


def _widths(shapes: Shapes) -> Config:
    made, read = shapes["weight"]
    return {"read": read, "made": made}


def _behind(prefix: str) -> Callable[[Shapes, Config], Shapes]:
    def layout(shapes: Shapes, _: Config) -> Shapes:
        return {prefix + key: shape for key, shape in shapes.items()}

    return layout


def _as_it_is(shapes: Shapes, _: Config) -> Shapes:
    return dict(shapes)


def _recognise(shapes: Shapes) -> bool:
    ours = ("decoder.model.decoder.embed_tokens.0.weight", "decoder.lm_heads.0.weight")
    return all(key in shapes for key in ours)


def _of_two_sides(shapes: Shapes, _: Mapping[str, str]) -> str | None:
    """Stereo has twice the codebooks."""
    return "musicgen-stereo" if "decoder.lm_heads.7.weight" in shapes else None


def _no_scheduler(_: Config, name: str) -> Trained:
    raise UnusableWeights(name, "a folder of MusicGen, whose one file is read instead")


def _fits(configs: Mapping[str, Config]) -> str | None:
    made = configs.get("words", {}).get("made")
    read = configs.get("decoder", {}).get("hidden_size")
    if made is not None and read is not None and made != read:
        return f"its words are {made} wide, {read} are read"
    return None


MUSICGEN = Architecture(
    name="musicgen",
    family="musicgen",
    parts=(
        Part(
            name="decoder",
            title="decoder",
            network=DECODER,
            stage=Stage.DENOISE,
            config="musicgen/decoder",
            prefix="decoder.",
            layout=_behind("decoder."),
            told=_or_nothing(build.told, "decoder."),
            spare=lambda _: ("decoder.model.decoder.embed_positions.",),  # which are worked out
        ),
        Part(
            name="vae",
            title="codec (EnCodec)",
            network=ENCODEC,
            stage=Stage.DECODE,
            config="musicgen/vae",
            prefix="audio_encoder.",
            layout=_behind("audio_encoder."),
            spelling=lambda key: _modern(key) if key.startswith("audio_encoder.") else key,
            told=_or_nothing(build.told_of_encodec, "audio_encoder."),
            dtype=Dtype.FLOAT32,
            apart=False,
        ),
        Part(
            name="text_encoder",
            title="text encoder (T5)",
            network=T5,
            stage=Stage.ENCODE,
            config="musicgen/text_encoder",
            prefix="text_encoder.",
            layout=_behind("text_encoder."),
            told=_or_nothing(build.told_of_t5, "text_encoder."),
            spare=lambda _: ("text_encoder.encoder.embed_tokens.",),  # the same as `shared`
            tokenizer=t5_tokenizer("tokenizer"),
            apart=False,
        ),
        Part(
            name="words",
            title="layer that widens words",
            network=WORDS,
            stage=Stage.ENCODE,
            config="musicgen/words",
            prefix="enc_to_dec_proj.",
            layout=_as_it_is,
            told=_or_nothing(_widths, "enc_to_dec_proj."),
            apart=False,
        ),
    ),
    recognise=_recognise,
    recognise_folder=lambda _: False,
    pipelines="",  # no folder names any
    # It walks down no noise; nothing of this is asked.
    noise=Noise(levels="flow", prediction="flow", schedulers=frozenset(), read=_no_scheduler),
    fits=_fits,
    finer=_of_two_sides,
    tasks=frozenset({Task.TEXT_TO_AUDIO}),
    grid=1,
    latent_channels=4,
    medium=AUDIO,
)

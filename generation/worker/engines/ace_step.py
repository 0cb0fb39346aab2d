r"""ACE-Step 1.5 at work: a transformer that reads tags, lyrics and a measure, and an Oobleck VAE.

    an instruction, tags, bpm, key, bar, seconds -> Qwen3 -> states
    a language and lyrics -> Qwen3's embeddings alone -> an encoder of their own
    both, behind a voice of silence -> the conditions
    (noisy latents beside a sound to follow, sigma, conditions) -> transformer -> the flow

Without a sound to follow it is silence; a cover follows one's tokens, and silence behind its end.
The prompt against which guidance goes is learnt, so there is no negative one.  The invariant: tags
that fit 256 tokens and lyrics that fit 2048 give the stock pipeline's bits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from PIL.Image import Image
from torch import Tensor

from generation.errors import OutOfRange
from generation.families.architecture import Config, Stage
from generation.families.builds import oobleck
from generation.recipe import Recipe, needed
from generation.spans import Sound
from generation.worker.codecs import audio
from generation.worker.codecs.decoded import Decoded
from generation.worker.engines.engine import Given
from generation.worker.engines.guidance import Guided
from generation.worker.parts import Parts
from generation.worker.text import llm
from generation.worker.text.clip import Clip, EncodedWords, Learned
from generation.worker.text.llm import PromptForm, PromptReader, encode
from generation.worker.text.t5 import plain

_MUSIC = "Fill the audio semantic mask based on the given conditions:"
_COVER = "Generate audio semantic tokens based on the given conditions:"
# The blank lines and their absence are as it was trained.
_ASKED = "# Instruction\n{instruction}\n\n# Caption\n{caption}\n\n# Metas\n{metas}<|endoftext|>\n"
_SUNG = "# Languages\n{language}\n\n# Lyric\n{lyrics}<|endoftext|>"
LANGUAGE = "en"  # what the stock pipeline says where nobody does
VOICE = 30  # seconds of silence that stand for a voice nobody has shown
LOUD = 10.0 ** (-1.0 / 20.0)  # -1 dB: the peak of whatever it makes
MOST_LINES = 2048  # tokens of lyrics
ROOM = 16  # of them for what stands around lyrics, and for a voice
# Of guidance, as it was published for these models (Sadat et al. 2024).
MOMENTUM, THRESHOLD = -0.75, 2.5
TAGS = 256  # tokens of them
# Measured with fake tensors (tests/test_activations_of_sounds.py): how many of its width each token
# keeps alive at the worst moment, and each of what is said.
ACTIVATIONS, SAID = 13, 3


class AceStep:
    """How its networks make music."""

    def scale(self, parts: Parts) -> int:
        return int(parts["vae"].hop_length)

    def learners(self, _parts: Parts) -> tuple[Clip, ...]:
        return ()

    def condition(
        self,
        parts: Parts,
        recipe: Recipe,
        _learned: Sequence[Learned],
        _pictures: Sequence[Image],
    ) -> EncodedWords:
        said, sound = needed(recipe.words), needed(recipe.sound)
        reader, network = PromptReader.of(parts), parts["condition_encoder"]
        asked = _ASKED.format(
            instruction=_COVER if recipe.inputs else _MUSIC,
            caption=plain(said.prompt, said.syntax),
            metas=_metas(sound),
        )
        (read,) = encode(reader, (asked,), PromptForm(), syntax="plain")
        lines, mask = _lyrics(reader, sound.lyrics or "")
        silence = network.silence_latent
        frames = _frames(parts, sound)
        if frames > silence.shape[1]:
            allowed = f"up to {silence.shape[1] * self.scale(parts) // sound.rate} seconds"
            raise OutOfRange("seconds", sound.seconds, allowed)
        voice = silence[:, : _frames_of(parts, VOICE * sound.rate)]
        context, _ = network(
            text_hidden_states=read.states[0],
            text_attention_mask=read.mask,
            lyric_hidden_states=lines,
            lyric_attention_mask=mask,
            refer_audio_acoustic_hidden_states_packed=voice,
            refer_audio_order_mask=torch.arange(1, device=voice.device),
        )
        return EncodedWords(
            context=context,
            negative=network.null_condition_emb.to(context.dtype).expand_as(context),
            pooled=None,
            negative_pooled=None,
            # What is followed, and what fills a sound's last token.
            more={"silence": silence[:, : max(frames, _window(parts))].contiguous()},
        )

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        channels = int(parts["transformer"].config.audio_acoustic_hidden_dim)
        return 1, _frames(parts, needed(recipe.sound)), channels

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Guided:
        network, words, sampling = parts["transformer"], given.words, needed(recipe.sampling)
        silence, frames = words.more["silence"], _frames(parts, needed(recipe.sound))
        followed = silence[:, :frames].contiguous()
        if given.extra is not None:
            heard = _followed(parts, given.extra.to(network.dtype), silence)
            followed = torch.cat([heard, followed[:, heard.shape[1] :]], dim=1)
        beside = torch.cat([followed, torch.ones_like(followed)], dim=-1)
        guidance = _Guidance(sampling.cfg)

        def ask(y: Tensor, t: Tensor, *said: Tensor) -> Tensor:
            lanes, time = len(said), t.to(network.dtype).expand(len(said))
            out: Tensor = network(
                hidden_states=y.to(network.dtype).repeat(lanes, 1, 1),
                timestep=time,
                timestep_r=time,
                encoder_hidden_states=torch.cat(said),
                context_latents=beside.repeat(lanes, 1, 1),
                return_dict=False,
            )[0]
            return out

        def both(y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
            if not sampling.guided:
                out = ask(y, t, words.context).float()
                return out, out
            positive, negative = ask(y, t, words.context, words.negative).chunk(2)
            return guidance.towards(positive, negative).float(), negative.float()

        return Guided(both)

    def encode(self, parts: Parts, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        vae = parts["vae"]
        frames = -(-pixels.shape[-1] // vae.hop_length)
        return audio.heard(vae, pixels, frames, generator).transpose(1, 2)

    def look(self, parts: Parts, pixels: Tensor) -> Tensor:
        return self.encode(parts, pixels, None)

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        return audio.to_sound(parts["vae"], latents.transpose(1, 2), _as_loud)

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        sound = needed(recipe.sound)
        match stage:
            case Stage.ENLARGE:
                return 0
            case Stage.ENCODE:
                return llm.activation_bytes(
                    configs["text_encoder"], tokens=MOST_LINES, layers=1, itemsize=itemsize
                )
            case Stage.DENOISE | Stage.REFINE:
                lanes = needed(recipe.sampling).lanes
                frames = sound.samples // oobleck.hop(configs["vae"]) + 1
                width, patch = _numbers(configs["transformer"], "hidden_size", "patch_size")
                tokens = frames // patch + 1
                read = TAGS + min(MOST_LINES, len((sound.lyrics or "").encode()) + ROOM)
                kept = (ACTIVATIONS * tokens + SAID * read) * width * lanes * itemsize
                pairs: int = tokens**2 * (4 + itemsize)  # which of them each looks at
                return kept + pairs
            case Stage.DECODE:
                return audio.activation_bytes(configs["vae"], sound, itemsize)


class _Guidance:
    """Adaptive projected guidance, which remembers where it went the steps before."""

    def __init__(self, cfg: float) -> None:
        from diffusers.guiders.adaptive_projected_guidance import MomentumBuffer

        self._cfg, self._before = cfg, MomentumBuffer(momentum=MOMENTUM)

    def towards(self, positive: Tensor, negative: Tensor) -> Tensor:
        """What is gone by, of what both say."""
        from diffusers.guiders.adaptive_projected_guidance import normalized_guidance

        out: Tensor = normalized_guidance(
            pred_cond=positive,
            pred_uncond=negative,
            guidance_scale=self._cfg - 1.0,
            momentum_buffer=self._before,
            eta=0.0,
            norm_threshold=THRESHOLD,
            use_original_formulation=True,
            norm_dim=(1,),
        )
        return out


def _metas(sound: Sound) -> str:
    """What is said of the music in so many lines."""
    told = {
        "bpm": sound.bpm,
        "timesignature": sound.meter,
        "keyscale": sound.key,
        "duration": f"{int(sound.seconds)} seconds",
    }
    return "".join(f"- {what}: {'N/A' if it is None else it}\n" for what, it in told.items())


def _lyrics(reader: PromptReader, lyrics: str) -> tuple[Tensor, Tensor]:
    """Lyrics as the network's embeddings of their tokens: (1, tokens, width), and all of them."""
    text = _SUNG.format(language=LANGUAGE, lyrics=lyrics)
    ids = reader.tokenizer(text, verbose=False).input_ids
    if len(ids) > MOST_LINES:
        allowed = f"at most {MOST_LINES} tokens long for this model"
        raise OutOfRange("lyrics", f"{len(ids)} tokens", allowed)
    row = torch.tensor([ids], device=reader.encoder.device)
    return reader.encoder.get_input_embeddings()(row), torch.ones_like(row).bool()


def _frames_of(parts: Parts, samples: float) -> int:
    hop: int = parts["vae"].hop_length
    return math.ceil(samples / hop)


def _frames(parts: Parts, sound: Sound) -> int:
    """Latents that hold all of its samples."""
    return _frames_of(parts, sound.samples)


def _window(parts: Parts) -> int:
    """Latents that one token of a sound stands for."""
    return int(parts["audio_token_detokenizer"].config.pool_window_size)


def _followed(parts: Parts, latents: Tensor, silence: Tensor) -> Tensor:
    """A sound as its tokens have it: what is played, and not by whom."""
    tokenizer, back = parts["audio_tokenizer"], parts["audio_token_detokenizer"]
    tokens, _ = tokenizer.tokenize(latents, silence)
    found: Tensor = back(tokens.to(latents.dtype))
    return found[:, : latents.shape[1]].contiguous()


def _as_loud(samples: Tensor) -> Tensor:
    """With the peak that all of its music has."""
    peak = samples.abs().amax(dim=[1, 2], keepdim=True)
    if bool((peak > 1.0).any()):
        samples = samples / peak.clamp(min=1.0)
    peak = samples.abs().amax(dim=[1, 2], keepdim=True).clamp(min=1e-6)
    return samples * (LOUD / peak)


def _numbers(config: Config, *keys: str) -> list[int]:
    """Whole numbers, which the catalog looked at."""
    found = [config[key] for key in keys]
    return [number for number in found if isinstance(number, int)]

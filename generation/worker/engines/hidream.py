r"""HiDream I1 at work: a transformer that reads two CLIPs, T5 and every layer of Llama, and a VAE.

    words -> CLIP-L beside CLIP-G: a summary         words -> T5          words -> Llama, each layer
    (noisy latents, timestep, summary, T5's words, Llama's) -> transformer -> the velocity, negated

The size is what was asked for, where the stock pipeline always draws as many pixels as its network
has room for.  T5 and Llama read 128 tokens or more, the CLIPs 128.  Brackets are text.  The
invariant: a prompt that fits, in a size of theirs, gives the stock pipeline's bits.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from PIL.Image import Image
from torch import Tensor

from generation.errors import OutOfRange
from generation.families.architecture import Config, Stage
from generation.recipe import Recipe, needed
from generation.worker import pulse
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.image import to_latents, to_pixels
from generation.worker.engines.engine import Given
from generation.worker.engines.guidance import Guided, guided, in_lanes
from generation.worker.engines.qwen_image import width_of
from generation.worker.engines.stable_diffusion import VAE_ACTIVATIONS, first_width
from generation.worker.parts import Parts
from generation.worker.text.clip import Clip, EncodedWords, Learned
from generation.worker.text.llm import PromptForm, PromptReader, encode
from generation.worker.text.t5 import MAX_TOKENS, plain

TOKENS = 128  # that the stock pipeline fills prompts up to, and cuts them at
READ_TWICE = 2  # Llama's tokens stand beside those of its last layer
# Measured by what is alive at once in blocks of 512 and 1024 wide (which experts are asked depends
# on numbers, so fake ones do not do): how many of its width each token keeps at the worst moment.
ACTIVATIONS = 14


class HiDream:
    """How its networks draw."""

    def scale(self, parts: Parts) -> int:
        return int(2 ** (len(parts["vae"].config.block_out_channels) - 1))

    def learners(self, _parts: Parts) -> tuple[Clip, ...]:
        return ()

    def condition(
        self,
        parts: Parts,
        recipe: Recipe,
        _learned: Sequence[Learned],
        _pictures: Sequence[Image],
    ) -> EncodedWords:
        said = needed(recipe.words)
        texts = [plain(text, said.syntax) for text in (said.prompt, said.negative_prompt)]
        pooled = [_summary(parts, text) for text in texts]
        sentences = _sentences(parts, texts)
        llama = _every_layer(parts, texts)
        return EncodedWords(
            context=sentences[0],
            negative=sentences[1],
            pooled=pooled[0],
            negative_pooled=pooled[1],
            more={"llama": llama[0], "negative_llama": llama[1]},
        )

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        network, scale, canvas = parts["transformer"], self.scale(parts), recipe.drawn_at
        step = scale * network.config.patch_size
        for side, pixels in (("width", canvas.width), ("height", canvas.height)):
            if pixels % step:
                raise OutOfRange(side, pixels, f"a multiple of {step} for this model")
        if canvas.pixels > network.max_seq * step**2:
            size = f"{canvas.width}x{canvas.height}"
            raise OutOfRange("size", size, f"at most {network.max_seq * step**2} pixels in all")
        return 1, network.config.in_channels, canvas.height // scale, canvas.width // scale

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Guided:
        network, words, sampling = parts["transformer"], given.words, needed(recipe.sampling)
        sentences = in_lanes(words.context, words.negative, sampling)
        pooled = in_lanes(needed(words.pooled), needed(words.negative_pooled), sampling)
        llama = words.more["llama"]
        if sampling.guided:
            llama = torch.cat([words.more["negative_llama"], llama], dim=1)

        def ask(lanes: Tensor, t: Tensor) -> Tensor:
            out: Tensor = network(
                hidden_states=lanes.to(network.dtype),
                timesteps=t.expand(len(lanes)),
                encoder_hidden_states_t5=sentences,
                encoder_hidden_states_llama3=llama,
                pooled_embeds=pooled,
                return_dict=False,
            )[0]
            return -out

        return guided(ask, sampling)

    def encode(self, parts: Parts, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        return to_latents(parts["vae"], pixels, generator)

    def look(self, parts: Parts, pixels: Tensor) -> Tensor:
        return to_latents(parts["vae"], pixels, None)

    def decode(self, parts: Parts, latents: Tensor) -> Decoded:
        return to_pixels(parts["vae"], latents)

    def activation_bytes(
        self, recipe: Recipe, configs: Mapping[str, Config], itemsize: int, stage: Stage
    ) -> int:
        pixels = recipe.drawn_at.pixels
        match stage:
            case Stage.ENCODE | Stage.ENLARGE:
                return 0  # words are few beside a picture's tokens
            case Stage.DENOISE | Stage.REFINE:
                layers = configs["transformer"]["llama_layers"]
                assert isinstance(layers, Sequence)  # the catalog looked at it
                words = TOKENS * (len(layers) / ACTIVATIONS + 1 + READ_TWICE)
                tokens = (pixels // 256 + words) * needed(recipe.sampling).lanes
                return int(ACTIVATIONS * width_of(configs["transformer"]) * tokens) * itemsize
            case Stage.DECODE:
                return VAE_ACTIVATIONS * first_width(configs["vae"]) * pixels * itemsize


def _summary(parts: Parts, text: str) -> Tensor:
    """Both CLIPs' pooled words side by side: (1, width)."""
    found = []
    for name in ("text_encoder", "text_encoder_2"):
        pulse.rest()
        tokenizer, encoder = parts.tokenizers[name], parts[name]
        ids = tokenizer(
            text, padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt"
        ).input_ids
        found.append(encoder(ids.to(encoder.device)).text_embeds)
    return torch.cat(found, dim=-1)


def _sentences(parts: Parts, texts: Sequence[str]) -> list[Tensor]:
    """T5's words, which do not look at what fills them up: (1, tokens, width)."""
    tokenizer, encoder = parts.tokenizers["text_encoder_3"], parts["text_encoder_3"]
    length = _length(tokenizer, texts)
    found = []
    for text in texts:
        pulse.rest()
        read = tokenizer(text, padding="max_length", max_length=length, return_tensors="pt")
        read = read.to(encoder.device)
        found.append(encoder(read.input_ids, attention_mask=read.attention_mask)[0])
    return found


def _every_layer(parts: Parts, texts: Sequence[str]) -> list[Tensor]:
    """What each layer of Llama says: (layers, 1, tokens, width)."""
    tokenizer, encoder = copy.copy(parts.tokenizers["text_encoder_4"]), parts["text_encoder_4"]
    tokenizer.pad_token = tokenizer.eos_token  # with which it was trained to be filled up
    form = PromptForm(
        layers=tuple(range(1, encoder.config.num_hidden_layers + 1)),
        least=_length(tokenizer, texts),
    )
    reader = PromptReader(tokenizer=tokenizer, encoder=encoder)
    return [torch.stack(list(r.states)) for r in encode(reader, texts, form, syntax="plain")]


def _length(tokenizer: object, texts: Sequence[str]) -> int:
    """As many tokens as all texts are filled up to.  Raises OutOfRange."""
    assert callable(tokenizer)
    length = max(TOKENS, *(len(tokenizer(text, verbose=False).input_ids) for text in texts))
    if length > MAX_TOKENS:
        raise OutOfRange("prompt", f"{length} tokens", f"at most {MAX_TOKENS} of them long")
    return length

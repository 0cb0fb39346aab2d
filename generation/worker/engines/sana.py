r"""Sana at work: a transformer that reads what Gemma 2 says of words, and a VAE of deep latents.

    an instruction, then the words -> Gemma 2 -> the first state, and those behind the instruction
    (noisy latents, timestep, states, which of them are words) -> transformer -> the flow's velocity

The instruction is the stock pipeline's: it asks for a longer description, which nobody writes, and
words are read as its beginning; a negative prompt is read without.  Words are small letters there,
and 300 tokens, or more here for longer ones.  Brackets are text.  Sprint is told its guidance and
reads its timesteps from 0 to 1.  The invariant: a prompt that fits gives the stock pipeline's bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from PIL.Image import Image
from torch import Tensor

from generation.errors import OutOfRange
from generation.families.architecture import Config, Stage
from generation.recipe import Recipe, needed
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.image import to_latents, to_pixels
from generation.worker.engines.engine import Given
from generation.worker.engines.guidance import Guided, guided, in_lanes
from generation.worker.engines.qwen_image import width_of
from generation.worker.parts import Parts
from generation.worker.text import llm
from generation.worker.text.clip import Clip, EncodedWords, Learned
from generation.worker.text.llm import PromptForm, PromptReader, encode
from generation.worker.text.t5 import plain

TOKENS = 300  # that prompts are filled up to
# What its networks were trained with: a datum of theirs, word for word.
INSTRUCTION = "\n".join(
    (
        "Given a user prompt, generate an 'Enhanced prompt' that provides detailed visual "
        "descriptions suitable for image generation. Evaluate the level of detail in the user "
        "prompt:",
        "- If the prompt is simple, focus on adding specifics about colors, shapes, sizes, "
        "textures, and spatial relationships to create vivid and concrete scenes.",
        "- If the prompt is already detailed, refine and enhance the existing details slightly "
        "without overcomplicating.",
        "Here are examples of how to transform or refine prompts:",
        "- User Prompt: A cat sleeping -> Enhanced: A small, fluffy white cat curled up in a round "
        "shape, sleeping peacefully on a warm sunny windowsill, surrounded by pots of blooming red "
        "flowers.",
        "- User Prompt: A busy city street -> Enhanced: A bustling city street scene at dusk, "
        "featuring glowing street lamps, a diverse crowd of people in colorful clothing, and a "
        "double-decker bus passing by towering glass skyscrapers.",
        "Please generate only the enhanced description for the prompt below and avoid including "
        "any additional commentary or evaluations:",
        "User Prompt: ",
    )
)
_ASKED = 250  # tokens of the instruction, about
_ENDS = 2  # that its own count has: where a text begins, and the last, which the words begin behind
# Measured with fake tensors (tests/test_activations.py): how many of its width each token of the
# picture, and of words, keeps alive at the worst moment; and each pixel of its VAE's first width.
ACTIVATIONS, OF_WORDS, OF_PIXELS = 15, 3, 7
_THOUSAND = 1000.0  # timesteps


class Sana:
    """How its networks draw."""

    def scale(self, parts: Parts) -> int:
        return int(2 ** (len(parts["vae"].config.encoder_block_out_channels) - 1))

    def learners(self, _parts: Parts) -> tuple[Clip, ...]:
        return ()

    def condition(
        self,
        parts: Parts,
        recipe: Recipe,
        _learned: Sequence[Learned],
        _pictures: Sequence[Image],
    ) -> EncodedWords:
        said, tokenizer = needed(recipe.words), parts.tokenizers["text_encoder"]
        reader = PromptReader(tokenizer=tokenizer, encoder=parts["text_encoder"])
        prompt, negative = (
            plain(text, said.syntax).lower().strip() for text in (said.prompt, said.negative_prompt)
        )
        asked = _counted(tokenizer, INSTRUCTION) - _ENDS
        length = max(
            TOKENS,
            _counted(tokenizer, INSTRUCTION + prompt) - asked,
            _counted(tokenizer, negative),
        )
        form = PromptForm(template=INSTRUCTION + llm.PROMPT, least=asked + length)
        (read,) = encode(reader, [prompt], form, syntax="plain")
        (left,) = encode(reader, [negative], PromptForm(least=length), syntax="plain")
        taken = [0, *range(1 - length, 0)]
        return EncodedWords(
            context=read.states[0][:, taken],
            negative=left.states[0],
            pooled=None,
            negative_pooled=None,
            more={"mask": read.mask[:, taken].long(), "negative_mask": left.mask.long()},
        )

    def noise_shape(self, parts: Parts, recipe: Recipe) -> tuple[int, ...]:
        network, scale, canvas = parts["transformer"].config, self.scale(parts), recipe.drawn_at
        for side, pixels in (("width", canvas.width), ("height", canvas.height)):
            if pixels % scale:
                raise OutOfRange(side, pixels, f"a multiple of {scale} for this model")
        return 1, network.in_channels, canvas.height // scale, canvas.width // scale

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Guided:
        network, words, sampling = parts["transformer"], given.words, needed(recipe.sampling)
        context = in_lanes(words.context, words.negative, sampling).to(network.dtype)
        mask = in_lanes(words.more["mask"], words.more["negative_mask"], sampling)
        config = network.config
        told, scale = None, config.timestep_scale
        if config.guidance_embeds:
            guidance = torch.full((len(context),), sampling.guidance or 0.0, device=context.device)
            told = guidance.to(context.dtype) * config.guidance_embeds_scale
            scale = 1 / _THOUSAND

        def ask(lanes: Tensor, t: Tensor) -> Tensor:
            out: Tensor = network(
                lanes.to(network.dtype),
                encoder_hidden_states=context,
                encoder_attention_mask=mask,
                guidance=told,
                timestep=t.expand(len(lanes)) * scale,
                return_dict=False,
            )[0]
            return out

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
            case Stage.ENCODE:
                return llm.activation_bytes(
                    configs["text_encoder"], tokens=_ASKED + TOKENS, layers=1, itemsize=itemsize
                )
            case Stage.ENLARGE:
                return 0
            case Stage.DENOISE | Stage.REFINE:
                each = ACTIVATIONS * (pixels // 1024) + OF_WORDS * TOKENS
                each *= width_of(configs["transformer"]) * itemsize
                return each * needed(recipe.sampling).lanes
            case Stage.DECODE:
                widths = configs["vae"]["decoder_block_out_channels"]
                assert isinstance(widths, Sequence)  # the catalog looked at it
                return OF_PIXELS * int(widths[0]) * pixels * itemsize


def _counted(tokenizer: object, text: str) -> int:
    assert callable(tokenizer)
    return len(tokenizer(text, verbose=False).input_ids)

r"""LongCat-Image at work: FLUX.1's blocks, which read what Qwen2.5-VL says of words and a picture.

    words in a template, filled up behind the prompt --+--> Qwen2.5-VL --> the prompt's own states
    a picture that an edit looks at, half as large ----+
    (tokens of noisy latents and of that picture, timestep, states) -> transformer -> velocity

What stands in quotation marks is read letter by letter, so that it can be written; brackets are
text.  Places of pictures are counted on from the words'.  Each prompt is a call of its own; what
guidance makes of both is, token by token, at most as long as the words alone have it, unless a
picture is looked at.  The invariant: a prompt that fits 512 tokens gives the stock pipelines' bits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

import torch
from PIL.Image import Image, Resampling
from torch import Tensor

from generation.families.longcat_image import edited_at
from generation.recipe import Recipe, needed
from generation.worker.engines.engine import Given
from generation.worker.engines.flux import Flux
from generation.worker.engines.guidance import apart
from generation.worker.engines.tokens import packed, places, unpacked
from generation.worker.parts import Parts
from generation.worker.sampling.denoiser import Predict
from generation.worker.text.clip import Clip, EncodedWords, Learned
from generation.worker.text.llm import PROMPT, HiddenStates, PromptForm, PromptReader, encode
from generation.worker.text.sight import without_marks

_SEEN = "<|vision_start|>"
_BEGIN, _END = "<|im_start|>", "<|im_end|>\n"
_USER, _ANSWER = f"{_END}{_BEGIN}user\n", f"{_END}{_BEGIN}assistant\n"
_DESCRIBE = (
    f"{_BEGIN}system\nAs an image captioning expert, generate a descriptive text prompt based on "
    f"an image content, suitable for input to a text-to-image model.{_USER}"
)
_CHANGE = (
    f"{_BEGIN}system\nAs an image editing expert, first analyze the content and attributes of the "
    "input image(s). Then, based on the user's editing instructions, clearly and precisely "
    "determine how to modify the given image(s), ensuring that only the specified parts are "
    "altered and all other aspects remain consistent with the original(s)."
    f"{_USER}{_SEEN}<|image_pad|><|vision_end|>"
)
_SEEN_PIXELS = 28 * 28  # of a token of a picture that the text encoder looks at

_INSIDE_WORDS = re.compile(r"[a-zA-Z]+'[a-zA-Z]+")
_APOSTROPHE = "\ue000"  # in place of one inside a word, which quotes nothing
_QUOTED = re.compile(
    "('[^']*'|\"[^\"]*\"|\u2018[^\u2018\u2019]*\u2019|\u201c[^\u201c\u201d]*\u201d)"
)


def pieces(prompt: str) -> Sequence[str]:
    """A prompt in pieces that become tokens each for itself: what is quoted, in letters."""
    marked = _INSIDE_WORDS.sub(lambda word: word[0].replace("'", _APOSTROPHE), prompt)
    found = [part.replace(_APOSTROPHE, "'") for part in _QUOTED.split(marked)]
    # Every second part is what the expression found.
    return list(chain(*(part if number % 2 else [part] for number, part in enumerate(found))))


class LongCatImage(Flux):
    """How its networks draw."""

    def learners(self, _parts: Parts) -> tuple[Clip, ...]:
        return ()

    def condition(
        self,
        parts: Parts,
        recipe: Recipe,
        _learned: Sequence[Learned],
        pictures: Sequence[Image],
    ) -> EncodedWords:
        said, name = needed(recipe.words), "text_encoder"
        reader = PromptReader.of(parts, name)
        texts = [without_marks(text) for text in (said.prompt, said.negative_prompt)]
        before = _CHANGE if pictures else _DESCRIBE
        form = PromptForm(
            template=before + PROMPT + _ANSWER, pieces=pieces, least=self.tokens, grid=False
        )
        small = [_half(picture) for picture in pictures]
        context, negative = (
            _own(reader, before, read)
            for read in encode(reader, texts, form, syntax=said.syntax, pictures=small)
        )
        return EncodedWords(context=context, negative=negative, pooled=None, negative_pooled=None)

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Predict:
        network, words = parts["transformer"], given.words
        seen = [packed(each) for each in given.seen]
        _, _, height, width = shape = self.noise_shape(parts, recipe)
        pictures = torch.cat([places(torch.empty(shape, device="meta"), 1), *_numbered(given.seen)])

        def ask(y: Tensor, t: Tensor, negative: bool) -> Tensor:
            tokens, states = packed(y), words.negative if negative else words.context
            behind = torch.tensor([0, states.shape[1], states.shape[1]])
            row = torch.arange(states.shape[1])
            out: Tensor = network(
                hidden_states=torch.cat([tokens, *seen], dim=1).to(network.dtype),
                timestep=t.expand(1) / 1000,
                encoder_hidden_states=states,
                txt_ids=torch.stack([row * 0, row, row], dim=1).to(y.device, torch.float32),
                img_ids=(pictures + behind).to(y.device),
                return_dict=False,
            )[0]
            return unpacked(out[:, : tokens.shape[1]], height, width)

        return apart(ask, needed(recipe.sampling), None if given.seen else _no_longer)

    def tokens_of_words(self, recipe: Recipe) -> int:
        looks = any(each.role == "reference" for each in recipe.inputs)
        return self.tokens + (recipe.drawn_at.pixels // 4 // _SEEN_PIXELS if looks else 0)


def _numbered(seen: Sequence[Tensor]) -> list[Tensor]:
    """The places of pictures that are looked at; the one that is drawn is number 1."""
    return [places(each, number) for number, each in enumerate(seen, start=2)]


def _half(picture: Image) -> Image:
    """A picture as the text encoder looks at it."""
    width, height = size = edited_at(*picture.size)
    drawn = picture if picture.size == size else picture.resize(size, Resampling.LANCZOS)
    return drawn.resize((width // 2, height // 2), Resampling.LANCZOS)


def _own(reader: PromptReader, before: str, read: HiddenStates) -> Tensor:
    """The states of a prompt, of a picture before it and of what fills it up."""
    tokenizer, (states,) = reader.tokenizer, read.states
    if _SEEN in before:
        begin = read.ids[0].tolist().index(tokenizer.convert_tokens_to_ids(_SEEN))
    else:
        begin = len(tokenizer(before, add_special_tokens=False).input_ids)
    end = len(tokenizer(_ANSWER, add_special_tokens=False).input_ids)
    return states[:, begin:-end]


def _no_longer(towards: Tensor, alone: Tensor) -> Tensor:
    """What guidance says, each token at most as long as the words alone have it."""
    tokens = packed(towards)
    was = torch.norm(packed(alone), dim=-1, keepdim=True)
    now = torch.norm(tokens, dim=-1, keepdim=True)
    shorter = (was / (now + 1e-8)).clamp(min=0.0, max=1.0)
    return unpacked(tokens * shorter, *towards.shape[-2:])

"""Prompt -> hidden states of chosen layers of a language model, for every family that reads them.

    text in a template -> token ids, filled up -> the layers up to the last that is wanted -> states

Language models read sentences: there are no chunks and no weights.  A1111's brackets are taken off,
a BREAK is a blank; a prompt that is longer than what short ones are filled up to is read to its
end.  Layers behind the last that is wanted are not computed.  The invariant: a prompt without
brackets that fits gives the bits that the stock pipelines' text encoders give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from PIL import Image
from torch import Tensor

from generation.errors import OutOfRange
from generation.families.architecture import Config
from generation.families.text.language import of_text
from generation.worker import pulse
from generation.worker.parts import Parts
from generation.worker.text.sight import SeenPictures, seen_by
from generation.worker.text.t5 import plain

MAX_TOKENS = 4096  # of a prompt with its template: attention takes memory by their square
PROMPT = "{}"  # stands in a template where the prompt goes


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptReader:
    """A language model with its tokenizer."""

    tokenizer: Any  # a fast tokenizer of transformers
    encoder: Any  # a network of generation.families.text.language

    @classmethod
    def of(cls, parts: Parts, name: str = "text_encoder") -> Self:
        """The part of that name.  Raises KeyError."""
        return cls(tokenizer=parts.tokenizers[name], encoder=parts[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptForm:
    """How a family puts a prompt to its language model, and what it takes of the answer."""

    template: str = PROMPT
    layers: tuple[int, ...] = (-1,)  # 0: the words' embeddings; behind the last layer is its norm
    normed: bool = True  # whether that norm is applied
    # Tokens, template included, that short prompts are filled up to; in pieces, without it.
    least: int = 0
    multiple: int = 1  # of as many tokens, template included, all prompts are filled up to
    # Where what fills stands, for networks that read it; None: where its class says.
    place_of_filling: int | None = None
    left: bool = False  # what fills is before the words
    behind: str = ""  # text behind what fills; its tokens are counted on from the words'
    begun: bool = False  # whether the template has the token that begins a text
    # (a prompt) -> pieces of it that become tokens each for itself, as the template's ends do; what
    # fills then stands behind the prompt.  None: all is one text.
    pieces: Callable[[str], Sequence[str]] | None = None
    drop: int = 0  # tokens at the beginning that are read and not handed on
    # Whether a picture's tokens have places in two dimensions, as such models are trained; stock
    # pipelines that do not say which tokens are pictures' give them places one behind the other,
    # and Qwen3-VL refuses that.
    grid: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenStates:
    """What a language model made of a prompt."""

    states: tuple[Tensor, ...]  # of each wanted layer: (1, tokens, width)
    mask: Tensor  # (1, tokens), bool: which of them are words
    ids: Tensor  # (1, tokens)

    @property
    def words(self) -> Tensor:
        """Those of the first wanted layer, without what fills: (words, width)."""
        return self.states[0][self.mask]

    @property
    def beside(self) -> Tensor:
        """The layers side by side: (1, tokens, layers * width)."""
        return torch.cat(self.states, dim=-1)


def encode(
    reader: PromptReader,
    texts: Sequence[str],
    form: PromptForm,
    *,
    syntax: str,
    pictures: Sequence[Image.Image] = (),
) -> tuple[HiddenStates, ...]:
    """Read each text; `pictures` stand in the template's places for them, in each anew.

    Raises OutOfRange for a text that is too long, and for an unknown syntax; UnusableWeights for
    pictures that the model has no tower to look at.
    """
    seen = seen_by(reader.encoder, pictures) if pictures else None
    found = []
    for text in texts:
        pulse.rest()
        found.append(_read(reader, plain(text, syntax), form, seen))
    return tuple(found)


def _read(
    reader: PromptReader, text: str, form: PromptForm, seen: SeenPictures | None
) -> HiddenStates:
    if form.pieces is None:
        given = _filled(reader, form.template.replace(PROMPT, text, 1), form, seen)
    else:
        given = _in_pieces(reader, form.pieces(text), form, seen)
    device = reader.encoder.device
    inputs = {key: value.to(device) for key, value in given.items()}
    states = _states(reader.encoder, inputs, form)
    return HiddenStates(
        states=tuple(state[:, form.drop :] for state in states),
        mask=inputs["attention_mask"][:, form.drop :].bool(),
        ids=inputs["input_ids"][:, form.drop :],
    )


def _filled(
    reader: PromptReader, text: str, form: PromptForm, seen: SeenPictures | None
) -> dict[str, Tensor]:
    """What the network reads: ids, which of them are words, and where they stand."""
    tokenizer = reader.tokenizer
    if seen is not None:
        text = seen.spread(text)
    ids = tokenizer(text, add_special_tokens=not form.begun, verbose=False).input_ids
    tail = tokenizer(form.behind, add_special_tokens=False).input_ids if form.behind else []
    _check(len(ids) + len(tail))
    empty = max(0, form.least - len(ids) - len(tail))
    empty += -(len(ids) + len(tail) + empty) % form.multiple
    filler, words = ([_padding(tokenizer)] * empty, [0] * empty), (ids, [1] * len(ids))
    first, second = (filler, words) if form.left else (words, filler)
    row, mask = first[0] + second[0] + tail, first[1] + second[1] + [1] * len(tail)
    given = {"input_ids": torch.tensor([row]), "attention_mask": torch.tensor([mask])}
    if form.place_of_filling is not None:
        nothing = given["attention_mask"] == 0
        given["position_ids"] = torch.arange(len(row))[None].masked_fill(
            nothing, form.place_of_filling
        )
    elif form.behind:
        given["position_ids"] = _counted(given["attention_mask"], reader.encoder)
    return given | (seen.inputs(given["input_ids"], grid=form.grid) if seen is not None else {})


def _in_pieces(
    reader: PromptReader, pieces: Sequence[str], form: PromptForm, seen: SeenPictures | None
) -> dict[str, Tensor]:
    """The same of a prompt in pieces, places one behind the other."""
    before, _, after = form.template.partition(PROMPT)
    if seen is not None:
        before = seen.spread(before)

    def ids_of(text: str) -> list[int]:
        found: list[int] = reader.tokenizer(text, add_special_tokens=False, verbose=False).input_ids
        return found

    words = [number for piece in pieces for number in ids_of(piece)]
    begin, end = ids_of(before), ids_of(after)
    _check(len(begin) + len(words) + len(end))
    empty = max(0, form.least - len(words))
    row = begin + words + [_padding(reader.tokenizer)] * empty + end
    mask = [1] * (len(begin) + len(words)) + [0] * empty + [1] * len(end)
    given = {"input_ids": torch.tensor([row]), "attention_mask": torch.tensor([mask])}
    return given | (seen.inputs(given["input_ids"], grid=form.grid) if seen is not None else {})


def _check(tokens: int) -> None:
    """Raises OutOfRange for too many tokens."""
    if tokens > MAX_TOKENS:
        raise OutOfRange(
            "prompt", f"{tokens} tokens of a language model", f"at most {MAX_TOKENS} of them long"
        )


def _padding(tokenizer: Any) -> int:
    """The token that fills."""
    found = tokenizer.pad_token_id
    return int(tokenizer.eos_token_id if found is None else found)


def _counted(mask: Tensor, encoder: Any) -> Tensor:
    """The places of tokens, where what fills takes none; one that sees has them in three axes."""
    places = (mask.cumsum(dim=-1) - 1).clamp(min=0)
    return places[None].expand(3, -1, -1) if hasattr(encoder, "language_model") else places


class _EnoughError(Exception):
    """The last layer that is wanted has been computed."""


@dataclass(slots=True)
class _Caught:
    """What passes between the layers of a network while it reads."""

    wanted: frozenset[int]
    states: dict[int, Tensor] = field(default_factory=dict)

    def take(self, number: int, state: Tensor) -> None:
        if number in self.wanted:
            self.states[number] = state
        if number == max(self.wanted):
            raise _EnoughError


def _states(encoder: Any, inputs: dict[str, Tensor], form: PromptForm) -> tuple[Tensor, ...]:
    stack = getattr(encoder, "language_model", encoder)
    count = len(stack.layers)
    numbers = [number % (count + 1) for number in form.layers]
    caught = _Caught(frozenset(numbers))
    with _watched(stack, caught, normed=form.normed), suppress(_EnoughError):
        encoder(**inputs, use_cache=False)
    return tuple(caught.states[number] for number in numbers)


@contextmanager
def _watched(stack: Any, caught: _Caught, *, normed: bool) -> Iterator[None]:
    """Take the states between a stack's layers: 0 the embeddings, 1 what the first layer makes."""
    layers = list(stack.layers)
    hooks = [
        layers[0].register_forward_pre_hook(lambda _layer, given: caught.take(0, given[0])),
    ]

    def after(number: int) -> Any:
        def take(_layer: object, _given: object, made: Any) -> None:
            caught.take(number, made if isinstance(made, Tensor) else made[0])

        return take

    last = stack.norm if normed else layers[-1]
    watched = [*layers[:-1], last]
    hooks += [each.register_forward_hook(after(n)) for n, each in enumerate(watched, 1)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


# Measured with fake tensors (tests/test_llm_memory.py): what a token keeps alive at its worst
# moment in a layer, in its widths beside thrice what is inside the layer; and where attention is
# computed in the open, bytes for each pair of tokens and head.
_WIDTHS, _PAIR_BYTES = 5, 12


def activation_bytes(
    config: Config, *, tokens: int, layers: int, itemsize: int, pixels: int = 0
) -> int:
    """What reading takes besides the weights, at its worst moment.

    `tokens`: of the longest prompt, template and pictures included; `layers`: how many are handed
    on; `itemsize`: bytes of a number; `pixels`: of all pictures, as they are looked at.
    """
    words = of_text(config)
    width, inner = _number(words, "hidden_size"), _number(words, "intermediate_size")
    most = tokens * itemsize * (3 * inner + _WIDTHS * width)
    if words.get("attn_logit_softcapping") is not None:  # no kernel does that
        pairs = tokens**2 * _number(words, "num_attention_heads")
        most = max(most, tokens * itemsize * _WIDTHS * width + pairs * _PAIR_BYTES)
    handed_on = tokens * itemsize * layers * width
    return max(most + handed_on, _looking_bytes(config, pixels))


def _looking_bytes(config: Config, pixels: int) -> int:
    """What a tower takes: it turns by positions in fp32, whatever its numbers are."""
    tower = config.get("vision_config")
    if not pixels or not isinstance(tower, Mapping):
        return 0
    patches = pixels // _number(tower, "patch_size") ** 2
    inner, width = _number(tower, "intermediate_size"), _number(tower, "hidden_size")
    return patches * 4 * (3 * inner + 4 * width)


def _number(config: Config, key: str) -> int:
    found = config[key]
    assert isinstance(found, int)  # the catalog looked at it
    return found

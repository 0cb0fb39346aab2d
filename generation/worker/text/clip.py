"""Prompt -> embeddings, in A1111's syntax or ComfyUI's, of any length.

A recipe's `syntax` says which version of the reading it was made with: "a1111-2" is A1111's, where
a comma as 76th token begins a chunk and a learned word is never cut in two; "a1111" is ours of
before; "comfy" is ComfyUI's (`generation.worker.text.comfy_syntax`); "plain" has no weights.

Words become tokens, tokens become chunks of 75, each chunk goes through the text encoder alone and
the results are laid one after the other.  A weight scales a token's embedding, and the chunk's
mean is restored afterwards; of ComfyUI's, what it has beyond an empty prompt's.  There two prompts
of different lengths are laid out again and again until they are as long.  The invariant: a prompt
without weights that fits one chunk gives the same bits as the stock pipeline.

Clip skip is done here: diffusers 0.42 fails at it with transformers 5.6 and later.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from generation.errors import OutOfRange
from generation.recipe import COMFY, SYNTAXES
from generation.worker import pulse
from generation.worker.text import comfy_syntax
from generation.worker.text.emphasis import Span, parse, parse_first

CHUNK = 75  # tokens between the begin and the end token
MAX_CHUNKS = 320  # 6,000 letters of four tokens each, which is the most that letters have
COMMA_REACH = 20  # a full chunk is cut after a comma this near, so that a phrase stays whole

PLACEHOLDER = (
    0  # the token that stands where a learned vector goes; not the end token, which counts
)

# A word, case-folded -> its vectors, one per token that it takes.
Learned = Mapping[str, Sequence[Tensor]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A text encoder with its tokenizer."""

    tokenizer: Any  # transformers.CLIPTokenizer
    encoder: Any  # transformers.CLIPTextModel or CLIPTextModelWithProjection


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedWords:
    """Two prompts as a denoiser reads them."""

    context: Tensor  # (1, 77 * chunks, width)
    negative: Tensor  # the same shape
    pooled: Tensor | None  # (1, width) of the last encoder's first chunk
    negative_pooled: Tensor | None
    # What some networks read besides, by its name: masks, the states of a further encoder.
    more: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(slots=True)
class _Chunk:
    ids: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    vectors: list[Tensor | None] = field(default_factory=list)  # in place of a token's own

    def add(self, token: int, weight: float, vector: Tensor | None) -> None:
        self.ids.append(token)
        self.weights.append(weight)
        self.vectors.append(vector)

    def cut(self, at: int) -> _Chunk:
        """Cut off and return what lies behind `at`."""
        rest = _Chunk(self.ids[at:], self.weights[at:], self.vectors[at:])
        del self.ids[at:], self.weights[at:], self.vectors[at:]
        return rest


def encode(
    clips: Sequence[Clip],
    prompt: str,
    negative: str,
    *,
    syntax: str,
    layer: int | None,
    final_norm: bool,
    learned: Sequence[Learned] = (),
) -> EncodedWords:
    """Embed both prompts.

    `layer` None takes the encoder's output, 2 the hidden states before its last layer, and so on;
    `final_norm` applies the encoder's last norm to those.  Several encoders lie side by side.
    `learned` holds, for each of them, the vectors of words that were learned since its training.
    """
    outputs, pooled = [], None
    for index, clip in enumerate(clips):
        words = learned[index] if learned else {}
        both = [_read(clip.tokenizer, text, syntax, words) for text in (prompt, negative)]
        comfy = syntax == COMFY
        length = (math.lcm if comfy else max)(*map(len, both))
        if length > MAX_CHUNKS:
            found, most = f"{length} chunks of {CHUNK} tokens", f"at most {MAX_CHUNKS} chunks long"
            raise OutOfRange("prompt", found, most)
        if comfy:
            rows = [_encode_comfy(clip, chunks, length, layer, final_norm) for chunks in both]
        else:
            rows = [_encode_one(clip, chunks, length, layer, final_norm) for chunks in both]
        outputs.append([embedding for embedding, _ in rows])
        pooled = [p for _, p in rows]
    context, negative_context = (torch.cat(side, dim=-1) for side in zip(*outputs, strict=True))
    return EncodedWords(
        context=context,
        negative=negative_context,
        pooled=pooled[0] if pooled else None,
        negative_pooled=pooled[1] if pooled else None,
    )


def _encode_one(
    clip: Clip, chunks: list[_Chunk], length: int, layer: int | None, final_norm: bool
) -> tuple[Tensor, Tensor | None]:
    states, pooled = [], None
    for index in range(length):
        chunk = chunks[index] if index < len(chunks) else _Chunk()
        state, summary = _state(clip, chunk, layer, final_norm)
        pooled = summary if index == 0 else pooled
        states.append(_weighted(state, [1.0, *chunk.weights]))
    return torch.cat(states, dim=1), pooled


def _encode_comfy(
    clip: Clip, chunks: list[_Chunk], length: int, layer: int | None, final_norm: bool
) -> tuple[Tensor, Tensor | None]:
    found = [_state(clip, chunk, layer, final_norm) for chunk in chunks]
    states = [state for state, _ in found]
    if any(weight != 1.0 for chunk in chunks for weight in chunk.weights):
        empty, _ = _state(clip, _Chunk(), layer, final_norm)
        states = [
            from_empty(state, empty, [1.0, *chunk.weights])
            for state, chunk in zip(states, chunks, strict=True)
        ]
    return torch.cat(states * (length // len(chunks)), dim=1), found[0][1]


def _state(
    clip: Clip, chunk: _Chunk, layer: int | None, final_norm: bool
) -> tuple[Tensor, Tensor | None]:
    """What the encoder says of one chunk, and in sum."""
    pulse.rest()
    tokenizer, encoder = clip.tokenizer, clip.encoder
    row = [tokenizer.bos_token_id, *chunk.ids, tokenizer.eos_token_id]
    row += [tokenizer.pad_token_id] * (CHUNK + 2 - len(row))
    ids = torch.tensor([row], device=encoder.device)
    with _in_place(encoder, chunk.vectors):
        out = encoder(ids, output_hidden_states=layer is not None)
    pooled = getattr(out, "text_embeds", None)
    pooled = out.pooler_output if pooled is None else pooled
    if layer is None:
        return out.last_hidden_state, pooled
    state = out.hidden_states[-layer]
    if final_norm:
        state = getattr(encoder, "text_model", encoder).final_layer_norm(state)
    return state, pooled


def from_empty(state: Tensor, empty: Tensor, weights: list[float]) -> Tensor:
    """Scale what each token says beyond an empty prompt, as ComfyUI does."""
    if all(weight == 1.0 for weight in weights):
        return state
    weights = weights + [1.0] * (state.shape[1] - len(weights))
    factors = torch.tensor(weights, dtype=torch.float32, device=state.device)[None, :, None]
    weighed = (state.float() - empty.float()) * factors + empty.float()
    return torch.where(factors == 1.0, state, weighed.to(state.dtype))


def _weighted(state: Tensor, weights: list[float]) -> Tensor:
    """Scale each token, then restore the chunk's mean, as A1111 does."""
    if all(weight == 1.0 for weight in weights):
        return state
    weights = weights + [1.0] * (state.shape[1] - len(weights))
    factors = torch.tensor(weights, dtype=torch.float32, device=state.device)
    scaled = state.float() * factors[None, :, None]
    return (scaled * (state.float().mean() / scaled.mean())).to(state.dtype)


@contextmanager
def _in_place(encoder: Any, vectors: Sequence[Tensor | None]) -> Iterator[None]:
    """Let the encoder read learned vectors where the placeholders stand."""
    places = [(at, vector) for at, vector in enumerate(vectors, 1) if vector is not None]
    if not places:
        yield
        return

    def replace(_module: object, _inputs: object, output: Tensor) -> Tensor:
        output = output.clone()
        for at, vector in places:
            output[0, at] = vector.to(output.device, output.dtype)
        return output

    hook = encoder.get_input_embeddings().register_forward_hook(replace)
    try:
        yield
    finally:
        hook.remove()


def _chunks(tokenizer: Any, spans: Sequence[Span], learned: Learned) -> list[_Chunk]:
    """Pieces of 75 tokens, cut behind a near comma, around learned words, and at each BREAK."""
    comma = tokenizer.convert_tokens_to_ids(",</w>")
    chunks, last_comma = [_Chunk()], -1
    for span in spans:
        if span.text is None:
            chunks.append(_Chunk())
            last_comma = -1
            continue
        for unit in _units(tokenizer, span.text, learned):
            full = len(chunks[-1].ids) == CHUNK
            if unit[0] == (comma, None):
                last_comma = len(chunks[-1].ids)
            elif full and last_comma >= CHUNK - COMMA_REACH:
                chunks.append(chunks[-1].cut(last_comma + 1))
                last_comma = -1
            if chunks[-1].ids and len(chunks[-1].ids) + len(unit) > CHUNK:
                chunks.append(_Chunk())
                last_comma = -1
            for token, vector in unit:
                if len(chunks[-1].ids) == CHUNK:  # only a learned word is as long
                    chunks.append(_Chunk())
                chunks[-1].add(token, span.weight, vector)
    return chunks if len(chunks) == 1 or chunks[-1].ids else chunks[:-1]


def _chunks_first(tokenizer: Any, spans: Sequence[Span], learned: Learned) -> list[_Chunk]:
    """The same as it was cut at first: a comma as 76th token took the last phrase with it."""
    comma = tokenizer.convert_tokens_to_ids(",</w>")
    chunks = [_Chunk()]
    last_comma = -1
    for span in spans:
        if span.text is None:
            chunks.append(_Chunk())
            last_comma = -1
            continue
        for token, vector in chain.from_iterable(_units(tokenizer, span.text, learned)):
            if len(chunks[-1].ids) == CHUNK:
                near = last_comma >= 0 and CHUNK - last_comma <= COMMA_REACH
                chunks.append(chunks[-1].cut(last_comma + 1 if near else CHUNK))
                last_comma = -1
            if token == comma:
                last_comma = len(chunks[-1].ids)
            chunks[-1].add(token, span.weight, vector)
    return chunks


_Unit = list[tuple[int, Tensor | None]]


def _units(tokenizer: Any, text: str, learned: Learned) -> Iterator[_Unit]:
    """The tokens of a text, those of a learned word together."""
    for is_learned, group in _groups(tokenizer, text, learned):
        if is_learned:
            yield group
        else:
            for token in group:
                yield [token]


def _groups(tokenizer: Any, text: str, learned: Learned) -> Iterator[tuple[bool, _Unit]]:
    """The vectors of each learned word, and the tokens of what lies between."""
    pieces = [text]
    if learned:
        words = "|".join(sorted(map(re.escape, learned), key=len, reverse=True))
        pieces = re.split(rf"(?<!\w)({words})(?!\w)", text, flags=re.IGNORECASE)
    for number, piece in enumerate(pieces):
        if number % 2:  # what re.split was asked for lies between the rest
            if vectors := learned[piece.casefold()]:
                yield True, [(PLACEHOLDER, vector) for vector in vectors]
        else:
            ids = tokenizer(piece, add_special_tokens=False, truncation=False, verbose=False)
            yield False, [(token, None) for token in ids.input_ids]


def _chunks_comfy(tokenizer: Any, text: str, learned: Learned) -> list[_Chunk]:
    """Pieces of 75 tokens, cut as ComfyUI cuts them; a learned word may be `embedding:word`."""
    named = re.sub(r"embedding:", "", text, flags=re.IGNORECASE) if learned else text
    cut = comfy_syntax.cut(
        (
            [(token, span.weight, vector) for token, vector in group]
            for span in comfy_syntax.parse(named)
            for _, group in _groups(tokenizer, span.text or "", learned)
        ),
        CHUNK,
    )
    chunks = [_Chunk() for _ in cut]
    for chunk, tokens in zip(chunks, cut, strict=True):
        for token in tokens:
            chunk.add(*token)
    return chunks


def _read(tokenizer: Any, text: str, syntax: str, learned: Learned) -> list[_Chunk]:
    match syntax:
        case "a1111-2":
            return _chunks(tokenizer, parse(text), learned)
        case "a1111":
            return _chunks_first(tokenizer, parse_first(text), learned)
        case "comfy":
            return _chunks_comfy(tokenizer, text, learned)
        case "plain":
            return _chunks_first(tokenizer, [Span(text, 1.0)], learned)
        case _:
            raise OutOfRange("syntax", syntax, f"one of {', '.join(SYNTAXES)}")

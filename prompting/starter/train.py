"""Trains the built-in assistant on one CPU thread, then writes its GGUF.

    python -m prompting.starter.train --minutes 15 --out var/assistant

The clock is that of the process, so a busy machine trains longer, not less.  The invariant: the
same seed draws the same data in the same order, and only the answers are learned, never the wishes.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn import functional

from prompting.starter import data, replies
from prompting.starter.data import Example
from prompting.starter.export import GGUF, READER, write
from prompting.starter.model import Llama, Shape
from prompting.writers import template

BATCH = 32
SPECIAL = [template.PAD, template.START, template.END, *template.PLACEHOLDERS]
_WARM_UP = 60  # steps

Examples = Callable[[int], Iterator[Example]]  # by seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What is learned, by a network of which size, and where it is shipped."""

    examples: Examples
    shape: Shape
    gguf: Path


COURSES = {
    "wishes": Course(examples=data.examples, shape=Shape(), gguf=GGUF),
    # A reply is short, and its answer mostly a choice among eighteen kinds.
    "replies": Course(
        examples=replies.examples, shape=Shape(width=160, heads=4, inner=432), gguf=READER
    ),
}


def new_tokenizer(size: int, drawn: Iterator[Example], count: int = 20_000) -> Tokenizer:
    """Byte-level BPE, as GPT-2 splits, learned from the first examples."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()

    def texts() -> Iterator[str]:
        for _, example in zip(range(count), drawn, strict=False):
            yield f"{example.dialect} {example.language}\n"
            yield example.wish
            yield example.answer

    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts(), trainer)
    return tokenizer


def batches(
    tokenizer: Tokenizer, seed: int, examples: Examples
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Tokens, targets (-1 where nothing is learned) and weights, similar lengths together."""
    dice, stream = Random(seed), examples(seed)
    end = SPECIAL.index(template.END)
    while True:
        pool: list[tuple[list[int], list[int]]] = []
        while len(pool) < BATCH * 16:
            example = next(stream)
            turns = template.turns(example.wish, dialect=example.dialect, language=example.language)
            asked = tokenizer.encode(turns.head + turns.wish + turns.tail).ids
            encoded = tokenizer.encode(example.answer)
            pool.append((asked, [*encoded.ids, end]))
        pool.sort(key=lambda row: len(row[0]) + len(row[1]))
        groups = [pool[i : i + BATCH] for i in range(0, len(pool), BATCH)]
        dice.shuffle(groups)
        for group in groups:
            length = max(len(asked) + len(answer) for asked, answer in group)
            tokens = torch.zeros((len(group), length), dtype=torch.long)
            targets = torch.full((len(group), length), -1)
            for row, (asked, answer) in enumerate(group):
                full = len(asked) + len(answer)
                tokens[row, :full] = torch.tensor(asked + answer)
                targets[row, len(asked) - 1 : full - 1] = torch.tensor(answer)
            yield tokens, targets


def optimizers(model: Llama) -> tuple[torch.optim.Optimizer, ...]:
    """Muon for the matrices inside, AdamW for the embedding and the norms."""
    inner = [p for n, p in model.named_parameters() if p.dim() == 2 and "token_embd" not in n]
    outer = [p for n, p in model.named_parameters() if p.dim() != 2 or "token_embd" in n]
    return (
        torch.optim.Muon(inner, lr=0.02, weight_decay=0.01, momentum=0.95),
        torch.optim.AdamW(outer, lr=4e-3, betas=(0.9, 0.98), weight_decay=0.0),
    )


def train(
    model: Llama,
    examples: Iterator[tuple[torch.Tensor, torch.Tensor]],
    *,
    minutes: float,
    limit: float,
    out: Path,
) -> None:
    """Trains for so many minutes of the process, or `limit` by the clock on the wall."""
    both = optimizers(model)
    rates = [group["lr"] for optimizer in both for group in optimizer.param_groups]
    start, began, shown, saved = time.process_time(), time.monotonic(), 0.0, 0.0
    smooth: float | None = None
    for step, (tokens, targets) in enumerate(examples, 1):
        spent = (time.process_time() - start) / 60
        share = max(spent / minutes, (time.monotonic() - began) / 60 / limit)
        if share >= 1:
            return
        factor = min(1.0, step / _WARM_UP) * min(1.0, (1 - share) / 0.6)
        for optimizer, rate in zip(both, rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = model(tokens)[targets >= 0]
            logits = model.logits(hidden)
        loss = functional.cross_entropy(logits.float(), targets[targets >= 0])
        for optimizer in both:
            optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in both:
            optimizer.step()
        value = float(loss.detach())
        smooth = value if smooth is None else 0.97 * smooth + 0.03 * value
        if spent - shown > 0.25:
            shown = spent
            clock = time.strftime("%H:%M:%S")
            print(f"{clock} {spent:5.2f} min step {step} loss {smooth:.4f}", flush=True)
        if spent - saved > 2:
            saved = spent
            torch.save(model.state_dict(), out / "checkpoint.pt")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--limit", type=float, default=600.0, help="minutes on the wall")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--course", choices=tuple(COURSES), default="wishes")
    parser.add_argument("--out", type=Path, default=Path("var/assistant"))
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--gguf", type=Path, help="the course's own in this package")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(asked.seed)
    course = COURSES[asked.course]
    shape, gguf = course.shape, asked.gguf or course.gguf
    model = Llama(shape)
    if asked.resume:
        tokenizer = Tokenizer.from_file(str(asked.out / "tokenizer.json"))
        model.load_state_dict(torch.load(asked.out / "checkpoint.pt", weights_only=True))
    else:
        tokenizer = new_tokenizer(shape.vocabulary, course.examples(asked.seed))
        tokenizer.save(str(asked.out / "tokenizer.json"))
    count = sum(parameter.numel() for parameter in model.parameters())
    print(f"{count} parameters, {math.log(shape.vocabulary):.2f} nats at first", flush=True)
    learned = batches(tokenizer, asked.seed, course.examples)
    train(model, learned, minutes=asked.minutes, limit=asked.limit, out=asked.out)
    torch.save(model.state_dict(), asked.out / "checkpoint.pt")
    write(gguf, asked.out, shape)
    print(f"wrote {gguf}", flush=True)


if __name__ == "__main__":
    main()

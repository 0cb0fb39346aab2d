"""The text encoder: a small CLIP text model whose one vector says form, colour and size.

Invariant: it is trained before the prior and alone, on the vector as the pipeline hands it on:
brought to length 1, then to variance 1. Three linear readers, thrown away afterwards, must find
there what a wish names and what it leaves open.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from random import Random

import torch
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizer

from generation.training.form.wishes import (
    KINDS,
    Body,
    Wished,
    held_out_bodies,
    phrase,
    training_body,
)
from generation.training.starter.captions import silence
from generation.training.starter.clock import Clock, cosine, resume, save, set_rate
from generation.training.starter.tokens import LENGTH, learn_tokenizer

WIDTH = 64
BATCH = 64
SILENT = 0.06


def new_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModelWithProjection:
    """Two layers, width 64."""
    return CLIPTextModelWithProjection(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            projection_dim=WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=LENGTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=0,
        )
    )


def wish_tokenizer(folder: Path, seed: int = 5) -> CLIPTokenizer:
    """The tokenizer, learnt from wishes."""
    dice = Random(seed)
    texts = [phrase(training_body(dice), dice).text for _ in range(20_000)]
    return learn_tokenizer(folder, [*texts, *(silence(dice).text for _ in range(1_000))])


def read_words(
    encoder: CLIPTextModelWithProjection, tokenizer: CLIPTokenizer, texts: list[str]
) -> Tensor:
    """The vector of each text as `ShapEPipeline` makes it, (count, WIDTH)."""
    ids = [tokenizer(text, truncation=True, max_length=LENGTH)["input_ids"] for text in texts]
    longest = max(map(len, ids))  # what stands behind the end is not read: attention is causal
    padded = torch.tensor([row + [0] * (longest - len(row)) for row in ids])
    found = encoder(padded).text_embeds
    unit: Tensor = found / torch.linalg.norm(found, dim=-1, keepdim=True)
    return math.sqrt(WIDTH) * unit


def _targets(body: Body, said: Wished) -> list[int]:
    """Index of each attribute; one past the last means that the wish does not say."""
    return [
        at if kind in said.says else len(names)
        for at, (kind, names) in zip(body.classes(), KINDS.items(), strict=True)
    ]


def _batch(dice: Random) -> tuple[list[str], Tensor]:
    texts, targets = [], []
    for _ in range(BATCH):
        body = training_body(dice)
        said = phrase(body, dice)
        if dice.random() < SILENT:
            said = Wished(text=silence(dice).text, says=frozenset())
        texts.append(said.text)
        targets.append(_targets(body, said))
    return texts, torch.tensor(targets)


class WordReaders(nn.Module):
    """The encoder with one linear reader per attribute."""

    def __init__(self, encoder: CLIPTextModelWithProjection) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = nn.ModuleList(nn.Linear(WIDTH, len(names) + 1) for names in KINDS.values())

    @torch.no_grad()
    def held_out(self, tokenizer: CLIPTokenizer, dice: Random) -> list[float]:
        """Share of held-out wishes read rightly, per attribute."""
        bodies = held_out_bodies(300, dice)
        said = [phrase(body, dice) for body in bodies]
        asked = torch.tensor([_targets(b, s) for b, s in zip(bodies, said, strict=True)])
        seen = read_words(self.encoder, tokenizer, [s.text for s in said])
        return [
            float((head(seen).argmax(-1) == asked[:, at]).float().mean())
            for at, head in enumerate(self.heads)
        ]


def train_text(work: Path, minutes: float, seed: int = 12) -> None:
    """Writes the tokenizer to work/tokenizer and the encoder to work/text_encoder."""
    torch.manual_seed(seed)
    tokenizer = wish_tokenizer(work / "tokenizer")
    print(f"tokenizer: {len(tokenizer)} tokens", flush=True)
    model, dice = WordReaders(new_text_encoder(tokenizer)), Random(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    clock = Clock(minutes=minutes, now=time.process_time)
    resume(work / "text.ckpt", clock, model, optimizer)
    dice.seed(seed + clock.step)
    while clock.share() < 1:
        set_rate(optimizer, cosine(clock.share(), 2e-3))
        texts, targets = _batch(dice)
        seen = read_words(model.encoder, tokenizer, texts)
        loss = torch.zeros(())
        for at, head in enumerate(model.heads):
            loss = loss + nn.functional.cross_entropy(head(seen), targets[:, at])
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        clock.step += 1
        if clock.step % 200 == 0:
            right = model.held_out(tokenizer, Random(77))
            shown = " ".join(f"{kind} {100 * r:.1f}%" for kind, r in zip(KINDS, right, strict=True))
            print(
                f"{time.strftime('%H:%M:%S')} text step {clock.step} at {clock.elapsed_s():.0f} s"
                f" loss {float(loss.detach()):.4f} {shown}",
                flush=True,
            )
        if clock.checkpoint_due():
            save(work / "text.ckpt", clock, model, optimizer)
    model.encoder.save_pretrained(work / "text_encoder")

"""The text encoder: a small T5 encoder that puts a caption's four attributes into every token.

Invariant: it is trained before the denoiser and alone, by one linear reader for each attribute that
is thrown away afterwards.  Cross-attention finds what was asked wherever it looks.
"""

import time
from collections import Counter
from pathlib import Path
from random import Random

import torch
from torch import nn
from transformers import T5Config, T5EncoderModel
from transformers.models.t5.tokenization_t5 import T5Tokenizer

from generation.training.starter.captions import Caption
from generation.training.starter.clock import Clock, cosine, set_rate

from .captions import caption, held_out_caption, silence
from .wishes import ATTRIBUTES, SoundWish, target, training_sound

WIDTH = 64
LENGTH = 32
BATCH = 64
SILENT = 0.08
PIECES = 700


def build_tokenizer(folder: Path, seed: int = 5) -> T5Tokenizer:
    """Whole words of the captions and single letters: a word that is not known is spelt."""
    dice = Random(seed)
    counted: Counter[str] = Counter()
    for _ in range(20_000):
        asked = training_sound(dice)
        for said in (caption(asked, dice), silence(dice)):
            counted.update(said.text.split())
    letters = [chr(code) for code in range(33, 127)]
    words = [f"\u2581{word}" for word, count in counted.most_common(PIECES) if count > 8]
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    pieces += [(word, -4.0) for word in sorted(words)]
    pieces += [("\u2581", -6.0), *((letter, -8.0) for letter in letters)]
    tokenizer = T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=LENGTH)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
    return tokenizer


def new_text_encoder(tokenizer: T5Tokenizer) -> T5EncoderModel:
    """Two layers, width 64."""
    return T5EncoderModel(
        T5Config(
            vocab_size=len(tokenizer),
            d_model=WIDTH,
            d_kv=16,
            d_ff=4 * WIDTH,
            num_layers=2,
            num_heads=4,
            relative_attention_num_buckets=16,
            relative_attention_max_distance=32,
            dropout_rate=0.0,
            feed_forward_proj="gated-gelu",
            pad_token_id=0,
            eos_token_id=1,
            decoder_start_token_id=0,
        )
    )


def tokens_of(texts: list[str], tokenizer: T5Tokenizer) -> tuple[torch.Tensor, torch.Tensor]:
    """(count, LENGTH) ids and which of them are words."""
    held = tokenizer(
        texts, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt"
    )
    return held["input_ids"], held["attention_mask"]


def states_of(texts: list[str], tokenizer: T5Tokenizer, encoder: T5EncoderModel) -> torch.Tensor:
    """(count, LENGTH, WIDTH): what the pipeline hands the denoiser, nothing where no word is."""
    ids, mask = tokens_of(texts, tokenizer)
    states: torch.Tensor = encoder(ids, attention_mask=mask)[0]
    return states * mask.unsqueeze(-1)


class AttributeHeads(nn.Module):
    """One linear reader for each attribute; thrown away after training."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(WIDTH, len(n) + 1) for n in ATTRIBUTES.values())

    def forward(self, states: torch.Tensor) -> list[torch.Tensor]:
        return [head(states) for head in self.heads]


def _batch(dice: Random) -> tuple[list[Caption], list[SoundWish]]:
    asked = [training_sound(dice) for _ in range(BATCH)]
    said = [silence(dice) if dice.random() < SILENT else caption(a, dice) for a in asked]
    return said, asked


@torch.no_grad()
def held_out_accuracy(
    encoder: T5EncoderModel, readers: AttributeHeads, tokenizer: T5Tokenizer, dice: Random
) -> list[float]:
    """Share of held-out captions read rightly by the mean of their tokens, per attribute."""
    asked = [training_sound(dice) for _ in range(500)]
    ids, mask = tokens_of([held_out_caption(a, dice).text for a in asked], tokenizer)
    states = encoder(ids, attention_mask=mask)[0]
    truth = torch.tensor([target(a) for a in asked])
    weights = mask.unsqueeze(-1).float()
    read = [(head * weights).sum(1).argmax(-1) for head in readers(states)]
    return [float((r == truth[:, i]).float().mean()) for i, r in enumerate(read)]


def train_text(work: Path, minutes: float, seed: int = 2) -> None:
    """Writes the tokenizer to work/tokenizer and the encoder to work/text_encoder."""
    torch.manual_seed(seed)
    tokenizer = build_tokenizer(work / "tokenizer")
    encoder, readers, dice = new_text_encoder(tokenizer), AttributeHeads(), Random(seed)
    print(f"tokenizer: {len(tokenizer)} tokens", flush=True)
    weights = [*encoder.parameters(), *readers.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=1e-3, weight_decay=0.01)
    clock = Clock(minutes=minutes, now=time.process_time)
    while clock.share() < 1:
        set_rate(optimizer, cosine(clock.share(), 3e-3))
        said, asked = _batch(dice)
        ids, mask = tokens_of([c.text for c in said], tokenizer)
        truth = torch.tensor([target(a, c.says) for a, c in zip(asked, said, strict=True)])
        states = encoder(ids, attention_mask=mask)[0]
        loss = torch.zeros(())
        for i, read in enumerate(readers(states)):
            wrong = nn.functional.cross_entropy(
                read.transpose(1, 2), truth[:, i : i + 1].expand(-1, LENGTH), reduction="none"
            )
            loss = loss + (wrong * mask).sum() / mask.sum()
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        clock.step += 1
        if clock.step % 200 == 0:
            right = held_out_accuracy(encoder, readers, tokenizer, Random(77))
            shown = " ".join(f"{n} {100 * r:.1f}%" for n, r in zip(ATTRIBUTES, right, strict=True))
            print(
                f"{time.strftime('%H:%M:%S')} text step {clock.step} "
                f"loss {float(loss.detach()):.4f} {shown}",
                flush=True,
            )
    encoder.save_pretrained(work / "text_encoder")

"""The text encoder: a small CLIP text model that puts a caption's four attributes into every slot.

Invariant: it is trained before the UNet and alone. From the end token on, each position (CLIP pads
to 77, and attention is causal, so each of them has read the whole caption) must tell object,
colour, background and style to a linear head. Cross-attention then finds them wherever it looks,
which takes the hardest part out of training the UNet.
"""

import time
from pathlib import Path
from random import Random

import torch
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from .captions import Caption, caption, silence
from .clock import Clock, cosine, set_rate
from .scenes import BACKGROUNDS, COLOURS, OBJECTS, STYLES, Scene, held_out_scenes, training_scene
from .tokens import LENGTH, build_tokenizer

WIDTH = 128
KINDS: dict[str, tuple[str, ...]] = {
    "object": OBJECTS,
    "colour": COLOURS,
    "background": BACKGROUNDS,
    "style": STYLES,
}
BATCH = 64
SILENT = 0.08


def new_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """Three layers, width 128."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            projection_dim=WIDTH,
            num_hidden_layers=3,
            num_attention_heads=4,
            max_position_embeddings=LENGTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def tokens_of(texts: list[str], tokenizer: CLIPTokenizer) -> torch.Tensor:
    """(count, 77) ids, padded with the end token."""
    held = tokenizer(texts, padding="max_length", max_length=LENGTH, truncation=True)
    return torch.tensor(held["input_ids"])


def _target(scene: Scene, said: Caption) -> list[int]:
    """Index of each attribute; one past the last means the caption does not say."""
    return [
        names.index(getattr(scene, kind)) if kind in said.says else len(names)
        for kind, names in KINDS.items()
    ]


class Heads(nn.Module):
    """One linear reader per attribute; thrown away after training."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(WIDTH, len(names) + 1) for names in KINDS.values())

    def forward(self, states: torch.Tensor) -> list[torch.Tensor]:
        return [head(states) for head in self.heads]


def _batch(dice: Random, tokenizer: CLIPTokenizer) -> tuple[torch.Tensor, torch.Tensor]:
    texts, targets = [], []
    for _ in range(BATCH):
        scene = training_scene(dice)
        said = silence(dice) if dice.random() < SILENT else caption(scene, dice)
        texts.append(said.text)
        targets.append(_target(scene, said))
    return tokens_of(texts, tokenizer), torch.tensor(targets)


@torch.no_grad()
def held_out_accuracy(
    encoder: CLIPTextModel, heads: Heads, tokenizer: CLIPTokenizer, dice: Random
) -> list[float]:
    """Share of held-out captions read rightly at the end token, per attribute."""
    scenes = held_out_scenes(1000, dice)
    said = [caption(scene, dice) for scene in scenes]
    targets = torch.tensor([_target(s, c) for s, c in zip(scenes, said, strict=True)])
    ids = tokens_of([c.text for c in said], tokenizer)
    states = encoder(ids).last_hidden_state
    ends = (ids == tokenizer.eos_token_id).int().argmax(dim=1)
    read = heads(states[torch.arange(len(ids)), ends])
    return [float((r.argmax(-1) == targets[:, i]).float().mean()) for i, r in enumerate(read)]


def train_text(work: Path, minutes: float, seed: int = 2) -> None:
    """Writes the tokenizer to work/tokenizer and the encoder to work/text_encoder."""
    torch.manual_seed(seed)
    tokenizer = build_tokenizer(work / "tokenizer")
    print(f"tokenizer: {len(tokenizer)} tokens", flush=True)
    encoder, heads, dice = new_text_encoder(tokenizer), Heads(), Random(seed)
    weights = [*encoder.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=1e-3, weight_decay=0.01)
    clock = Clock(minutes=minutes)
    while clock.share() < 1:
        set_rate(optimizer, cosine(clock.share(), 1.5e-3))
        ids, targets = _batch(dice, tokenizer)
        states = encoder(ids).last_hidden_state
        after = (ids == tokenizer.eos_token_id).float()
        loss = torch.zeros(())
        for i, read in enumerate(heads(states)):
            wrong = nn.functional.cross_entropy(
                read.transpose(1, 2), targets[:, i : i + 1].expand(-1, LENGTH), reduction="none"
            )
            loss = loss + (wrong * after).sum() / after.sum()
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        clock.step += 1
        if clock.step % 200 == 0:
            right = held_out_accuracy(encoder, heads, tokenizer, Random(77))
            shown = " ".join(f"{kind} {100 * r:.1f}%" for kind, r in zip(KINDS, right, strict=True))
            print(
                f"{time.strftime('%H:%M:%S')} text step {clock.step} "
                f"loss {float(loss.detach()):.4f} {shown}",
                flush=True,
            )
    encoder.save_pretrained(work / "text_encoder")

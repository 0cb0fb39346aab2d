"""The text encoder: a small UMT5 whose every token tells what the whole caption says.

Invariant: it is trained before the denoiser and alone.  A linear head at each token must tell
object, colour, motion and background, or that the caption says nothing of it; the heads are
thrown away.  Without that the words of motion do not move anything: attention finds only what is
easy to find.
"""

import json
import time
from pathlib import Path
from random import Random

import torch
from tokenizers.trainers import UnigramTrainer
from torch import nn
from transformers import T5Tokenizer, UMT5Config, UMT5EncoderModel

from generation.training.starter.captions import Caption, silence
from generation.training.starter.clock import Clock, cosine, set_rate
from generation.training.starter.scenes import COLOURS, OBJECTS

from .captions import EVERYTHING, caption_of
from .scenes import BACKGROUNDS, MOTIONS, MovingScene, held_out_clips, training_clip

WIDTH = 128
PIECES = 1500
KINDS: dict[str, tuple[str, ...]] = {
    "object": OBJECTS,
    "colour": COLOURS,
    "motion": MOTIONS,
    "background": BACKGROUNDS,
}
BATCH = 64
SILENT = 0.08
LETTERS = [chr(code) for code in range(33, 127)]
_SPECIAL = ("<pad>", "</s>", "<unk>")


def build_pieces(folder: Path, seed: int = 5, count: int = 20_000) -> T5Tokenizer:
    """Learns the pieces of words from captions and writes the tokenizer's folder."""
    dice = Random(seed)
    texts = [caption_of(training_clip(dice), dice).text for _ in range(count)]
    texts += [silence(dice).text for _ in range(count // 10)]
    learned = T5Tokenizer(extra_ids=0).backend_tokenizer
    learned.train_from_iterator(
        texts,
        UnigramTrainer(
            vocab_size=PIECES,
            special_tokens=list(_SPECIAL),
            unk_token="<unk>",
            initial_alphabet=LETTERS,
            show_progress=False,
        ),
    )
    tokenizer = T5Tokenizer(vocab=_scored(learned.to_str()), extra_ids=0, model_max_length=512)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
    return tokenizer


def _scored(told: str) -> list[tuple[str, float]]:
    """The pieces and their scores, from what a tokenizer says of itself."""
    return [(piece, score) for piece, score in json.loads(told)["model"]["vocab"]]


def new_text_encoder(tokenizer: T5Tokenizer) -> UMT5EncoderModel:
    """Three layers, width 128."""
    encoder = UMT5EncoderModel(
        UMT5Config(
            vocab_size=len(tokenizer),
            d_model=WIDTH,
            d_kv=32,
            d_ff=2 * WIDTH,
            num_layers=3,
            num_heads=4,
            dropout_rate=0.0,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    _neighbours_first(encoder)
    return encoder


@torch.no_grad()
def _neighbours_first(encoder: UMT5EncoderModel) -> None:
    """Lets three heads of each layer begin by looking at the words beside their own.

    Which colour is the background's is told by neighbours; from chance that is learned very late.
    """
    for name, weight in encoder.named_parameters():
        if name.endswith("relative_attention_bias.weight"):
            behind = weight.shape[0] // 2  # buckets of distances: before it, then behind it
            for head, bucket in enumerate((1, behind + 1, 2)):
                weight[bucket, head] += 4.0


def read(
    texts: list[str], tokenizer: T5Tokenizer, encoder: UMT5EncoderModel
) -> tuple[torch.Tensor, torch.Tensor]:
    """(count, longest, WIDTH) states and (count, longest) 1 where a token is; 0 elsewhere."""
    held = tokenizer(texts, padding=True, return_tensors="pt")
    said = held["attention_mask"]
    states = encoder(held["input_ids"], attention_mask=said).last_hidden_state
    return states * said[..., None], said


class MotionHeads(nn.Module):
    """One linear reader per attribute; thrown away after training."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(WIDTH, len(names) + 1) for names in KINDS.values())

    def forward(self, states: torch.Tensor) -> list[torch.Tensor]:
        return [head(states) for head in self.heads]


def _target(scene: MovingScene, said: Caption) -> list[int]:
    """Index of each attribute; one past the last means the caption does not say."""
    return [
        names.index(getattr(scene, kind)) if kind in said.says else len(names)
        for kind, names in KINDS.items()
    ]


def _batch(dice: Random) -> tuple[list[str], torch.Tensor]:
    texts, targets = [], []
    for _ in range(BATCH):
        scene = training_clip(dice)
        said = silence(dice) if dice.random() < SILENT else caption_of(scene, dice)
        texts.append(said.text)
        targets.append(_target(scene, said))
    return texts, torch.tensor(targets)


@torch.no_grad()
def held_out_shares(
    encoder: UMT5EncoderModel, heads: MotionHeads, tokenizer: T5Tokenizer, count: int = 600
) -> list[float]:
    """Share of held-out captions read rightly at the end token, per attribute."""
    dice = Random(77)
    scenes = held_out_clips(count, dice)
    captions = [caption_of(scene, dice, EVERYTHING) for scene in scenes]
    targets = torch.tensor([_target(s, c) for s, c in zip(scenes, captions, strict=True)])
    states, said = read([c.text for c in captions], tokenizer, encoder)
    ends = states[torch.arange(count), said.sum(1) - 1]
    return [
        float((found.argmax(-1) == targets[:, i]).float().mean())
        for i, found in enumerate(heads(ends))
    ]


def train_text(work: Path, minutes: float, seed: int = 2) -> None:
    """Writes the tokenizer to work/tokenizer and the encoder to work/text_encoder."""
    torch.manual_seed(seed)
    tokenizer = build_pieces(work / "tokenizer")
    encoder, heads, dice = new_text_encoder(tokenizer), MotionHeads(), Random(seed)
    weights = [*encoder.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=1e-3, weight_decay=0.01)
    clock = Clock(minutes=minutes, now=time.process_time)
    while clock.share() < 1:
        set_rate(optimizer, cosine(clock.share(), 2e-3))
        texts, targets = _batch(dice)
        states, said = read(texts, tokenizer, encoder)
        loss = torch.zeros(())
        for i, found in enumerate(heads(states)):
            wrong = nn.functional.cross_entropy(
                found.transpose(1, 2), targets[:, i : i + 1].expand(said.shape), reduction="none"
            )
            loss = loss + (wrong * said).sum() / said.sum()
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        clock.step += 1
        if clock.step % 100 == 0:
            right = held_out_shares(encoder.eval(), heads, tokenizer)
            encoder.train()
            shown = " ".join(f"{kind} {100 * r:.1f}%" for kind, r in zip(KINDS, right, strict=True))
            print(
                f"{time.strftime('%H:%M:%S')} text step {clock.step} {clock.elapsed_s():.0f} s "
                f"loss {float(loss.detach()):.4f} {shown}",
                flush=True,
            )
    encoder.save_pretrained(work / "text_encoder")

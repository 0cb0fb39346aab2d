"""The text encoder of instructions: the starter's own, taught to read what shall be otherwise.

Invariant: its shape and its tokenizer are the starter's. From the end token on every position tells
a linear head what each attribute shall become, or that it stays. Where an instruction asks for what
a caption could say, its states are drawn towards those that the starter has for that caption, so
the starter's UNet understands them from the first step on.
"""

import time
from pathlib import Path
from random import Random

import torch
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from generation.training.starter.captions import silence
from generation.training.starter.clock import Clock, cosine, set_rate
from generation.training.starter.export import MODEL as STARTER
from generation.training.starter.scenes import COLOURS
from generation.training.starter.text import KINDS, WIDTH, tokens_of
from generation.training.starter.tokens import LENGTH

from .instructions import NOTHING, Instruction
from .pairs import family, pair

BATCH = 64
SILENT = 0.06
NEARNESS = 2.0  # weight of the distance to the starter's states
ASKED = {kind: (*names, NOTHING) if kind == "object" else names for kind, names in KINDS.items()}


class ChangeHeads(nn.Module):
    """One linear reader per attribute, with a class for "stays"; thrown away after training."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(WIDTH, len(names) + 1) for names in ASKED.values())

    def forward(self, states: torch.Tensor) -> list[torch.Tensor]:
        return [head(states) for head in self.heads]


def random_instruction(dice: Random) -> Instruction:
    """An instruction between two pictures of a family."""
    return pair(family(dice), dice)[2]


def _target(said: Instruction) -> list[int]:
    return [
        names.index(said.asks[kind]) if kind in said.asks else len(names)
        for kind, names in ASKED.items()
    ]


def _as_caption(said: Instruction) -> str | None:
    """The plainest caption that says what the instruction asks for; None where there is none."""
    asks = said.asks
    if asks.get("object") == NOTHING or ("colour" in asks and "object" not in asks):
        return None
    parts = []
    if "object" in asks:
        parts.append(" ".join(filter(None, ("a", asks.get("colour"), asks["object"]))))
    if background := asks.get("background"):
        parts.append(f"on a {background} background" if background in COLOURS else background)
    parts += [asks["style"]] if "style" in asks else []
    return ", ".join(parts)


def load_encoder(folder: Path = STARTER) -> CLIPTextModel:
    """A text encoder in fp32, as trained."""
    encoder: CLIPTextModel = CLIPTextModel.from_pretrained(
        folder / "text_encoder", dtype=torch.float32
    )
    return encoder.float()


def _after_end(ids: torch.Tensor, tokenizer: CLIPTokenizer) -> torch.Tensor:
    ended: torch.Tensor = (ids == tokenizer.eos_token_id).float()
    return ended


def _reading_loss(
    states: torch.Tensor, heads: ChangeHeads, targets: torch.Tensor, after: torch.Tensor
) -> torch.Tensor:
    loss = torch.zeros(())
    for i, read in enumerate(heads(states)):
        wrong = nn.functional.cross_entropy(
            read.transpose(1, 2), targets[:, i : i + 1].expand(-1, LENGTH), reduction="none"
        )
        loss = loss + (wrong * after).sum() / after.sum()
    return loss


def _nearness_loss(
    states: torch.Tensor,
    said: list[Instruction],
    after: torch.Tensor,
    *,
    teacher: CLIPTextModel,
    tokenizer: CLIPTokenizer,
) -> torch.Tensor:
    """Distance to the starter's states, where both texts have ended."""
    rows = [i for i, one in enumerate(said) if one.asks and _as_caption(one) is not None]
    ids = tokens_of([_as_caption(said[i]) or "" for i in rows], tokenizer)
    with torch.no_grad():
        wanted = teacher(ids).last_hidden_state
    both = after[rows] * _after_end(ids, tokenizer)
    distance = (states[rows] - wanted).square().mean(-1)
    near: torch.Tensor = (distance * both).sum() / both.sum()
    return near


@torch.no_grad()
def reading_accuracy(
    encoder: CLIPTextModel, heads: ChangeHeads, tokenizer: CLIPTokenizer, dice: Random
) -> list[float]:
    """Share of fresh instructions read rightly at the end token, per attribute."""
    said = [random_instruction(dice) for _ in range(1000)]
    ids = tokens_of([one.text for one in said], tokenizer)
    ends = (ids == tokenizer.eos_token_id).int().argmax(dim=1)
    read = heads(encoder(ids).last_hidden_state[torch.arange(len(ids)), ends])
    targets = torch.tensor([_target(one) for one in said])
    return [float((r.argmax(-1) == targets[:, i]).float().mean()) for i, r in enumerate(read)]


def train_text(work: Path, minutes: float, seed: int = 12) -> None:
    """Writes the encoder to work/text_encoder."""
    torch.manual_seed(seed)
    tokenizer = CLIPTokenizer.from_pretrained(STARTER / "tokenizer")
    encoder, teacher = load_encoder().train(), load_encoder().eval()
    heads, dice = ChangeHeads(), Random(seed)
    weights = [*encoder.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=1e-3, weight_decay=0.01)
    clock = Clock(minutes=minutes)
    while clock.share() < 1:
        set_rate(optimizer, cosine(clock.share(), 1e-3))
        said = [random_instruction(dice) for _ in range(BATCH)]
        for i in range(len(said)):
            if dice.random() < SILENT:
                said[i] = Instruction(text=silence(dice).text, asks={})
        ids = tokens_of([one.text for one in said], tokenizer)
        states, after = encoder(ids).last_hidden_state, _after_end(ids, tokenizer)
        loss = _reading_loss(states, heads, torch.tensor([_target(one) for one in said]), after)
        near = _nearness_loss(states, said, after, teacher=teacher, tokenizer=tokenizer)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss + NEARNESS * near)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        clock.step += 1
        if clock.step % 100 == 0:
            right = reading_accuracy(encoder, heads, tokenizer, Random(77))
            shown = " ".join(f"{kind} {100 * r:.1f}%" for kind, r in zip(ASKED, right, strict=True))
            print(
                f"{time.strftime('%H:%M:%S')} text step {clock.step} "
                f"loss {float(loss.detach()):.4f} distance {float(near.detach()):.4f} {shown}",
                flush=True,
            )
    encoder.save_pretrained(work / "text_encoder")

"""The denoiser: the latents of a solid from noise and the vector of a wish.

Invariant: it sees no held-out combination; what a wish leaves open is left to chance, so the noise
decides it when the model draws, too.
"""

from __future__ import annotations

import copy
import time
from pathlib import Path
from random import Random

import torch
from diffusers import HeunDiscreteScheduler, PriorTransformer
from torch import Tensor
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

from generation.training.form import fields, text
from generation.training.form.fields import DEPTH, TrainedField, formed
from generation.training.form.wishes import phrase, training_body
from generation.training.starter.clock import Clock, cosine, follow, resume, save, set_rate

BATCH = 32
UNTOLD = 0.1  # wishes that are taken away, for guidance
STEPS_OF_NOISE = 1024
BANK = 24_000  # wishes whose vectors are made beforehand


def new_scheduler() -> HeunDiscreteScheduler:
    """Shap-E's: the sample itself is predicted; latents have no bounds here."""
    return HeunDiscreteScheduler(
        num_train_timesteps=STEPS_OF_NOISE,
        beta_schedule="exp",
        prediction_type="sample",
        use_karras_sigmas=True,
        clip_sample=False,
    )


def new_prior() -> PriorTransformer:
    """Three layers, width 96."""
    return PriorTransformer(
        num_attention_heads=6,
        attention_head_dim=16,
        num_layers=3,
        embedding_dim=DEPTH,
        num_embeddings=fields.WIDTH,
        additional_embeddings=2,  # a time, and what is told
        time_embed_act_fn="gelu",
        norm_in_type="layer",
        encoder_hid_proj_type=None,
        added_emb_type=None,
        embedding_proj_dim=text.WIDTH,
        clip_embed_dim=2 * DEPTH,
    )


@torch.no_grad()
def _told(work: Path, dice: Random) -> tuple[Tensor, Tensor]:
    """Vectors of wishes, (BANK, width), and the codes of pieces that answer them."""
    tokenizer = CLIPTokenizer.from_pretrained(work / "tokenizer")
    encoder = CLIPTextModelWithProjection.from_pretrained(work / "text_encoder").eval()
    seen, codes = [], []
    for _ in range(0, BANK, 100):
        bodies = [training_body(dice) for _ in range(100)]
        said = [phrase(body, dice).text for body in bodies]
        seen.append(text.read_words(encoder, tokenizer, said))
        codes += [formed(body, dice).code() for body in bodies]
    return torch.cat(seen), torch.tensor(codes)


def noised(latents: Tensor, dice: torch.Generator) -> tuple[Tensor, Tensor]:
    """Latents with noise as a sampler scales them, and the times of it: more late than early."""
    alphas = new_scheduler().alphas_cumprod
    even = torch.rand(len(latents), generator=dice)
    late = torch.rand(len(latents), generator=dice) < 0.4
    times = torch.where(late, 0.5 + even / 2, even) * (STEPS_OF_NOISE - 1)
    low = times.floor().long().clamp(max=STEPS_OF_NOISE - 2)
    logs = (1 / alphas - 1).log()
    between = torch.lerp(logs[low], logs[low + 1], times - low)
    kept = torch.sigmoid(-between)[:, None, None]
    noise = torch.randn(latents.shape, generator=dice)
    return kept.sqrt() * latents + (1 - kept).sqrt() * noise, times


def load_fields(work: Path) -> TrainedField:
    """The trained fields, fixed."""
    model = TrainedField()
    model.load_state_dict(torch.load(work / "fields.pt", weights_only=True))
    return model.eval().requires_grad_(False)


def train_prior(work: Path, minutes: float, seed: int = 13) -> None:
    """Writes work/prior.pt: the average of the last steps."""
    torch.manual_seed(seed)
    told, codes = _told(work, Random(seed))
    latents, prior = load_fields(work).encoder(codes), new_prior()
    clock = Clock(minutes=minutes, now=time.process_time)
    average, step_dice = copy.deepcopy(prior), torch.Generator()
    optimizer = torch.optim.AdamW(prior.parameters(), lr=1e-3, weight_decay=0.01)
    held = resume(work / "prior.ckpt", clock, prior, optimizer)
    if held:
        average.load_state_dict(held["average"])
    step_dice.manual_seed(clock.step)
    lost: list[float] = []
    while clock.share() < 1:
        set_rate(optimizer, cosine(clock.share(), 3e-3))
        at = torch.randint(len(codes), (BATCH,), generator=step_dice)
        silent = torch.rand(BATCH, generator=step_dice) < UNTOLD
        seen = told[at].clone()
        seen[silent] = 0
        noisy, times = noised(latents[at], step_dice)
        read = prior(noisy, times, seen).predicted_image_embedding[..., :DEPTH]
        loss = (read - latents[at]).square().mean()
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(prior.parameters(), 1.0)
        optimizer.step()
        clock.step += 1
        follow(average, prior, min(0.998, clock.step / (clock.step + 10)))
        lost.append(float(loss.detach()))
        if clock.step % 200 == 0:
            recent = sum(lost[-200:]) / len(lost[-200:])
            print(
                f"{time.strftime('%H:%M:%S')} prior step {clock.step}"
                f" at {clock.elapsed_s():.0f} s loss {recent:.4f}",
                flush=True,
            )
        if clock.checkpoint_due():
            save(work / "prior.ckpt", clock, prior, optimizer, average=average.state_dict())
    torch.save(average.state_dict(), work / "prior.pt")

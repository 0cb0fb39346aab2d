"""The denoiser: a two-level UNet over 16x16x4 latents, trained to predict v.

Invariant: the noise schedule is SD 1.5's; what differs (v-prediction) is said in the scheduler's
config, so that any program that reads it samples rightly.

Two things are done for backgrounds, which are decided at the noisiest steps: v instead of epsilon
(epsilon hardly weights the picture there), and half of the noisiest samples see pure noise, because
SD 1.5's schedule never quite reaches it in training while every sampler starts from it.
"""

import copy
import os
import time
from pathlib import Path

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel

from .bank import load_bank
from .clock import Clock, cosine, follow, resume, save, set_rate
from .text import WIDTH

BATCH = 32
PEAK = 1.2e-3
GAMMA = 5.0
PURE_FROM = 985
NOISIEST = 0.12  # share of samples drawn from the last tenth of the schedule on top
RELOAD_EVERY = 250


def new_unet() -> UNet2DConditionModel:
    """6.6 M parameters; attention at 8x8 only."""
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(96, 160),
        layers_per_block=1,
        cross_attention_dim=WIDTH,
        attention_head_dim=4,
        norm_num_groups=16,
    )


def new_scheduler() -> DDIMScheduler:
    """SD 1.5's betas; "trailing" makes few steps start at the last timestep."""
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        num_train_timesteps=1000,
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
    )


def _timesteps(count: int, generator: torch.Generator) -> torch.Tensor:
    """Stratified over the schedule, with some extra among the noisiest."""
    spread = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    steps = (spread * 1000).long()
    late = torch.randint(900, 1000, (count,), generator=generator)
    return torch.where(torch.rand(count, generator=generator) < NOISIEST, late, steps)


def drawn_from(
    mean: torch.Tensor, deviation: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Latents of pictures, drawn from what the autoencoder says of them."""
    return mean.float() + deviation.float() * torch.randn(mean.shape, generator=generator)


def denoising_loss(
    unet: UNet2DConditionModel,
    clean: torch.Tensor,
    states: torch.Tensor,
    generator: torch.Generator,
    beside: torch.Tensor | None = None,
) -> torch.Tensor:
    """Weighted error of v on `clean` (count, 4, h, w); `beside` goes in as further channels."""
    count, alphas = len(clean), new_scheduler().alphas_cumprod
    noise = torch.randn(clean.shape, generator=generator)
    steps = _timesteps(count, generator)
    signal = alphas[steps].sqrt()[:, None, None, None]
    grain = (1 - alphas[steps]).sqrt()[:, None, None, None]
    pure = (steps >= PURE_FROM) & (torch.rand(count, generator=generator) < 0.5)
    noisy = torch.where(pure[:, None, None, None], noise, signal * clean + grain * noise)
    seen = noisy if beside is None else torch.cat([noisy, beside], dim=1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        guess = unet(seen, steps, states).sample
    errors = (guess.float() - (signal * noise - grain * clean)).square().mean(dim=(1, 2, 3))
    snr = alphas[steps] / (1 - alphas[steps])
    loss: torch.Tensor = (errors * (snr + 1).clamp(max=GAMMA + 1) / (snr + 1)).mean()
    return loss


def descend(
    unet: UNet2DConditionModel, optimizer: torch.optim.Optimizer, loss: torch.Tensor
) -> None:
    """One step downhill, none of them a leap."""
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
    optimizer.step()


def train_unet(work: Path, minutes: float, seed: int = 3) -> None:
    """Trains by the clock; the average goes to work/unet.pt at every checkpoint."""
    torch.manual_seed(seed)
    unet = new_unet()
    average = copy.deepcopy(unet).requires_grad_(False)
    optimizer = torch.optim.AdamW(unet.parameters(), lr=PEAK, weight_decay=0.01, betas=(0.9, 0.99))
    clock = Clock(minutes=minutes)
    held = resume(work / "unet.ckpt", clock, unet, optimizer)
    if "average" in held:
        average.load_state_dict(held["average"])
    generator = torch.Generator().manual_seed(seed + clock.step)
    bank = load_bank(work)
    recent = 0.0
    while clock.share() < 1:
        set_rate(optimizer, cosine(clock.share(), PEAK))
        rows = torch.randint(len(bank), (BATCH,), generator=generator)
        clean = drawn_from(bank.mean[rows], bank.deviation[rows], generator)
        loss = denoising_loss(unet, clean, bank.states[rows], generator)
        descend(unet, optimizer, loss)
        clock.step += 1
        follow(average, unet, min(0.9985, clock.step / (clock.step + 10)))
        value = float(loss.detach())
        recent += 0.01 * (value - recent) if clock.step > 1 and recent else value
        if clock.step % 100 == 0:
            rate = clock.step * BATCH / clock.elapsed_s()
            print(
                f"{time.strftime('%H:%M:%S')} unet step {clock.step} "
                f"{clock.elapsed_s() / 60:.1f} min loss {recent:.4f} "
                f"{rate:.0f} pictures/s bank {len(bank)}",
                flush=True,
            )
        if clock.step % RELOAD_EVERY == 0 and clock.share() < 0.5:
            bank = load_bank(work)  # the bank may still be growing beside us
        if clock.checkpoint_due():
            save(work / "unet.ckpt", clock, unet, optimizer, average=average.state_dict())
            torch.save(average.state_dict(), work / "unet.part")
            os.replace(work / "unet.part", work / "unet.pt")
    torch.save(average.state_dict(), work / "unet.pt")
    print(f"unet done: {clock.step} steps", flush=True)

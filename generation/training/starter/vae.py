"""The autoencoder: 128x128x3 pictures to 16x16x4 latents and back.

Invariant: every channel of an encoded training picture, times SD 1.5's own scaling factor
0.18215, has mean 0 and deviation 1; `standardise` bakes that into the 1x1 convolutions, so that any
program that knows SD 1.x treats the latents rightly.
"""

import copy
import time
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import AutoencoderKL

from .clock import Clock, cosine, follow, resume, save, set_rate
from .draw import SIZE, draw
from .scenes import Scene, training_scene

SCALING = 0.18215
CROP = 64  # convolutional, so crops teach as well as pictures and cost a quarter
WHOLE_FROM = 0.7  # share of the time after which whole pictures are used: GroupNorm sees the size
PEAK = 2e-3
KL_WEIGHT = 1e-3  # per latent value, against a mean over pixels


def new_vae() -> AutoencoderKL:
    """1.6 M parameters; four levels, no attention."""
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(16, 32, 64, 96),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=SIZE,
        scaling_factor=SCALING,
        mid_block_add_attention=False,
    )


def pictures(count: int, dice: Random, scenes: list[Scene] | None = None) -> torch.Tensor:
    """`count` pictures, uint8, (count, 3, SIZE, SIZE).

    An empty `scenes` is filled with the training scenes drawn; a full one says what to draw.
    """
    wanted = scenes if scenes is not None else []
    if not wanted:
        wanted += [training_scene(dice) for _ in range(count)]
    drawn = np.empty((count, SIZE, SIZE, 3), dtype=np.uint8)
    for i, scene in enumerate(wanted):
        drawn[i] = np.asarray(draw(scene, dice))
    return torch.from_numpy(drawn).permute(0, 3, 1, 2).contiguous()


def to_floats(batch: torch.Tensor) -> torch.Tensor:
    """uint8 0..255 -> float -1..1."""
    return batch.float() / 127.5 - 1


def _crops(pool: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """Random crops on the 8-pixel grid, where pixel art has its blocks."""
    which = torch.randint(len(pool), (count,), generator=generator).tolist()
    corners = torch.randint((SIZE - CROP) // 8 + 1, (count, 2), generator=generator) * 8
    return torch.stack(
        [
            pool[i, :, y : y + CROP, x : x + CROP]
            for i, (y, x) in zip(which, corners.tolist(), strict=True)
        ]
    )


def _edges(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return picture.diff(dim=-1), picture.diff(dim=-2)


def reconstruction_loss(made: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """L1 + 2 MSE + L1 of the gradients: flat areas exact, contours sharp."""
    loss = (made - real).abs().mean() + 2 * (made - real).square().mean()
    for one, other in zip(_edges(made), _edges(real), strict=True):
        loss = loss + (one - other).abs().mean()
    return loss


def _roughened(latent: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Up to a tenth of noise: what a denoiser hands over is never quite a latent of a picture."""
    share = 0.1 * torch.rand(len(latent), 1, 1, 1, generator=generator)
    return latent + share / SCALING * torch.randn(latent.shape, generator=generator)


@torch.no_grad()
def psnr(vae: AutoencoderKL, batch: torch.Tensor) -> float:
    """Mean decibels of the reconstruction of uint8 pictures, from the posterior's mean."""
    real = to_floats(batch)
    made = vae.decode(vae.encode(real).latent_dist.mode()).sample.clamp(-1, 1)
    error = (made - real).div(2).square().mean(dim=(1, 2, 3))
    return float((-10 * error.log10()).mean())


def _loss(
    vae: AutoencoderKL, real: torch.Tensor, generator: torch.Generator, *, decoder_only: bool
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """What pictures lose on the way there and back, and how much the code says, if that learns."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        posterior = vae.encode(real).latent_dist
        latent = posterior.sample(generator)
        if decoder_only:
            latent = _roughened(latent, generator)
        made = vae.decode(latent).sample
    loss = reconstruction_loss(made.float(), real)
    if decoder_only:
        return loss, None
    nats = posterior.kl().mean() / posterior.mean[0].numel()
    return loss + KL_WEIGHT * nats.float(), nats


def train_vae(work: Path, minutes: float, *, decoder_only: bool = False, seed: int = 1) -> None:
    """Trains by the clock; the average goes to work/vae.pt.

    With `decoder_only` the encoder stays as it is in work/vae.pt, so latents computed from it keep
    their meaning while the decoder gets better.
    """
    name = "decoder" if decoder_only else "vae"
    vae = new_vae()
    if decoder_only:
        vae.load_state_dict(torch.load(work / "vae.pt", weights_only=True))
        vae.encoder.requires_grad_(False)
        vae.quant_conv.requires_grad_(False)
    average = copy.deepcopy(vae).requires_grad_(False)
    trained = [p for p in vae.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=PEAK, weight_decay=1e-4, betas=(0.9, 0.98))
    clock = Clock(minutes=minutes)
    held = resume(work / f"{name}.ckpt", clock, vae, optimizer)
    if "average" in held:
        average.load_state_dict(held["average"])
    generator = torch.Generator().manual_seed(seed + clock.step)
    pool = pictures(12_000, Random(seed + clock.step))
    probe = pictures(64, Random(99))
    recent = 0.0
    while clock.share() < 1:
        set_rate(optimizer, cosine(clock.share(), PEAK if not decoder_only else PEAK / 2))
        if decoder_only or clock.share() > WHOLE_FROM:
            which = torch.randint(len(pool), (6,), generator=generator)
            real = to_floats(pool[which])
        else:
            real = to_floats(_crops(pool, 16, generator))
        loss, nats = _loss(vae, real, generator, decoder_only=decoder_only)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        clock.step += 1
        follow(average, vae, min(0.998, clock.step / (clock.step + 10)))
        recent += 0.02 * (loss.item() - recent) if clock.step > 1 else loss.item()
        if clock.step % 200 == 0:
            report = "" if nats is None else f" kl {float(nats.detach()):.2f} nats"
            print(
                f"{time.strftime('%H:%M:%S')} {name} step {clock.step} "
                f"{clock.elapsed_s() / 60:.1f} min loss {recent:.4f}{report} "
                f"psnr {psnr(average, probe):.2f} dB",
                flush=True,
            )
        if clock.checkpoint_due():
            save(work / f"{name}.ckpt", clock, vae, optimizer, average=average.state_dict())
    if not decoder_only:
        standardise(average, pool[:2000])
    torch.save(average.state_dict(), work / "vae.pt")
    print(f"{name} done: psnr {psnr(average, probe):.2f} dB", flush=True)


@torch.no_grad()
def standardise(vae: AutoencoderKL, batch: torch.Tensor) -> None:
    """Gives each latent channel mean 0 and deviation 1/SCALING, inside the 1x1 convolutions."""
    sums, squares, count = torch.zeros(4), torch.zeros(4), 0
    for part in torch.split(batch, 50):
        latent = vae.encode(to_floats(part)).latent_dist.mode()
        sums += latent.sum(dim=(0, 2, 3))
        squares += latent.square().sum(dim=(0, 2, 3))
        count += latent[:, 0].numel()
    mean = sums / count
    scale = (squares / count - mean.square()).sqrt() * SCALING
    inward, outward = vae.quant_conv, vae.post_quant_conv
    inward.weight[:4] /= scale[:, None, None, None]
    inward.bias[:4] = (inward.bias[:4] - mean) / scale
    inward.bias[4:] -= 2 * scale.log()  # the logarithm of the variance
    outward.bias += (outward.weight[:, :, 0, 0] * mean).sum(dim=1)
    outward.weight *= scale[None, :, None, None]


@torch.no_grad()
def encode_scenes(vae: AutoencoderKL, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """uint8 pictures -> (mean, deviation) of their latents, already times SCALING."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        posterior = vae.encode(to_floats(batch)).latent_dist
    return posterior.mean.float() * SCALING, posterior.std.float() * SCALING

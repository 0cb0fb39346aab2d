"""The tensors of what gives LTX-2's latents back: the VAE of its films, and that of its sounds with
the vocoder behind it; and of what makes latents twice as wide and high.

    film    levels that change pixels for channels, as in LTX-Video from 0.9.5 on
    sound   mel spectra, four times smaller in both directions -> waves, ever finer in time
    larger  blocks in space and time, four times the channels, of which pixels become, and blocks

Invariant: every tensor that the classes build from the same config, and no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from generation.families.blueprint import MOST, Config, Shapes, Unwritten, norm, whole

_LEVEL = "LTX2VideoDownBlock3D"
# What their classes take where a config says nothing.
VAE: Mapping[str, object] = {
    "block_out_channels": (256, 512, 1024, 2048),
    "decoder_block_out_channels": (256, 512, 1024),
    "decoder_causal": True,
    "decoder_inject_noise": (False,) * 4,
    "decoder_layers_per_block": (5, 5, 5, 5),
    "decoder_spatial_padding_mode": "reflect",
    "decoder_spatio_temporal_scaling": (True,) * 3,
    "down_block_types": (_LEVEL,) * 4,
    "downsample_type": ("spatial", "temporal", "spatiotemporal", "spatiotemporal"),
    "encoder_causal": True,
    "encoder_spatial_padding_mode": "zeros",
    "in_channels": 3,
    "latent_channels": 128,
    "layers_per_block": (4, 6, 6, 2, 2),
    "out_channels": 3,
    "patch_size": 4,
    "patch_size_t": 1,
    "resnet_norm_eps": 1e-6,
    "scaling_factor": 1.0,
    "spatial_compression_ratio": None,
    "spatio_temporal_scaling": (True,) * 4,
    "temporal_compression_ratio": None,
    "timestep_conditioning": False,
    "upsample_factor": (2, 2, 2),
    "upsample_residual": (True,) * 3,
    "upsample_type": ("spatiotemporal",) * 3,
}
AUDIO_VAE: Mapping[str, object] = {
    "attn_resolutions": None,
    "base_channels": 128,
    "causality_axis": "height",
    "ch_mult": (1, 2, 4),
    "double_z": True,
    "dropout": 0.0,
    "in_channels": 2,
    "is_causal": True,
    "latent_channels": 8,
    "mel_bins": 64,
    "mel_hop_length": 160,
    "mid_block_add_attention": False,
    "norm_type": "pixel",
    "num_res_blocks": 2,
    "output_channels": 2,
    "resolution": 256,
    "sample_rate": 16_000,
}
VOCODER: Mapping[str, object] = {
    "act_fn": "leaky_relu",
    "antialias": False,
    "antialias_kernel_size": 12,
    "antialias_ratio": 2,
    "final_act_fn": "tanh",
    "final_bias": True,
    "hidden_channels": 1024,
    "in_channels": 128,
    "leaky_relu_negative_slope": 0.1,
    "out_channels": 2,
    "output_sampling_rate": 24_000,
    "resnet_dilations": ((1, 3, 5),) * 3,
    "resnet_kernel_sizes": (3, 7, 11),
    "upsample_factors": (6, 5, 2, 2, 2),
    "upsample_kernel_sizes": (16, 15, 8, 4, 4),
}
_STRIDES = {"spatial": (1, 2, 2), "temporal": (2, 1, 1), "spatiotemporal": (2, 2, 2)}


def vae(config: Config) -> Shapes | None:
    """The tensors of an AutoencoderKLLTX2Video; None: its build is not written down."""
    try:
        return _vae({**VAE, **config})
    except (Unwritten, LookupError, TypeError, ValueError):
        return None


def audio_vae(config: Config) -> Shapes | None:
    """The tensors of an AutoencoderKLLTX2Audio; None: its build is not written down."""
    try:
        return _audio_vae({**AUDIO_VAE, **config})
    except (Unwritten, LookupError, TypeError, ValueError):
        return None


# What it says of the second vocoder, which makes waves of what the first one's sound like.
BETTER_VOCODER: Mapping[str, object] = {
    **VOCODER,
    "act_fn": "snakebeta",
    "antialias": True,
    "filter_length": 512,
    "final_act_fn": None,
    "final_bias": False,
    "hidden_channels": 1536,
    "hop_length": 80,
    "input_sampling_rate": 16_000,
    "num_mel_channels": 64,
    "output_sampling_rate": 48_000,
    "upsample_factors": (5, 2, 2, 2, 2, 2),
    "upsample_kernel_sizes": (11, 4, 4, 4, 4, 4),
    "window_length": 512,
    "bwe_act_fn": "snakebeta",
    "bwe_antialias": True,
    "bwe_antialias_kernel_size": 12,
    "bwe_antialias_ratio": 2,
    "bwe_final_act_fn": None,
    "bwe_final_bias": False,
    "bwe_hidden_channels": 512,
    "bwe_in_channels": 128,
    "bwe_leaky_relu_negative_slope": 0.1,
    "bwe_out_channels": 2,
    "bwe_resnet_dilations": ((1, 3, 5),) * 3,
    "bwe_resnet_kernel_sizes": (3, 7, 11),
    "bwe_upsample_factors": (6, 5, 2, 2, 2),
    "bwe_upsample_kernel_sizes": (12, 11, 4, 4, 4),
}

ENLARGER: Mapping[str, object] = {
    "dims": 3,
    "in_channels": 128,
    "mid_channels": 1024,
    "num_blocks_per_stage": 4,
    "rational_spatial_scale": 2.0,
    "spatial_upsample": True,
    "temporal_upsample": False,
    "use_rational_resampler": True,
}


def enlarger(config: Config) -> Shapes | None:
    """The tensors of an LTX2LatentUpsamplerModel; None: its build is not written down."""
    try:
        return _enlarger({**ENLARGER, **config})
    except (Unwritten, LookupError, TypeError, ValueError):
        return None


def enlarger_told(shapes: Mapping[str, tuple[int, ...]]) -> Config:
    """What its tensors say of its config."""
    wide, latent = shapes["initial_conv.weight"][:2]
    rational = "upsampler.conv.weight" in shapes
    bigger = shapes["upsampler.conv.weight" if rational else "upsampler.0.weight"]
    flat = len(bigger) == 4 and bigger[0] == 4 * wide
    return {
        "in_channels": latent,
        "mid_channels": wide,
        "num_blocks_per_stage": len({k.split(".")[1] for k in shapes if k[:11] == "res_blocks."}),
        "use_rational_resampler": rational,
        "spatial_upsample": flat,  # twice as wide and high, and nothing else
    }


def better_vocoder(config: Config) -> Shapes | None:
    """The tensors of an LTX2VocoderWithBWE; None: its build is not written down."""
    try:
        return _better_vocoder({**BETTER_VOCODER, **config})
    except (Unwritten, LookupError, TypeError, ValueError):
        return None


def vocoder(config: Config) -> Shapes | None:
    """The tensors of an LTX2Vocoder; None: its build is not written down."""
    try:
        return _vocoder({**VOCODER, **config})
    except (Unwritten, LookupError, TypeError, ValueError):
        return None


# Latents.


def _enlarger(config: Config) -> Shapes:
    latent, wide = whole(config["in_channels"], 4096), whole(config["mid_channels"])
    blocks, more = whole(config["num_blocks_per_stage"], MOST), "upsampler.0"
    if (config["dims"], config["temporal_upsample"]) != (3, False):
        raise Unwritten
    if not config["spatial_upsample"] or config["rational_spatial_scale"] != 2.0:
        raise Unwritten
    out: Shapes = {}
    _solid(out, "initial_conv", wide, latent)
    norm(out, "initial_norm", wide)
    _blocks(out, "res_blocks", blocks, wide)
    if config["use_rational_resampler"]:
        more = "upsampler.conv"
        out["upsampler.blur_down.kernel"] = (1, 1, 5, 5)
    out[f"{more}.weight"], out[f"{more}.bias"] = (4 * wide, wide, 3, 3), (4 * wide,)
    _blocks(out, "post_upsample_res_blocks", blocks, wide)
    _solid(out, "final_conv", latent, wide)
    return out


def _blocks(out: Shapes, name: str, count: int, wide: int) -> None:
    for block in range(count):
        for layer in (1, 2):
            _solid(out, f"{name}.{block}.conv{layer}", wide, wide)
            norm(out, f"{name}.{block}.norm{layer}", wide)


def _solid(out: Shapes, name: str, rows: int, columns: int) -> None:
    out[f"{name}.weight"], out[f"{name}.bias"] = (rows, columns, 3, 3, 3), (rows,)


# Films.


def _vae(config: Config) -> Shapes:
    latent, patches = whole(config["latent_channels"], 4096), whole(config["patch_size"], 64) ** 2
    out: Shapes = {"latents_mean": (latent,), "latents_std": (latent,)}
    layers, scaled = _many(config["layers_per_block"]), _list(config["spatio_temporal_scaling"])
    kinds = _list(config["downsample_type"])
    if set(_list(config["down_block_types"])) != {_LEVEL}:
        raise Unwritten
    before = latent
    _cube(out, "encoder.conv_in", before, whole(config["in_channels"], 64) * patches)
    for block, after in enumerate(_many(config["block_out_channels"])):
        name = f"encoder.down_blocks.{block}"
        _resnets(out, name, before, layers[block])
        if scaled[block]:
            stride = prod(_STRIDES[str(kinds[block])])
            _cube(out, f"{name}.downsamplers.0.conv", after // stride, before)
        elif before != after:
            raise Unwritten
        before = after
    _resnets(out, "encoder.mid_block", before, layers[-1])
    _cube(out, "encoder.conv_out", latent + 1, before)
    _decoder(out, config, latent, whole(config["out_channels"], 64) * patches)
    return out


def _decoder(out: Shapes, config: Config, latent: int, colours: int) -> None:
    widths, layers, scaled, factors = (
        _list(config[key])[::-1]
        for key in (
            *("decoder_block_out_channels", "decoder_layers_per_block"),
            *("decoder_spatio_temporal_scaling", "upsample_factor"),
        )
    )
    kinds, before = _list(config["upsample_type"]), whole(widths[0])
    _cube(out, "decoder.conv_in", before, latent)
    _resnets(out, "decoder.mid_block", before, whole(layers[0], MOST))
    for block, width in enumerate(widths):
        name, factor = f"decoder.up_blocks.{block}", whole(factors[block], 16)
        before, after = before // factor, whole(width) // factor
        if before != after:
            _resnet(out, f"{name}.conv_in", before, after)
        if scaled[block]:
            stride = prod(_STRIDES[str(kinds[block])])
            _cube(out, f"{name}.upsamplers.0.conv", stride * after, factor * after)
        _resnets(out, name, after, whole(layers[block + 1], MOST))
        before = after
    _cube(out, "decoder.conv_out", colours, before)


def _resnets(out: Shapes, name: str, width: int, count: int) -> None:
    for number in range(count):
        _resnet(out, f"{name}.resnets.{number}", width, width)


def _resnet(out: Shapes, name: str, before: int, after: int) -> None:
    _cube(out, f"{name}.conv1", after, before)
    _cube(out, f"{name}.conv2", after, after)
    if before != after:
        norm(out, f"{name}.norm3", before)
        out[f"{name}.conv_shortcut.weight"] = (after, before, 1, 1, 1)
        out[f"{name}.conv_shortcut.bias"] = (after,)


def _cube(out: Shapes, name: str, rows: int, columns: int) -> None:
    out[f"{name}.conv.weight"] = (rows, columns, 3, 3, 3)
    out[f"{name}.conv.bias"] = (rows,)


# Sounds.


def _audio_vae(config: Config) -> Shapes:
    base, latent = whole(config["base_channels"]), whole(config["latent_channels"], 4096)
    out: Shapes = {"latents_mean": (base,), "latents_std": (base,)}
    widths = [base * times for times in _many(config["ch_mult"])]
    each = whole(config["num_res_blocks"], MOST)
    before = base
    _plane(out, "encoder.conv_in", before, whole(config["in_channels"], 64))
    for level, width in enumerate(widths):
        for number in range(each):
            _step(out, f"encoder.down.{level}.block.{number}", before, width)
            before = width
        if level < len(widths) - 1:  # of one that is made smaller the edge is filled outside
            name = f"encoder.down.{level}.downsample.conv"
            out[f"{name}.weight"], out[f"{name}.bias"] = (width, width, 3, 3), (width,)
    _middle(out, "encoder", before)
    _plane(out, "encoder.conv_out", latent * (2 if config["double_z"] else 1), before)
    _plane(out, "decoder.conv_in", before, latent)
    _middle(out, "decoder", before)
    for level in range(len(widths) - 1, -1, -1):
        for number in range(each + 1):
            _step(out, f"decoder.up.{level}.block.{number}", before, widths[level])
            before = widths[level]
        if level:
            _plane(out, f"decoder.up.{level}.upsample.conv", before, before)
    _plane(out, "decoder.conv_out", whole(config["output_channels"], 64), before)
    return out


def _middle(out: Shapes, side: str, width: int) -> None:
    for number in (1, 2):
        _step(out, f"{side}.mid.block_{number}", width, width)


def _step(out: Shapes, name: str, before: int, after: int) -> None:
    _plane(out, f"{name}.conv1", after, before)
    _plane(out, f"{name}.conv2", after, after)
    if before != after:
        _plane(out, f"{name}.nin_shortcut", after, before, 1)


def _plane(out: Shapes, name: str, rows: int, columns: int, side: int = 3) -> None:
    out[f"{name}.conv.weight"] = (rows, columns, side, side)
    out[f"{name}.conv.bias"] = (rows,)


def _vocoder(config: Config) -> Shapes:
    out: Shapes = {}
    sizes, kernels = _many(config["upsample_kernel_sizes"]), _many(config["resnet_kernel_sizes"])
    each = [len(_list(steps)) for steps in _list(config["resnet_dilations"])]
    if len(each) != len(kernels) or len(_list(config["upsample_factors"])) != len(sizes):
        raise Unwritten
    width = whole(config["hidden_channels"])
    smooth = _smooth(config)
    _line(out, "conv_in", width, whole(config["in_channels"], 4096), 7)
    for number, size in enumerate(sizes):
        out[f"upsamplers.{number}.weight"] = (width, width // 2, size)
        width //= 2
        out[f"upsamplers.{number}.bias"] = (width,)
        for nth, (kernel, count) in enumerate(zip(kernels, each, strict=True)):
            name = f"resnets.{number * len(kernels) + nth}"
            for layer in range(count):
                _line(out, f"{name}.convs1.{layer}", width, width, kernel)
                _line(out, f"{name}.convs2.{layer}", width, width, kernel)
                for which in ("acts1", "acts2"):
                    _snake(out, f"{name}.{which}.{layer}", width, smooth)
    _snake(out, "act_out", width, smooth)
    _line(out, "conv_out", whole(config["out_channels"], 64), width, 7)
    if not config["final_bias"]:
        del out["conv_out.bias"]
    return out


def _smooth(config: Config) -> int:
    """How long the filters around each of its snakes are; 0: it has none, but leaking ReLUs."""
    snakes = config["act_fn"] == "snakebeta"
    if snakes != bool(config["antialias"]) or config["act_fn"] not in ("snakebeta", "leaky_relu"):
        raise Unwritten
    return whole(config["antialias_kernel_size"], 1024) if snakes else 0


def _snake(out: Shapes, name: str, width: int, smooth: int) -> None:
    """x + sin(ax)^2 / b between two filters that keep out what would alias."""
    if not smooth:
        return
    out[f"{name}.act.alpha"] = out[f"{name}.act.beta"] = (width,)
    for which in ("upsample", "downsample"):
        out[f"{name}.{which}.filter"] = (1, 1, smooth)


def _better_vocoder(config: Config) -> Shapes:
    """A vocoder, the mel spectra of its waves, and one that makes finer waves of these."""
    its = {key.removeprefix("bwe_"): value for key, value in config.items() if "bwe_" in key}
    out = {f"vocoder.{key}": shape for key, shape in _vocoder(config).items()}
    out |= {f"bwe_generator.{key}": shape for key, shape in _vocoder({**VOCODER, **its}).items()}
    wide = whole(config["filter_length"], 65_536)
    bins = wide // 2 + 1
    out["mel_stft.mel_basis"] = (whole(config["num_mel_channels"], 4096), bins)
    for which in ("forward_basis", "inverse_basis"):
        out[f"mel_stft.stft_fn.{which}"] = (2 * bins, 1, wide)
    return out


def _line(out: Shapes, name: str, rows: int, columns: int, side: int) -> None:
    out[f"{name}.weight"], out[f"{name}.bias"] = (rows, columns, side), (rows,)


def _list(value: object) -> list[object]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not 0 < len(value) <= 16:
        raise Unwritten
    return list(value)


def _many(value: object) -> list[int]:
    return [whole(each) for each in _list(value)]

"""What a LoRA says in its metadata of how its numbers are to be used.

diffusers' trainers keep alpha there and nowhere else: JSON under `lora_adapter_metadata`, each key
with its part before it ("unet.lora_alpha").  kohya's trainers state theirs under `ss_network_alpha`
and write it as tensors as well; who has the tensors needs no statement.

The invariant: a setting that decides pixels is used, or the file is refused with its name.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from generation.catalog.loras.layers import PARTS, Part
from generation.errors import UnusableWeights

ADAPTER = "lora_adapter_metadata"

# Of the training, or of what is told by the tensors themselves.
_HARMLESS = frozenset(
    {
        *("auto_mapping", "base_model_name_or_path", "revision", "task_type", "peft_version"),
        *("inference_mode", "lora_dropout", "target_modules", "exclude_modules"),
        *("layers_pattern", "layers_to_transform", "megatron_config", "megatron_core"),
        *("loftq_config", "eva_config", "corda_config", "lora_ga_config", "qalora_group_size"),
    }
)
_USED = ("r", "lora_alpha", "rank_pattern", "alpha_pattern", "use_rslora", "use_dora")
_NOTHING: tuple[object, ...] = (None, False, 0, "", "none", [], {})

# Others take a part of the checkpoint's own weights away, and the file does not say which.
_HARMLESS_STARTS = (None, True, False, "gaussian", "orthogonal", "eva")

_STATED = ("ss_network_alpha", "lora_alpha", "network_alpha", "alpha")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraSettings:
    """What the metadata says of one part's layers.  Patterns are ends of paths; ^ is the start."""

    rank: int
    alpha: float
    ranks: tuple[tuple[str, float], ...]
    alphas: tuple[tuple[str, float], ...]
    root: bool  # alpha / sqrt(rank) instead of alpha / rank
    dora: bool

    def alpha_of(self, path: str, rank: int, name: str) -> float:
        """Alpha of a layer as it would be with alpha / rank.  Raises UnusableWeights."""
        stated = _matching(self.ranks, path, self.rank)
        if stated != rank:
            raise UnusableWeights(
                name, f"its metadata says rank {stated:g} of {path}, which has rank {rank}"
            )
        alpha = _matching(self.alphas, path, self.alpha)
        return alpha * math.sqrt(rank) if self.root else alpha


def read_settings(metadata: Mapping[str, str], name: str) -> dict[Part, LoraSettings]:
    """The settings of each part that the metadata speaks of.  Raises UnusableWeights."""
    if ADAPTER not in metadata:
        return {}
    try:
        said = json.loads(metadata[ADAPTER])
        if not isinstance(said, dict):
            raise TypeError("no object")
    except (ValueError, TypeError, RecursionError) as error:
        raise UnusableWeights(name, f"its {ADAPTER} is not readable: {error}"[:200]) from error
    known: set[str] = set()
    settings: dict[Part, LoraSettings] = {}
    for part in PARTS:
        keys = [key for key in said if key.startswith(f"{part}.")]
        known.update(keys)
        if keys:
            config = {key.removeprefix(f"{part}."): said[key] for key in keys}
            settings[part] = _settings(config, name)
    if strange := sorted(set(said) - known):
        raise UnusableWeights(name, f"its metadata says {strange[0]!r:.60}, which means no part")
    return settings


def stated_alpha(metadata: Mapping[str, str]) -> tuple[str, float] | None:
    """An alpha that the metadata states outside of diffusers' form, with its key."""
    for key in _STATED:
        try:
            return key, float(metadata[key])
        except (KeyError, ValueError):
            continue
    return None


def _settings(config: Mapping[str, object], name: str) -> LoraSettings:
    kind = config.get("peft_type", "LORA")
    if kind != "LORA":
        raise UnusableWeights(name, f"its metadata describes a {kind!r:.40}, no LoRA")
    if config.get("init_lora_weights") not in _HARMLESS_STARTS:
        start = config["init_lora_weights"]
        raise UnusableWeights(name, f"its metadata says init_lora_weights {start!r:.40}")
    used = (*_USED, "peft_type", "init_lora_weights")
    for key, value in sorted(config.items()):
        if key not in used and key not in _HARMLESS and value not in _NOTHING:
            said = f"{key} {value!r:.40}"
            raise UnusableWeights(name, f"its metadata says {said}, which cannot be drawn here")
    rank = _number(config.get("r", 8), "r", name)
    return LoraSettings(
        rank=int(rank),
        alpha=_number(config.get("lora_alpha", 8), "lora_alpha", name),
        ranks=_patterns(config.get("rank_pattern"), "rank_pattern", name),
        alphas=_patterns(config.get("alpha_pattern"), "alpha_pattern", name),
        root=bool(config.get("use_rslora")),
        dora=bool(config.get("use_dora")),
    )


def _patterns(said: object, key: str, name: str) -> tuple[tuple[str, float], ...]:
    if said is None:
        return ()
    if not isinstance(said, dict):
        raise UnusableWeights(name, f"its metadata gives no patterns as {key}")
    read = []
    for pattern, value in said.items():
        # PEFT takes them for regular expressions; a stranger's are not run here.
        plain = str(pattern).replace("\\.", ".").removesuffix("$")
        if not plain.removeprefix("^").replace(".", "_").isidentifier():
            raise UnusableWeights(name, f"its metadata's {key} has {plain!r:.60}: no layer's name")
        read.append((plain, _number(value, key, name)))
    return tuple(read)


def _matching(patterns: tuple[tuple[str, float], ...], path: str, usual: float) -> float:
    for pattern, value in patterns:
        plain = pattern.removeprefix("^").removeprefix("text_model.")
        anchored = pattern.startswith("^")
        if path == plain or (not anchored and path.endswith(f".{plain}")):
            return value
    return usual


def _number(value: object, key: str, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnusableWeights(name, f"its metadata gives no number as {key}")
    if not math.isfinite(value) or abs(value) > 1e6:
        raise UnusableWeights(name, f"its metadata gives {value!r:.40} as {key}")
    return float(value)

"""Which tensors of a LoRA file change which layer, and how; told from the file's head alone.

The invariant: a plan holds every tensor of its file.  Whoever carries it out needs to look for
nothing, and what could not be carried out is refused here, by name.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from generation.catalog.checkpoint import check_types
from generation.catalog.embeddings import read_words
from generation.catalog.loras.forms import Form, read_form
from generation.catalog.loras.layers import Part
from generation.catalog.loras.names import (
    MAX_NAME,
    Name,
    as_now,
    layer_and_role,
    read_name,
    role_of,
)
from generation.catalog.loras.settings import LoraSettings, read_settings, stated_alpha
from generation.catalog.loras.strangers import stranger
from generation.catalog.loras.transformers import (
    TRANSFORMERS,
    NamedLayer,
    Rows,
    is_sized,
    layers_named,
    shape_of,
)
from generation.errors import UnusableWeights
from generation.families.architecture import Architecture

Shapes = Mapping[str, tuple[int, ...]]

_NO_TYPES: Mapping[str, str] = MappingProxyType({})

_BUNDLED = "bundle_emb."
_TAILS = ("string_to_param.*", "emb_params", "clip_l", "clip_g")

# Kinds of other people's, by what their tensors alone are called.
_OTHER_KINDS = (
    (("oft_blocks", "oft_diag", "oft_r", "oft_R", "boft_R"), "an OFT"),
    (("on_input", "ia3_l"), "an IA3"),
    (("a1.weight", "b1.weight", "a2.weight", "b2.weight"), "a GLoRA"),
    (("vera_lambda_b", "vera_lambda_d"), "a VeRA"),
    (("hra_u", "hra_theta"), "an HRA"),
    (("bora_scale_r", "bora_r_scale"), "a BoRA"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerChange:
    """What a file does to one layer."""

    part: Part
    path: str
    keys: Mapping[str, str]  # role -> the tensor's name in the file
    form: Form
    alpha: float | None  # as the metadata gives it; None: the tensor `alpha`, or else the rank
    rows: Rows | None = None  # of the file's layer that this one is; None: all of them

    def fits(self, weight: tuple[int, ...]) -> bool:
        """Whether a layer with a weight of this shape can take it."""
        if self.rows is None or not weight:
            return self.form.fits(weight)
        shares, of = len(self.rows.shares), self.rows.of
        if weight[0] % shares:
            return False
        return self.form.fits((weight[0] // shares * of, *weight[1:]))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraPlan:
    """A LoRA file."""

    changes: tuple[LayerChange, ...]
    words: Mapping[str, tuple[str, ...]]  # bundled embeddings -> their tensors, one per encoder
    compvis: bool  # whether a layer is called as in CompVis' UNet
    prefixes: frozenset[str]  # what stands before the first "_" or "." of the names, two words
    family: str = ""  # of a transformer's


def is_lora(shapes: Shapes) -> bool:
    """Whether a file is a LoRA or one of its kin, drawable or not."""
    ends = tuple(f".{end}" for names, _ in _OTHER_KINDS for end in names)
    starts = ("lora_", "lycoris_", _BUNDLED)
    if "model.diffusion_model.input_blocks.0.0.weight" in shapes:
        return False  # a whole checkpoint, whatever else lies in it
    return any(
        role_of(key) not in ("", "alpha", "diff", "diff_b")
        or key.startswith(starts)
        or ".lora_" in key
        or key.endswith(ends)
        for key in shapes
    )


def read_plan(
    shapes: Shapes,
    metadata: Mapping[str, str],
    name: str,
    *,
    layers_per_block: int = 2,
    dtypes: Mapping[str, str] = _NO_TYPES,
    built: Architecture | None = None,
) -> LoraPlan:
    """What the file does to which layers.  Raises UnusableWeights with what cannot be drawn.

    `built`: what is drawn with, where that is known: a transformer's names mean its layers.
    """
    if built in TRANSFORMERS:
        return _of_transformer(built, shapes, metadata, name, dtypes)
    layers: dict[tuple[Part, str], list[tuple[Name, str]]] = {}
    unread: list[str] = []
    for key in shapes:
        if _bundled_name(key) is not None:
            continue
        if (read := read_name(key, layers_per_block)) is None:
            unread.append(key)
        else:
            layers.setdefault((read.part, read.path), []).append((read, key))
    if unread and built is None and (fitting := _of_any_transformer(shapes, metadata)):
        return _of_transformer(fitting, shapes, metadata, name, dtypes)
    if unread:
        raise UnusableWeights(name, _why_unread(*_nearest(shapes, unread), metadata))
    words = _bundled(shapes, name)
    settings = read_settings(metadata, name)
    changes = []
    for (part, path), found in layers.items():
        change = _change(part, path, _roles(found, name), shapes, name)
        changes.append(_with_alpha(change, settings.get(part), metadata, name))
    if not changes and not words:
        raise UnusableWeights(name, "a LoRA without a layer")
    # An alpha is one number, of whatever type; integers anywhere else are quantised.
    factors = (key for one in changes for role, key in one.keys.items() if role != "alpha")
    check_types((*factors, *itertools.chain(*words.values())), dtypes, name)
    return LoraPlan(
        changes=tuple(changes),
        words=words,
        compvis=any(read.compvis for found in layers.values() for read, _ in found),
        prefixes=frozenset("_".join(key.replace(".", "_").split("_")[:2]) for key in shapes),
    )


def _of_any_transformer(shapes: Shapes, metadata: Mapping[str, str]) -> Architecture | None:
    """The transformer whose layers a file changes; of several the one that its trainer names."""
    rated: list[tuple[int, Architecture]] = []
    for built in TRANSFORMERS:
        named = [_named_by(built, key) for key in shapes if _bundled_name(key) is None]
        if named and all(layers for layers, _ in named):
            odd = _misfits_of(built, shapes)
            if not odd or is_sized(built):
                rated.append((odd, built))
    if not rated:
        return None
    said = metadata.get("modelspec.architecture", metadata.get("ss_base_model_version", ""))
    for _, built in rated:
        if said.casefold().startswith(built.trainers_names or ("?",)):
            return built
    return min(rated, key=lambda each: each[0])[1]


def _nearest(shapes: Shapes, unread: list[str]) -> tuple[list[str], bool]:
    """What is unread of a file that is nearly a transformer's, else what no UNet has; and whether
    the rest of it is drawn."""
    each = [[k for k in shapes if not _named_by(built, k)[0]] for built in TRANSFORMERS]
    fewest = min(each, key=len)
    nearly = 2 * len(fewest) < len(shapes)
    return (fewest, True) if nearly else (unread, False)


def _named_by(built: Architecture, key: str) -> tuple[Sequence[NamedLayer], str]:
    layer, role = layer_and_role(key[:MAX_NAME])
    found = (layers_named(built, layer) or layers_named(built, as_now(layer))) if role else ()
    return found, role


def _misfits_of(built: Architecture, shapes: Shapes) -> int:
    """How many rows and columns are not those of its published config's layers."""
    odd = 0
    for key, shape in shapes.items():
        layers, role = _named_by(built, key)
        if role in ("up", "down") and len(shape) == 2:
            for one in layers:
                weight = shape_of(built, one.part, one.path)
                if weight is not None and role == "down":
                    odd += shape[1] != math.prod(weight[1:])
                elif weight is not None and one.rows is None:
                    odd += shape[0] != weight[0]
    return odd


def _of_transformer(
    built: Architecture,
    shapes: Shapes,
    metadata: Mapping[str, str],
    name: str,
    dtypes: Mapping[str, str],
) -> LoraPlan:
    """What a file does to the layers of a transformer and of its text encoders."""
    roles: dict[NamedLayer, dict[str, str]] = {}
    unread = []
    for key in shapes:
        layers, role = _named_by(built, key)
        if not layers:
            unread.append(key)
        for layer in layers:
            if (other := roles.setdefault(layer, {}).setdefault(role, key)) is not key:
                raise UnusableWeights(name, f"it has two tensors for one: {key[:80]}, {other[:80]}")
    if unread:
        raise UnusableWeights(name, _why_unread(*_nearest(shapes, unread), metadata))
    settings = read_settings(metadata, name)
    changes = []
    for layer, keys in roles.items():
        change = _change(layer.part, layer.path, keys, shapes, name)
        change = _with_alpha(change, settings.get(layer.part), metadata, name)
        changes.append(replace(change, rows=layer.rows))
    if not changes:
        raise UnusableWeights(name, "a LoRA without a layer")
    factors = (key for one in changes for role, key in one.keys.items() if role != "alpha")
    check_types(factors, dtypes, name)
    return LoraPlan(
        changes=tuple(changes),
        words={},
        compvis=False,
        prefixes=frozenset(),
        family=built.family,
    )


def _roles(found: list[tuple[Name, str]], name: str) -> dict[str, str]:
    """The tensors of one layer by their roles.

    Some files have a layer twice, under CompVis' name and under diffusers': as in diffusers, the
    latter counts.
    """
    ours = [one for one in found if not one[0].compvis] or found
    roles: dict[str, str] = {}
    for read, key in ours:
        if (other := roles.setdefault(read.role, key)) is not key:
            raise UnusableWeights(name, f"it has two tensors for one: {key[:80]}, {other[:80]}")
    return roles


def _why_unread(unread: list[str], nearly: bool, metadata: Mapping[str, str]) -> str:
    if not nearly and (title := stranger(unread, metadata)) is not None:
        return f"{title}, not supported yet"
    for names, kind in _OTHER_KINDS:
        if any(key.endswith(tuple(f".{end}" for end in names)) for key in unread):
            return f"{kind}, which cannot be drawn here"
    if any(key.startswith("base_model.model.") for key in unread):
        return "a PEFT adapter whose alpha is kept in another file; save it as a diffusers LoRA"
    names_ = [key if role_of(key) else ".".join(key.split(".")[-2:]) for key in unread]
    return f"keys that cannot be drawn: {listed(names_)}"


def listed(names: Iterable[str]) -> str:
    """The first of some names, and how many there are besides."""
    different = list(dict.fromkeys(name[:100] for name in names))
    more = f" ({len(different) - 3} more)" if len(different) > 3 else ""
    return ", ".join(different[:3]) + more


def _bundled(shapes: Shapes, name: str) -> dict[str, tuple[str, ...]]:
    """The embeddings that come with it: `bundle_emb.WORD.` before an embedding's own tensors."""
    files: dict[str, dict[str, str]] = {}
    for key in shapes:
        if (parts := _bundled_name(key)) is not None:
            word, tail = parts
            files.setdefault(word, {})[tail] = key
    words = {}
    for word, keys in files.items():
        tails = read_words({tail: shapes[key] for tail, key in keys.items()}, name)
        words[word] = tuple(keys[tail] for tail in tails)
    return words


def _bundled_name(key: str) -> tuple[str, str] | None:
    """The word and what of it the tensor is."""
    for tail in _TAILS:
        if key.startswith(_BUNDLED) and key.endswith(f".{tail}"):
            word = key.removeprefix(_BUNDLED).removesuffix(f".{tail}")
            return (word, tail) if 0 < len(word) <= MAX_NAME else None
    return None


def _change(
    part: Part, path: str, keys: Mapping[str, str], shapes: Shapes, name: str
) -> LayerChange:
    of_roles = {role: shapes[key] for role, key in keys.items()}
    try:
        form = read_form(of_roles)
    except ValueError as error:
        raise UnusableWeights(name, f"its layer {path} {error}") from error
    return LayerChange(part=part, path=path, keys=keys, form=form, alpha=None)


def _with_alpha(
    change: LayerChange, settings: LoraSettings | None, metadata: Mapping[str, str], name: str
) -> LayerChange:
    """With the alpha that the metadata states, where no tensor does."""
    rank = change.form.rank
    plain = change.form.kind == "lora" and not {"magnitude", "dora_scale"} & change.keys.keys()
    if settings is not None and settings.dora and plain:
        raise UnusableWeights(name, f"a DoRA without the magnitudes of {change.path}")
    if rank is None or "alpha" in change.keys:
        return change
    if settings is not None and change.form.kind == "lora":
        return replace(change, alpha=settings.alpha_of(change.path, rank, name))
    if (stated := stated_alpha(metadata)) is not None and stated[1] != rank:
        key, alpha = stated
        said = f"its metadata says {key} {alpha:g}, which none of its tensors says"
        raise UnusableWeights(name, f"{said}: whether it counts cannot be told")
    return change

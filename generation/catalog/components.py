"""Parts of a checkpoint that are files of their own: what a file is, and which a checkpoint takes.

    text_encoders/clip_l.safetensors  t5xxl_fp16.safetensors    as they are published alone
    vae/ae.safetensors

Such a file has the names that the part has in a whole checkpoint, behind its prefix, another or
none; or those of its network, as diffusers and transformers keep it.  The invariant: a file is a
part wholly or not at all; and which one a checkpoint takes, where several could be it, does not
depend on the order in which they were found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from generation.catalog.checkpoint import (
    Reading,
    check_spare,
    check_types,
    check_whole,
    fits,
    laid_out,
    without_supplied,
)
from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.quantised import Contents, understood
from generation.errors import BrokenWeights, UnusableWeights
from generation.families.architecture import Config, Part, Shapes, untold, with_told
from generation.families.family import ARCHITECTURES

# What programs put before the names of a part that lies alone.
_PREFIXES = (
    *("model.", "text_model.", "transformer.", "language_model.", "model.language_model."),
    *("language_model.model.", "text_encoder.", "vae.", "cond_stage_model.", "model.text_model."),
)
# Tokenizers that lie in a file as the bytes of a tensor.
_TOKENIZERS = frozenset({"spiece_model", "tekken_model", "tokenizer_json"})

_SOME = 16  # tensors of a part by which one of another size is told
_LITTLE = 0.1  # of a part's tensors: what may lie beside it, and it is still called alone


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFile:
    """What a file is that is a part alone."""

    # The parts that it can be, by their `Part.kind`, with the config that each is built from.
    fills: Mapping[str, Config]
    besides: frozenset[str]  # those of them beside which it holds much else

    @property
    def vae_of(self) -> tuple[str, ...]:
        """The architectures whose VAE it can be, by their names."""
        return tuple(one.name for one in ARCHITECTURES if one.vae.kind in self.fills)


def parts_apart() -> Iterator[Part]:
    """Those that may be files of their own, of every architecture, each once."""
    return iter({part.kind: part for part in _parts_apart()}.values())


def _parts_apart() -> Iterator[Part]:
    for one in ARCHITECTURES:
        yield from (part for part in one.parts if part.apart and part is not one.denoiser)


def read_part_file(contents: Contents, name: str, configs: Path = CONFIGS) -> PartFile | None:
    """What a file is that is a part alone; None where it is nothing like one.

    Raises UnusableWeights for half a one, or one whose numbers are not read.
    """
    contents = understood(contents, name)
    found: dict[str, Config] = {}
    besides: set[str] = set()
    errors: list[tuple[float, UnusableWeights]] = []
    ends, begins = _ends(contents.shapes), _begins(contents.shapes)
    for part in parts_apart():
        if not any(2 * len(marks & ends) > len(marks) for marks in _marks(part, configs)):
            continue
        named = _named(contents.shapes, part, configs, begins)
        try:
            reading = _reading(named, contents, name, part)
        except UnusableWeights as error:
            errors.append((named.wrong, error))
        else:
            found[part.kind] = reading.configs[part.name]
            more = len(contents.shapes) - len(reading.used) - len(contents.beside)
            if more > _LITTLE * len(reading.used):
                besides.add(part.kind)
    if found:
        return PartFile(fills=found, besides=frozenset(besides))
    if errors and (nearest := min(errors, key=lambda each: each[0]))[0] <= 0.5:
        raise nearest[1]
    return None


def read_component(contents: Contents, name: str, part: Part, configs: Path = CONFIGS) -> Reading:
    """How a file is read as that part.  Raises UnusableWeights where it is none, or half a one."""
    contents = understood(contents, name)
    named = _named(contents.shapes, part, configs, _begins(contents.shapes))
    return _reading(named, contents, name, part)


@dataclass(frozen=True, slots=True, kw_only=True)
class _NamedPart:
    """The tensors of a file as those of a part."""

    theirs: Mapping[str, str]  # by the layout's names, or the network's own: the file's
    shapes: Shapes  # that it must have, by the same names
    config: Config
    harmless: tuple[str, ...]  # beginnings of what it may have besides
    wrong: float  # how much of what it must have it lacks, or has in another shape


def _named(shapes: Shapes, part: Part, configs: Path, begins: Sequence[str]) -> _NamedPart:
    """The spelling in which a file is most of a part; of equals, the layout's.

    `begins`: what may stand before its names.
    """
    best: _NamedPart | None = None
    for prefix in ("", *begins):
        for spell in (_in_layout, _in_own_names):
            named = spell(shapes, part, configs, prefix)
            if best is None or named.wrong < best.wrong:
                best = named
            if not best.wrong:
                return best
    assert best is not None  # without a prefix there is always one
    return best


def _in_layout(shapes: Shapes, part: Part, configs: Path, prefix: str) -> _NamedPart:
    theirs = {part.spelling(part.prefix + key.removeprefix(prefix)): key for key in shapes}
    told = part.told({key: shapes[its] for key, its in theirs.items()})
    config = with_told(config_of(configs / part.config), told)
    wanted = without_supplied(part, config, laid_out(part, configs, told), theirs.keys())
    return _compared(theirs, shapes, wanted, config, part.spare(config))


def _in_own_names(shapes: Shapes, part: Part, configs: Path, prefix: str) -> _NamedPart:
    network = part.network
    theirs = {network.modern(key.removeprefix(prefix)): key for key in shapes}
    config: Config = config_of(configs / part.config)
    try:
        own = {key: shapes[its] for key, its in theirs.items()}
        told = {} if part.told is untold else part.told(part.layout(own, config))
        config = with_told(config, {**told, **network.told(own)})
    except (AssertionError, LookupError, TypeError, ValueError):
        pass  # names that are not its network's: what is missing of it will be said
    expected = network.tensors(config) or {}
    return _compared(theirs, shapes, expected, config, network.harmless)


def _compared(
    theirs: Mapping[str, str],
    shapes: Shapes,
    expected: Shapes,
    config: Config,
    harmless: tuple[str, ...],
) -> _NamedPart:
    def is_wrong(key: str) -> bool:
        return key not in theirs or not fits(shapes[theirs[key]], expected[key], key)

    keys = list(expected)
    some = keys[:: max(1, len(keys) // _SOME)]
    # Of a file that is something else not one is right: no need to look at all.
    wrong = len(keys) if all(map(is_wrong, some)) else sum(map(is_wrong, keys))
    return _NamedPart(
        theirs=theirs,
        shapes=expected,
        config=config,
        harmless=harmless,
        wrong=wrong / len(expected) if expected else 1.0,
    )


def _reading(named: _NamedPart, contents: Contents, name: str, part: Part) -> Reading:
    """Raises UnusableWeights."""
    if not named.shapes:
        raise BrokenWeights(name, f"its {part.title} is of a build that is not known")
    used = {key: named.theirs[key] for key in named.shapes if key in named.theirs}
    check_whole(named.shapes, used, contents.shapes, name, (part,))
    check_types(used.values(), contents.dtypes, name)
    taken = {*used.values(), *contents.beside, *_TOKENIZERS}
    beside = (*named.harmless, *part.network.harmless)
    called = {its: key for key, its in named.theirs.items()}
    spare = [
        its
        for its in contents.shapes.keys() - taken
        if not any(
            name.startswith(beside)
            for name in (its, called.get(its, its).removeprefix(part.prefix), called.get(its, its))
        )
    ]
    check_spare(spare, name)
    return Reading(
        used=used,
        contents=contents,
        parts=(part,),
        configs={part.name: named.config},
        prediction="",
        told=None,
        says=None,
        noise=None,
    )


def _begins(shapes: Shapes) -> tuple[str, ...]:
    """The prefixes that some of its tensors have."""
    known = dict.fromkeys((*_PREFIXES, *(part.prefix for part in _parts_apart())))
    return tuple(p for p in known if any(key.startswith(p) for key in shapes))


def _ends(shapes: Shapes) -> frozenset[str]:
    """How the names of tensors end, which prefixes and numbers of layers leave alone."""
    return frozenset(".".join(key.split(".")[-2:]) for key in shapes)


@lru_cache(256)
def _marks(part: Part, configs: Path) -> tuple[frozenset[str], ...]:
    """The endings of a part's tensors, by its network's names and by its layout's."""
    own = part.network.tensors(config_of(configs / part.config)) or {}
    return _ends(own), _ends(laid_out(part, configs, {}))

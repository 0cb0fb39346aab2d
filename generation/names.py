"""What samplers and schedulers are called, here and in other programs, read both ways.

Our names are ComfyUI's.  A1111's are written into PNGs, and everything in a row is understood
wherever a sampler or a scheduler is named, in any case: "DPM++ 2M Karras", "k_euler_a",
"EulerAncestralDiscreteScheduler".  The invariants: every name that is written is read back as the
same sampler or scheduler, and a name of something that is not here never becomes something else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from generation.errors import NoSuchName, NotHere
from generation.samplers import SAMPLERS, SCHEDULERS, Sampler, Scheduler
from generation.schedule_rules import schedule_rule

USUAL = "automatic"  # A1111's word for the scheduler that is usual


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """A sampler as somebody named it; A1111 used to name a scheduler in the same words."""

    name: str
    scheduler: str | None = None


# Other programs have these, and none of ours is the same.  A reason is a clause.
_ADAPTIVE = (
    "it takes as many steps as it finds right, so that neither the price nor the time of a picture "
    "would be known before it is drawn"
)
_NO_SAMPLERS = {
    **dict.fromkeys(("DPM adaptive", "dpm_adaptive"), _ADAPTIVE),
    "cfgpp_ud10_ab": "no formula of it is published beside one program's own code",
    "DDIM CFG++": "its cfg counts otherwise than everyone else's; Euler CFG++ is the same step",
    **dict.fromkeys(("Restart", "PLMS", "PNDM", "PNDMScheduler", "DEISMultistepScheduler"), ""),
    **dict.fromkeys(("DPM++ 2S", "DPMSolverSinglestepScheduler", "DPM++ 2S a RF", "TCD", "DC"), ""),
    **dict.fromkeys(("TCDScheduler", "Euler SMEA", "Euler SMEA Dy", "Euler Dy", "DPM2 Heun"), ""),
    **dict.fromkeys(("DPM++ 3M", "DPM++ 1S"), ""),
}
_NO_SCHEDULERS = (
    *("Align Your Steps", "Align Your Steps GITS", "Align Your Steps 11", "Align Your Steps 32"),
    *("AYS", "AYS SDXL", "AYS SD15", "GITS", "Turbo", "Bong Tangent", "LTXV"),
    *("Phi", "Cosine", "Sigmoid Offset"),
)


def sampler(name: str) -> Meant:
    """The sampler of that name, and the scheduler that the name brings.

    Raises NoSuchName, with the nearest of ours where it looks like a slip of the keyboard.
    """
    folded = _folded(name)
    if folded in _BY_SAMPLER:
        return Meant(name=_BY_SAMPLER[folded])
    for first, _ in ((folded, ""), *_divided(name)):
        if first in _FOREIGN_SAMPLERS:
            raise NotHere("sampler", name, tuple(SAMPLERS), reason=_FOREIGN_SAMPLERS[first])
    for first, brought in _divided(name):
        if first in _BY_SAMPLER:
            return Meant(name=_BY_SAMPLER[first], scheduler=brought)
    raise NoSuchName("sampler", name, _nearest(folded, _BY_SAMPLER), tuple(SAMPLERS))


def scheduler(name: str) -> str | None:
    """The scheduler of that name; None: whatever is usual.  Raises NoSuchName, OutOfRange."""
    if (rule := schedule_rule(name)) is not None:
        return rule.name
    folded = _folded(name)
    if folded in (USUAL, "auto"):
        return None
    if folded in _BY_SCHEDULER:
        return _BY_SCHEDULER[folded]
    if folded in _FOREIGN_SCHEDULERS:
        raise NotHere("scheduler", name, tuple(SCHEDULERS))
    raise NoSuchName("scheduler", name, _nearest(folded, _BY_SCHEDULER), tuple(SCHEDULERS))


def sampler_title(name: str) -> str:
    """What A1111 calls it; a name that is not here is written as it is."""
    return SAMPLERS[name].title if name in SAMPLERS else name


def scheduler_title(name: str) -> str:
    """What A1111 calls it; a name that is not here is written as it is."""
    return SCHEDULERS[name].title if name in SCHEDULERS else name


def _divided(name: str) -> Iterator[tuple[str, str]]:
    """What may be a sampler, and the scheduler behind it: "DPM++ 2M Karras", "dpmpp_2m_k"."""
    folded, words = _folded(name), _words(name)
    for ending, brought in _BY_SCHEDULER.items():
        if folded.endswith(ending):
            yield folded.removesuffix(ending), brought
    if words and words[-1] in _SHORT_SCHEDULERS:
        yield "".join(words[:-1]), _SHORT_SCHEDULERS[words[-1]]


def _words(name: str) -> list[str]:
    """The name in lower case, cut at what divides words; "++" is "pp", as in ComfyUI."""
    plain = unicodedata.normalize("NFKC", name[:100]).casefold().replace("++", "pp")
    words = [word for word in re.split(r"[\s_\-./]+", plain) if word]
    if words[:1] == ["sample"]:
        words = words[1:]
    if words[:1] == ["k"] and len(words) > 1:
        words = words[1:]  # of k-diffusion
    if words and words[-1] == "gpu":
        words = words[:-1]  # differs in where noise is drawn
    return ["ancestral" if word == "a" and n else word for n, word in enumerate(words)]


def _folded(name: str) -> str:
    return "".join(_words(name))


def _read(rows: Iterable[Sampler | Scheduler]) -> dict[str, str]:
    return {_folded(said): row.name for row in rows for said in (row.name, row.title, *row.also)}


def _nearest(folded: str, table: Mapping[str, str]) -> tuple[str, ...]:
    near = get_close_matches(folded, table, n=6, cutoff=0.7)
    return tuple(dict.fromkeys(table[each] for each in near))[:3]


_BY_SAMPLER = _read(SAMPLERS.values())
_BY_SCHEDULER = _read(SCHEDULERS.values())
_SHORT_SCHEDULERS = {"k": "karras", "ka": "karras", "exp": "exponential"}
_FOREIGN_SAMPLERS = {_folded(name): reason for name, reason in _NO_SAMPLERS.items()}
_FOREIGN_SCHEDULERS = frozenset(map(_folded, _NO_SCHEDULERS)) - _BY_SCHEDULER.keys()

"""Networks that a prompt names in A1111's way, which are taken out of it: `<lora:ink:0.8>`.

Pure.  What a text encoder reads is the text without them, as in A1111.
"""

from __future__ import annotations

import re

from generation.interchange.gathering import Gathering, number_of
from generation.interchange.imported import Why
from generation.spans import expert_named

LORAS = ("lora", "lyco", "locon", "loha", "lokr", "dora")

_TAG = re.compile(r"<([A-Za-z]\w{0,30}):([^<>]{1,500})>")


def untagged(text: str, gathering: Gathering, *, where: str = "") -> str:
    """The text without its tags, whose networks are among the files."""

    def taken(tag: re.Match[str]) -> str:
        kind = tag[1].casefold()
        if kind in LORAS:
            _lora(tag[2], gathering, where or tag[0])
        elif kind != "atelier":  # ours mean nothing
            gathering.lose(kind, Why.NOT_HERE, tag[0], where=where)
        return ""

    return _TAG.sub(taken, text).strip()


def _lora(said: str, gathering: Gathering, where: str) -> None:
    """name, name:0.8, name:0.8:0.6 (text encoder, UNet), name:te=0.5:unet=0.8, and more.

    Ours may end with the one of two denoisers that is meant: name:0.8:high.
    """
    name, *settings = (part.strip() for part in said.split(":"))
    expert = expert_named(settings[-1]) if settings else None
    settings = settings if expert is None else settings[:-1]
    plain = [part for part in settings if "=" not in part]
    named = {
        key.strip().casefold(): value
        for key, is_one, value in (part.partition("=") for part in settings)
        if is_one
    }
    first = named.pop("te", plain[0] if plain else None)
    second = named.pop("unet", plain[1] if len(plain) > 1 else None)
    others = [*plain[2:], *(f"{key}={value}" for key, value in named.items())]
    # One number is for all of the LoRA: A1111's for the UNet, where two are given.
    strength = second if second not in (None, "") else first if first not in (None, "") else 1.0
    if (
        second not in (None, "")
        and first not in (None, "")
        and number_of(first) != number_of(second)
    ):
        gathering.lose("strength of the lora", Why.OTHERWISE, said, where=where, took=str(strength))
    if others:
        gathering.lose("setting of a lora", Why.NOT_HERE, ":".join(others), where=where)
    gathering.file("lora", name, strength=strength, expert=expert, where=where)

"""What Civitai writes beside infotext: the resources that its own generator drew with.

    Civitai resources: [{"type":"lora","weight":0.8,"modelVersionId":1,"modelName":"Ink"}, ...]

Pure.  A resource has no hash; its version's number is its address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from generation.interchange.gathering import Gathering, number_of
from generation.interchange.imported import Why
from generation.interchange.json_texts import objects, value_in

PAGE = "https://civitai.com"

_KINDS = {
    **dict.fromkeys(("checkpoint", "model", "diffusion_models", "unet"), "checkpoint"),
    **dict.fromkeys(("lora", "locon", "lycoris", "dora", "doralora"), "lora"),
    **dict.fromkeys(("embed", "embedding", "textualinversion"), "embedding"),
    "vae": "vae",
    "controlnet": "controlnet",
    "upscaler": "upscaler",
}
_AIR = re.compile(r"(?:urn:)?(?:air:)?[\w-]+:([\w-]+):civitai:(\d{1,12})(?:@(\d{1,12}))?.*")


def read_resources(text: object, gathering: Gathering) -> None:
    """The resources, each a file with the page that it comes from."""
    if not isinstance(text, str) or not text:
        return
    if (found := value_in(text)) is None:
        return gathering.lose("Civitai resources", Why.UNREADABLE, text, where="Civitai resources")
    for one in objects(found):
        _resource(one, gathering)


def _resource(one: Mapping[str, object], gathering: Gathering) -> None:
    air = _AIR.fullmatch(str(one.get("air") or "")[:200])
    said = str(one.get("type") or (air[1] if air else "")).replace(" ", "").casefold()
    name = one.get("modelName") or one.get("name") or ""
    kind = _KINDS.get(said or ("lora" if "weight" in one else ""))
    if kind is None:
        return gathering.lose(said or "resource", Why.NOT_HERE, name, where="Civitai resources")
    model, version = (air[2], air[3]) if air else (one.get("modelId"), _version(one))
    address, strength = page_of(model, version), number_of(one.get("weight"))
    called = _named_already(kind, strength, gathering)
    gathering.file(
        kind,
        called or name or f"{said} {version or model or ''}",
        one.get("hash"),
        address=address,
        strength=(1.0 if strength is None else strength) if kind == "lora" else None,
        where="Civitai resources",
    )


def _named_already(kind: str, strength: float | None, gathering: Gathering) -> str:
    """What the rest of the text calls the file that a resource is: there its file's name stands."""
    free = [one for one in gathering.files if one.kind == kind and not one.address and one.name]
    if kind == "lora":
        free = [one for one in free if one.strength in (strength, None)]
    return free[0].name if len(free) == 1 else ""


def page_of(model: object, version: object) -> str:
    """The page of a version of a model, as far as its numbers are known."""
    if str(model or "").isdecimal():
        behind = f"?modelVersionId={version}" if str(version or "").isdecimal() else ""
        return f"{PAGE}/models/{model}{behind}"
    return f"{PAGE}/model-versions/{version}" if str(version or "").isdecimal() else ""


def address_of(air: str) -> str:
    """The page that an AIR of Civitai's names; "" for another text."""
    found = _AIR.fullmatch(air.strip()[:200])
    return page_of(found[2], found[3]) if found else ""


def _version(one: Mapping[str, object]) -> object:
    return one.get("modelVersionId") or one.get("versionId")

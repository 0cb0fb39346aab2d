"""What a reply to a picture would change, said to a program.

A case as JSON in each line in, an answer in each line out.  Invariant: no database, no model and no
network is opened, so that the first answer comes at once; and every line gets one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any, TextIO

from bot.studio import lines
from bot.studio.abilities import Ability
from bot.studio.answered import Answered, NamedLora
from bot.studio.changes import Means, Plan, groups, planned
from bot.studio.questions import question
from generation.errors import Unacceptable
from prompting.changes import understand
from prompting.changing.intents import QUIET, IntentKind
from prompting.speaking import styles

Json = dict[str, Any]


def serve(lines_in: TextIO, lines_out: TextIO) -> None:
    """Answer each line as it comes, until there are no more."""
    for line in lines_in:
        if line.strip():
            print(json.dumps(_answered_line(line), ensure_ascii=False), file=lines_out, flush=True)


def _answered_line(line: str) -> Json:
    try:
        return answer(json.loads(line))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return {"error": f"{type(error).__name__}: {error}"}


def answer(case: Mapping[str, Any]) -> Json:
    """What the reply of a case comes to."""
    answered = _parent(case["parent"], case.get("before"))
    able = {Ability(name) for name in case.get("abilities", ()) if name in set(Ability)}
    understood = understand(str(case["reply"]), answered.shown())
    try:
        pick, group = next(iter(groups(understood.intents, answered.count).items()))
        found = planned(group, answered, able, styles.built_in())
    except Unacceptable as error:
        from bot.pages.apologies import apology_for  # half of the bot comes with it

        return {"kind": IntentKind.ASK.value, "set": {}, "changed": [], "said": apology_for(error)}
    return answer_of(replace(found, pick=pick), answered, language=understood.language)


def answer_of(plan: Plan, answered: Answered, *, language: str = "en") -> Json:
    """A plan, as the answer's fields."""
    quiet = plan.kind in QUIET
    new = {} if quiet else _set(plan, answered)
    if plan.pick is not None:
        new["pick"] = plan.pick
    changed = [] if quiet else _changed(plan, answered, new)
    return {
        "kind": plan.kind.value,
        "prompt": answered.prompt if quiet else plan.prompt,
        "negative": answered.negative if quiet else plan.negative,
        "set": new,
        "changed": changed,
        "instruction": plan.instruction,
        "region": plan.region,
        "said": said_of(plan, answered, changed, language=language),
    }


def said_of(
    plan: Plan, answered: Answered, changed: Collection[str], *, language: str = "en"
) -> str:
    """What is said of a plan: its line, an answer, or a question."""
    match plan.kind:
        case IntentKind.ASK:
            return question(language, plan.question, answered.count)
        case IntentKind.INFO:
            return lines.facts(answered, plan.remark)
    if plan.kind in QUIET or plan.said:
        return plan.said
    there = {"words", "seed", "size", "model"}
    there |= {"style"} if answered.style else set()
    there |= {"LoRAs"} if answered.loras else set()
    names = {"prompt": "words", "width": "size", "height": "size", "loras": "LoRAs"}
    others = {names.get(name, name) for name in changed} | _OTHERS.get(plan.means, frozenset())
    return lines.change_line(plan.what, others, there)


# What is another's than the picture's, whatever was asked.
_OTHERS: Mapping[Means, AbstractSet[str]] = {
    Means.INSTRUCT: {"model"},  # one that changes pictures as it is told to
    Means.ENLARGE: {"size", "seed", "model"},
}


def _set(plan: Plan, answered: Answered) -> Json:
    new = plan.settings
    named = ("seed", "steps", "cfg", "sampler", "scheduler", "denoise", "clip_skip", "count")
    values: Json = {name: getattr(new, name) for name in (*named, "model", "width", "height")}
    if plan.style != answered.style:
        values["style"] = plan.style or ""
    if new.loras is not None:
        values["loras"] = [_lora(one) for one in new.loras]
    if plan.kind is IntentKind.UPSCALE:
        values["upscale"] = plan.factor
    if plan.kind is IntentKind.VARY:
        values["strength"] = plan.strength
    if plan.directions:
        values["direction"] = plan.directions[0]
    return {name: value for name, value in values.items() if value is not None}


def _lora(one: NamedLora) -> Json:
    said: Json = {"name": one.name, "strength": one.strength}
    return said if one.expert is None else {**said, "expert": one.expert}


def _changed(plan: Plan, answered: Answered, new: Mapping[str, object]) -> list[str]:
    """The names of the fields that differ from the picture that is answered."""
    before: Json = {name: getattr(answered, name, None) for name in new}
    before["loras"] = [_lora(one) for one in answered.loras]
    # What is asked of a picture alone is no field of it.
    found = [n for n in new if n not in ("pick", "upscale", "strength", "direction")]
    changed = [name for name in found if new[name] != before[name]]
    if plan.prompt != answered.prompt:
        changed.append("prompt")
    if plan.negative != answered.negative:
        changed.append("negative")
    if plan.fresh and "seed" not in changed:
        changed.append("seed")
    return changed


def _parent(parent: Mapping[str, Any], before: Mapping[str, Any] | None) -> Answered:
    loras = [
        NamedLora(name=str(one["name"]), strength=float(one["strength"]), expert=one.get("expert"))
        for one in parent.get("loras") or ()
    ]
    numbers = {name: parent.get(name) for name in ("steps", "sampler", "scheduler", "model")}
    cfg, denoise = parent.get("cfg"), parent.get("denoise")
    return Answered(
        family=str(parent.get("family", "")),
        prompt=str(parent["prompt"]),
        medium=str(parent.get("medium") or "image"),
        negative=str(parent.get("negative") or ""),
        style=parent.get("style") or None,
        width=int(parent["width"]),
        height=int(parent["height"]),
        cfg=None if cfg is None else float(cfg),
        denoise=None if denoise is None else float(denoise),
        seed=int(parent.get("seed", 0)),
        count=int(parent.get("count") or 1),
        loras=tuple(loras),
        before=str(before["prompt"]) if before else None,
        redraws=parent.get("task") not in (None, "text-to-image"),
        **numbers,
    )

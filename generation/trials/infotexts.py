"""How much of other programs' texts is read right: field by field, program by program.

    python -m generation.trials.infotexts [tests/data/interchange/infotexts.jsonl]

A line is a case: the program, the texts of a file by their names, and what stands in them.  The
invariant: a field that a case names counts once, right or wrong, whatever else was read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from generation.interchange.imported import Imported, NotRead
from generation.interchange.reading import read

CASES = Path("tests/data/interchange/infotexts.jsonl")
_DRAFTED = {
    "prompt": ("words", "prompt"),
    "negative": ("words", "negative_prompt"),
    "clip_skip": ("words", "clip_skip"),
    "width": ("canvas", "width"),
    "height": ("canvas", "height"),
    **{
        name: ("sampling", name)
        for name in (
            *("sampler", "scheduler", "steps", "cfg", "image_cfg"),
            *("denoise", "guidance", "shift"),
        )
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCase:
    """A file's texts, and what stands in them."""

    number: int
    program: str
    texts: Mapping[str, str]
    expect: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedField:
    """A field of a case: what was read, beside what stands there."""

    case: TextCase
    name: str
    found: object

    @property
    def right(self) -> bool:
        """Whether they are the same; of the losses, whether all are among those found."""
        wanted = self.case.expect.get(self.name)
        if self.name == "lost" and isinstance(wanted, list) and isinstance(self.found, list):
            return set(wanted) <= set(self.found)
        return self.found == wanted


def cases(path: Path) -> Iterator[TextCase]:
    """The cases of a file, a line each."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        said = json.loads(line)
        yield TextCase(
            number=number,
            program=said["program"],
            texts=said["texts"],
            expect=said["expect"],
        )


def judged(case: TextCase) -> list[JudgedField]:
    """Each field of the case, and whether it is read by the program's own reader."""
    try:
        found: Imported | None = read(case.texts)
    except NotRead:
        found = None
    fields = [
        JudgedField(case=case, name=name, found=_found(found, name) if found else None)
        for name in case.expect
    ]
    program = TextCase(
        number=case.number,
        program=case.program,
        texts=case.texts,
        expect={"program": case.program},
    )
    fields.append(JudgedField(case=program, name="program", found=found.program if found else None))
    return fields


def _found(found: Imported, name: str) -> object:
    if name in _DRAFTED:
        section, field = _DRAFTED[name]
        return getattr(getattr(found.draft, section), field)
    checkpoint = next((one for one in found.files if one.kind == "checkpoint"), None)
    match name:
        case "seed":
            return found.seed
        case "task":
            return None if found.task is None else str(found.task)
        case "variation":
            return next(([one.seed, one.strength] for one in found.draft.variations), None)
        case "model":
            return checkpoint.name if checkpoint else None
        case "model_hash":
            return checkpoint.hash if checkpoint else None
        case "address":
            return checkpoint.address if checkpoint else None
        case "vae":
            return next((one.name for one in found.files if one.kind == "vae"), None)
        case "loras":
            return [[one.name, one.strength] for one in found.files if one.kind == "lora"]
        case "lost":
            return [one.what for one in found.lost]
    raise KeyError(name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was read wrong, and a table; the exit status is 1 below 98 % of the fields."""
    parser = argparse.ArgumentParser(prog="python -m generation.trials.infotexts")
    parser.add_argument("file", type=Path, nargs="?", default=CASES)
    asked = parser.parse_args(arguments)
    right, all_of = Counter[str](), Counter[str]()
    whole, files = Counter[str](), Counter[str]()
    for case in cases(asked.file):
        fields = judged(case)
        wrong = [field for field in fields if not field.right]
        for field in wrong:
            wanted = field.case.expect[field.name]
            print(
                f"line {case.number} {case.program}: {field.name} {field.found!r}, not {wanted!r}"
            )
        right[case.program] += len(fields) - len(wrong)
        all_of[case.program] += len(fields)
        whole[case.program] += not wrong
        files[case.program] += 1
    for program, count in all_of.items():
        print(
            f"{program:15} {files[program]:4} texts, {whole[program]:4} without a fault; "
            f"{right[program]:5} of {count:5} fields"
        )
    share = right.total() / max(1, all_of.total())
    print(f"{'all':15} {files.total():4} texts, {share:.2%} of {all_of.total()} fields")
    return 0 if share >= 0.98 else 1


if __name__ == "__main__":
    sys.exit(main())

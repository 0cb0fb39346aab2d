"""The table of what is read of ComfyUI's official templates.

python -m generation.trials.interchange FOLDER templates.json [--all]

FOLDER holds the templates, as the package `comfyui-workflow-templates-json` has them.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from generation.interchange.comfy.reading import read
from generation.interchange.imported import NotRead
from generation.trials.interchange.comparing import ReadField, compared, drawn, forms
from generation.trials.templates.truth import every, local

BAR = 0.98
_MEDIA = ("image", "video", "audio")  # none of forms is drawn


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; the exit status is 1 where less is read than was promised."""
    parser = argparse.ArgumentParser(prog="python -m generation.trials.interchange")
    parser.add_argument("folder", type=Path, help="where the templates lie")
    parser.add_argument("truth", type=Path, help="what they say, as JSON")
    parser.add_argument("--all", action="store_true", help="of families that are not drawn, too")
    asked = parser.parse_args(arguments)
    paths = {path.stem: path for path in sorted(asked.folder.rglob("*.json"))}
    unread = list(_unread([paths[one] for one in every(asked.truth) if one in paths]))
    fields: list[ReadField] = []
    for template in chain.from_iterable(local(asked.truth, medium) for medium in _MEDIA):
        if template.name in paths and (asked.all or drawn(template)):
            fields += compared(template, paths[template.name])
    print(_table(fields))
    for field in fields:
        if not field.right:
            told = f"{field.said!r}, and it was read as {field.found!r}"
            print(f"{field.template} ({field.form}): {field.name} {told}")
    print(f"{len(unread)} could not be read", *unread)
    share = sum(field.right for field in fields) / max(1, len(fields))
    return 0 if share >= BAR and not unread else 1


def _unread(paths: Sequence[Path]) -> Sequence[str]:
    failed = []
    for path in paths:
        try:
            for form, text in forms(path).items():
                if read({form: text}) is None:
                    failed.append(f"{path.stem}: {form}")
        except NotRead as error:
            failed.append(f"{path.stem}: {error}")
    return failed


def _table(fields: Sequence[ReadField]) -> str:
    every_one, right = Counter(f.name for f in fields), Counter(f.name for f in fields if f.right)
    names = {field.template for field in fields}
    rows = [f"{len(names)} templates, each as a workflow and as a prompt"]
    for name, count in every_one.items():
        rows.append(f"{name:>10}  {right[name]:>4} of {count:>4}  {right[name] / count:.1%}")
    total = sum(right.values())
    rows.append(f"{'all':>10}  {total:>4} of {len(fields):>4}  {total / max(1, len(fields)):.1%}")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())

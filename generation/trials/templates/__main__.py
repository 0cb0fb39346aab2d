"""The table of ComfyUI's official templates.

python -m generation.trials.templates templates.json [--medium video] [--markdown] [--all]
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from generation.trials.templates.judging import Judged, judged
from generation.trials.templates.truth import local


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; the exit status is 1 where fewer are drawn than were promised."""
    parser = argparse.ArgumentParser(prog="python -m generation.trials.templates")
    parser.add_argument("file", type=Path, help="what the templates say, as JSON")
    media = ("image", "video", "audio", "3d")
    parser.add_argument("--medium", choices=media, default=media[0], help="what they make")
    parser.add_argument("--markdown", action="store_true", help="as a table of Markdown")
    parser.add_argument("--all", action="store_true", help="those that are drawn, too")
    asked = parser.parse_args(arguments)
    found = [judged(one) for one in local(asked.file, asked.medium)]
    print(_sums(found))
    print(_lines(found if asked.all else [one for one in found if not one.drawn], asked.markdown))
    print(_reasons(found))
    return 0


def _sums(found: Sequence[Judged]) -> str:
    drawn = [one for one in found if one.drawn]
    usage = sum(one.template.usage for one in found)
    used = sum(one.template.usage for one in drawn)
    return (
        f"{len(drawn)} of {len(found)} templates become a recipe that is drawn here: "
        f"{used / usage:.1%} of their usage"
    )


def _lines(found: Sequence[Judged], markdown: bool) -> str:
    rows = [
        (
            one.template.name,
            one.template.family,
            one.template.task,
            str(one.template.usage),
            _said(one),
        )
        for one in found
    ]
    if markdown:
        head = "| template | family | task | usage | |\n|---|---|---|--:|---|"
        return "\n".join([head, *(f"| {' | '.join(row)} |" for row in rows)])
    return "\n".join(f"{row[3]:>6}  {row[0]}: {row[4]}" for row in rows)


def _said(one: Judged) -> str:
    if one.recipe is not None and one.drawn:
        return f"drawn: {one.recipe.family}, {one.recipe.task}"
    return "; ".join(one.lacks)


def _reasons(found: Sequence[Judged]) -> str:
    counted = Counter(reason for one in found for reason in one.lacks)
    return "\n".join(f"{count:>4}  {reason}" for reason, count in counted.most_common(40))


if __name__ == "__main__":
    sys.exit(main())

"""What stays as it is when a picture is edited: instructions beside the person's own.

The invariant: none of them asks to keep what the instruction changes.
"""

from __future__ import annotations

from random import Random

from prompting.scenery.gist import Gist

# Each with the facts of an instruction that it would be against.
_HOURS = "lit lamplit neon dawn day dusk night clear overcast mist rain storm snowing"
KEPT = (
    ("keep everything else unchanged", "其余部分保持不变", ""),
    ("keep the composition", "保持构图", "wide close mid composed angled"),
    ("same lighting", "光线不变", _HOURS),
    ("same viewpoint", "视角不变", "wide close mid angled"),
    ("keep the pose", "姿势不变", "moved"),
    ("keep the other colors", "其他颜色不变", "mono"),
    ("blend it in naturally", "自然融合", "removed restyled"),
    ("match the existing style", "与原有风格一致", "restyled"),
    ("same level of detail", "细节程度一致", "restyled detailed"),
    ("keep the proportions", "比例不变", "resized wide close"),
)


def kept(gist: Gist, dice: Random, *, chinese: bool) -> tuple[str, ...]:
    """One or two of them."""
    facts = gist.facts | ({"restyled"} if "said:medium" in gist.facts else set())
    fitting = [line for line in KEPT if not set(line[2].split()) & facts]
    return tuple(line[chinese] for line in dice.sample(fitting, dice.choice((1, 2, 2))))

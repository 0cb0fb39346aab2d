"""What the assistant adds to a wish: light, material, composition and mood.

The invariant: an addition names no object, no colour and no number, so it cannot contradict a wish;
those that fit only some pictures say which.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# What stays as it is when a picture is edited.
KEPT = (
    ("keep everything else unchanged", "其余部分保持不变"),
    ("keep the composition", "保持构图"),
    ("same lighting", "光线不变"),
    ("same viewpoint", "视角不变"),
    ("keep the pose", "姿势不变"),
    ("keep the other colors", "其他颜色不变"),
    ("blend it in naturally", "自然融合"),
    ("match the existing style", "与原有风格一致"),
    ("same level of detail", "细节程度一致"),
    ("keep the proportions", "比例不变"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One addition in four forms."""

    group: str
    needs: frozenset[str]
    excludes: frozenset[str]
    tags: tuple[str, str]  # English, Chinese
    prose: tuple[str, str]

    def fits(self, facts: frozenset[str]) -> bool:
        """Whether it goes with a scene of which these facts hold."""
        return self.needs <= facts and not self.excludes & facts


def _read(line: str) -> Detail:
    group, when, tag, tag_zh, phrase, phrase_zh = (part.strip() for part in line.split("|"))
    words = when.split()
    return Detail(
        group=group,
        needs=frozenset(word for word in words if word[0] != "!"),
        excludes=frozenset(word[1:] for word in words if word[0] == "!"),
        tags=(tag, tag_zh),
        prose=(phrase, phrase_zh),
    )


def _details(path: Path) -> tuple[Detail, ...]:
    lines = path.read_text("utf-8").splitlines()
    return tuple(_read(line) for line in lines if line.strip() and line[0] != "#")


DETAILS = _details(Path(__file__).with_name("details.txt"))

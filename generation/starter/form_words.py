"""The words that the built-in 3D model was taught, by what they ask for.

Invariant: no phrase of one form is another's; training and the advice that people read come from
here.
"""

from generation.starter.words import OBJECT_WORDS

FORM_WORDS: dict[str, tuple[str, ...]] = {
    "ball": ("ball", "sphere", "globe", "orb", "marble"),
    "cube": ("cube", "box", "block", "die", "crate"),
    "cone": ("cone", "traffic cone", "party hat"),
    "ring": ("ring", "torus", "donut", "doughnut", "hoop"),
    "pillar": ("pillar", "cylinder", "column", "tube", "can"),
    "pyramid": ("pyramid", "egyptian pyramid"),
    **{form: OBJECT_WORDS[form] for form in ("star", "heart", "moon", "mushroom", "cup", "house")},
}
SIZE_WORDS = {
    "small": ("small", "little", "tiny", "mini"),
    "medium": ("medium", "medium-sized", "normal-sized"),
    "large": ("large", "big", "huge", "giant"),
}
OPENINGS = (
    "a 3d model of", "a model of", "a 3d", "3d model of", "a picture of", "make", "make me",
    "show me", "i want", "please make", "a mesh of", "a render of", "turn around", "a figure of",
)  # fmt: skip

"""What choices, shapes, fields and things are called of which the code has the word as a value.

`tr` says them by that word: `tr(mode.value)`, `tr(field)`.  They stand here to be found.
"""

from __future__ import annotations

from bot.languages.speaking import mark

CHOICES = (
    *(mark("on"), mark("off"), mark("auto")),
    *(mark("randomize"), mark("increment"), mark("decrement"), mark("fixed")),
    *(mark("subtle"), mark("strong")),
    *(mark("square"), mark("portrait"), mark("landscape"), mark("tall"), mark("wide")),
    *(mark("all around"), mark("left"), mark("right"), mark("up"), mark("down")),
    *(mark("left and right"), mark("up and down")),
)

# What is made of a picture before a ControlNet looks at it, and what such a picture may be.
CONTROLS = (
    *(mark("canny"), mark("scribble"), mark("invert"), mark("blur"), mark("tile"), mark("gray")),
    *(mark("ready"), mark("ready:canny"), mark("ready:depth"), mark("ready:pose")),
    *(mark("ready:scribble"), mark("ready:normal"), mark("ready:segmentation")),
    *(mark("ready:tile"), mark("ready:blur"), mark("ready:gray")),
)

FIELDS = (
    *(mark("prompt"), mark("shows"), mark("negative"), mark("model"), mark("with"), mark("vae")),
    *(mark("predicts"), mark("noise"), mark("size"), mark("drawn at"), mark("steps"), mark("cfg")),
    *(mark("image cfg"), mark("guidance"), mark("shift"), mark("sampler"), mark("scheduler")),
    *(mark("denoise"), mark("clip skip"), mark("adapters"), mark("seed"), mark("varied")),
    *(mark("inputs"), mark("shares"), mark("unchanged"), mark("score"), mark("made from")),
    *(mark("precision"), mark("recipe"), mark("pixels"), mark("decoded"), mark("drawn on")),
    *(mark("enlarged"), mark("corrected"), mark("tiles"), mark("checkpoint"), mark("words")),
    *(mark("LoRAs"), mark("style"), mark("count"), mark("prediction"), mark("sigmas")),
    *(mark("frames"), mark("fps"), mark("seconds"), mark("lyrics"), mark("bpm")),
    *(mark("key"), mark("meter"), mark("resolution")),
    *(mark("factor"), mark("strength"), mark("task"), mark("family"), mark("syntax")),
)

# The headings of the library of styles.
GROUPS = (
    *(mark("Photos"), mark("Paintings"), mark("Drawings and prints")),
    *(mark("Comics and graphics"), mark("Materials, worlds and moods")),
)

# What the built-in model draws.
THINGS = (
    *(mark("flower"), mark("tree"), mark("house"), mark("fish"), mark("cat"), mark("boat")),
    *(mark("mushroom"), mark("cup"), mark("star"), mark("heart"), mark("moon"), mark("car")),
    *(mark("flat"), mark("outline"), mark("pixel art"), mark("watercolor")),
)

"""The words people use for what a picture can show.

Invariant: within one table no phrase belongs to two entries, so a caption can be read back.
"""


def _list(text: str) -> tuple[str, ...]:
    """Comma-separated phrases; tables of words read better this way."""
    return tuple(phrase.strip() for phrase in text.split(","))


OBJECT_WORDS = {
    "flower": _list("flower, blossom, bloom, daisy"),
    "tree": _list("tree, leafy tree"),
    "house": _list("house, home, cottage, hut"),
    "fish": _list("fish, little fish"),
    "cat": _list("cat, kitty, kitten, sitting cat"),
    "boat": _list("boat, ship, sailboat, sailing boat"),
    "mushroom": _list("mushroom, toadstool"),
    "cup": _list("cup, mug, teacup, coffee cup"),
    "star": _list("star, five-pointed star"),
    "heart": _list("heart, love heart"),
    "moon": _list("moon, crescent, crescent moon, half moon"),
    "car": _list("car, automobile, auto"),
}
COLOUR_WORDS = {
    "red": _list("red, crimson, scarlet, bright red"),
    "orange": _list("orange, tangerine, bright orange"),
    "yellow": _list("yellow, golden, lemon yellow, bright yellow"),
    "green": _list("green, emerald, bright green"),
    "blue": _list("blue, azure, cobalt blue, bright blue"),
    "purple": _list("purple, violet, lilac"),
    "pink": _list("pink, rosy, light pink"),
    "white": _list("white, snow-white, pure white, ivory"),
    "black": _list("black, jet black, ebony, dark"),
}
SCENERY_WORDS = {
    "night sky": _list(
        "in the night sky, at night, under a starry sky, night sky background, starry night, "
        "night sky, by night, under the stars"
    ),
    "grass field": _list(
        "in a grass field, on a meadow, on grass, in a green field, grass field, in the grass, "
        "meadow, on a grassy hill, grass field background"
    ),
    "sea": _list(
        "at sea, on the sea, by the sea, in the ocean, sea background, ocean, on the water, sea, "
        "with waves behind"
    ),
    "sunset": _list(
        "at sunset, in the sunset, at dusk, sunset background, sunset, evening sky, in front of a "
        "sunset, at sundown"
    ),
    "snow": _list(
        "in the snow, on snow, in winter, snow background, snowy landscape, snow, in a snowy "
        "field, while it snows"
    ),
}
STYLE_WORDS = {
    "flat": _list(
        "flat, flat style, flat design, flat illustration, vector art, vector illustration, flat "
        "colors"
    ),
    "outline": _list(
        "outline, outline style, thick outlines, bold outline, cartoon, cartoon style, line art, "
        "comic style, sticker"
    ),
    "pixel art": _list(
        "pixel art, pixel art style, pixelated, 8-bit, 8bit pixel art, retro game sprite, pixel "
        "style"
    ),
    "watercolor": _list(
        "watercolor, watercolour, watercolor style, watercolor painting, aquarelle, painted in "
        "watercolor, soft watercolor"
    ),
}
# {} is a colour.
PLAIN = _list(
    "on a {} background, on {} background, {} background, with a {} background, against a {} "
    "background, on a plain {} background, simple {} background, against {}, in front of a {} "
    "wall, on a {} backdrop, background {}, the background is {}"
)
OPENINGS = _list(
    "a picture of, an image of, a drawing of, an illustration of, draw, a photo of, picture of, "
    "please draw, i want, make me, show me, there is, art of"
)
FILLERS = _list(
    "masterpiece, best quality, high quality, highly detailed, detailed, cute, beautiful, simple, "
    "centered, 4k, 8k, hd, sharp, colorful, nice, clean, single object, digital art, lovely, "
    "trending, award winning, minimalist, close-up, full view, solo, vivid"
)
# What negative prompts are made of.
FAULTS = _list(
    "blurry, low quality, worst quality, bad anatomy, deformed, ugly, text, watermark, signature, "
    "cropped, jpeg artifacts, lowres, noise, bad, out of frame, username, extra limbs, error"
)
ADJECTIVES = _list(
    "cute, little, big, small, beautiful, lovely, pretty, tiny, old, happy, nice, large, single, "
    "lonely, magic"
)
# Words that mean nothing here: the encoder learns to read past them.
STRANGERS = _list(
    "with, some, very, and, the, of, my, friend, quiet, morning, dream, song, running, light, "
    "glass, paper, music, story, kingdom, window, summer, river, stone, table, dancing, people, "
    "man, woman, castle, robot, dragon, dog, bird, mountain, city, street, holding, wearing, hat, "
    "portrait, realistic, cinematic, dramatic, lighting, fantasy, style, artist, photo, 3d, "
    "render, oil, painting, sketch, anime, girl, boy, epic, futuristic, vintage, wooden, today"
)
# How things move in a clip: as it stands behind a noun, and bare, behind "let it".
MOTION_WORDS = {
    "left": _list(
        "moving left, moves left, moving to the left, moves to the left, going left, goes left, "
        "sliding left, drifting to the left, travels left, from right to left, leftward, "
        "flying left, heading left, moves from right to left, goes to the left, to the left"
    ),
    "right": _list(
        "moving right, moves right, moving to the right, moves to the right, going right, "
        "goes right, sliding right, drifting to the right, travels right, from left to right, "
        "rightward, flying right, heading right, moves from left to right, goes to the right, "
        "to the right"
    ),
    "up": _list(
        "moving up, moves up, rising, rises, going up, goes up, flying up, floating up, ascending, "
        "climbing, upward, moves upwards, floats upwards, lifting off, upwards"
    ),
    "down": _list(
        "moving down, moves down, falling, falls, going down, goes down, dropping, sinking, "
        "sinks, descending, downward, moves downwards, falls down, falling down, downwards"
    ),
    "grow": _list(
        "growing, grows, getting bigger, gets bigger, getting larger, becoming bigger, expanding, "
        "expands, zooming in, swelling, coming closer, grows larger, becomes larger"
    ),
    "shrink": _list(
        "shrinking, shrinks, getting smaller, gets smaller, becoming smaller, becoming tiny, "
        "contracting, zooming out, dwindling, going away, shrinks away, growing smaller, "
        "becomes smaller"
    ),
    "spin": _list(
        "spinning, spins, rotating, rotates, turning, turning around, turns around, twirling, "
        "whirling, revolving, spinning around, in rotation, turns"
    ),
    "blink": _list(
        "blinking, blinks, flashing, flashes, flickering, flickers, twinkling, appearing and "
        "disappearing, winking on and off, on and off, strobing, twinkles"
    ),
    "still": _list(
        "still, not moving, standing still, stands still, motionless, at rest, resting, without "
        "moving, that does not move, staying in place, static, does not move"
    ),
}
MOTION_VERBS = {
    "left": _list("move left, go left, slide to the left, fly to the left, drift left"),
    "right": _list("move right, go right, slide to the right, fly to the right, drift right"),
    "up": _list("move up, rise, go up, fly up, float up, climb, ascend"),
    "down": _list("move down, fall, go down, fall down, sink, drop, descend"),
    "grow": _list("grow, get bigger, become larger, expand, swell"),
    "shrink": _list("shrink, get smaller, become smaller, contract"),
    "spin": _list("spin, rotate, turn, turn around, twirl, revolve"),
    "blink": _list("blink, flash, flicker, twinkle"),
    "still": _list("stand still, stay still, rest, not move, stay in place"),
}
# What is said of a motion without changing it.
MANNERS = _list(
    "slowly, quickly, smoothly, gently, fast, across the screen, across the picture, in a loop, "
    "all the time, steadily, again and again"
)
CLIP_OPENINGS = _list(
    "a video of, a clip of, an animation of, a gif of, a short video of, animate, video of"
)

"""The words that the built-in sound model was taught, by what they ask for.

Invariant: no phrase stands for two things; training, the judge's wishes and the advice that people
read all come from here.
"""

KIND_WORDS: dict[str, tuple[str, ...]] = {
    "beep": ("beep", "bleep", "tone", "sine tone", "test tone", "electronic beep", "pip"),
    "rise": ("rising chirp", "chirp up", "rising whistle", "upward sweep", "sweep up",
             "rising tone", "slide up", "ascending chirp"),
    "fall": ("falling chirp", "chirp down", "falling whistle", "downward sweep", "sweep down",
             "falling tone", "slide down", "descending chirp"),
    "click": ("click", "tick", "tap", "clicking", "ticking", "snap"),
    "noise": ("noise", "hiss", "static", "white noise", "wind", "rushing noise", "noise burst"),
    "hum": ("hum", "buzz", "drone", "humming", "mains hum", "engine hum"),
    "siren": ("siren", "alarm", "wailing siren", "police siren", "ambulance siren",
              "warbling alarm"),
    "drum": ("drum", "drum hit", "drum beat", "thump", "tom", "drumming", "percussion"),
    "bell": ("bell", "chime", "gong", "bell ringing", "ding", "bell strike"),
}  # fmt: skip

PITCH_WORDS: dict[str, tuple[str, ...]] = {
    "low": ("low", "deep", "low-pitched", "bass", "dark", "low pitched"),
    "high": ("high", "high-pitched", "shrill", "bright", "piercing", "high pitched"),
}

LENGTH_WORDS: dict[str, tuple[str, ...]] = {
    "short": ("short", "brief", "quick", "single", "momentary"),
    "long": ("long", "lasting", "sustained", "continuous", "prolonged", "repeated"),
}

LOUDNESS_WORDS: dict[str, tuple[str, ...]] = {
    "soft": ("soft", "quiet", "faint", "gentle", "distant", "muted"),
    "loud": ("loud", "strong", "powerful", "booming", "noisy", "at full volume"),
}

# How a sound is asked for; {} is the sound.
ASKED = ("a sound of {}", "sound of {}", "play {}", "make {}", "give me {}", "{} sound",
         "the sound of {}", "record {}", "{} effect", "audio of {}")  # fmt: skip
OPENINGS = tuple(asked.replace("{}", "").strip() for asked in ASKED)

# What says nothing that the model knows.
PADDING = ("clean", "clear", "recording", "sound effect", "mono", "8 kHz", "studio quality",
           "high quality", "nice", "simple", "electronic", "isolated", "foley",
           "audio")  # fmt: skip
UNWANTED = ("low quality", "distorted", "muffled", "clipping", "average quality", "music",
            "speech", "voice", "reverb", "crackle", "artifacts", "bad")  # fmt: skip

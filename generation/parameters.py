"""What people can say of a picture, each thing described once.

Its range, its sentence, and what it is called elsewhere.  Slash commands, the command line, the
checks of drafts and of strangers' recipes, and what is read from and written for other programs
take their facts from here; a new parameter is a row, a field of the recipe and one of the draft.

The invariant: a range is what can be asked for here, and what can be asked for can be kept; a
spelling means one thing.
"""

from __future__ import annotations

from dataclasses import dataclass

from generation.errors import OutOfRange

# Of a clip, a sound and its music, whatever a family makes of it.
MAX_FRAMES = 20_000
MAX_SECONDS = 600.0
SLOWEST_BPM, FASTEST_BPM = 20, 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """Something that can be said.

    `section` and `field` say where it stands in a draft and in a recipe: "words", "canvas" and
    "sampling", or "recipe" for its own fields.  What is of the request alone has no field.
    """

    name: str  # of the option of a slash command; with hyphens, of the command line
    section: str
    field: str = ""
    sentence: str  # what it is
    as_setting: str = ""  # as a person's default; empty: the same
    in_terminal: str = ""  # where there is no list to choose from; empty: the same
    a1111: str = ""  # its key in generation data; empty: it has none
    comfyui: str = ""  # a node that has it, and the input
    task: str = ""  # which alone has it, in a command of its own; empty: every drawing
    # What else it is called in a prompt, as in "--ar 3:2"; its name is always understood.  One that
    # begins with a dash of its own is understood behind a single one.
    spellings: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """What it is called where it is refused."""
        return self.field or self.name

    @property
    def key(self) -> str:
        """A1111's key as it is looked up: in lower case."""
        return self.a1111.casefold()

    @property
    def flag(self) -> str:
        """The parameter's option on the command line."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def help(self) -> str:
        """What the command line says of it."""
        return self.in_terminal or self.sentence[:1].lower() + self.sentence[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextParameter(Parameter):
    """Text, or the name of something."""

    shortest: int = 1  # characters
    longest: int = 100

    def check(self, text: str, what: str = "") -> None:
        """Raise OutOfRange when it is too long."""
        if len(text) > self.longest:
            allowed = f"at most {self.longest} characters"
            raise OutOfRange(what or self.what, f"{len(text)} characters", allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeParameter(Parameter):
    """A whole number."""

    low: int
    high: int

    def check(self, value: int, high: int | None = None) -> None:
        """Raise OutOfRange outside of the range, of which `high` may be another end."""
        if not self.low <= value <= (high or self.high):
            raise OutOfRange(self.what, value, self.range)

    @property
    def range(self) -> str:
        """The parameter's range in words."""
        return f"{self.low} to {self.high}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountParameter(Parameter):
    """A number with decimals."""

    low: float
    high: float

    def check(self, value: float) -> None:
        """Raise OutOfRange outside of the range, and for NaN."""
        if not self.low <= value <= self.high:
            raise OutOfRange(self.what, value, self.range)

    @property
    def range(self) -> str:
        """The parameter's range in words."""
        return f"{self.low:g} to {self.high:g}"


PROMPT = TextParameter(
    name="prompt",
    section="words",
    field="prompt",
    sentence="What the picture shows, in your words, such as: a red flower",
    longest=6000,  # Discord's own limit for an option
    comfyui="CLIPTextEncode.text",
)
NEGATIVE = TextParameter(
    name="negative",
    section="words",
    field="negative_prompt",
    sentence="What it must not show, such as: people, text",
    as_setting="What your pictures must not show",
    in_terminal="what should not be in it",
    shortest=0,
    longest=PROMPT.longest,
    a1111="Negative prompt",
    comfyui="CLIPTextEncode.text",
    spellings=("no", "neg", "negative_prompt", "负面", "反向", "负面提示词"),
)
IMAGE = Parameter(
    name="image",
    section="recipe",
    field="inputs",
    sentence="A picture to start from",
    comfyui="LoadImage.image",
)
DENOISE = AmountParameter(
    name="denoise",
    section="sampling",
    field="denoise",
    sentence="How much of that picture is redrawn: 0.3 a little, 0.6 much, 1 all of it",
    as_setting="How much of a picture is redrawn when you start from one",
    in_terminal="how much of --image is redrawn, 0.01 to 1",
    low=0.01,
    high=1.0,
    a1111="Denoising strength",
    comfyui="KSampler.denoise",
    spellings=("strength", "denoising", "denoising_strength", "重绘", "重绘幅度"),
)
MODEL = TextParameter(
    name="model",
    section="recipe",
    field="checkpoint",
    sentence="Which model draws",
    in_terminal="see `models`",
    a1111="Model",
    comfyui="CheckpointLoaderSimple.ckpt_name",
    spellings=("checkpoint", "模型"),
)
SIZE = TextParameter(
    name="size",
    section="request",
    sentence="A shape such as 3:2 or portrait, or a size that fits the model: see the list",
    in_terminal="768x512, 3:2, square, portrait, landscape, tall or wide",
    longest=40,
    a1111="Size",
    spellings=("ar", "aspect", "aspect_ratio", "ratio", "尺寸", "大小", "比例"),
)
# The ends are the family's (`generation.families.sizes`).
WIDTH = WholeParameter(
    name="width",
    section="canvas",
    field="width",
    sentence="How wide it is, in pixels",
    low=8,
    high=16384,  # a family draws fewer
    comfyui="EmptyLatentImage.width",
    spellings=("w", "宽", "宽度"),
)
HEIGHT = WholeParameter(
    name="height",
    section="canvas",
    field="height",
    sentence="How high it is, in pixels",
    low=8,
    high=16384,  # a family draws fewer
    comfyui="EmptyLatentImage.height",
    spellings=("h", "高", "高度"),
)
COUNT = WholeParameter(
    name="count",
    section="request",
    sentence="How many pictures",
    as_setting="How many pictures at once",
    in_terminal="how many pictures, of consecutive seeds",
    low=1,
    high=8,
    spellings=("repeat", "r", "-r", "n", "batch", "number", "张数", "数量"),
)
BEST_OF = WholeParameter(
    name="best_of",
    section="request",
    sentence="Draw so many, and show first the one that fits your words best, with its score",
    in_terminal="draw so many, and tell which one fits the words best",
    low=1,
    high=COUNT.high,
    spellings=("best",),
)
STEPS = WholeParameter(
    name="steps",
    section="sampling",
    field="steps",
    sentence="How many steps of denoising",
    low=1,
    high=150,
    a1111="Steps",
    comfyui="KSampler.steps",
    spellings=("step", "步数"),
)
CFG = AmountParameter(
    name="cfg",
    section="sampling",
    field="cfg",
    sentence="How closely the words are followed",
    low=0.0,
    high=100.0,
    a1111="CFG scale",
    comfyui="KSampler.cfg",
    spellings=("scale", "cfg_scale", "引导"),
)
IMAGE_CFG = AmountParameter(
    name="image_cfg",
    section="sampling",
    field="image_cfg",
    sentence="How closely the picture is kept that is changed as the words say",
    in_terminal="how closely --image is kept by a model that changes pictures, such as 1.5",
    low=CFG.low,
    high=CFG.high,
    a1111="Image CFG scale",
    comfyui="DualCFGGuider.cfg_cond2_negative",
    task="edit",
)
GUIDANCE = AmountParameter(
    name="guidance",
    section="sampling",
    field="guidance",
    sentence="How closely the words are followed by models that were distilled, such as FLUX.1",
    low=0.0,
    high=100.0,
    a1111="Distilled CFG Scale",  # Forge's
    comfyui="FluxGuidance.guidance",
)
SHIFT = AmountParameter(
    name="shift",
    section="sampling",
    field="shift",
    sentence="How much longer a flow model works on the composition: 1 not at all, 3 usually",
    low=0.01,
    high=100.0,
    a1111="Shift",  # Forge's
    comfyui="ModelSamplingSD3.shift",
)
SAMPLER = TextParameter(
    name="sampler",
    section="sampling",
    field="sampler",
    sentence="How a step is made",
    in_terminal='such as dpmpp_2m or "DPM++ 2M Karras"',
    a1111="Sampler",
    comfyui="KSampler.sampler_name",
    spellings=("sampling", "采样", "采样器"),
)
SCHEDULER = TextParameter(
    name="scheduler",
    section="sampling",
    field="scheduler",
    sentence="How the noise levels are spaced",
    in_terminal='such as karras or "SGM Uniform"',
    a1111="Schedule type",
    comfyui="KSampler.scheduler",
    spellings=("schedule", "schedule_type", "调度", "调度器"),
)
SEED = TextParameter(  # up to 64 bits: more than a number of Discord's holds
    name="seed",
    section="recipe",
    field="seed",
    sentence="The number that decides the noise; the same one gives the same picture; "
    "-1: a fresh one",
    in_terminal="up to 64 bits; -1: a fresh one",
    longest=40,
    a1111="Seed",
    comfyui="KSampler.seed",
    spellings=("种子", "随机种子"),
)
CLIP_SKIP = WholeParameter(
    name="clip_skip",
    section="words",
    field="clip_skip",
    sentence="Which layer of the text encoder is read: 1 the last, 2 the one before",
    low=1,
    high=12,  # a family may have fewer layers
    a1111="Clip skip",
    comfyui="CLIPSetLastLayer.stop_at_clip_layer",  # as a negative number
    spellings=("clip", "skip"),
)
ASSIST = Parameter(
    name="assist",
    section="request",
    sentence="Whether I find more words: on, off, or auto for short wishes",
    as_setting="Whether I find more words for your wishes",
    in_terminal="find words",
    spellings=("润色",),
)
STYLE = TextParameter(
    name="style",
    section="request",
    sentence="A style from the library",
    as_setting="The style of your pictures",
    in_terminal="a style of the library",
    spellings=("风格",),
)
LORA = TextParameter(
    name="lora",
    section="recipe",
    field="adapters",
    sentence="LoRAs to put on it and how strongly, such as: ink:0.8, sketch:0.5",
    in_terminal="a LoRA to put on it, and how strongly; as often as there are LoRAs",
    longest=400,
    comfyui="LoraLoader.lora_name",
)
VAE = TextParameter(
    name="vae",
    section="recipe",
    field="vae",
    sentence="What turns the drawing into pixels: a VAE from the list, or the model's own",
    as_setting="What turns drawings into pixels: a VAE from the list, or the model's own",
    in_terminal="one of `models`, or own: the checkpoint's",
    a1111="VAE",
    comfyui="VAELoader.vae_name",
)
PRESET = TextParameter(
    name="preset",
    section="request",
    sentence="A preset: settings that were saved by a name, yours or shared; none: without",
    longest=50,
    spellings=("预设",),
)

FRAMES = WholeParameter(
    name="frames",
    section="motion",
    field="frames",
    sentence="How many frames a clip has",
    low=2,
    high=MAX_FRAMES,  # a family draws fewer
    comfyui="EmptyHunyuanLatentVideo.length",
    spellings=("length", "帧", "帧数"),
)
FPS = AmountParameter(
    name="fps",
    section="motion",
    field="fps",
    sentence="How many frames a second it is played at",
    low=1.0,
    high=120.0,
    comfyui="CreateVideo.fps",
    spellings=("frame_rate", "帧率"),
)
PASSES = WholeParameter(
    name="passes",
    section="second",
    field="passes",
    sentence="1, or 2: drawn at half the size first, then once more at all of it",
    low=1,
    high=2,
    spellings=("遍数",),
)
SECONDS = AmountParameter(
    name="seconds",
    section="sound",
    field="seconds",
    sentence="How long it is, in seconds",
    low=0.1,
    high=MAX_SECONDS,  # a family makes less
    comfyui="EmptyLatentAudio.seconds",
    spellings=("duration", "秒", "时长"),
)
LYRICS = TextParameter(
    name="lyrics",
    section="sound",
    field="lyrics",
    sentence="What is sung, line by line",
    longest=4000,
    comfyui="TextEncodeAceStepAudio.lyrics",
    spellings=("歌词",),
)
BPM = WholeParameter(
    name="bpm",
    section="sound",
    field="bpm",
    sentence="How fast the music is, in beats a minute",
    low=SLOWEST_BPM,
    high=FASTEST_BPM,
    spellings=("tempo", "速度"),
)
KEY = TextParameter(
    name="key",
    section="sound",
    field="key",
    sentence="The key of the music, such as: C major",
    longest=20,
    spellings=("keyscale", "调性"),
)
METER = TextParameter(
    name="meter",
    section="sound",
    field="meter",
    sentence="How many beats a bar has: 2, 3, 4 or 6",
    longest=10,
    spellings=("time_signature", "拍号"),
)
TEMPERATURE = AmountParameter(
    name="temperature",
    section="dice",
    field="temperature",
    sentence="How freely each token is thrown: 0 takes the likeliest",
    low=0.0,
    high=5.0,
    spellings=("温度",),
)
TOP_K = WholeParameter(
    name="top_k",
    section="dice",
    field="top_k",
    sentence="Among how many tokens, the likeliest, it is thrown: 0 means all",
    low=0,
    high=10_000,
)
RESOLUTION = WholeParameter(
    name="resolution",
    section="form",
    field="resolution",
    sentence="How finely the surface of a form is looked for",
    low=8,
    high=512,  # a family's models less
    comfyui="VAEDecodeHunyuan3D.octree_resolution",
    spellings=("octree_resolution", "分辨率"),
)

PARAMETERS: dict[str, Parameter] = {
    row.name: row
    for row in (
        *(PROMPT, NEGATIVE, IMAGE, DENOISE, MODEL, SIZE, WIDTH, HEIGHT, COUNT, STEPS, CFG),
        *(IMAGE_CFG, GUIDANCE, SHIFT, SAMPLER, SCHEDULER, SEED, CLIP_SKIP, ASSIST, STYLE, LORA),
        *(VAE, BEST_OF, PRESET),
        *(FRAMES, FPS, PASSES, SECONDS, LYRICS, BPM, KEY, METER, RESOLUTION, TEMPERATURE, TOP_K),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignParameter:
    """What another program's prompts say, and nothing here does as it does there."""

    spellings: tuple[str, ...]
    takes: str = "number"  # what follows it: "number", "word", "code" with a digit in it, or ""
    nearest: str = ""  # the parameter that comes nearest; empty: none does
    values: tuple[str, ...] = ()  # only with one of these it is that; () any
    program: str = "Midjourney"


FOREIGN = (
    ForeignParameter(spellings=("stylize", "s"), nearest="style"),
    ForeignParameter(spellings=("chaos", "c"), nearest="count"),
    ForeignParameter(spellings=("weird",)),
    ForeignParameter(spellings=("iw",), nearest="denoise"),
    ForeignParameter(spellings=("quality", "q"), nearest="steps"),
    ForeignParameter(spellings=("stop",), nearest="steps"),
    ForeignParameter(spellings=("version", "v", "niji"), nearest="model"),
    ForeignParameter(
        spellings=("style",),
        takes="word",
        values=("raw", "cute", "scenic", "expressive", "original", "4a", "4b", "4c"),
        nearest="assist",
    ),
    ForeignParameter(spellings=("raw",), takes="", nearest="assist"),
    ForeignParameter(spellings=("hd",), takes="", nearest="size"),
    ForeignParameter(spellings=("sref", "cref", "oref", "dref"), takes="word"),
    ForeignParameter(spellings=("sw", "cw", "ow", "sv", "exp")),
    ForeignParameter(spellings=("profile", "personalize", "p"), takes="code"),
    ForeignParameter(spellings=("motion",), takes="word", values=("low", "high")),
    ForeignParameter(
        spellings=(
            *("tile", "video", "loop", "draft", "fast", "relax", "turbo", "stealth", "public"),
            *("uplight", "upbeta", "upanime", "test", "testp", "creative", "sameseed"),
        ),
        takes="",
    ),
)

"""What the assistant tells the person, in one line, in their language."""

from __future__ import annotations

_TEXTS = {
    "en": {
        "no writer": "No prompt assistant here: your own words were used unchanged.",
        "failed": "The prompt assistant failed ({why}): your own words were used unchanged.",
        "unusable": "The prompt assistant's answer was unusable ({why}): "
        "your own words were used unchanged.",
        "declined": "The prompt assistant's answer was not allowed here: "
        "your own words were used unchanged.",
        "spare": "The language model was of no help ({why}): the built-in assistant wrote.",
        "unusable answer": "its answer was unusable: {why}",
        "declined answer": "its answer was not allowed here",
        "lossy answer": "it left out words of yours",
        "dull answer": "it added nothing to your words",
        "long": "Your wish is a full prompt already, and was used unchanged.",
        "empty": "There were no words to work with.",
        "positive": "This model takes no negative prompt: {pairs}.",
        "left out": "This model cannot be told what to leave out: "
        "{things} could only be left unsaid.",
        "quoted": "“{what}”",
        "ignored": "This model takes no negative prompt: yours has no effect.",
        "options": "Left out: {options}; options of other programs are not read in words.",
        "became": "“{what}” became “{into}”",
        "style": "This model cannot draw the style {style}; it was left out.",
        "budget": "Your own words are longer than the {tokens} tokens that this model reads well.",
        "styles": "These proposals differ in style.",
        "left": "Left as written: {words}.",
        "left and more": "Left as written: {words} and {more} more.",
    },
    "zh": {
        "no writer": "这里没有提示词助手：已原样使用你的文字。",
        "failed": "提示词助手没有回答（{why}）：已原样使用你的文字。",
        "unusable": "提示词助手的回答无法使用（{why}）：已原样使用你的文字。",
        "declined": "提示词助手的回答在这里不被允许：已原样使用你的文字。",
        "spare": "语言模型没有帮上忙（{why}）：由内置助手代笔。",
        "unusable answer": "它的回答无法使用：{why}",
        "declined answer": "它的回答在这里不被允许",
        "lossy answer": "它漏掉了你的一些字",
        "dull answer": "它没有为你的文字增添内容",
        "long": "你的文字已经是完整的提示词，已原样使用。",
        "empty": "没有可用的文字。",
        "positive": "这个模型不支持反向提示词：{pairs}。",
        "left out": "这个模型无法被告知不画什么：{things}只能略去不提。",
        "quoted": "“{what}”",
        "ignored": "这个模型不支持反向提示词：你的反向提示词不起作用。",
        "options": "已略去 {options}：文字里不读其他程序的选项。",
        "became": "“{what}”改写为“{into}”",
        "style": "这个模型画不出“{style}”风格，已略去。",
        "budget": "你的文字超过了这个模型能读好的 {tokens} 个词元。",
        "styles": "这些方案的风格各不相同。",
        "left": "未能翻译，按原样保留：{words}。",
        "left and more": "未能翻译，按原样保留：{words} 等，另有 {more} 个。",
    },
}


def note(name: str, locale: str, **facts: object) -> str:
    """The line of that name; English where the locale has none."""
    texts = _TEXTS["zh" if locale.lower().startswith("zh") else "en"]
    return texts[name].format(**facts)


def joined(*lines: str) -> str:
    """One line out of several."""
    return " ".join(dict.fromkeys(line for line in lines if line))

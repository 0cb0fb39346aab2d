"""How much of ComfyUI's official templates is read as they say it, as workflows and as prompts.

comparing.py   what was read of a template, beside what it says
__main__.py    the percentages, and each difference
"""

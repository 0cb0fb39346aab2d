"""ComfyUI's prompts and workflows, read into a draft.

json_values.py   JSON as ComfyUI writes it, within bounds
graph.py         a prompt: nodes by their ids, each with values and links
workflow.py      a workflow of the editor, as it is stored: graphs within graphs
widgets.py       which values stand in which order (widgets.toml)
dynamic.py       {a|b} and comments in prompts
flattening.py    a workflow -> a prompt, as the editor does when it is run
sources.py       where a link of a workflow begins, past all that is no node to the server
values.py        what a link gives, where it is a number, a text or a switch
arithmetic.py    formulas that people write into nodes
walking.py       what lies upstream of a node; which sampler is meant
sampling.py      samplers -> how it was sampled
conditioning.py  conditioning -> words, pictures that are looked at, networks that look
canvas.py        latents -> size, and the picture that it began with
loaders.py       loaders -> files that are wanted, with their strengths and addresses
reading.py       a file's texts -> what was read
"""

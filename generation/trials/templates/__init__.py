"""Which of ComfyUI's official templates become a recipe that is drawn here, and why others do not.

truth.py      what a template says: its files, its samplers, its nodes
table.toml    what its families, nodes and formats of files are called here
judging.py    a template -> a recipe whose parameters are the template's, or what it lacks
__main__.py   the table
"""

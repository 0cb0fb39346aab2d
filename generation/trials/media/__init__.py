"""Whether whatever our own models make, of all four media, is made again to the last bit.

recipes.py    what is asked for, and of which pictures, clips and sounds: by dice
ways.py       made once, then again: elsewhere, paused, from the file, after a death
__main__.py   the table
"""

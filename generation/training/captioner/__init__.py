"""Trains the captioner that ships: it says what a picture of the starter's world shows, or cannot.

sights.py     what there is to say of a picture, and pictures of it
strangers.py  pictures of what is not of that world
looks.py      what files and models do to pictures on their way
train.py      python -m generation.training.captioner.train
evaluate.py   python -m generation.training.captioner.evaluate
"""

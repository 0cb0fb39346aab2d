"""Trains the upscaler that ships: pictures drawn here are halved, and it learns the way back.

data.py      pairs of crops: a picture and its half
train.py     python -m generation.training.upscaler.train
"""

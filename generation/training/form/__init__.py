"""Trains the 3D model that ships: a small Shap-E that forms solids in asked colours and sizes.

solids.py     the solids as formulas: how far each point of space is from their surface
wishes.py     what people ask for, and what of it is kept for the judge
triangles.py  the marching-cubes table that the renderer's file must hold
fields.py     a solid as latents, and the renderer that turns latents into a field
text.py       the tokenizer and the text encoder
prior.py      the denoiser: latents from words
judge.py      what a mesh is, by the formulas alone
export.py     the model folder
train.py      python -m generation.training.form.train all
evaluate.py   python -m generation.training.form.evaluate --count 100
"""

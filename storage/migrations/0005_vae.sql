-- The VAE that a person's pictures are decoded with; NULL: the model's own, or its card's.
ALTER TABLE preferences ADD COLUMN vae TEXT;

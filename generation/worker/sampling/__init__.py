"""From noise to latents, whatever predicts: samplers in one grammar."""

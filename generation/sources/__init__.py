"""Where models come from: Hugging Face, ModelScope, CivitAI, a file of this machine."""

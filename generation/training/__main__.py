"""Teaches a checkpoint something small, from a folder of pictures.

    python -m generation.training lora --data FOLDER --model CHECKPOINT --out it.safetensors

Invariant: a run goes on where it stopped, and the file that it writes is the same bytes.
"""

from generation.training.adapters.commands import main

if __name__ == "__main__":
    main()

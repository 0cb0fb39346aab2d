"""The built-in assistant: its weights (`assistant.gguf`), and the programs that made them."""

"""The engine under `redact`, `secrets` and `tokenize`: what stands in a text, and what is put in its place."""

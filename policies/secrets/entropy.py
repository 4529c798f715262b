"""How random a text is. Never a reason by itself: only beside a word that says what the text is."""

from __future__ import annotations

from math import log2


def entropy(text: str) -> float:
    """Shannon entropy of its characters, in bits per character, 0 for an empty one. For short texts."""
    shares = [text.count(char) / len(text) for char in set(text)]
    return -sum(share * log2(share) for share in shares)

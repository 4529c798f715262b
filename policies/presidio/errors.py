"""What may go wrong while Presidio looks at a text. No message holds a text: only recognizers' and types' names."""

from __future__ import annotations


class RecognitionError(Exception):
    """A recognizer or a model failed: nothing it has found may count as all there is."""


class RecognitionTimeError(RecognitionError):
    """A pattern, a recognizer or a whole result took too long."""

"""Reversible tokens without state: a value is sealed into what stands for it, and the tools that may have it get it.

`layout` is the format, `tokens` makes and opens, `scopes` and `flows` say for whom and where, `spans` finds tokens in
texts, `opening` opens those of a call, `ring` keeps the keys.
"""

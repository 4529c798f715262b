"""Presidio behind the engine's `Finder`: its recognizers, the users' own, and models that are installed.

Importing this package, `config` and `gate` costs nothing of Presidio: only `loading.load` imports it.
"""

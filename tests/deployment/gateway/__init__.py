"""Gateways and operations: the deployer's verbs around a runtime that is there."""

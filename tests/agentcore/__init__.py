"""AgentCore on loopback: an emulator, and what is tested against it."""

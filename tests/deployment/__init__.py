"""The deployer, against the emulator."""

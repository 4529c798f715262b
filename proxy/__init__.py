"""The I/O half: doors, exchange, catalog, upstream, outbound auth, telemetry and the command line."""

VERSION = "0.1.0"

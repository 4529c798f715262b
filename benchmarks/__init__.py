"""CPU per call of the proxy against comparators: `python -m benchmarks`."""

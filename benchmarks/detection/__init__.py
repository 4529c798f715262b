"""What detection finds, what it spares and what it costs: `python -m benchmarks.detection`. All values are made up."""

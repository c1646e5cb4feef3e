"""erlen measured beside Flask and its peers: ``make bench``, or ``python -m benchmarks.inproc``."""

"""Benchmarks: each beside a floor of bare libraries, as a ratio in one run; `make bench`."""

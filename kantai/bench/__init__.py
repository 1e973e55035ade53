"""Benchmarks: one file a question, each answered by ratios within one run."""

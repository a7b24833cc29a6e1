"""A chain of five steps that pass 100 MB, for cache_overhead.py."""

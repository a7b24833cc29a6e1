"""The disk cache: results as digested arrays under their keys."""

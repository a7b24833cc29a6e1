"""The built-in kinds of nodes; importing this package registers them."""

from nodes import compare, crop, export, load, load_psf, make_psf, resize, simulate

__all__ = ["compare", "crop", "export", "load", "load_psf", "make_psf", "resize", "simulate"]

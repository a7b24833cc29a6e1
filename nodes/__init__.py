"""The built-in kinds of nodes; importing this package registers them."""

from nodes import (
    compare,
    crop,
    deconvolve,
    estimate_psf,
    export,
    load,
    load_psf,
    make_psf,
    resize,
    resize_psf,
    simulate,
)

__all__ = [
    "compare",
    "crop",
    "deconvolve",
    "estimate_psf",
    "export",
    "load",
    "load_psf",
    "make_psf",
    "resize",
    "resize_psf",
    "simulate",
]

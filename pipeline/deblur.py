"""The usual graph without YAML: what ``unblur deblur`` runs.

::

    photo -> sample -> psf
    photo + psf -> sharp -> result

Nodes bear the names that the README's YAML gives them; what is wrong with a value is told with
the option that it came from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.document import Document, Origin, Place, parse_option
from pipeline.errors import ConfigError, Fault, NodeError
from pipeline.node import Json

_PLACE = re.compile(r"\s*(\d+)\s*,\s*(\d+)\s*")


@dataclass(frozen=True, slots=True)
class Task:
    """What was asked for on the command line.

    Attributes
    ----------
    photo, output : Path
    blur : str
        Side of the PSF, pixels, or ``auto``: found out.
    at : str or None
        Middle of the sample window, ``X,Y``; None: found out.
    sample : int
        Side of the sample window, pixels.
    priority : float
    quality : str
    psf_file : Path or None
        Where to write the PSF, if at all.
    """

    photo: Path
    output: Path
    blur: str = "auto"
    at: str | None = None
    sample: int = 255
    priority: float = 0.0
    quality: str = "normal"
    psf_file: Path | None = None


class OptionDocument(Document):
    """A document made from options: places in it mean nothing to the user, options do."""

    def fault(self, place: Place, message: str) -> Fault:
        """Name what is wrong with an option."""
        return replace(super().fault(place, message), where="")


def deblur_document(task: Task) -> Document:
    """Write the configuration that a task stands for.

    Raises
    ------
    ConfigError
        If `task.at` is no place.
    """
    command = f"unblur deblur {task.photo}"
    document = OptionDocument({"version": 1, "nodes": _nodes()}, {(): Origin(command)})
    _put(document, "photo.path", str(task.photo), command)
    _put(document, "sample.center", _center(task.at), f"--at {task.at}")
    _put(document, "sample.size", task.sample, f"--sample {task.sample}")
    _put(document, "psf.size", parse_option(task.blur), f"--blur {task.blur}")
    _put(document, "sharp.priority", task.priority, f"--priority {task.priority:g}")
    _put(document, "sharp.quality", task.quality, f"--quality {task.quality}")
    _put(document, "result.path", str(task.output), f"-o {task.output}")
    if task.psf_file is not None:
        document.put(("nodes", "psf_file"), {"kind": "export", "inputs": {"psf": "psf"}}, command)
        _put(document, "psf_file.path", str(task.psf_file), f"--psf {task.psf_file}")
    return document


def told_with_option(error: NodeError, task: Task) -> Exception:
    """Blame a window that leaves the picture on the option that placed it."""
    if error.node != "sample" or task.at is None or not isinstance(error.__cause__, ValueError):
        return error
    return ConfigError([Fault(0, "", str(error.__cause__), f"--at {task.at}")])


def _nodes() -> dict[str, Json]:
    return {
        "photo": {"kind": "load"},
        "sample": {"kind": "crop", "inputs": {"image": "photo"}},
        "psf": {"kind": "estimate_psf", "inputs": {"image": "sample"}},
        "sharp": {"kind": "deconvolve", "inputs": {"image": "photo", "psf": "psf"}},
        "result": {"kind": "export", "inputs": {"image": "sharp"}},
    }


def _put(document: Document, parameter: str, value: Json, source: str) -> None:
    document.put(("nodes", *parameter.split(".")), value, source)


def _center(at: str | None) -> Json:
    if at is None:
        return "auto"
    match = _PLACE.fullmatch(at)
    if match is None:
        message = "is no place in the picture. Use X,Y in pixels, say --at 1200,800."
        raise ConfigError([Fault(0, "", message, f"--at {at}")])
    return [int(match[1]), int(match[2])]

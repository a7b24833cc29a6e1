"""Arguments and options of the command line that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

ConfigFile: TypeAlias = Annotated[Path, typer.Argument(metavar="CONFIG", help="YAML file.")]
Changes: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NODE.PARAM=VALUE", help="Change a parameter; repeatable."),
]
CacheFolder: TypeAlias = Annotated[
    Path | None, typer.Option("--cache", metavar="DIR", help="Cache folder of this run.")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
HtmlFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE.html", help="Write how it went, with the PSFs found."),
]
Until: TypeAlias = Annotated[
    str | None, typer.Option("--until", metavar="NODE", help="Run what this node needs, no more.")
]
Shown: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--until", metavar="NODE", help="The picture to see; default: all that are exported."
    ),
]
Width: TypeAlias = Annotated[
    int, typer.Option(min=16, metavar="PIXELS", help="Of the preview; no picture is made larger.")
]
PreviewFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help=".png, .jpg or .tif; default: NAME.preview.png beside what the graph exports.",
    ),
]
Force: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--force", metavar="NODE", help="Run this node again; repeatable."),
]
Workers: TypeAlias = Annotated[
    str | None, typer.Option(metavar="N", help="Threads; default: auto, the cores there are.")
]
Memory: TypeAlias = Annotated[
    str | None, typer.Option(metavar="SIZE", help="Budget, say 2GiB; default: half of the free.")
]

Photo: TypeAlias = Annotated[
    Path, typer.Argument(metavar="PHOTO", help="TIFF, PNG or JPEG file; it stays as it is.")
]
Output: TypeAlias = Annotated[
    Path,
    typer.Option("-o", "--output", metavar="OUT", help="File to write: .tif, .png or .jpg."),
]
BlurSize: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="PIXELS",
        help="A bit more than the blur measures, odd, 3 to 65; auto: found out.",
    ),
]
Place: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="X,Y",
        help="Where to measure the blur, pixels, x to the right, y down; default: found out.",
    ),
]
SampleSize: TypeAlias = Annotated[
    int, typer.Option(metavar="PIXELS", help="Side of the window that the blur is measured on.")
]
Priority: TypeAlias = Annotated[
    float, typer.Option(help="-1 least noise ... 0 balance ... 1 most sharpness.")
]
Quality: TypeAlias = Annotated[str, typer.Option(help="fast, normal or clean.")]
PsfFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--psf", metavar="FILE", help="Write the blur that was found too: .png, .tif or .npy."
    ),
]

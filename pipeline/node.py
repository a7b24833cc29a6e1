"""What a node is: typed ports, parameters, and the values that travel between nodes.

A node kind is a class::

    @register("crop")
    class Crop(Node):
        '''Cut a window out of a picture.'''

        class Params(NodeParams):
            size: int = Field(255, ge=1, description="side of the window, pixels")

        inputs = {"image": Port("image")}
        output = "image"

        def run(self, params, inputs, context): ...

Everything that a node needs from its surroundings (threads, memory, a place for a picture too
large for memory, a progress bar) it asks from its `Context`.
"""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol, TypeAlias, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import DTypeLike, NDArray

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
PortType = Literal["image", "psf", "mask", "metrics", "file"]
Region: TypeAlias = tuple[slice, ...]


class Array(Protocol):
    """A numpy array, or one on disk that reads what is asked of it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""

    def __getitem__(self, region: Region, /) -> NDArray[Any]: ...


class WritableArray(Array, Protocol):
    """An array that takes its chunks one by one, from any thread.

    Each chunk is written once, whole: a region starts at multiples of `chunks` and ends at one
    or at the array's own end. A written region may be read back before the array is complete.
    """

    @property
    def chunks(self) -> tuple[int, ...]:
        """Length of a chunk along each axis; those at the end may be shorter."""

    def __setitem__(self, region: Region, block: NDArray[Any], /) -> None: ...

    def is_written(self, region: Region) -> bool:
        """Whether a region has all its values already, from an earlier run that was cut short.

        A node that takes long asks this before each part of its work, and leaves out what is
        there. What it finishes after the first question is kept if it is stopped or killed.
        Only whole chunks are; writing one of them again is allowed. Safe from any thread.
        """


@dataclass(frozen=True, slots=True)
class Value:
    """What travels along an edge of the graph, and what the cache keeps.

    Attributes
    ----------
    type : PortType
        ``image``: arrays["pixels"] (height, width, channel) float32 linear light, not clipped.
        ``psf``: arrays["psf"] (height, width) or (height, width, channel) float32, odd sides,
        each channel sums to 1. ``mask``: arrays["mask"] (height, width) float32 in 0..1.
        ``metrics``: no array. ``file``: no array, what an export wrote.
    arrays : mapping of str to Array
    facts : mapping of str to Json
        What later nodes need to know of it, such as the encoding of the file it came from.
    details : mapping of str to Json
        What the node learnt, for the report and ``--json``. Never read by another node.
    """

    type: PortType
    arrays: Mapping[str, Array] = field(default_factory=dict)
    facts: Mapping[str, Json] = field(default_factory=dict)
    details: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Port:
    """An input of a node.

    Attributes
    ----------
    type : PortType
    optional : bool
        Whether it may be left open.
    arrays : tuple of str, optional
        The arrays that the node reads. Then it gets no others and no facts, and what changes in
        those does not run it again. By default it gets everything.
    passes : bool
        Whether what the node does not read goes along with its result, as it is: the other
        arrays and all facts. Of one port at the most.
    """

    type: PortType
    optional: bool = False
    help: str = ""
    arrays: tuple[str, ...] | None = None
    passes: bool = False

    def __post_init__(self) -> None:
        if self.passes and self.arrays is None:
            raise ValueError("a port that passes on what is not read must name what is: arrays.")


class Context(Protocol):
    """What a running node may ask from its surroundings."""

    @property
    def workers(self) -> int:
        """Threads that the node may use."""

    @property
    def memory(self) -> int:
        """Bytes that the node may hold at one time."""

    def new_array(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: DTypeLike = "float32",
        *,
        passing: bool = False,
        chunks: tuple[int, ...] | None = None,
    ) -> WritableArray:
        """Make an array of the node's result that need not fit in memory.

        `chunks` are the sides of what will be written at a time, where the store's own choice does
        not suit; their size is part of the result's digest.
        One that is passing is no part of the result: it holds what the node needs to go on after
        it was stopped or killed, see `WritableArray.is_written`.
        """

    def progress(self, done: float, total: float) -> None:
        """Tell how far the node is; safe from any thread."""

    def warn(self, message: str) -> None:
        """Tell the user something that does not stop the run."""

    def note(self, message: str) -> None:
        """Tell the user something that is as it should be, such as why it takes longer now."""

    def check_cancelled(self) -> None:
        """Raise `Cancelled` if the user asked to stop; call it at least once a second."""


class NodeParams(BaseModel):
    """Base of every node's parameters: frozen, unknown keys and NaN refused."""

    # Most kinds are not used in a run: theirs are built by nobody.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


@dataclass(frozen=True, slots=True)
class FileRole:
    """Marks a parameter as a path: of a file that is read, or of one that is written."""

    role: Literal["input", "output"]


_PACKAGE = "package:"


def _resolve(path: Path, info: ValidationInfo) -> Path:
    """Start relative paths from the file, or from the shell's folder if they came from there."""
    context = info.context or {}
    base = Path() if info.field_name in context.get("from_shell", ()) else context.get("base", "")
    return Path(base, path.expanduser())


def _resolve_input(path: Path, info: ValidationInfo) -> Path:
    """Resolve a path; ``package:NAME/...`` is a file that an installed package carries."""
    if not str(path).startswith(_PACKAGE):
        return _resolve(path, info)
    name, _, inner = str(path).removeprefix(_PACKAGE).partition("/")
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f'got "{path}", but no package {name} is installed. Install it.')
    return Path(spec.submodule_search_locations[0], inner)


InputPath = Annotated[Path, AfterValidator(_resolve_input), FileRole("input")]
"""A file that is read. Its content, not its path, is part of the keys."""

OutputPath = Annotated[Path, AfterValidator(_resolve), FileRole("output")]
"""A file that is written. Its ending, which chooses the format, is part of the keys."""


class Node(ABC):
    """A kind of node. Instances hold no state; `run` must depend on its arguments only.

    Attributes
    ----------
    kind : str
        Its name in YAML; set by `pipeline.registry.register`.
    Params : type of NodeParams
    inputs : mapping of str to Port
    exactly_one_of : tuple of str
        Optional ports of which one, and only one, must be joined.
    output : PortType
    cached : bool
        Whether the result is kept unless the configuration says otherwise.
    """

    kind: ClassVar[str]
    Params: ClassVar[type[NodeParams]]
    inputs: ClassVar[Mapping[str, Port]] = {}
    exactly_one_of: ClassVar[tuple[str, ...]] = ()
    output: ClassVar[PortType]
    cached: ClassVar[bool] = True

    @classmethod
    def misfits(cls, params: Any, joined: Collection[str]) -> Iterable[tuple[str, str]]:
        """Say which parameters don't suit the ports that are joined: (name, message) of each."""
        return ()

    @classmethod
    def at_scale(cls, params: Any, factor: float) -> Any:
        """Give the parameters that do the same to a picture of `factor` times the size.

        PSFs that are joined are scaled along.
        """
        return params

    @abstractmethod
    def run(self, params: Any, inputs: Mapping[str, Value], context: Context) -> Value:
        """Compute the node's result; `inputs` holds the ports that are joined.

        Raises
        ------
        ValueError, OSError
            With a message for the user; the runner adds the node's name.
        """


def file_fields(params: type[NodeParams], role: Literal["input", "output"]) -> list[str]:
    """Names of the parameters that are paths of files read (or written)."""
    return [
        name
        for name, info in params.model_fields.items()
        if FileRole(role) in info.metadata or FileRole(role) in _marks(info.annotation)
    ]


def _marks(annotation: Any) -> Iterator[Any]:
    """Yield the marks of an annotation and of a union's members, as in ``InputPath | None``."""
    yield from getattr(annotation, "__metadata__", ())
    for member in get_args(annotation):
        yield from _marks(member)

"""A graph rewritten for screen size: the same picture, small, with the blur measured as it is.

What a PSF is made from runs at full size, since nobody can measure in a small picture what the
blur of the large one is; most of it is in the cache anyway. Where a picture or a PSF goes from
there to what follows, it is made smaller::

    load -> crop -> estimate_psf            load -> crop -> estimate_psf -> resize_psf -.
      '---------------. |           becomes   '---> resize ----------> deconvolve <-----'
                  deconvolve -> export                                     '-> export

Metrics and PSFs are no picture to look at: nodes for these alone are left out.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cache.store import Store, StoreError
from pipeline.config import Config, NodeSpec
from pipeline.document import Document
from pipeline.errors import CacheError, ConfigError, Fault, usage_error
from pipeline.graph import Graph, build_graph, in_order, upstream
from pipeline.node import Json
from pipeline.plan import Wishes
from pipeline.registry import kinds
from pipeline.runner import RunOutcome
from pipeline.session import Session
from pipeline.validation import validate

_ENDING = ".preview.png"
_LEAST_SCALE = 1e-3
_RESIZERS = {"image": "resize", "psf": "resize_psf"}


@dataclass(frozen=True, slots=True)
class Preview:
    """What a preview is made of.

    Attributes
    ----------
    config : Config
        The graph at full size.
    shown : mapping of str to Path
        The pictures to see, and where each is written if nothing else is said.
    small : tuple of str
        Nodes that make pictures at screen size, each after what it needs.
    """

    config: Config
    shown: Mapping[str, Path]
    small: tuple[str, ...]

    @classmethod
    def of(cls, config: Config, graph: Graph, until: str | None) -> Preview:
        """Find out what has to run, and at which size.

        Parameters
        ----------
        config : Config
        graph : Graph
            Of `config`.
        until : str, optional
            A node whose picture is to be seen; by default all that are exported.

        Raises
        ------
        ConfigError
            If there is no picture to look at.
        """
        shown = _shown(config, until)
        if not shown and until is None:
            message = "exports no picture. Add an export, or name a picture with --until."
            raise usage_error(config.source, message)
        if not shown:
            message = "is no picture. Name a node that makes or exports one."
            raise usage_error(f"--until {until}", message)
        needed = {name for picture in shown for name in upstream(graph, picture)}
        measured = {
            name
            for blur in needed
            if config.nodes[blur].cls.output == "psf" or not graph.sources[blur]
            for name in upstream(graph, blur)
        }
        small = tuple(name for name in in_order(graph) if name in needed - measured)
        return cls(config, shown, small)

    @property
    def large(self) -> frozenset[str]:
        """Pictures at full size of which those at screen size are made."""
        specs = [self.config.nodes[name] for name in self.small]
        joined = {source for spec in specs for source in spec.inputs.values()}
        joined.update(self.shown)
        pictures = {name for name in joined if self.config.nodes[name].cls.output == "image"}
        return frozenset(pictures.difference(self.small))

    def at_full_size(self) -> Config:
        """Configure what has to run before the scale is known: the `large` pictures."""
        graph = Graph.of(self.config.nodes)
        names = {name for large in self.large for name in upstream(graph, large)}
        return _with_nodes(
            self.config, {name: self.kept(name) for name in self.config.nodes if name in names}
        )

    def kept(self, name: str) -> NodeSpec:
        """Give a node as it is; if it makes a large picture, kept for the second run."""
        spec = self.config.nodes[name]
        return replace(spec, cached=True) if name in self.large else spec

    def at_scale(self, factor: float, output: Path | None) -> Config:
        """Configure the preview.

        Parameters
        ----------
        factor : float
            Size of the preview as a multiple of the picture's, above 0, at most 1.
        output : Path, optional
            What to write; by default beside the export, or the configuration.

        Raises
        ------
        ConfigError
            If the output can't be what is asked for.
        """
        rewriting = _Rewriting(self, factor)
        for name in self.small:
            rewriting.add_small(name)
        joints = {picture: rewriting.joint(picture) for picture in self.shown}
        exports = self._exports(joints, output)
        return _with_nodes(exports, {**rewriting.specs, **exports.nodes})

    def check(self, output: Path | None) -> None:
        """Raise `ConfigError` if an output is none, or would overwrite what the graph knows."""
        if output is not None and len(self.shown) > 1:
            names = ", ".join(self.shown)
            message = f"is one file for {names}. Choose one of them with --until."
            raise usage_error(f"-o {output}", message)
        exports = self._exports({picture: picture for picture in self.shown}, output)
        build_graph(_with_nodes(exports, {**self.config.nodes, **exports.nodes}))

    def _exports(self, joints: Mapping[str, str], output: Path | None) -> Config:
        """Configure the nodes that write the previews."""
        written = self.config.document
        document = Document(copy.deepcopy(written.data), dict(written.origins))
        faults: list[Fault] = []
        cls, exports = kinds()["export"], {}
        for picture, beside in self.shown.items():
            name = _fresh(f"{picture}_preview", self.config.nodes)
            own: dict[str, Json] = {"path": str(output or beside), "bit_depth": 8}
            if output is not None:
                document.put(("nodes", name, "path"), own["path"], f"-o {output}")
            context = {"from_shell": ("path",)}
            params = validate(cls.Params, own, document, ("nodes", name), faults, context)
            if params is not None:
                inputs = {"image": joints[picture]}
                exports[name] = NodeSpec(name, cls, inputs, params, cls.cached)
        if faults:
            raise ConfigError(faults)
        return _with_nodes(replace(self.config, document=document), exports)


class _Rewriting:
    """The nodes of a preview, as far as they are there."""

    def __init__(self, preview: Preview, factor: float) -> None:
        self._preview = preview
        self._nodes = preview.config.nodes
        self._graph = Graph.of(self._nodes)
        self._factor = factor
        self.specs: dict[str, NodeSpec] = {}

    def add_small(self, name: str) -> None:
        """Add a node that works at screen size."""
        spec = self._nodes[name]
        inputs = {port: self.joint(source) for port, source in spec.inputs.items()}
        params = spec.cls.at_scale(spec.params, self._factor)
        self.specs[name] = replace(spec, inputs=inputs, params=params)

    def joint(self, source: str) -> str:
        """Name the node that gives what `source` gives, at screen size."""
        if source in self._preview.small:
            return source
        for name in upstream(self._graph, source):
            self.specs.setdefault(name, self._preview.kept(name))
        resizer = _RESIZERS.get(self._nodes[source].cls.output)
        if resizer is None or self._factor >= 1:
            return source
        name = _fresh(f"{source}_small", self._nodes)
        if name not in self.specs:
            cls = kinds()[resizer]
            params = cls.Params.model_validate({"scale": self._factor})
            port = next(iter(cls.inputs))
            self.specs[name] = NodeSpec(name, cls, {port: source}, params, cls.cached)
        return name


def _shown(config: Config, until: str | None) -> dict[str, Path]:
    """Find the pictures to see, and where each is written; none if `until` makes no picture."""
    exported: dict[str, Path] = {}
    for name, spec in config.nodes.items():
        if spec.cls.output == "file" and "image" in spec.inputs and until in (None, name):
            for _, path in spec.paths("output"):
                exported.setdefault(spec.inputs["image"], path.with_suffix(_ENDING))
    if until is not None and config.nodes[until].cls.output == "image":
        source = Path(config.source).absolute()
        return {until: source.with_name(until + _ENDING)}
    return exported


def _fresh(name: str, taken: Collection[str]) -> str:
    while name in taken:
        name += "_"
    return name


def make_preview(
    session: Session, width: int, until: str | None, output: Path | None, *, quiet: bool
) -> RunOutcome:
    """Run a configuration at screen size.

    Parameters
    ----------
    session : Session
        Of the graph at full size.
    width : int
        Of the largest picture in the preview, pixels; smaller ones are not made larger.
    until : str, optional
        See `Preview.of`.
    output : Path, optional
        See `Preview.at_scale`.
    quiet : bool
        See `Session.run`.

    Returns
    -------
    RunOutcome
        Of the nodes of the preview.
    """
    preview = Preview.of(session.config, session.graph, until)
    preview.check(output)
    first = _joined(session, preview.at_full_size())
    steps = first.run(Wishes(), quiet=quiet).steps
    widest = max(_width(session.store, steps[name].recipe) for name in preview.large)
    factor = min(1.0, max(_LEAST_SCALE, width / widest))
    return _joined(session, preview.at_scale(factor, output)).run(Wishes(), quiet=quiet)


def _joined(session: Session, config: Config) -> Session:
    return session.of(config, build_graph(config), "preview")


def _width(store: Store, recipe: str) -> int:
    try:
        return store.open(store.resolve(recipe) or "")["pixels"].shape[1]
    except (StoreError, ValueError) as error:  # somebody cleared the cache meanwhile
        raise CacheError(f"a result is gone that was made just now ({error}). Again.") from error


def _with_nodes(config: Config, nodes: Mapping[str, NodeSpec]) -> Config:
    return replace(config, nodes=nodes, joints=nodes, written=tuple(nodes))

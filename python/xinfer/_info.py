"""Reports as dataclasses: what models, engines, caches, builds and evaluations are."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from typing import Any, Optional

from xinfer import _core
from xinfer._errors import IncompatibleEngineError, InvalidArgumentError

Shape = tuple[int, ...]
_report = dataclasses.dataclass(frozen=True)


@_report
class Binding:
    """A named input or output. A dynamic dimension is a name in `dims`; in a model that is not built
    yet its `max` is -1."""

    name: str
    dtype: str
    dims: tuple[str, ...]
    min: Shape
    opt: Shape
    max: Shape

    @property
    def shape(self) -> Shape:
        """Dimensions with -1 where they are dynamic."""
        return tuple(int(d) if d.isdigit() else -1 for d in self.dims)


@_report
class Layer:
    """What became of one node of the model."""

    name: str
    op: str
    precision: str
    reason: str
    macs: int
    output: str
    output_dtype: str
    scale: float
    threshold: float
    clip_share: float


@_report
class Step:
    """A kernel call of an engine's plan."""

    name: str
    kind: str
    origins: tuple[str, ...]
    output_dtype: str


@_report
class StepTime:
    """Time of one step of one run."""

    name: str
    kind: str
    kernel: str
    microseconds: float


@_report
class EngineInfo:
    """What an engine holds."""

    model: str
    inputs: tuple[Binding, ...]
    outputs: tuple[Binding, ...]
    layers: tuple[Layer, ...]
    steps: tuple[Step, ...]
    targets: tuple[str, ...]
    preprocess: str
    properties: dict[str, str]
    int8_mac_share: float
    weight_bytes: int
    activation_bytes: int


@_report
class Node:
    """A node of a model as imported."""

    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    output_type: str


@_report
class ModelInfo:
    """What an ONNX file holds."""

    name: str
    opset: int
    inputs: tuple[Binding, ...]
    outputs: tuple[Binding, ...]
    nodes: tuple[Node, ...]
    weight_bytes: int
    warnings: tuple[str, ...]
    text: str


@_report
class Range:
    """A value of a calibration cache; 0 where the cache does not say."""

    name: str
    calibrator: str
    threshold: float
    scale: float
    amax: float
    min: float
    max: float
    clip_share: float


@_report
class CacheInfo:
    """What a calibration cache holds."""

    algorithm: str
    model_hash: str
    samples: int
    tensorrt: bool
    ranges: tuple[Range, ...]


@_report
class BuildReport:
    """What a build did."""

    layers: tuple[Layer, ...]
    int8_mac_share: float
    calibration_samples: int
    calibration_seconds: float
    total_seconds: float
    engine_bytes: int
    warnings: tuple[str, ...]


@_report
class Accuracy:
    """One engine on one sample set; ties go to the lower class index."""

    samples: int
    labelled: int
    top1_percent: float
    top5_percent: float
    seconds: float
    samples_per_second: float


@_report
class ValueComparison:
    """Signal-to-quantisation-noise ratio of a value against the baseline's."""

    name: str
    sqnr_db: float
    largest_difference: float


@_report
class Evaluation:
    """Accuracy of an engine, alone and against a baseline."""

    engine: Accuracy
    baseline: Optional[Accuracy]
    agreement_percent: Optional[float]
    outputs: tuple[ValueComparison, ...]
    layers: tuple[ValueComparison, ...]


def all_of(kind: type, entries: list[dict[str, Any]]) -> tuple:
    return tuple(kind(**entry) for entry in entries)


def engine_info(engine: _core.Engine) -> EngineInfo:
    return EngineInfo(
        model=engine.model_name(),
        inputs=all_of(Binding, engine.inputs()),
        outputs=all_of(Binding, engine.outputs()),
        layers=all_of(Layer, engine.layers()),
        steps=all_of(Step, engine.steps()),
        targets=tuple(engine.targets()),
        preprocess=engine.preprocess(),
        properties=dict(engine.properties()),
        int8_mac_share=engine.int8_mac_share(),
        weight_bytes=engine.weight_bytes(),
        activation_bytes=engine.activation_bytes(),
    )


def build_report(report: dict[str, Any]) -> BuildReport:
    return BuildReport(**{**report, "layers": all_of(Layer, report["layers"])})


def model_info(path: str | os.PathLike[str], free_batch: bool = False) -> ModelInfo:
    found = _core.inspect_model(pathlib.Path(path), free_batch)
    for key in ("inputs", "outputs"):
        found[key] = all_of(Binding, found[key])
    found["nodes"] = all_of(Node, found["nodes"])
    return ModelInfo(**found)


def cache_info(path: str | os.PathLike[str]) -> CacheInfo:
    found = _core.inspect_cache(pathlib.Path(path))
    return CacheInfo(**{**found, "ranges": all_of(Range, found["ranges"])})


def inspect(what: Any) -> EngineInfo | ModelInfo | CacheInfo:
    """Says what an engine, an ONNX model or a calibration cache holds.

    `what` is an Engine or a path. A path is told apart by its content: engine files carry a mark, a
    name ending in `.onnx` is a model, anything else a calibration cache.
    """
    if hasattr(what, "info"):
        return what.info()
    path = pathlib.Path(what)
    if path.suffix == ".onnx":
        return model_info(path)
    try:
        return engine_info(_core.Engine.load(path))
    except IncompatibleEngineError as no_engine:
        try:
            return cache_info(path)
        except InvalidArgumentError as no_cache:
            raise InvalidArgumentError(
                f"{path} is no ONNX model (.onnx), no engine ({no_engine}) and no calibration cache ({no_cache})"
            ) from None

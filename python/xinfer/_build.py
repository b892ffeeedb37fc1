"""Building, calibrating and evaluating."""

from __future__ import annotations

import os
import pathlib
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from xinfer import _core, _info
from xinfer._calibrator import Calibrator, as_calibrator
from xinfer._engine import Engine
from xinfer._errors import InvalidArgumentError
from xinfer._progress import Callback, as_callback

Path = str | os.PathLike[str]
Profile = tuple[Sequence[int], Sequence[int], Sequence[int]]


def _set_model(builder: _core.EngineBuilder, model: Any) -> None:
    if isinstance(model, (bytes, bytearray, memoryview)):
        builder.from_bytes(bytes(model))
    elif hasattr(model, "SerializeToString"):  # onnx.ModelProto
        builder.from_bytes(model.SerializeToString())
    elif isinstance(model, _core.Network):
        builder.from_network(model)
    else:
        builder.from_path(pathlib.Path(model))


def _model_inputs(model: Any, free_batch: bool) -> list[dict[str, Any]]:
    """The inputs, for samples that the library reads itself."""
    if isinstance(model, _core.Network):
        return model.inputs()
    if isinstance(model, (str, os.PathLike)):
        return _core.inspect_model(pathlib.Path(model), free_batch)["inputs"]
    data = model.SerializeToString() if hasattr(model, "SerializeToString") else bytes(model)
    return _core.Network.from_bytes(data)[0].inputs()


def _set_calibrator(
    builder: _core.EngineBuilder, model: Any, calibrator: Calibrator, preprocess: str, free_batch: bool
) -> None:
    if calibrator.path is None:
        builder.with_calibrator(calibrator)
        return
    if calibrator.cache is not None:
        builder.with_calibration_cache(calibrator.cache, False)
        if calibrator.cache.exists():
            builder.with_int8()
            return
    inputs = _model_inputs(model, free_batch)
    fixed = inputs[0]["max"][0] if inputs and inputs[0]["max"] else -1
    builder.with_samples(
        calibrator.path,
        preprocess=preprocess,
        batch_size=fixed if fixed > 0 else calibrator.batch_size(),
        count=calibrator.count,
        algorithm=calibrator.algorithm(),
        inputs=inputs,
    )


def _make_builder(
    model: Any,
    *,
    calib: Any,
    calibrator: str | None,
    calib_cache: Path | None,
    partial_cache: bool,
    max_batch: int | None,
    profiles: Mapping[str, Profile] | None,
    preprocess: str,
    threads: int,
    cpu_isa: str,
) -> _core.EngineBuilder:
    builder = _core.EngineBuilder()
    _set_model(builder, model)
    builder.with_threads(threads)
    builder.with_cpu_isa(cpu_isa)
    builder.with_preprocess(preprocess)
    if max_batch is not None:
        builder.with_max_batch_size(max_batch)
    for name, profile in (profiles or {}).items():
        builder.with_profile(name, *_three_shapes(name, profile))
    cached = calib_cache is not None and pathlib.Path(calib_cache).exists()
    if calib_cache is not None:
        builder.with_calibration_cache(pathlib.Path(calib_cache), partial_cache)
    if calib is not None and not cached:
        source = as_calibrator(calib)
        _set_calibrator(builder, model, source, preprocess, max_batch is not None)
    elif calib is not None or cached:
        builder.with_int8()
    if calibrator is not None:
        builder.with_calibration_algorithm(calibrator)
    return builder


def _three_shapes(name: str, profile: Any) -> list[list[int]]:
    try:
        shapes = [[int(size) for size in shape] for shape in profile]
    except (TypeError, ValueError):
        shapes = []
    if len(shapes) == 3 and not isinstance(profile, str):
        return shapes
    raise InvalidArgumentError(
        f'profiles["{name}"] is {profile!r}; needed: the smallest, the usual and the largest shape, such as '
        "((1, 3, 224, 224), (8, 3, 224, 224), (32, 3, 224, 224))"
    )


def _further_shapes(name: str, shapes: Any) -> list[list[int]]:
    try:
        listed = list(shapes)
        if listed and all(hasattr(size, "__index__") for size in listed):
            listed = [listed]
        several = [[int(size) for size in shape] for shape in listed]
    except (TypeError, ValueError):
        several = [[]]
    if not isinstance(shapes, str) and all(several):
        return several
    raise InvalidArgumentError(
        f'shapes["{name}"] is {shapes!r}; needed: a shape, such as (1, 3, 224, 320), or a list of them'
    )


def build(
    model: Any,
    output: Path | None = None,
    *,
    int8: bool | None = None,
    fp16: bool = False,
    calib: Any = None,
    calibrator: str | None = None,
    calib_cache: Path | None = None,
    partial_cache: bool = False,
    max_batch: int | None = None,
    profiles: Mapping[str, Profile] | None = None,
    device: str = "auto",
    timing_cache: Path | None = None,
    tuning: bool = True,
    keep: Mapping[str, str] | None = None,
    int8_only: Sequence[str] = (),
    ranges: Mapping[str, tuple[float, float]] | None = None,
    preprocess: str = "",
    u8_input: bool = False,
    shapes: Mapping[str, Sequence[int] | Sequence[Sequence[int]]] | None = None,
    threads: int = 0,
    cpu_isa: str = "auto",
    progress: bool | Callback | None = None,
) -> Engine:
    """Builds an engine from an ONNX model and, for INT8, sample inputs.

    Args:
        model: a path, the file's bytes, an `onnx.ModelProto`, or a `Network`.
        output: the engine file to write, whole or not at all.
        int8: on if samples or a cache are given; False turns them off. A model that holds QuantizeLinear
            needs none of them: its own scales count.
        fp16: FP16 where INT8 is not possible, on devices that have it.
        calib: a `Calibrator`, or whatever `Calibrator` takes: a folder of images, arrays, a DataLoader.
        calibrator: "auto", "entropy2", "minmax", "percentile:99.99", "mse", …; overrides the
            calibrator's own choice.
        calib_cache: read if the file exists, else written: ours if it ends in .json, else TensorRT's.
        partial_cache: take a cache whose values differ from the model's as far as it goes.
        max_batch: the largest batch; also frees a model exported with a fixed batch of 1.
        device: what it is built for: "cpu", "cuda" (the GPU that is there), "cuda:1", or architectures, as
            "cuda:sm_90a"; several joined by commas. "auto" is "cuda" where there is a GPU, else "cpu".
        timing_cache: where the times of kernels are kept: read if it exists, written after timing. The CPU's
            convolutions are timed only where a file is given.
        tuning: False chooses kernels by the cost model (and the timing cache) alone.
        profiles: by input name the smallest, the usual and the largest shape.
        keep: by name pattern (`*`, `?`) the precision that layers keep, "fp32", "fp16" or "int8".
        int8_only: only layers that match one of these patterns may be INT8.
        ranges: by value name the real interval to quantise over.
        preprocess: how images become inputs ("imagenet", "crop=224,mean=…"); stored in the engine.
        shapes: by input name a further shape, or several, that a GPU engine gets kernels for, where dimensions
            beside the batch are dynamic; the profile's three have theirs. Others within it are compiled when
            first used.
        u8_input: the engine reads images as uint8 [N, H, W, C]; the scale, mean and std of `preprocess`
            become part of it. Calibration takes the model's own float32 input as ever; `profiles` and `shapes`
            are of that input, too.
        threads: of the calibration and of the engine that is returned; 0 is every processor.
        progress: True for a bar, or a function called with (stage, done, total). An exception from it
            ends the build, as Ctrl-C does.
    """
    if int8 and calib is None and calib_cache is None:
        raise InvalidArgumentError(
            "int8=True needs calib with samples, or calib_cache; a model that is quantised already is built without it"
        )
    if int8 is False:
        calib = calib_cache = None
    builder = _make_builder(
        model,
        calib=calib,
        calibrator=calibrator,
        calib_cache=calib_cache,
        partial_cache=partial_cache,
        max_batch=max_batch,
        profiles=profiles,
        preprocess=preprocess,
        threads=threads,
        cpu_isa=cpu_isa,
    )
    if int8 and calib is None:
        builder.with_int8()
    builder.on(device)
    if timing_cache is not None:
        builder.with_timing_cache(pathlib.Path(timing_cache))
    if not tuning:
        builder.without_tuning()
    if u8_input:
        builder.with_u8_input()
    for name, several in (shapes or {}).items():
        for shape in _further_shapes(name, several):
            builder.with_shape(name, shape)
    if fp16:
        builder.with_fp16()
    _set_demands(builder, keep, int8_only, ranges)
    callback, finish = as_callback(progress)
    builder.with_progress(callback)
    try:
        built = builder.build()
    finally:
        finish()
    runs_on = device if device in ("cpu", "cuda") or device.removeprefix("cuda:").isdigit() else "auto"
    engine = Engine(built, threads=threads, cpu_isa=cpu_isa, device=runs_on)
    engine.report = _info.build_report(builder.report())
    if output is not None:
        engine.save(output)
    return engine


def calibrate(
    model: Any,
    calib: Any,
    cache: Path | None = None,
    *,
    calibrator: str | None = None,
    max_batch: int | None = None,
    profiles: Mapping[str, Profile] | None = None,
    preprocess: str = "",
    threads: int = 0,
    cpu_isa: str = "auto",
    progress: bool | Callback | None = None,
) -> _info.CacheInfo:
    """Calibrates only and writes the cache, if a path is given: ours if it ends in .json, else
    TensorRT's text. Returns the ranges. Arguments as for `build`."""
    builder = _make_builder(
        model,
        calib=calib,
        calibrator=calibrator,
        calib_cache=None,
        partial_cache=False,
        max_batch=max_batch,
        profiles=profiles,
        preprocess=preprocess,
        threads=threads,
        cpu_isa=cpu_isa,
    )
    callback, finish = as_callback(progress)
    builder.with_progress(callback)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(cache) if cache is not None else pathlib.Path(folder) / "ranges.json"
        try:
            builder.calibrate_and_save(path)
        finally:
            finish()
        return _info.cache_info(path)


def quantize(
    model: Any,
    output: Path | None = None,
    *,
    calib: Any = None,
    calibrator: str | None = None,
    calib_cache: Path | None = None,
    max_batch: int | None = None,
    profiles: Mapping[str, Profile] | None = None,
    keep: Mapping[str, str] | None = None,
    int8_only: Sequence[str] = (),
    ranges: Mapping[str, tuple[float, float]] | None = None,
    preprocess: str = "",
    for_tensorrt: bool = False,
    threads: int = 0,
    cpu_isa: str = "auto",
    progress: bool | Callback | None = None,
) -> bytes:
    """Writes a Q/DQ ONNX model (opset 17, zero points 0) with our scales and precisions, for other runtimes.

    Args:
        output: the ONNX file to write, whole or not at all. The bytes are returned in any case.
        for_tensorrt: s8 for every activation and float32 biases, which TensorRT needs. Else u8 where
            values are never negative and int32 biases, which ONNX Runtime and OpenVINO fuse.
        Others as for `build`.
    """
    if calib is None and calib_cache is None:
        raise InvalidArgumentError("quantize needs calib with samples, or calib_cache")
    builder = _make_builder(
        model,
        calib=calib,
        calibrator=calibrator,
        calib_cache=calib_cache,
        partial_cache=False,
        max_batch=max_batch,
        profiles=profiles,
        preprocess=preprocess,
        threads=threads,
        cpu_isa=cpu_isa,
    )
    _set_demands(builder, keep, int8_only, ranges)
    callback, finish = as_callback(progress)
    builder.with_progress(callback)
    try:
        written = builder.quantize(for_tensorrt)
    finally:
        finish()
    if output is not None:
        _write_whole(pathlib.Path(output), written)
    return written


def _write_whole(path: pathlib.Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _set_demands(
    builder: _core.EngineBuilder,
    keep: Mapping[str, str] | None,
    int8_only: Sequence[str],
    ranges: Mapping[str, tuple[float, float]] | None,
) -> None:
    for pattern, precision in (keep or {}).items():
        builder.keep(pattern, precision)
    for pattern in int8_only:
        builder.int8_only(pattern)
    for name, (low, high) in (ranges or {}).items():
        builder.with_range(name, low, high)


def evaluate(
    engine: Engine | Path,
    data: Any,
    labels: Any = None,
    *,
    baseline: Engine | Path | None = None,
    preprocess: str = "",
    batch_size: int = 8,
    count: int = 0,
    layers: bool = False,
    threads: int = 0,
    progress: bool | Callback | None = None,
) -> _info.Evaluation:
    """Accuracy of an engine on labelled samples, alone and against a baseline.

    Args:
        data: a folder of images, a `.npy` or `.npz` file, an array [N, …], or a dict of arrays.
        labels: for files a class table or a `.npy` of class indices; for arrays the class indices.
        baseline: another engine, or an ONNX model, which is built in float32 for this.
        preprocess: default: what is stored in the engine.
        batch_size: at most what the engine was built for; results do not depend on it.
        layers: also compare every value that both engines compute (slow).
    """
    judged = engine if isinstance(engine, Engine) else Engine(engine)
    largest = judged.inputs[0].max[0] if judged.inputs and judged.inputs[0].max else batch_size
    if judged.inputs and judged.inputs[0].min and judged.inputs[0].min[0] == largest:
        batch_size = largest
    else:
        batch_size = min(batch_size, largest)
    callback, finish = as_callback(progress)
    with tempfile.TemporaryDirectory() as folder:
        path, table = _as_files(data, labels, pathlib.Path(folder))
        try:
            found = _core.evaluate(
                judged._core,
                path,
                labels=table,
                preprocess=preprocess,
                batch_size=batch_size,
                count=count,
                baseline=_baseline(baseline, largest, judged),
                layers=layers,
                threads=threads,
                progress=callback,
            )
        finally:
            finish()
    return _info.Evaluation(
        engine=_info.Accuracy(**found["engine"]),
        baseline=_info.Accuracy(**found["baseline"]) if found["baseline"] else None,
        agreement_percent=found["agreement_percent"],
        outputs=_info.all_of(_info.ValueComparison, found["outputs"]),
        layers=_info.all_of(_info.ValueComparison, found["layers"]),
    )


def _baseline(baseline: Engine | Path | None, max_batch: int, judged: Engine) -> _core.Engine | None:
    if baseline is None:
        return None
    if isinstance(baseline, Engine):
        return baseline._core
    if pathlib.Path(baseline).suffix == ".onnx":
        same_images = "u8_input" in judged.properties
        return build(
            baseline,
            max_batch=max_batch,
            u8_input=same_images,
            preprocess=judged.preprocess if same_images else "",
        )._core
    return _core.Engine.load(pathlib.Path(baseline))


def _check_labels(labels: Any, samples: int) -> None:
    given = labels is not None and not isinstance(labels, (str, os.PathLike))
    if given and len(labels) != samples:
        raise InvalidArgumentError(f"{len(labels)} labels for {samples} samples; needed: a class index for each")


def _as_files(data: Any, labels: Any, folder: pathlib.Path) -> tuple[pathlib.Path, str]:
    """Paths as the library reads samples ("": no labels); arrays are written to `folder`."""
    import numpy

    if isinstance(data, (str, os.PathLike)):
        path = pathlib.Path(data)
    elif isinstance(data, Mapping):
        path = folder / "samples.npz"
        numpy.savez(path, **data)
        _check_labels(labels, len(next(iter(data.values()), ())))
    else:
        path = folder / "samples.npy"
        numpy.save(path, numpy.asarray(data))
        _check_labels(labels, len(data))
    if labels is None:
        return path, ""
    if isinstance(labels, (str, os.PathLike)):
        return path, os.fspath(labels)
    table = folder / "labels.npy"
    numpy.save(table, numpy.asarray(labels, dtype=numpy.int64))
    return path, str(table)

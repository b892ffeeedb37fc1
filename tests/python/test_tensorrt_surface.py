"""Every public name of TensorRT's bindings (10.16, and 8.6 where they differ) exists, or is listed with the
reason and raises it."""

import enum
import pathlib

import pytest
import tensorrt_names
import xinfer
import xinfer.tensorrt as trt
from conftest import ROOT

SURFACE = [
    tuple(line.split("\t"))
    for line in (pathlib.Path(__file__).parent / "tensorrt_surface.tsv").read_text().splitlines()
    if not line.startswith("#")
]
CLASSES = sorted({name for name, _, _ in SURFACE})


@pytest.mark.parametrize("version", tensorrt_names.WHEELS)
def test_list_is_what_the_bindings_have(version):
    try:
        found = tensorrt_names.names(version, ROOT / ".cache")
    except tensorrt_names.NamesUnavailableError as error:
        pytest.skip(str(error))
    assert {(owner, member) for owner, member, versions in SURFACE if version in versions.split()} == found


@pytest.mark.parametrize("name", CLASSES)
def test_name_exists_or_raises_its_reason(name):
    owner, _, inner = name.partition(".")
    if owner in trt.WITHOUT_COUNTERPART:
        with pytest.raises(xinfer.UnsupportedError, match="unsupported: tensorrt."):
            getattr(trt, owner)
        assert not hasattr(trt, owner)
        return
    present = getattr(getattr(trt, owner), inner) if inner else getattr(trt, owner)
    for member in (member for owner, member, _ in SURFACE if owner == name and member):
        reason = trt.WITHOUT_COUNTERPART.get(f"{name}.{member}")
        assert (reason is None) == _has(present, member), member


def test_reasons_are_of_names_that_tensorrt_has():
    known = {owner for owner, _, _ in SURFACE} | {f"{owner}.{member}" for owner, member, _ in SURFACE}
    assert set(trt.WITHOUT_COUNTERPART) <= known


def _has(kind, member):
    """A class attribute, or one that instances get."""
    return hasattr(kind, member) or member in _instance_names(kind)


def _instance_names(kind):
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return dir(next(iter(kind)))
    logger = trt.Logger(trt.Logger.ERROR)
    makers = {
        trt.Builder: lambda: trt.Builder(logger),
        trt.IBuilderConfig: lambda: trt.Builder(logger).create_builder_config(),
        trt.INetworkDefinition: lambda: trt.Builder(logger).create_network(),
        trt.IOptimizationProfile: trt.IOptimizationProfile,
        trt.IPluginRegistry: trt.get_plugin_registry,
        trt.ISerializationConfig: trt.ISerializationConfig,
        trt.Logger: lambda: logger,
        trt.OnnxParser: lambda: trt.OnnxParser(trt.Builder(logger).create_network(), logger),
        trt.Runtime: lambda: trt.Runtime(logger),
        trt.TimingCacheValue: trt.TimingCacheValue,
    }
    if kind in makers:
        return dir(makers[kind]())
    if kind is trt.ITensor or (isinstance(kind, type) and issubclass(kind, trt.ILayer)):
        network = trt.Builder(logger).create_network()
        tensor = network.add_input("x", trt.float32, (1, 3, 8, 8))
        return dir(tensor) if kind is trt.ITensor else dir(network.add_identity(tensor))
    if kind in (trt.ICudaEngine, trt.IExecutionContext, trt.EngineInspector):
        network = trt.Builder(logger).create_network()
        network.mark_output(network.add_identity(network.add_input("x", trt.float32, (1, 3))).get_output(0))
        builder = network.builder
        engine = builder.build_engine_with_config(network, builder.create_builder_config())
        owner = {
            trt.ICudaEngine: lambda: engine,
            trt.IExecutionContext: engine.create_execution_context,
            trt.EngineInspector: engine.create_engine_inspector,
        }
        return dir(owner[kind]())
    return ()


def test_module_functions_and_types():
    assert trt.__version__ == "10.16.0"
    assert trt.volume((2, 3, 4)) == 24 and trt.volume(()) == 1
    assert trt.nptype(trt.float32).__name__ == "float32"
    with pytest.raises(TypeError):
        trt.nptype(trt.fp8)
    assert trt.float32 is trt.DataType.FLOAT and trt.DataType.HALF.itemsize == 2
    assert int(trt.BuilderFlag.INT8) == 1 and str(trt.BuilderFlag.INT8) == "BuilderFlag.INT8"
    assert trt.init_libnvinfer_plugins(None, "")
    trt.compat_version("8.6")
    try:
        assert trt.__version__.startswith("8.6")
    finally:
        trt.compat_version("10.16.0")


def test_dims_are_tuples():
    dims = trt.Dims([1, 3, 224, 224])
    assert dims == (1, 3, 224, 224) and dims == [1, 3, 224, 224] and len(dims) == 4 and dims[1:] == (3, 224, 224)
    assert trt.DimsHW((2, 3)).h == 2 and trt.DimsHW((2, 3)).w == 3
    assert trt.DimsHW(2, 3) == (2, 3) and trt.Dims3(1, 2, 3) == (1, 2, 3) and trt.Dims(4) == (4,)
    with pytest.raises(ValueError):
        trt.Dims3((1, 2))


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="NoSuchThing"):
        trt.NoSuchThing  # noqa: B018


def test_methods_without_counterpart_raise_their_reason():
    network = trt.Builder(trt.Logger()).create_network()
    for name in ("add_loop", "add_plugin_v2", "add_einsum", "add_deconvolution_nd"):
        with pytest.raises(xinfer.UnsupportedError, match=name):
            getattr(network, name)(None, None, None, None)

"""Refitting: in the process that built and in others, weights by layer and by name, dynamic ranges, models."""

import subprocess
import sys

import numpy as np
import pytest
import xinfer
import xinfer.tensorrt as trt
from networks import X, new_network, run, run_engine

RANDOM = np.random.default_rng(24)


def _refittable(flags=(trt.BuilderFlag.REFIT,)):
    """x [2, 4, 6, 6] through a convolution, a scale and a constant's sum: network, configuration, weights."""
    weights = {
        "kernel": RANDOM.normal(size=(3, 4, 3, 3)).astype(np.float32),
        "bias": RANDOM.normal(size=3).astype(np.float32),
        "scale": RANDOM.normal(size=3).astype(np.float32),
        "sum": RANDOM.normal(size=(1, 3, 1, 1)).astype(np.float32),
    }
    network = new_network()
    x = network.add_input("x", trt.float32, X.shape)
    conv = network.add_convolution_nd(x, 3, (3, 3), weights["kernel"], weights["bias"])
    conv.name = "conv"
    scale = network.add_scale(conv.get_output(0), trt.ScaleMode.CHANNEL, scale=weights["scale"])
    scale.name = "scale"
    constant = network.add_constant((1, 3, 1, 1), weights["sum"])
    total = network.add_elementwise(scale.get_output(0), constant.get_output(0), trt.ElementWiseOperation.SUM)
    network.mark_output(total.get_output(0))
    network.set_weights_name(weights["kernel"], "conv.weight")
    config = network.builder.create_builder_config()
    for flag in flags:
        config.set_flag(flag)
    return network, config, constant.name, weights


def test_a_refitted_engine_equals_one_that_was_built_with_the_weights():
    network, config, constant, _ = _refittable()
    built = network.builder.build_serialized_network(network, config)
    engine = trt.Runtime(trt.Logger()).deserialize_cuda_engine(bytes(built))
    assert engine.refittable
    context = engine.create_execution_context()
    before = run_engine(engine, X, context=context)
    refitter = trt.Refitter(engine, trt.Logger(trt.Logger.INTERNAL_ERROR))
    role = trt.WeightsRole
    found = set(zip(*refitter.get_all(), strict=True))
    assert found == {("conv", role.KERNEL), ("conv", role.BIAS), ("scale", role.SCALE), (constant, role.CONSTANT)}
    assert refitter.get_all_weights() == ["conv.weight"]

    other, _, _, weights = _refittable()
    assert refitter.set_named_weights("conv.weight", weights["kernel"])
    assert refitter.set_weights("conv", role.BIAS, trt.Weights(weights["bias"]))
    assert refitter.set_weights("scale", role.SCALE, weights["scale"])
    assert refitter.set_weights(constant, role.CONSTANT, weights["sum"])
    assert refitter.get_missing() == ([], [])
    np.testing.assert_array_equal(run_engine(engine, X, context=context), before)  # nothing counts before refit_cuda_engine
    assert refitter.refit_cuda_engine()
    np.testing.assert_array_equal(run_engine(engine, X, context=context), run(other, X))
    assert engine.refittable
    np.testing.assert_array_equal(refitter.get_weights_prototype("conv.weight").numpy(), weights["kernel"])


def test_what_a_refitter_is_given_has_to_fit():
    network, config, _, weights = _refittable()
    engine = network.builder.build_engine_with_config(network, config)
    refitter = trt.Refitter(engine, trt.Logger(trt.Logger.INTERNAL_ERROR))
    assert not refitter.set_weights("conv", trt.WeightsRole.BIAS, weights["scale"][:2])
    assert not refitter.set_weights("conv", trt.WeightsRole.SHIFT, weights["scale"])
    assert not refitter.set_named_weights("conv.bias", weights["bias"])
    assert not refitter.set_weights("conv", trt.WeightsRole.BIAS, weights["bias"].astype(np.float64))
    assert refitter.get_tensors_with_dynamic_range() == []
    with pytest.raises(xinfer.InvalidArgumentError, match="no dynamic range"):
        refitter.get_dynamic_range("x")


def test_only_engines_built_for_it_can_be_refitted():
    network, config, _, _ = _refittable(flags=())
    engine = network.builder.build_engine_with_config(network, config)
    assert not engine.refittable
    with pytest.raises(xinfer.UnsupportedError, match="built with BuilderFlag.REFIT"):
        trt.Refitter(engine, trt.Logger())


def test_dynamic_ranges_are_refitted():
    network, config, _, _ = _refittable(flags=(trt.BuilderFlag.REFIT, trt.BuilderFlag.INT8))
    bound = float(abs(X).max())
    network.get_input(0).dynamic_range = (-bound, bound)
    for layer in network:
        layer.get_output(0).dynamic_range = (-20.0, 20.0)
    engine = network.builder.build_engine_with_config(network, config)
    context = engine.create_execution_context()
    before = run_engine(engine, X, context=context)
    refitter = trt.Refitter(engine, trt.Logger())
    assert "x" in refitter.get_tensors_with_dynamic_range()
    assert refitter.get_dynamic_range("x") == pytest.approx((-bound, bound))
    assert refitter.set_dynamic_range("x", (-bound / 8, bound / 8))
    assert refitter.refit_cuda_engine()
    assert abs(run_engine(engine, X, context=context) - before).max() > 0.1  # the input is clipped now
    assert refitter.get_dynamic_range("x") == pytest.approx((-bound / 8, bound / 8))


def test_a_model_refits_the_weights_of_its_names(conv_model):
    from onnx import numpy_helper

    logger = trt.Logger(trt.Logger.INTERNAL_ERROR)
    x = np.random.default_rng(3).normal(size=(2, 3, 8, 8)).astype(np.float32)

    def build(model, *flags):
        builder = trt.Builder(logger)
        network = builder.create_network(1)
        assert trt.OnnxParser(network, logger).parse(model.SerializeToString())
        network.get_input(0).shape = x.shape
        config = builder.create_builder_config()
        for flag in flags:
            config.set_flag(flag)
        return builder.build_engine_with_config(network, config)

    engine = build(conv_model, trt.BuilderFlag.REFIT)
    other = type(conv_model)()
    other.CopyFrom(conv_model)
    for tensor in other.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(1.5 * numpy_helper.to_array(tensor), tensor.name))
    refitter = trt.Refitter(engine, logger)
    assert ("conv1", trt.WeightsRole.KERNEL) in set(zip(*refitter.get_all(), strict=True))
    parser = trt.OnnxParserRefitter(refitter, logger)
    assert parser.refit_from_bytes(other.SerializeToString()) and parser.num_errors == 0
    assert refitter.refit_cuda_engine()
    np.testing.assert_array_equal(run_engine(engine, x), run_engine(build(other), x))
    del other.graph.initializer[0]
    assert not parser.refit_from_bytes(other.SerializeToString()) and parser.num_errors == 1


#: Refits an engine file of another process: ENGINE WEIGHTS REFITTED.
REFITTING_SCRIPT = """
import sys
import numpy as np
import xinfer.tensorrt as trt

logger = trt.Logger(trt.Logger.ERROR)
engine = trt.Runtime(logger).deserialize_cuda_engine(open(sys.argv[1], "rb").read())
assert engine.refittable
refitter = trt.Refitter(engine, logger)
for name, weights in np.load(sys.argv[2]).items():
    layer, _, role = name.rpartition(":")
    assert refitter.set_weights(layer, trt.WeightsRole.__members__[role], weights), name
assert refitter.refit_cuda_engine()
open(sys.argv[3], "wb").write(engine.serialize())
"""


@pytest.mark.parametrize("int8", [False, True])
def test_an_engine_file_is_refitted_by_another_process(tmp_path, int8):
    def refittable():
        flags = [trt.BuilderFlag.REFIT, *([trt.BuilderFlag.INT8] if int8 else [])]
        network, config, constant, weights = _refittable(flags)
        if int8:
            for tensor in (network.get_input(0), *(layer.get_output(0) for layer in network)):
                tensor.dynamic_range = (-20.0, 20.0)
        return network.builder.build_serialized_network(network, config), constant, weights

    first, constant, _ = refittable()
    expected, _, weights = refittable()
    (tmp_path / "first.engine").write_bytes(first)
    np.savez(
        tmp_path / "weights.npz",
        **{
            "conv:KERNEL": weights["kernel"],
            "conv:BIAS": weights["bias"],
            "scale:SCALE": weights["scale"],
            f"{constant}:CONSTANT": weights["sum"],
        },
    )
    files = [tmp_path / name for name in ("first.engine", "weights.npz", "refitted.engine")]
    subprocess.run([sys.executable, "-c", REFITTING_SCRIPT, *files], check=True)
    refitted, wanted = xinfer.Engine(files[2]), xinfer.Engine(expected)
    assert (refitted.int8_mac_share > 0) == int8
    np.testing.assert_array_equal(refitted(X), wanted(X))
    engine = trt.Runtime(trt.Logger()).deserialize_cuda_engine(files[2].read_bytes())
    assert engine.refittable  # once more


def test_large_weights_of_a_model_come_back():
    """They lie beside the text, the small ones in it."""
    rng = np.random.default_rng(5)
    large, small = rng.normal(size=(40, 4, 3, 3)).astype(np.float32), rng.normal(size=40).astype(np.float32)
    network = new_network()
    layer = network.add_convolution_nd(network.add_input("x", trt.float32, X.shape), 40, (3, 3), large, small)
    layer.name = "conv"
    network.mark_output(layer.get_output(0))
    config = network.builder.create_builder_config()
    config.set_flag(trt.BuilderFlag.REFIT)
    engine = network.builder.build_engine_with_config(network, config)
    refitter = trt.Refitter(engine, trt.Logger())
    source = refitter._source
    for role, weights in ((trt.WeightsRole.KERNEL, large), (trt.WeightsRole.BIAS, small)):
        constant = source.core.find_value(source.roles["conv", role])
        np.testing.assert_array_equal(source.core.constant_of(constant), weights)
    assert refitter.set_weights("conv", trt.WeightsRole.BIAS, 2 * small) and refitter.refit_cuda_engine()
    y = xinfer.Engine(bytes(engine.serialize()))(X)
    np.testing.assert_allclose(y, run(network, X) + small[:, None, None], atol=1e-4)


def test_damaged_or_foreign_sources_are_refused(monkeypatch):
    network, config, _, _ = _refittable()
    engine = network.builder.build_engine_with_config(network, config)
    plain, _, _, _ = _refittable(flags=())
    bare = plain.builder.build_engine_with_config(plain, plain.builder.create_builder_config())
    bare._replace(bare._core.with_attachment("xinfer.tensorrt: refit", b"no source"))
    with pytest.raises(xinfer.InvalidArgumentError, match="carries for refitting is damaged"):
        trt.Refitter(bare, trt.Logger())
    monkeypatch.setattr("xinfer._core.__version__", "0.0.1")
    with pytest.raises(xinfer.UnsupportedError, match=r"engines of this version, 0\.0\.1"):
        trt.Refitter(engine, trt.Logger())

"""Engines: arrays in and out, forms of arguments, zero copies, threads, files."""

import threading

import numpy as np
import pytest
import xinfer


@pytest.fixture(scope="module")
def engine(conv_model):
    return xinfer.build(conv_model, max_batch=4)


def test_one_array_in_one_array_out(engine, samples):
    y = engine(samples[:3])
    assert isinstance(y, np.ndarray) and y.dtype == np.float32 and y.shape == (3, 5)
    np.testing.assert_array_equal(y[1], engine(samples[1:2])[0])


def test_list_and_dict(engine, samples):
    y = engine(samples[:2])
    (from_list,) = engine([samples[:2]])
    from_dict = engine({"x": samples[:2]})
    np.testing.assert_array_equal(from_list, y)
    assert list(from_dict) == ["y"]
    np.testing.assert_array_equal(from_dict["y"], y)


def test_several_inputs(two_input_model):
    engine = xinfer.build(two_input_model, max_batch=2)
    a, b = np.ones((2, 6), np.float32), np.full((2, 4), 5, np.float32)
    (total,) = engine([a, b])
    np.testing.assert_array_equal(engine({"b": b, "a": a})["sum"], total)
    np.testing.assert_allclose(total - engine([a, 0 * b])[0], b, atol=1e-5)
    with pytest.raises(xinfer.InvalidArgumentError, match='inputs "a", "b"'):
        engine(a)
    with pytest.raises(xinfer.InvalidArgumentError, match='no array for input "b"'):
        engine({"a": a})


def test_out_is_written_in_place(engine, samples):
    out = np.empty((2, 5), np.float32)
    assert engine(samples[:2], out=out) is out
    np.testing.assert_array_equal(out, engine(samples[:2]))
    with pytest.raises(xinfer.InvalidArgumentError, match="writable"):
        engine(samples[:2], out=np.empty((5, 2), np.float32).T)


class Exporter:
    """An array that shows itself by DLPack only, and counts how often."""

    def __init__(self, array):
        self.array, self.taken = array, 0

    def __dlpack__(self, **options):
        self.taken += 1
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_dlpack_input_is_not_copied(samples):
    exporter = Exporter(samples[:2])
    assert xinfer._core.address_of(exporter) == samples.ctypes.data
    assert exporter.taken == 1


def test_dlpack_output_is_not_copied(engine, samples):
    y = engine(samples[:2])
    assert np.from_dlpack(y).ctypes.data == y.ctypes.data


def test_arrays_that_are_not_contiguous(engine, samples):
    strided = np.ascontiguousarray(samples[:2].transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    assert not strided.flags.c_contiguous
    np.testing.assert_array_equal(engine(strided), engine(samples[:2]))


def test_wrong_dtype_and_shape_name_the_input(engine, samples):
    with pytest.raises(xinfer.InvalidArgumentError, match='"x".*float64.*float32'):
        engine(samples[:2].astype(np.float64))
    with pytest.raises(ValueError, match='"x"'):
        engine(samples[:2, :2])
    with pytest.raises(xinfer.Error, match="no array of numbers"):
        engine("text")


def test_too_large_a_batch(engine, samples):
    with pytest.raises(xinfer.InvalidArgumentError, match="4"):
        engine(samples[:5])


def test_threads_share_an_engine(engine, samples):
    expected = engine(samples[:4])
    wrong = []

    def work(mine):
        for _ in range(20):
            if not np.array_equal(mine(samples[:4]), expected):
                wrong.append(mine)

    workers = [threading.Thread(target=work, args=(e,)) for e in (engine, engine, engine.clone(threads=1))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_output_outlives_the_engine(conv_model, samples):
    engine = xinfer.build(conv_model, max_batch=2)
    y = engine(samples[:2])
    kept = y.copy()
    del engine
    np.testing.assert_array_equal(y, kept)


def test_files_and_bytes(engine, samples, tmp_path):
    engine.save(tmp_path / "m.engine")
    with xinfer.Engine(tmp_path / "m.engine", threads=1) as loaded:
        np.testing.assert_array_equal(loaded(samples[:2]), engine(samples[:2]))
    assert bytes(engine) == (tmp_path / "m.engine").read_bytes()
    np.testing.assert_array_equal(xinfer.Engine(bytes(engine))(samples[:2]), engine(samples[:2]))


def test_bindings_and_profile(engine, samples):
    (x,) = engine.inputs
    assert (x.name, x.dtype, x.dims, x.shape) == ("x", "float32", ("batch", "3", "8", "8"), (-1, 3, 8, 8))
    assert x.max == (4, 3, 8, 8)
    assert engine.output_shapes([(2, 3, 8, 8)]) == [(2, 5)]
    steps = engine.profile(samples[:1])
    assert steps and all(step.microseconds >= 0 for step in steps)
    assert "x: float32[batch, 3, 8, 8]" in repr(engine)


def test_errors_are_typed(tmp_path):
    with pytest.raises(xinfer.IoError) as missing:
        xinfer.Engine(tmp_path / "none.engine")
    assert isinstance(missing.value, OSError) and missing.value.code == "io_error"
    (tmp_path / "bad.engine").write_bytes(b"nonsense" * 100)
    with pytest.raises(xinfer.IncompatibleEngineError, match="bad.engine"):
        xinfer.Engine(tmp_path / "bad.engine")
    (tmp_path / "bad.onnx").write_bytes(b"nonsense" * 100)
    with pytest.raises(xinfer.InvalidModelError, match="bad.onnx"):
        xinfer.build(tmp_path / "bad.onnx")

"""Refitter: an engine with other weights, at the ranges that it was calibrated with.

Kernels want weights packed and quantised, not as the network had them. An engine that is built with
`BuilderFlag.REFIT` therefore carries what it came from (an attachment of the engine file: the network with its
weights, the ranges, the shapes), and refitting builds it again: in any process, without calibration, with the
same shapes and precisions.
"""

from __future__ import annotations

import json
import math
import os
import pathlib
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy

from xinfer import _core
from xinfer._errors import Error, InvalidArgumentError, UnsupportedError
from xinfer.tensorrt._basics import Weights, as_array
from xinfer.tensorrt._engine import REFIT_ATTACHMENT, ICudaEngine
from xinfer.tensorrt._enums import ErrorCodeTRT, TensorLocation, WeightsRole
from xinfer.tensorrt._interfaces import record_error
from xinfer.tensorrt._parser import ErrorLog
from xinfer.tensorrt._recipe import CacheAlone, Recipe, choose_device

#: Float weights from this size on are kept as they are, beside the network's text, where zeros stand for them.
_LARGE_BYTES = 4096
_LENGTH = struct.Struct("<Q")  # of the compressed text, in front of it


class Source:
    """What an engine was built from: the network, where its weights are, and how to build it."""

    def __init__(
        self,
        core: _core.Network,
        roles: dict[tuple[str, WeightsRole], str],
        names: dict[str, str],
        settings: list[tuple[str, tuple[Any, ...]]],
        cache: bytes | None,
    ) -> None:
        """`roles` and `names` (of weights) lead to constants of `core`; `cache` holds the ranges."""
        self.core, self.roles, self.names, self.settings, self.cache = core, roles, names, settings, cache

    def attached_to(self, engine: _core.Engine) -> _core.Engine:
        """The engine, carrying this."""
        about = {
            "version": _core.__version__,
            "roles": [[layer, role.name, constant] for (layer, role), constant in self.roles.items()],
            "names": self.names,
            "settings": self.settings,
            "cache": None if self.cache is None else self.cache.decode(),
            "ranges": self.core.ranges(),
            "precisions": self.core.precisions(),
        }
        core, weights = self.core.copy(), []
        for name in core.constants():
            constant = core.find_value(name)
            array = core.constant_of(constant)
            if array.dtype == numpy.float32 and array.nbytes >= _LARGE_BYTES:
                weights.append((name, array))
                core.set_constant(constant, numpy.zeros_like(array))
        about["weights"] = [[name, array.shape] for name, array in weights]
        text = zlib.compress(f"{json.dumps(about)}\n{core.to_text()}".encode(), 1)
        parts = [_LENGTH.pack(len(text)), text, *(array.tobytes() for _, array in weights)]
        return engine.with_attachment(REFIT_ATTACHMENT, b"".join(parts))

    @classmethod
    def of(cls, engine: _core.Engine) -> Source:
        """What an engine carries."""
        packed = engine.attachment(REFIT_ATTACHMENT)
        if packed is None:
            raise UnsupportedError(
                "unsupported: refitting this engine; supported: an engine that was built with BuilderFlag.REFIT, "
                "which then carries the weights as the network had them"
            )
        try:
            end = _LENGTH.size + _LENGTH.unpack_from(packed)[0]
            about, _, text = zlib.decompress(packed[_LENGTH.size : end]).decode().partition("\n")
            return cls._read(json.loads(about), text, memoryview(packed)[end:])
        except (zlib.error, struct.error, ValueError, KeyError, TypeError) as error:
            raise InvalidArgumentError(f"what the engine carries for refitting is damaged: {error}") from error

    @classmethod
    def _read(cls, about: dict[str, Any], text: str, weights: memoryview) -> Source:
        if about["version"] != _core.__version__:
            raise UnsupportedError(
                f"unsupported: refitting an engine that xinfer {about['version']} built; supported: engines of this "
                f"version, {_core.__version__}"
            )
        core = _core.Network.from_text(text)
        for value, bound in about["ranges"]:
            core.set_range(value, -bound, bound)
        for layer, precision, required in about["precisions"]:
            core.set_precision(layer, precision, required)
        held = set(core.constants())  # those that a layer reads
        start = 0
        for name, shape in about["weights"]:
            array = numpy.frombuffer(weights, numpy.float32, math.prod(shape), start).reshape(shape)
            start += array.nbytes
            if name in held:
                core.set_constant(core.find_value(name), array.copy())
        roles = {(layer, WeightsRole[role]): name for layer, role, name in about["roles"] if name in held}
        names = {name: constant for name, constant in about["names"].items() if constant in held}
        settings = [(name, tuple(arguments)) for name, arguments in about["settings"]]
        cache = about["cache"]
        return cls(core, roles, names, settings, None if cache is None else cache.encode())

    def build(self, targets: list[str], threads: int, logger: Any) -> _core.Engine:
        recipe = Recipe()
        for name, arguments in self.settings:
            recipe.set(name, *arguments)
        recipe.core.with_threads(threads)
        choose_device(recipe.core, logger, targets)
        if self.cache is not None:
            recipe.with_calibrator(CacheAlone(self.cache))
        recipe.core.from_network(self.core)
        return self.attached_to(recipe.core.build())


class Refitter:
    """Sets weights of an engine that was built with `BuilderFlag.REFIT`; `refit_cuda_engine` makes them count,
    in the contexts that the engine has as well."""

    error_recorder: Any = None
    max_threads = 0
    weights_validation = True

    def __init__(self, engine: ICudaEngine, logger: Any) -> None:
        self._engine, self._logger, self._source = engine, logger, Source.of(engine._core)
        self._weights: dict[str, numpy.ndarray] = {}  # by constant
        self._scales = _scales_of(self._source)
        self._ranges: dict[str, float] = {}  # set here

    @property
    def logger(self) -> Any:
        return self._logger

    # --- what there is ---

    def get_all(self) -> tuple[list[str], list[WeightsRole]]:
        """Layers and roles of all weights."""
        return [layer for layer, _ in self._source.roles], [role for _, role in self._source.roles]

    def get_all_weights(self) -> list[str]:
        """Names of all weights that have one."""
        return list(self._source.names)

    def get_missing(self) -> tuple[list[str], list[WeightsRole]]:
        """Nothing: what is not set keeps its weights."""
        return [], []

    def get_missing_weights(self) -> list[str]:
        """Nothing: what is not set keeps its weights."""
        return []

    def get_weights_prototype(self, weights_name: str) -> Weights:
        """Weights of the right type and number, with the present elements."""
        return Weights(self._present(self._constant(weights_name)))

    def get_weights_location(self, weights_name: str) -> TensorLocation:
        return TensorLocation.HOST

    def get_named_weights(self, weights_name: str) -> Weights:
        """What was set, else none."""
        return Weights(self._weights.get(self._constant(weights_name)))

    # --- setting ---

    def set_weights(self, layer_name: str, role: WeightsRole, weights: Any) -> bool:
        constant = self._source.roles.get((layer_name, role))
        if constant is None:
            return self._fail(f'set_weights: layer "{layer_name}" has no weights {role.name}')
        return self._set(constant, weights, f'set_weights("{layer_name}", {role.name})')

    def set_named_weights(
        self, name: str, weights: Any, location: TensorLocation = TensorLocation.HOST
    ) -> bool:
        if location is not TensorLocation.HOST:
            raise UnsupportedError("unsupported: weights in device memory; supported: TensorLocation.HOST")
        if name not in self._source.names:
            return self._fail(f'set_named_weights: the engine has no weights "{name}"')
        return self._set(self._source.names[name], weights, f'set_named_weights("{name}")')

    def unset_named_weights(self, weights_name: str) -> bool:
        return self._weights.pop(self._constant(weights_name), None) is not None

    def _set(self, constant: str, weights: Any, what: str) -> bool:
        present, given = self._present(constant), as_array(weights)
        if given is None or given.size != present.size or given.dtype != present.dtype:
            found = "none" if given is None else f"{given.size} of {given.dtype}"
            return self._fail(f"{what}: {found}; needed: {present.size} of {present.dtype}")
        self._weights[constant] = given.reshape(present.shape).copy()
        return True

    # --- dynamic ranges ---

    def get_tensors_with_dynamic_range(self) -> list[str]:
        return list(self._scales)

    def get_dynamic_range(self, tensor_name: str) -> tuple[float, float]:
        if tensor_name not in self._scales:
            raise InvalidArgumentError(f'tensor "{tensor_name}" has no dynamic range')
        bound = 127.0 * self._scales[tensor_name]
        return -bound, bound

    def set_dynamic_range(self, tensor_name: str, range: tuple[float, float]) -> bool:  # noqa: A002
        """Symmetric, over the larger bound."""
        if tensor_name not in self._scales:
            return self._fail(f'set_dynamic_range: tensor "{tensor_name}" has no dynamic range')
        self._ranges[tensor_name] = bound = max(abs(range[0]), abs(range[1]))
        self._scales[tensor_name] = bound / 127.0
        return True

    # --- refitting ---

    def refit_cuda_engine(self) -> bool:
        core = self._source.core.copy()
        source = Source(core, self._source.roles, self._source.names, self._source.settings, self._source.cache)
        try:
            for constant, array in self._weights.items():
                core.set_constant(core.find_value(constant), array)
            for tensor, bound in self._ranges.items():
                core.set_range(tensor, -bound, bound)
            engine = source.build(self._engine._core.targets(), self.max_threads, self._logger)
        except Error as error:
            return self._fail(f"refit_cuda_engine: {error}")
        self._source = source
        self._weights.clear()
        self._engine._replace(engine)
        return True

    def refit_cuda_engine_async(self, stream_handle: int) -> bool:
        """Finished when it returns."""
        return self.refit_cuda_engine()

    # --- helpers ---

    def _constant(self, name: str) -> str:
        if name not in self._source.names:
            raise InvalidArgumentError(f'the engine has no weights "{name}"')
        return self._source.names[name]

    def _present(self, constant: str) -> numpy.ndarray:
        core = self._source.core
        return core.constant_of(core.find_value(constant))

    def _fail(self, message: str) -> bool:
        record_error(self, ErrorCodeTRT.INVALID_ARGUMENT, message)
        return False


class OnnxParserRefitter(ErrorLog):
    """Sets all weights of an engine to those of an ONNX model with the same names."""

    def __init__(self, refitter: Refitter, logger: Any) -> None:
        super().__init__(logger)
        self._refitter = refitter
        self._pending: tuple[bytes, str | None] | None = None

    def refit_from_bytes(self, model: Any, path: str | os.PathLike[str] | None = None) -> bool:
        if path is not None and pathlib.Path(path).is_file():
            return self.refit_from_file(path)
        return self._attempt(lambda: _core.Network.from_bytes(bytes(model)), str(path or ""))

    def refit_from_file(self, file_path: str | os.PathLike[str]) -> bool:
        return self._attempt(lambda: _core.Network.from_path(pathlib.Path(file_path)), str(file_path))

    def load_model_proto(self, model: Any, path: str | None = None) -> bool:
        self._pending = bytes(model), path
        return True

    def refit_model_proto(self) -> bool:
        if self._pending is None:
            return self._fail(InvalidArgumentError("refit_model_proto before load_model_proto"), "")
        return self.refit_from_bytes(*self._pending)

    def load_initializer(self, name: str, data: int, size: int) -> bool:
        raise UnsupportedError(f'unsupported: weights "{name}" handed over by address; supported: models with their weights')

    def _attempt(self, read: Callable[[], Any], path: str) -> bool:
        try:
            core, _ = read()
        except Error as error:
            return self._fail(error, path)
        given = set(core.constants())
        for name in self._refitter.get_all_weights():
            if name not in given:
                return self._fail(InvalidArgumentError(f'the model has no weights "{name}"'), path)
            if not self._refitter.set_named_weights(name, core.constant_of(core.find_value(name))):
                return self._fail(InvalidArgumentError(f'the weights "{name}" do not fit'), path)
        return True


def _scales_of(source: Source) -> dict[str, float]:
    """From TensorRT's text, the float's bits in hexadecimal behind the last colon; what was set by hand wins."""
    scales = {}
    for line in (source.cache or b"").decode().splitlines()[1:]:
        name, colon, bits = line.rpartition(": ")
        if colon:
            scales[name] = struct.unpack(">f", bytes.fromhex(bits.zfill(8)))[0]
    scales.update({name: bound / 127.0 for name, bound in source.core.ranges()})
    return scales

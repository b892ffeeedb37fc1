"""OnnxParser: ONNX models into networks."""

from __future__ import annotations

import os
import pathlib
from typing import Any

from xinfer import _core
from xinfer._errors import Error, InvalidModelError, IoError, UnsupportedError
from xinfer.tensorrt._basics import ContextManager, Severity, say
from xinfer.tensorrt._enums import ErrorCode, OnnxParserFlag
from xinfer.tensorrt._network import INetworkDefinition
from xinfer.tensorrt._tensor import ITensor


class ParserError:
    """Why a model could not be parsed."""

    def __init__(self, error: Error, path: str) -> None:
        self._message, self._path = str(error), path
        if isinstance(error, InvalidModelError):
            self._code = ErrorCode.MODEL_DESERIALIZE_FAILED
        elif isinstance(error, UnsupportedError):
            self._code = ErrorCode.UNSUPPORTED_NODE
        else:
            self._code = ErrorCode.INVALID_VALUE

    def code(self) -> ErrorCode:
        return self._code

    def desc(self) -> str:
        return self._message

    def file(self) -> str:
        return self._path

    def line(self) -> int:
        return 0

    def func(self) -> str:
        return "parse"

    def node(self) -> int:
        return -1

    def node_name(self) -> str:
        """The node that the message names first."""
        parts = self._message.split('node "', 1)
        return parts[1].split('"', 1)[0] if len(parts) == 2 else ""

    def node_operator(self) -> str:
        parts = self._message.split('node "', 1)
        after = parts[1].split('"', 1)[1] if len(parts) == 2 else ""
        return after[2:].split(",", 1)[0].split(")", 1)[0] if after.startswith(" (") else ""

    def local_function_stack(self) -> list[str]:
        return []

    def local_function_stack_size(self) -> int:
        return 0

    def __str__(self) -> str:
        return f"In {self._path or 'the model'}: [{self._code.name}] {self._message}"

    __repr__ = __str__


class ErrorLog:
    """What went wrong with models, one entry each; also said to the logger."""

    def __init__(self, logger: Any) -> None:
        self._logger = logger
        self._errors: list[ParserError] = []

    def _fail(self, error: Error, path: str) -> bool:
        self._errors.append(ParserError(error, path))
        say(self._logger, Severity.ERROR, str(self._errors[-1]))
        return False

    @property
    def num_errors(self) -> int:
        return len(self._errors)

    def get_error(self, index: int) -> ParserError:
        return self._errors[index]

    def clear_errors(self) -> None:
        self._errors.clear()


class OnnxParser(ContextManager, ErrorLog):
    """Reads an ONNX model into an empty network."""

    def __init__(self, network: INetworkDefinition, logger: Any) -> None:
        ErrorLog.__init__(self, logger)
        self._network = network
        self.flags = 0

    def parse(self, model: Any, path: str | os.PathLike[str] | None = None) -> bool:
        """Parses a model's bytes. `path` is where it came from, for weights in files beside it."""
        data = bytes(model)
        if path is not None and pathlib.Path(path).is_file():
            return self._attempt(lambda: _core.Network.from_path(pathlib.Path(path)), str(path))
        return self._attempt(lambda: _core.Network.from_bytes(data), str(path or ""))

    def parse_from_file(self, model: str | os.PathLike[str]) -> bool:
        return self._attempt(lambda: _core.Network.from_path(pathlib.Path(model)), str(model))

    parse_with_weight_descriptors = parse

    def _attempt(self, read: Any, path: str) -> bool:
        if self._network.num_layers or self._network.num_inputs:
            return self._fail(UnsupportedError("unsupported: parsing into a network that is not empty"), path)
        try:
            core, warnings = read()
        except Error as error:
            return self._fail(error, path)
        for warning in warnings:
            say(self._logger, Severity.WARNING, warning)
        self._network._adopt(core)
        return True

    def get_layer_output_tensor(self, name: str, i: int) -> ITensor | None:
        for layer in self._network:
            if layer.name == name:
                return layer.get_output(i)
        return None

    # --- support ---

    def supports_operator(self, op_name: str) -> bool:
        return op_name in _core.supported_operators()

    def supports_model_v2(self, model: Any, path: str | None = None) -> bool:
        try:
            _core.Network.from_bytes(bytes(model))
        except Error as error:
            self._errors.append(ParserError(error, str(path or "")))
            return False
        return True

    def supports_model(self, model: Any, path: str | None = None) -> tuple[bool, list[Any]]:
        supported = self.supports_model_v2(model, path)
        return supported, [([], supported)]

    @property
    def num_subgraphs(self) -> int:
        return 1

    def is_subgraph_supported(self, index: int) -> bool:
        return not self._errors

    def get_subgraph_nodes(self, index: int) -> list[int]:
        return list(range(self._network.num_layers))

    # --- flags and what has no meaning here ---

    def set_flag(self, flag: OnnxParserFlag) -> None:
        self.flags |= 1 << int(flag)

    def clear_flag(self, flag: OnnxParserFlag) -> None:
        self.flags &= ~(1 << int(flag))

    def get_flag(self, flag: OnnxParserFlag) -> bool:
        return bool(self.flags >> int(flag) & 1)

    def get_used_vc_plugin_libraries(self) -> list[str]:
        return []

    def set_builder_config(self, builder_config: Any) -> bool:
        return True

    def load_model_proto(self, model: Any, path: str | None = None) -> bool:
        self._pending = (bytes(model), path)
        return True

    def load_initializer(self, name: str, data: int, size: int) -> bool:
        raise UnsupportedError(
            f'unsupported: weights "{name}" handed over by address; supported: models with their weights, or '
            "weights in files beside the model"
        )

    def parse_model_proto(self) -> bool:
        pending = getattr(self, "_pending", None)
        if pending is None:
            return self._fail(IoError("io_error: parse_model_proto before load_model_proto"), "")
        return self.parse(*pending)

"""Builder: networks and configurations in, serialised engines out."""

from __future__ import annotations

import struct
from typing import Any

from xinfer import _core
from xinfer._errors import Error, InvalidArgumentError
from xinfer.tensorrt._basics import ContextManager, IHostMemory, Severity, say
from xinfer.tensorrt._calibrators import Bridge
from xinfer.tensorrt._config import REFIT_FLAGS, IBuilderConfig, IOptimizationProfile
from xinfer.tensorrt._engine import ICudaEngine
from xinfer.tensorrt._enums import BuilderFlag, ErrorCodeTRT, NetworkDefinitionCreationFlag
from xinfer.tensorrt._interfaces import record_error
from xinfer.tensorrt._network import INetworkDefinition
from xinfer.tensorrt._plugins import IPluginRegistry, plugin_registry
from xinfer.tensorrt._recipe import CacheAlone, Recipe, choose_device
from xinfer.tensorrt._refit import Source


class _Cancelled(Exception):
    """A progress monitor ended the build."""


class Builder(ContextManager):
    """Builds engines. A failure is logged, reported to the error recorder, and gives None; an
    exception from a calibrator reaches the caller."""

    platform_has_tf32 = False
    platform_has_fast_fp16 = False
    platform_has_fast_int8 = True
    max_DLA_batch_size = 0
    num_DLA_cores = 0

    def __init__(self, logger: Any) -> None:
        if logger is None:
            raise TypeError("Builder: needed: a logger")
        self._logger = logger
        self.reset()

    def reset(self) -> None:
        self.error_recorder: Any = None
        self.gpu_allocator: Any = None
        self.max_threads = 0
        self.max_batch_size = 0
        # TensorRT 7's settings, for build_cuda_engine.
        self.int8_mode = self.fp16_mode = self.strict_type_constraints = False
        self.int8_calibrator: Any = None
        self.max_workspace_size = 0

    @property
    def logger(self) -> Any:
        return self._logger

    def create_network(self, flags: int = 0) -> INetworkDefinition:
        from xinfer import tensorrt

        old = int(tensorrt.__version__.split(".")[0]) < 10
        explicit = int(flags) >> int(NetworkDefinitionCreationFlag.EXPLICIT_BATCH) & 1
        return INetworkDefinition(self, int(flags), implicit_batch=old and not explicit)

    def create_builder_config(self) -> IBuilderConfig:
        return IBuilderConfig(self._logger)

    def create_optimization_profile(self) -> IOptimizationProfile:
        return IOptimizationProfile()

    def get_plugin_registry(self) -> IPluginRegistry:
        return plugin_registry

    def is_network_supported(self, network: INetworkDefinition, config: IBuilderConfig) -> bool:
        try:
            network._write()
        except Error as error:
            say(self._logger, Severity.ERROR, str(error))
            return False
        return True

    def build_serialized_network(
        self, network: INetworkDefinition, config: IBuilderConfig
    ) -> IHostMemory | None:
        built = self._build(network, config)
        return None if built is None else IHostMemory(built.to_bytes())

    def build_serialized_network_to_stream(
        self, network: INetworkDefinition, config: IBuilderConfig, writer: Any
    ) -> bool:
        built = self._build(network, config)
        return built is not None and writer.write(built.to_bytes()) > 0

    def build_engine_with_config(
        self, network: INetworkDefinition, config: IBuilderConfig
    ) -> ICudaEngine | None:
        built = self._build(network, config)
        return None if built is None else ICudaEngine(built, self._logger, config.profiling_verbosity)

    build_engine = build_engine_with_config

    def build_cuda_engine(self, network: INetworkDefinition) -> ICudaEngine | None:
        """TensorRT 7's way, with the configuration on the builder itself."""
        config = self.create_builder_config()
        config.int8_calibrator = self.int8_calibrator
        if self.max_workspace_size:
            config.max_workspace_size = self.max_workspace_size
        wanted = {
            BuilderFlag.INT8: self.int8_mode,
            BuilderFlag.FP16: self.fp16_mode,
            BuilderFlag.STRICT_TYPES: self.strict_type_constraints,
        }
        for flag, wants in wanted.items():
            if wants:
                config.set_flag(flag)
        return self.build_engine_with_config(network, config)

    # --- the build ---

    def _build(self, network: INetworkDefinition, config: IBuilderConfig) -> _core.Engine | None:
        try:
            if network.num_outputs == 0:
                raise InvalidArgumentError("the network has no outputs: mark_output")
            return self._attempt(network, config)
        except _Cancelled:
            say(self._logger, Severity.WARNING, "the progress monitor cancelled the build")
        except Error as error:
            record_error(self, ErrorCodeTRT.INVALID_CONFIG, str(error))
        return None

    def _attempt(self, network: INetworkDefinition, config: IBuilderConfig) -> _core.Engine:
        strict = config.get_flag(BuilderFlag.OBEY_PRECISION_CONSTRAINTS) or config.get_flag(
            BuilderFlag.STRICT_TYPES
        )
        core = network._finished(
            obey=strict, prefer=config.get_flag(BuilderFlag.PREFER_PRECISION_CONSTRAINTS)
        )
        refits = any(config.get_flag(flag) for flag in REFIT_FLAGS)
        builder = Recipe()
        self._prepare(builder, network, config)
        ranges = self._ranges(network, core, config) if config.get_flag(BuilderFlag.INT8) else None
        if ranges is not None:
            builder.with_calibrator(ranges)
        builder.core.with_progress(_Progress(config.progress_monitor) if config.progress_monitor else None)
        builder.core.from_network(core)
        built = builder.core.build()
        self._note(builder.core)
        if not refits:
            return built
        cache = None if ranges is None else ranges.cache
        return Source(core, network._refit_roles(), network._refit_names(), builder.settings, cache).attached_to(built)

    def _prepare(self, builder: Recipe, network: INetworkDefinition, config: IBuilderConfig) -> None:
        builder.core.with_threads(self.max_threads)
        choose_device(builder.core, self._logger)
        if config.get_flag(BuilderFlag.FP16):
            builder.set("with_fp16")
        self._set_profiles(builder, network, config)

    def _ranges(
        self, network: INetworkDefinition, core: _core.Network, config: IBuilderConfig
    ) -> Bridge | CacheAlone | None:
        """From the calibrator (its cache, or its batches), else from the dynamic ranges."""
        calibrator = config.int8_calibrator
        if calibrator is not None:
            shapes = {t.name: self._calibration_shape(t, config) for t in network._inputs}
            dtypes = {t.name: t.dtype for t in network._inputs}
            return Bridge(calibrator, shapes, dtypes, self._logger)
        if any(node["op"] == "Quantize" for node in core.layers()):
            return None  # the network has scales of its own
        by_hand = _hand_ranges(network)
        if by_hand is not None:
            return CacheAlone(by_hand)
        say(
            self._logger,
            Severity.WARNING,
            "BuilderFlag.INT8 without a calibrator, dynamic ranges or Q/DQ: all layers stay in float",
        )
        return None

    def _calibration_shape(self, tensor: Any, config: IBuilderConfig) -> list[int]:
        """The input's shape with the calibration profile's usual sizes; the batch is the calibrator's."""
        if tensor._network.has_implicit_batch_dimension:
            return [-1, *tensor.shape]
        shape = list(tensor.shape)
        profile = config.get_calibration_profile() or (config._profiles[0] if config._profiles else None)
        usual = profile.get_shape(tensor.name) if profile is not None else []
        if usual:
            shape = list(usual[1])
        if any(size < 0 for size in shape[1:]):
            raise InvalidArgumentError(
                f'input "{tensor.name}" has the shape {tuple(tensor.shape)}; needed: a calibration profile '
                "(or an optimisation profile) for its dynamic dimensions"
            )
        return shape

    def _set_profiles(self, builder: Recipe, network: INetworkDefinition, config: IBuilderConfig) -> None:
        if network.has_implicit_batch_dimension:
            builder.set("with_max_batch_size", max(self.max_batch_size, 1))
            return
        for tensor in network._inputs:
            shape = list(tensor.shape)
            profiles = [p.get_shape(tensor.name) for p in config._profiles if p.get_shape(tensor.name)]
            fixed = network._fixed_shapes.get(tensor)
            if fixed is not None and -1 not in shape:
                builder.set("with_profile", tensor.name, shape, shape, shape)
            elif profiles:
                low = [min(sizes) for sizes in zip(*(p[0] for p in profiles), strict=True)]
                high = [max(sizes) for sizes in zip(*(p[2] for p in profiles), strict=True)]
                builder.set("with_profile", tensor.name, low, list(profiles[0][1]), high)
            elif shape and shape[0] == -1:
                self._free_batch(builder, tensor, config)

    def _free_batch(self, builder: Recipe, tensor: Any, config: IBuilderConfig) -> None:
        """A dynamic batch without a profile, which TensorRT refuses."""
        largest = self.max_batch_size
        if not largest and config.int8_calibrator is not None:
            largest = int(config.int8_calibrator.get_batch_size())
        largest = largest or 1
        builder.set("with_max_batch_size", largest)
        say(
            self._logger,
            Severity.WARNING,
            f'input "{tensor.name}" has a dynamic batch and no optimisation profile: built for 1 to {largest}',
            once=True,
        )

    def _note(self, builder: _core.EngineBuilder) -> None:
        for warning in builder.report()["warnings"]:
            say(self._logger, Severity.WARNING, warning, once=True)


class _Progress:
    """The library's progress as a progress monitor's phases."""

    def __init__(self, monitor: Any) -> None:
        self._monitor, self._stage, self._step = monitor, "", 0

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage != self._stage:
            self._finish()
            self._stage, self._step = stage, 0
            self._monitor.phase_start(stage, None, max(int(total), 1))
        if done > 0:
            if self._monitor.step_complete(stage, self._step) is False:
                raise _Cancelled
            self._step += 1
        if total > 0 and done >= total:
            self._finish()

    def _finish(self) -> None:
        if self._stage:
            self._monitor.phase_finish(self._stage)
        self._stage = ""


def _hand_ranges(network: INetworkDefinition) -> bytes | None:
    """The dynamic ranges as a calibration cache; None if there are none."""
    core = network._finished(obey=False, prefer=False)
    lines = [f"{name}: {struct.pack('>f', bound / 127.0).hex()}" for name, bound in core.ranges()]
    return ("TRT-101600-EntropyCalibration2\n" + "\n".join(lines) + "\n").encode() if lines else None

"""IBuilderConfig, optimisation profiles and timing caches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xinfer._errors import InvalidArgumentError, UnsupportedError
from xinfer.tensorrt._basics import ContextManager, Dims, IHostMemory, no_effect
from xinfer.tensorrt._calibrators import IInt8Calibrator
from xinfer.tensorrt._enums import (
    BuilderFlag,
    DeviceType,
    EngineCapability,
    HardwareCompatibilityLevel,
    MemoryPoolType,
    PreviewFeature,
    ProfilingVerbosity,
    QuantizationFlag,
    RuntimePlatform,
    TilingOptimizationLevel,
)

#: How the documentation of a hint without a meaning here begins.
WITHOUT_EFFECT = "Taken without an effect:"

#: Flags that cannot be honoured, with the reason.
_REFUSED_FLAGS = {
    BuilderFlag.FP8: "8-bit floats",
    BuilderFlag.INT4: "4-bit weights",
    BuilderFlag.FP4: "4-bit floats",
    BuilderFlag.SAFETY_SCOPE: "the safety runtime",
    BuilderFlag.WEIGHTLESS: "engines without weights",
    BuilderFlag.WEIGHT_STREAMING: "streamed weights",
}

#: Any of them lets an engine be refitted.
REFIT_FLAGS = (BuilderFlag.REFIT, BuilderFlag.REFIT_IDENTICAL, BuilderFlag.REFIT_INDIVIDUAL)

#: Flags that have a meaning here; all others are hints without one.
_USED_FLAGS = {
    BuilderFlag.FP16,
    BuilderFlag.INT8,
    BuilderFlag.OBEY_PRECISION_CONSTRAINTS,
    BuilderFlag.PREFER_PRECISION_CONSTRAINTS,
    BuilderFlag.STRICT_TYPES,
    *REFIT_FLAGS,
}


class IOptimizationProfile:
    """The smallest, the usual and the largest shape of inputs with dynamic dimensions."""

    def __init__(self) -> None:
        self._shapes: dict[str, tuple[Dims, Dims, Dims]] = {}
        self._values: dict[str, list[list[int]]] = {}
        self.extra_memory_target = 1.0

    def set_shape(self, input: str, min: Any, opt: Any, max: Any) -> None:  # noqa: A002: TensorRT's names
        shapes = (Dims(min), Dims(opt), Dims(max))
        consistent = len({len(shape) for shape in shapes}) == 1 and all(
            0 <= low <= usual <= high for low, usual, high in zip(*shapes, strict=True)
        )
        if not consistent:
            raise ValueError(
                f'profile of input "{input}": min {tuple(shapes[0])}, opt {tuple(shapes[1])}, max '
                f"{tuple(shapes[2])}; needed: equal ranks and min <= opt <= max everywhere"
            )
        self._shapes[input] = shapes

    def get_shape(self, input: str) -> list[Dims]:  # noqa: A002
        return list(self._shapes.get(input, ()))

    def set_shape_input(self, input: str, min: Sequence[int], opt: Sequence[int], max: Sequence[int]) -> None:  # noqa: A002
        raise UnsupportedError(
            f'unsupported: shape input "{input}" (a shape that is an input\'s value); supported: dynamic '
            "dimensions of inputs"
        )

    def get_shape_input(self, input: str) -> list[list[int]]:  # noqa: A002
        return []

    def __bool__(self) -> bool:
        return bool(self._shapes)


class TimingCacheKey:
    """A key of a timing cache: bytes."""

    def __init__(self, text: str = "") -> None:
        self._text = text

    @staticmethod
    def parse(text: str) -> TimingCacheKey:
        return TimingCacheKey(text)

    def __str__(self) -> str:
        return self._text


class TimingCacheValue:
    """Hash and time of a tactic."""

    def __init__(self, tacticHash: int = 0, timingMSec: float = 0.0) -> None:  # noqa: N803: TensorRT's names
        self.tacticHash, self.timingMSec = tacticHash, timingMSec


class ITimingCache(ContextManager):
    """Measured tactics. On a CPU nothing is timed: a cache keeps the bytes that it was given."""

    _MARK = b"xinfer timing cache 1\n"

    def __init__(self, data: bytes = b"") -> None:
        self._data = bytes(data) or self._MARK

    def serialize(self) -> IHostMemory:
        return IHostMemory(self._data)

    def combine(self, input_cache: ITimingCache, ignore_mismatch: bool) -> bool:
        return isinstance(input_cache, ITimingCache)

    def reset(self) -> bool:
        self._data = self._MARK
        return True

    def queryKeys(self) -> list[TimingCacheKey]:  # noqa: N802
        return []

    def query(self, key: TimingCacheKey) -> TimingCacheValue:
        return TimingCacheValue()

    def update(self, key: TimingCacheKey, value: TimingCacheValue) -> bool:
        return False


def _hint(name: str, default: Any, why: str) -> Any:
    """A property that is kept, has no effect, and says so once when it is set."""
    key = f"_hint_{name}"

    def read(self: IBuilderConfig) -> Any:
        return self.__dict__.get(key, default)

    def write(self: IBuilderConfig, value: Any) -> None:
        self.__dict__[key] = value
        no_effect(self._logger, f"IBuilderConfig.{name}", why)

    return property(read, write, doc=f"{WITHOUT_EFFECT} {why}.")


class IBuilderConfig(ContextManager):
    """How an engine is built."""

    def __init__(self, logger: Any) -> None:
        self._logger = logger
        self.reset()

    def reset(self) -> None:
        self.__dict__ = {"_logger": self._logger}
        self.flags = 0
        self.quantization_flags = 0
        self._calibrator: IInt8Calibrator | None = None
        self._calibration_profile: IOptimizationProfile | None = None
        self._profiles: list[IOptimizationProfile] = []
        self._pools: dict[MemoryPoolType, int] = {}
        self._timing_cache: ITimingCache | None = None
        self._previews: set[PreviewFeature] = set()
        self.progress_monitor: Any = None
        self.profiling_verbosity = ProfilingVerbosity.LAYER_NAMES_ONLY

    # --- flags ---

    def set_flag(self, flag: BuilderFlag) -> None:
        if flag in _REFUSED_FLAGS:
            raise UnsupportedError(f"unsupported: BuilderFlag.{flag.name}: {_REFUSED_FLAGS[flag]}")
        if flag not in _USED_FLAGS:
            no_effect(self._logger, f"BuilderFlag.{flag.name}", "it is a hint to TensorRT's own builder")
        self.flags |= 1 << int(flag)

    def clear_flag(self, flag: BuilderFlag) -> None:
        self.flags &= ~(1 << int(flag))

    def get_flag(self, flag: BuilderFlag) -> bool:
        return bool(self.flags >> int(flag) & 1)

    def set_quantization_flag(self, flag: QuantizationFlag) -> None:
        no_effect(
            self._logger,
            f"QuantizationFlag.{flag.name}",
            "calibration sees the unfused network with every calibrator",
        )
        self.quantization_flags |= 1 << int(flag)

    def clear_quantization_flag(self, flag: QuantizationFlag) -> None:
        self.quantization_flags &= ~(1 << int(flag))

    def get_quantization_flag(self, flag: QuantizationFlag) -> bool:
        return bool(self.quantization_flags >> int(flag) & 1)

    # --- calibration ---

    @property
    def int8_calibrator(self) -> IInt8Calibrator | None:
        return self._calibrator

    @int8_calibrator.setter
    def int8_calibrator(self, calibrator: IInt8Calibrator | None) -> None:
        if calibrator is not None and not isinstance(calibrator, IInt8Calibrator):
            raise TypeError(
                f"int8_calibrator: {type(calibrator).__name__}; needed: a subclass of a trt.IInt8…Calibrator"
            )
        if calibrator is not None and not getattr(calibrator, "_initialised", False):
            raise TypeError(
                f"{type(calibrator).__name__}.__init__() must call the __init__ of its trt.IInt8…Calibrator"
            )
        self._calibrator = calibrator

    def set_calibration_profile(self, profile: IOptimizationProfile) -> bool:
        self._calibration_profile = profile
        return True

    def get_calibration_profile(self) -> IOptimizationProfile | None:
        return self._calibration_profile

    # --- profiles ---

    def add_optimization_profile(self, profile: IOptimizationProfile) -> int:
        if not profile:
            return -1
        self._profiles.append(profile)
        return len(self._profiles) - 1

    @property
    def num_optimization_profiles(self) -> int:
        return len(self._profiles)

    # --- memory ---

    def set_memory_pool_limit(self, pool: MemoryPoolType, pool_size: int) -> None:
        if pool_size < 0:
            raise InvalidArgumentError(f"set_memory_pool_limit: {pool_size} bytes")
        self._pools[pool] = int(pool_size)
        no_effect(self._logger, f"the limit of {pool.name}", "engines on a CPU need no such pool")

    def get_memory_pool_limit(self, pool: MemoryPoolType) -> int:
        return self._pools.get(pool, 0)

    @property
    def max_workspace_size(self) -> int:
        """TensorRT 8's name for the limit of WORKSPACE."""
        return self.get_memory_pool_limit(MemoryPoolType.WORKSPACE)

    @max_workspace_size.setter
    def max_workspace_size(self, size: int) -> None:
        self.set_memory_pool_limit(MemoryPoolType.WORKSPACE, size)

    # --- timing ---

    def create_timing_cache(self, serialized_timing_cache: Any) -> ITimingCache:
        return ITimingCache(bytes(serialized_timing_cache))

    def set_timing_cache(self, cache: ITimingCache, ignore_mismatch: bool) -> bool:
        if not isinstance(cache, ITimingCache):
            return False
        self._timing_cache = cache
        return True

    def get_timing_cache(self) -> ITimingCache:
        if self._timing_cache is None:
            self._timing_cache = ITimingCache()
        return self._timing_cache

    avg_timing_iterations = _hint("avg_timing_iterations", 1, "nothing is timed on a CPU")
    min_timing_iterations = _hint("min_timing_iterations", 1, "nothing is timed on a CPU")
    max_num_tactics = _hint("max_num_tactics", -1, "nothing is timed on a CPU")
    builder_optimization_level = _hint("builder_optimization_level", 3, "there is one level")
    tiling_optimization_level = _hint(
        "tiling_optimization_level", TilingOptimizationLevel.NONE, "kernels choose their tiles"
    )
    l2_limit_for_tiling = _hint("l2_limit_for_tiling", -1, "kernels choose their tiles")
    hardware_compatibility_level = _hint(
        "hardware_compatibility_level",
        HardwareCompatibilityLevel.NONE,
        "a CPU engine serves every x86-64 processor",
    )
    runtime_platform = _hint("runtime_platform", RuntimePlatform.SAME_AS_BUILD, "there is one platform")
    engine_capability = _hint("engine_capability", EngineCapability.STANDARD, "there is one runtime")
    max_aux_streams = _hint("max_aux_streams", 0, "engines run on threads")
    profile_stream = _hint("profile_stream", 0, "nothing is timed on a CPU")
    plugins_to_serialize = _hint("plugins_to_serialize", [], "there are no plugins")
    remote_auto_tuning_config = _hint("remote_auto_tuning_config", "", "nothing is timed on a CPU")
    algorithm_selector = _hint("algorithm_selector", None, "tactics are chosen by the library")
    default_device_type = _hint("default_device_type", DeviceType.GPU, "there is no DLA")
    DLA_core = _hint("DLA_core", -1, "there is no DLA")

    def set_preview_feature(self, feature: PreviewFeature, enable: bool) -> None:
        (self._previews.add if enable else self._previews.discard)(feature)
        no_effect(self._logger, f"PreviewFeature.{feature.name}", "it is a feature of TensorRT's own builder")

    def get_preview_feature(self, feature: PreviewFeature) -> bool:
        return feature in self._previews

    def set_tactic_sources(self, tactic_sources: int) -> bool:
        self.__dict__["_tactic_sources"] = int(tactic_sources)
        no_effect(self._logger, "set_tactic_sources", "kernels are the library's own")
        return True

    def get_tactic_sources(self) -> int:
        return self.__dict__.get("_tactic_sources", 0)

    # --- devices: one ---

    def set_device_type(self, layer: Any, device_type: DeviceType) -> None:
        if device_type is not DeviceType.GPU:
            raise UnsupportedError("unsupported: DeviceType.DLA; supported: the engine's own device")

    def get_device_type(self, layer: Any) -> DeviceType:
        return DeviceType.GPU

    def is_device_type_set(self, layer: Any) -> bool:
        return False

    def reset_device_type(self, layer: Any) -> None:
        pass

    def can_run_on_DLA(self, layer: Any) -> bool:  # noqa: N802: TensorRT's name
        return False

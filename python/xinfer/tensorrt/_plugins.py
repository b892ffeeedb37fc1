"""The plugin registry, which is empty, and the plugin interfaces, which nothing implements."""

from __future__ import annotations

from typing import Any

from xinfer._errors import UnsupportedError


class IPluginRegistry:
    """Holds no plugins: every operator is the library's own."""

    def __init__(self) -> None:
        self.error_recorder: Any = None
        self.parent_search_enabled = True

    plugin_creator_list: list[Any] = []
    all_creators: list[Any] = []
    all_creators_recursive: list[Any] = []

    def get_plugin_creator(self, type: str, version: str, plugin_namespace: str = "") -> None:  # noqa: A002
        return None

    def get_creator(self, type: str, version: str, plugin_namespace: str = "") -> None:  # noqa: A002
        return None

    def register_creator(self, creator: Any, plugin_namespace: str = "") -> bool:
        raise UnsupportedError("unsupported: plugins; supported: the operators of docs/supported-ops.md")

    def deregister_creator(self, creator: Any) -> bool:
        return False

    def load_library(self, plugin_path: str) -> Any:
        raise UnsupportedError(f"unsupported: plugin library {plugin_path}; plugins need TensorRT's kernels")

    def deregister_library(self, handle: Any) -> None:
        pass

    def acquire_plugin_resource(self, key: str, resource: Any) -> Any:
        raise UnsupportedError("unsupported: plugin resources")

    def release_plugin_resource(self, key: str) -> int:
        return -1


plugin_registry = IPluginRegistry()


def get_plugin_registry() -> IPluginRegistry:
    return plugin_registry


def get_builder_plugin_registry(capability: Any = None) -> IPluginRegistry:
    return plugin_registry


def init_libnvinfer_plugins(logger: Any, namespace: str = "") -> bool:
    """There is nothing to initialise."""
    return True


def get_nv_onnx_parser_version() -> int:
    return 101600

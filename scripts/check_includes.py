#!/usr/bin/env python3
"""Checks that every folder of src/ includes only folders before it, and public headers only std.

Prints one line for each include that breaks a rule; exit status 1 if there is any. The rules:
  - FOLDERS is the order of the architecture: a folder includes itself and those before it;
  - FORBIDDEN lists what a folder must not know although it comes earlier;
  - a public header counts as the folder that implements it (owner_of);
  - ONNX's protobuf header is for import/ and export/ alone;
  - include/ uses the standard library alone, tools/ and python/ the public headers.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

FOLDERS = ["core", "device", "quant", "kernels", "engine", "runtime", "data", "ir", "import",
           "passes", "export", "lower", "jit", "tune", "calibrate", "compile", "evaluate"]
RUNTIME = FOLDERS[:FOLDERS.index("data") + 1]
FORBIDDEN = {"data": {"device", "quant", "kernels", "engine"}}

# Public headers that are not implemented by the folder they are named after. An interface that has
# no source of its own belongs to the lowest folder that may use it.
PUBLIC_OWNERS = {
    "xinfer/core/engine.h": "runtime",
    "xinfer/builders/calibrator.h": "core",
}
PUBLIC_FOLDERS = {"core": "core", "builders": "compile", "data": "data", "evaluate": "evaluate"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SOURCES = {".h", ".cpp", ".cuh"}


def owner_of(header):
    """The folder of src/ that an include belongs to, or None for other libraries."""
    if header in PUBLIC_OWNERS:
        return PUBLIC_OWNERS[header]
    parts = header.split("/")
    if parts[0] == "xtorch":
        return "data"
    if parts[0] == "xinfer":
        return PUBLIC_FOLDERS.get(parts[1])
    return parts[0] if len(parts) > 1 and parts[0] in FOLDERS else None


def may_include(folder, other):
    if other == folder:
        return True
    return FOLDERS.index(other) < FOLDERS.index(folder) and other not in FORBIDDEN.get(folder, ())


def is_onnx_schema(header):
    return header.startswith(("xinfer_onnx/", "onnx/", "google/protobuf/"))


def complaint_in_src(folder, header):
    if is_onnx_schema(header):
        return None if folder in ("import", "export") else "only import/ and export/ know ONNX's schema"
    other = owner_of(header)
    if other is None or may_include(folder, other):
        return None
    if folder in RUNTIME and other not in RUNTIME:
        return f"{other}/ belongs to the compiler, {folder}/ to the runtime"
    return f"{folder}/ must not use {other}/"


def complaint_in_include(header, quoted):
    if quoted:
        if header.startswith(("xinfer/", "xtorch/")):
            return None
        return "public headers include public headers only"
    if "/" in header or "." in header:
        return "public headers use the standard library only"
    return None


def complaint_in_client(header):
    if is_onnx_schema(header) or (ROOT / "src" / header).is_file():
        return "only public headers may be used here"
    return None


def includes_of(file):
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(2), match.group(1) == '"'


def sources_below(folder):
    return sorted(p for p in (ROOT / folder).rglob("*") if p.suffix in SOURCES and p.is_file())


def complaint_about(file, header, quoted):
    parts = file.relative_to(ROOT).parts
    if parts[0] == "src":
        return complaint_in_src(parts[1], header)
    if parts[0] == "include":
        return complaint_in_include(header, quoted)
    return complaint_in_client(header)


def main():
    complaints = []
    files = 0
    for folder in ("src", "include", "tools", "python"):
        for file in sources_below(folder):
            files += 1
            for number, header, quoted in includes_of(file):
                complaint = complaint_about(file, header, quoted)
                if complaint:
                    complaints.append(
                        f"{file.relative_to(ROOT)}:{number}: {header}: {complaint}")
    unknown = {p.name for p in (ROOT / "src").iterdir() if p.is_dir() and any(p.iterdir())} - set(
        FOLDERS)
    complaints += [f"src/{name}: not in the order of folders" for name in sorted(unknown)]
    print("\n".join(complaints) if complaints else f"{files} files keep the order of folders")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Writes docs/python-reference.md from the package's docstrings, and docs/tensorrt-names.md from the names of
TensorRT's bindings (tests/python/tensorrt_surface.tsv) and what xinfer.tensorrt makes of them.

    python scripts/write_python_reference.py [--check]

`--check` writes nothing and fails if a page differs. Needs the installed package.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import pathlib
import re
import sys

import xinfer
import xinfer.tensorrt as trt
from xinfer.tensorrt import _config, _network_layers

ROOT = pathlib.Path(__file__).resolve().parents[1]
SURFACE = ROOT / "tests" / "python" / "tensorrt_surface.tsv"
MARK = "<!-- Made by scripts/write_python_reference.py; do not edit. -->\n"


def text_of(thing: object) -> str:
    """A docstring as Markdown; lists of arguments as lists."""
    own = thing.__dict__.get("__doc__") if isinstance(thing, type) else thing.__doc__
    lines = inspect.cleandoc(own or "").splitlines()
    result, listing = [], False
    for line in lines:
        if line.rstrip() == "Args:":
            listing = True
            continue
        entry = re.match(r" {4}(\S.*)$", line) if listing else None
        result.append(f"- {entry[1]}" if entry else re.sub(r"^ {8}", "  ", line) if listing else line)
    return "\n".join(result).strip()


def signature_of(name: str, thing: object) -> str:
    if not inspect.isfunction(thing.__init__ if isinstance(thing, type) else thing):
        return name  # compiled: what inspect says of it depends on Python's version
    signature = inspect.signature(thing)
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values() if p.name != "self"]
    text = str(signature.replace(parameters=plain, return_annotation=inspect.Signature.empty))
    return name + re.sub(r"<([\w.]+).*?>", r"\1", text)


def class_lines(name: str, kind: type) -> list[str]:
    made = kind if "__init__" in vars(kind) and not dataclasses.is_dataclass(kind) else None
    lines = [f"### {signature_of(name, made) if made else name}", "", text_of(kind), ""]
    if made is not None and kind.__init__.__doc__ and not issubclass(kind, Exception):
        lines += [text_of(kind.__init__), ""]
    if dataclasses.is_dataclass(kind):
        lines += [f"Fields: {', '.join(f'`{field.name}`' for field in dataclasses.fields(kind))}.", ""]
    for member, value in vars(kind).items():
        if member.startswith("_"):
            continue
        if isinstance(value, property):
            lines.append(f"- `{member}`" + inside_list(value))
        elif inspect.isfunction(value):
            lines.append(f"- `{signature_of(member, value)}`" + inside_list(value))
    return [*lines, ""]


def inside_list(thing: object) -> str:
    """A docstring behind a list item's name."""
    text = text_of(thing)
    return ": " + text.replace("\n", "\n  ") if text else ""


def python_reference() -> str:
    exported = {name: getattr(xinfer, name) for name in xinfer.__all__ if not name.startswith("_")}
    errors = {n: v for n, v in exported.items() if isinstance(v, type) and issubclass(v, Exception)}
    reports = {n: v for n, v in exported.items() if dataclasses.is_dataclass(v)}
    classes = {n: v for n, v in exported.items() if isinstance(v, type) and n not in {*errors, *reports}}
    functions = {n: v for n, v in exported.items() if not isinstance(v, type)}
    lines = [MARK, "# Python reference", "", "[python.md](python.md) is the guide.", "", "## Functions", ""]
    for name, function in functions.items():
        heading, text = signature_of(name, function), text_of(function)
        if heading == name:  # compiled: the signature is the docstring's first line
            heading, _, text = text.partition("\n")
        lines += [f"### {heading}", "", text.strip(), ""]
    for title, group in (("Classes", classes), ("Reports", reports), ("Exceptions", errors)):
        lines += [f"## {title}", ""]
        for name, kind in group.items():
            lines += class_lines(name, kind)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines)).strip() + "\n"


def state_of(owner: str, member: str) -> str:
    """What a name of TensorRT does here; empty: what it says."""
    full = f"{owner}.{member}" if member else owner
    reasons = trt.WITHOUT_COUNTERPART
    if owner.split(".")[0] in reasons or full in reasons:
        return f"raises: {reasons.get(owner.split('.')[0]) or reasons[full]}"
    if owner == "INetworkDefinition" and member in _network_layers.WITHOUT_COUNTERPART:
        return f"raises: {_network_layers.WITHOUT_COUNTERPART[member]}"
    kind = getattr(trt, owner.split(".")[0])
    if owner == "BuilderFlag" and member in trt.BuilderFlag.__members__:
        flag = trt.BuilderFlag[member]
        if flag in _config._REFUSED_FLAGS:
            return f"raises: {_config._REFUSED_FLAGS[flag]}"
        return "" if flag in _config._USED_FLAGS else "taken without an effect"
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return ""
    said = inspect.getdoc(getattr(kind, member, None)) or "" if member else ""
    return said[0].lower() + said[1:].rstrip(".") if said.startswith(_config.WITHOUT_EFFECT) else ""


def tensorrt_names() -> str:
    rows = [line.split("\t") for line in SURFACE.read_text().splitlines() if not line.startswith("#")]
    owners: dict[str, dict[str, list[str]]] = {}
    for owner, member, versions in rows:
        entry = owners.setdefault(owner, {"versions": [versions], "states": []})
        state = state_of(owner, member)
        if state and (not member or state not in entry["states"][:1]):
            entry["states"].append(f"`{member}` {state}" if member else state)
    whole = sum(not entry["states"] for entry in owners.values())
    lines = [
        MARK,
        "# Names of TensorRT and their state",
        "",
        f"{len(rows)} public names of the bindings of 10.16 and 8.6, in {len(owners)} classes and functions. What is not",
        f"named in the last column works as in TensorRT ({whole} classes and functions wholly);",
        "[tensorrt.md](tensorrt.md) says what differs in general.",
        "",
        "| name | versions | without a counterpart or an effect |",
        "| --- | --- | --- |",
    ]
    for owner, entry in sorted(owners.items(), key=lambda item: item[0].lower()):
        versions = entry["versions"][0].replace(" ", ", ")
        lines.append(f"| `{owner}` | {versions} | {'; '.join(dict.fromkeys(entry['states']))} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    pages = {"python-reference.md": python_reference(), "tensorrt-names.md": tensorrt_names()}
    stale = [name for name, text in pages.items() if not _is_current(ROOT / "docs" / name, text)]
    if "--check" in sys.argv:
        for name in stale:
            print(f"docs/{name} is not what {sys.argv[0]} writes: run it", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        (ROOT / "docs" / name).write_text(pages[name])
        print(f"wrote docs/{name}")
    return 0


def _is_current(path: pathlib.Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


if __name__ == "__main__":
    sys.exit(main())

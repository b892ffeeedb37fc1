#!/usr/bin/env python3
"""Writes a complete ResNet-18 with random weights: python make_resnet18_onnx.py resnet18.onnx

The batch is fixed to 1, as exporters do by default.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "bench" / "models"))

from resnet import write_resnet


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} OUTPUT.onnx")
    write_resnet(sys.argv[1], 18, batch=1)


if __name__ == "__main__":
    main()

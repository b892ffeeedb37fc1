#!/usr/bin/env bash
# From nothing to an INT8 engine on a bare Debian 12 or Ubuntu 24.04: installs what is missing, builds
# the xinfer command, then calibrates, builds, runs and evaluates examples/digits on the CPU and prints
# FP32 and INT8 side by side. Safe to run again, and quick the second time.
set -euo pipefail

cd "$(dirname "$0")/.."
. scripts/stages.sh
example=examples/digits
out=build/demo
xinfer=build/release/tools/xinfer
preprocess=color=gray,mean=0.5,std=0.5
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

begin_stage "set-up"
scripts/setup.sh build

begin_stage "build the xinfer command"
cmake --preset release --log-level=WARNING >/dev/null
cmake --build --preset release --target xinfer_cli -j "$(nproc)"
mkdir -p "$out"

begin_stage "calibrate on 100 images"
$xinfer calibrate $example/digits.onnx --calib $example/calib --preprocess $preprocess \
  --max-batch 32 -o $out/digits.cache.json

begin_stage "build an FP32 and an INT8 engine"
$xinfer build $example/digits.onnx --preprocess $preprocess --max-batch 32 -o $out/fp32.engine \
  >/dev/null
$xinfer build $example/digits.onnx --int8 --calib-cache $out/digits.cache.json \
  --preprocess $preprocess --max-batch 32 -o $out/int8.engine

begin_stage "run the INT8 engine on three images"
$xinfer run $out/int8.engine --top-k 2 \
  $example/eval/2/0050.png $example/eval/5/0015.png $example/eval/7/0007.png

begin_stage "evaluate on 500 images, measure the speed at batch 32"
$xinfer compare $out/int8.engine $out/fp32.engine --data $example/eval --batch 32 \
  --json $out/accuracy.json
for precision in fp32 int8; do
  $xinfer bench $out/$precision.engine --batch 32 --duration 2 --json $out/$precision.json >/dev/null
done
end_stage

python3 - $out <<'PYTHON'
import json, os, sys

folder = sys.argv[1]
accuracy = json.load(open(f"{folder}/accuracy.json"))
print(f"\n{'':6}{'top-1 %':>9}{'images/s':>11}{'engine KB':>11}")
for name, side in (("FP32", "baseline"), ("INT8", "engine")):
    speed = json.load(open(f"{folder}/{name.lower()}.json"))["samples_per_second"]
    size = os.path.getsize(f"{folder}/{name.lower()}.engine") / 1000
    print(f"{name:6}{accuracy[side]['top1_percent']:9.2f}{speed:11.0f}{size:11.1f}")
print(f"FP32 and INT8 agree on {accuracy['agreement_percent']:.2f} % of the images.")
PYTHON

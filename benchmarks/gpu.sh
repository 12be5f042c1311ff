#!/usr/bin/env bash
# What is to be done when a GPU is at hand, in the order of its worth; each part can be resumed.
#
#   benchmarks/gpu.sh [--parts tests,speed,fer,detector,ssdlite] [--minutes 25] [--out DIR] [--dry]
#
#   tests     the tests that need CUDA
#   speed     training step, inference and loader against the bare backbone and torchvision's
#   fer       classifiers of FER2013 and FERPlus at full length
#   detector  the detector on RAF-DB's layout from that backbone
#   ssdlite   the small detector
#
# Data are looked for in FERDET_FER2013 and FERDET_WILD7, as the tests do; parts without theirs are
# left out. Packages that Python lacks are installed from .wheels/, without a network. Results are
# small files in --out: tables, logs, and weights in half precision. --dry: tiny sizes on the CPU,
# which shows that the script works and nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."

parts=tests,speed,fer,detector,ssdlite minutes=25 out=${OUT:-runs/gpu} dry=
while [ $# -gt 0 ]; do
  case $1 in
    --parts) parts=$2; shift 2 ;;
    --minutes) minutes=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    --dry) dry=1; shift ;;
    *) echo "error: $1; wanted --parts, --minutes, --out or --dry" >&2; exit 2 ;;
  esac
done
for part in ${parts//,/ }; do
  case $part in
    tests | speed | fer | detector | ssdlite) ;;
    *) echo "error: --parts with $part; wanted tests, speed, fer, detector, ssdlite" >&2; exit 2 ;;
  esac
done

python=${PYTHON:-python3}
work=${FERDET_WORK:-runs/gpu_work}
mkdir -p "$out" "$work"
if [ -d .wheels ]; then
  "$python" -m pip install --quiet --no-index --find-links .wheels .wheels/*.whl
fi
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}

ends=$((SECONDS + 60 * minutes))
device=cuda:0 epochs=() size=() rounds=7
if [ -n "$dry" ]; then
  device=cpu rounds=1
  epochs=(--epochs 1 --batch_size 4 --workers 0 --precision float32)
  size=(--model.input_size 32)
fi

# step NAME COMMAND...: runs it with its log in --out, within the time that is left.
step() {
  local name=$1 left=$((ends - SECONDS))
  shift
  if [ "$left" -lt 20 ]; then
    echo "$name: left out, no time"
    return
  fi
  echo "$name: begins, $left s left"
  if timeout "$left" "$@" >"$out/$name.log" 2>&1; then
    echo "$name: done"
  else
    echo "$name: ended with $? (see $out/$name.log)"
    failed="${failed:-} $name"
  fi
}

# keep NAME RUN: the weights of a finished or interrupted training, in half precision.
keep() {
  if [ -f "$2/best.pth" ]; then
    "$python" - "$2/best.pth" "$out/$1.safetensors" <<'PY'
import sys
from pathlib import Path

import torch

from fer_det.weights.model_file import read_model_file, write_model_file

write_model_file(Path(sys.argv[2]), read_model_file(Path(sys.argv[1])), torch.float16)
PY
  fi
}

# train NAME COMMAND CONFIG DATA FLAG...: train, keep the weights, score.
train() {
  local name=$1 command=$2 config=$3 data=$4
  shift 4
  step "$name" "$python" -m fer_det "$command" --config "$config" --data "$data" \
    --out "$work/$name" --device "$device" "${epochs[@]}" "$@"
  keep "$name" "$work/$name"
  if [ -f "$work/$name/best.pth" ]; then
    step "${name}_scores" "$python" -m fer_det eval --weights "$work/$name/best.pth" \
      --data "$data" --out "$work/$name" --device "$device" --workers 2
    cp "$work/$name/scores.json" "$out/${name}_scores.json" 2>/dev/null || true
  fi
}

voc() { # voc NAME FLAG...: a VOC folder, built once.
  local folder=$work/$1
  [ -d "$folder" ] || step "build_$1" "$python" -m fer_det build-voc "${@:2}" --out "$folder"
}

for part in ${parts//,/ }; do
  case $part in
    tests) step tests "$python" -m pytest -q -m gpu tests ;;
    speed)
      flags=(--device "$device" --rounds "$rounds" --results "$out")
      if [ -n "$dry" ]; then
        step train_step "$python" benchmarks/train_step.py "${flags[@]}" \
          '--sizes=[32]' '--widths=[16]' --batch_size 2 --stock false
      else
        for batch in 16 64 256; do
          step "train_step_$batch" "$python" benchmarks/train_step.py "${flags[@]}" \
            '--sizes=[224]' '--widths=[512, 4096]' --batch_size "$batch"
        done
        step inference "$python" benchmarks/inference.py "${flags[@]}" --size 224 --width 512
      fi
      ;;
    fer)
      if [ -n "${FERDET_FER2013:-}" ]; then
        [ -f "$work/fer/fer2013new.csv" ] ||
          step layouts "$python" "$FERDET_FER2013/layouts.py" "$work/fer" csv
        voc ferplus --ferplus "$work/fer" --ferplus_options.mode crossentropy
        voc fer2013 --fer2013 "$work/fer"
        train ferplus_vgg16 train-classifier ferplus_vgg16 "$work/ferplus" --init none "${size[@]}"
        train ferplus_small train-classifier ferplus_small "$work/ferplus" --init none "${size[@]}"
        train fer2013_vgg16 train-classifier fer2013_vgg16 "$work/fer2013" --init none "${size[@]}"
        train fer2013_mobilenet train-classifier fer2013_mobilenet "$work/fer2013" "${size[@]}"
      else
        echo "fer: left out, FERDET_FER2013 names no folder"
      fi
      ;;
    detector | ssdlite)
      if [ -n "${FERDET_WILD7:-}" ]; then
        voc wild7 --rafdb "$FERDET_WILD7/basic"
        if [ "$part" = detector ]; then
          init=auto
          [ ! -f "$work/ferplus_vgg16/best.pth" ] || init=$work/ferplus_vgg16/best.pth
          train wild7_detector train small_cpu "$work/wild7" --init "$init" \
            --model.input_size "${size[1]:-112}"
        else
          train wild7_ssdlite train small_cpu_ssdlite "$work/wild7" "${size[@]}"
        fi
      else
        echo "$part: left out, FERDET_WILD7 names no folder"
      fi
      ;;
  esac
done
ls -l "$out"
[ -z "${failed:-}" ] || { echo "error: failed:$failed" >&2; exit 1; }

#!/usr/bin/env bash
# What is to be done when a GPU is at hand, in the order of its worth; each part can be resumed.
#
#   benchmarks/gpu.sh [--parts tests,speed,fer,detector,ssdlite] [--minutes 9] [--out DIR] [--dry]
#
#   tests     the tests that need CUDA
#   speed     training step, inference and loader against the bare backbone and torchvision's
#   fer       classifiers of FER2013 and FERPlus at full length
#   detector  the detector on RAF-DB's layout from that backbone, at 112 and 224 px
#   ssdlite   the small detector on composed pictures of the same faces
#
# Data are looked for in FERDET_FER2013 and FERDET_WILD7, as the tests do; parts without theirs are
# left out. Packages that Python lacks are installed from .wheels/, without a network. A command
# that ran out of time is typed again: what is done in FERDET_WORK is not done twice.
#
# In --out: results.tar.gz, the tables, logs and scores so far, and weights.tar.aa, .ab, ..., the
# weights in half precision that are new, in at most 4 pieces of 15 MiB; what has no room is packed
# by the next call (--parts none packs only). To unpack: cat weights.tar.* | tar -x
#
# --dry: tiny sizes on the CPU, which shows that the script works and nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."

parts=tests,speed,fer,detector,ssdlite minutes=9 out=${OUT:-runs/gpu} dry=
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
    tests | speed | fer | detector | ssdlite | none) ;;
    *) echo "error: --parts with $part; wanted tests, speed, fer, detector, ssdlite, none" >&2; exit 2 ;;
  esac
done

python=${PYTHON:-python3}
work=${FERDET_WORK:-runs/gpu_work}
results=$work/results weights=$work/weights
mkdir -p "$out" "$results" "$weights/packed"
if [ -d .wheels ] && [ ! -d "$work/site" ]; then
  "$python" -m pip install --quiet --no-index --no-deps --target "$work/site" .wheels/*.whl
fi
export PYTHONPATH=$PWD:$work/site${PYTHONPATH:+:$PYTHONPATH}

ends=$((SECONDS + 60 * minutes))
device=cuda:0 rounds=7 epochs=() size=() pictures=()
cores=$(nproc)
workers=$((cores > 14 ? 14 : cores > 1 ? cores - 1 : 1))
if [ -n "$dry" ]; then
  device=cpu rounds=1 workers=0
  epochs=(--epochs 1 --batch_size 4 --precision float32)
  size=(--model.input_size 32)
  pictures=(--pictures 16)
fi

# step NAME COMMAND...: runs it once, with its log in results, within the time that is left.
step() {
  local name=$1 left=$((ends - SECONDS)) code=0
  shift
  [ ! -f "$results/$name.done" ] || return 0
  if [ "$left" -lt 20 ]; then
    echo "$name: left out, no time"
    return
  fi
  echo "$name: begins, $left s left"
  timeout --kill-after 15 "$left" "$@" >"$results/$name.log" 2>&1 || code=$?
  case $code in
    0) echo "$name: done" && touch "$results/$name.done" ;;
    124) echo "$name: out of time" ;;
    *)
      echo "$name: ended with $code; the end of its log:"
      tail -n 5 "$results/$name.log"
      failed="${failed:-} $name"
      ;;
  esac
}

# keep NAME RUN: the weights of a finished or interrupted training, in half precision.
keep() {
  if [ "$2/best.pth" -nt "$weights/packed/$1.safetensors" ]; then
    "$python" - "$2/best.pth" "$weights/$1.safetensors" <<'PY'
import sys
from pathlib import Path

import torch

from fer_det.weights.model_file import read_model_file, write_model_file

write_model_file(Path(sys.argv[2]), read_model_file(Path(sys.argv[1])), torch.float16)
PY
  fi
}

# pack: what is in results, and the new weights for which there is room, into --out.
pack() {
  local file size room=$((60 << 20)) names=()
  rm -f "$out"/weights.tar.*
  tar -czf "$out/results.tar.gz" -C "$work" results
  for file in "$weights"/*.safetensors; do
    size=$(stat -c %s "$file" 2>/dev/null || echo "$room")
    if [ "$size" -lt "$room" ]; then
      room=$((room - size - 4096)) names+=("${file##*/}")
    fi
  done
  if [ ${#names[@]} -gt 0 ]; then
    tar -c -C "$weights" "${names[@]}" | split -b 15m - "$out/weights.tar."
    (cd "$weights" && mv "${names[@]}" packed/)
  fi
  ls -l "$out"
}
trap pack EXIT

# train NAME COMMAND CONFIG DATA FLAG...: train, keep the weights, score a finished training.
train() {
  local name=$1 command=$2 config=$3 data=$4
  shift 4
  step "$name" "$python" -m fer_det "$command" --config "$config" --data "$data" \
    --out "$work/$name" --device "$device" --workers "$workers" "${epochs[@]}" "$@"
  keep "$name" "$work/$name"
  if [ -f "$results/$name.done" ]; then
    step "${name}_scores" "$python" -m fer_det eval --weights "$work/$name/best.pth" \
      --data "$data" --out "$work/$name" --device "$device" --workers "$workers"
    cp "$work/$name/scores.json" "$results/${name}_scores.json" 2>/dev/null || true
  fi
}

voc() { # voc NAME FLAG...: a VOC folder.
  step "build_$1" "$python" -m fer_det build-voc "${@:2}" --out "$work/$1"
}

for part in ${parts//,/ }; do
  case $part in
    tests) step tests "$python" -m pytest -q -m gpu tests ;;
    speed)
      flags=(--device "$device" --rounds "$rounds" --results "$results")
      if [ -n "$dry" ]; then
        step train_step "$python" benchmarks/train_step.py "${flags[@]}" \
          '--sizes=[32]' '--widths=[16]' --batch_size 2 --stock false
        step loader "$python" benchmarks/loader.py "${flags[@]}" --size 32 --width 16 --count 2 \
          --batch_size 2 --batches 2 --workers "$workers"
      else
        for batch in 16 64 256; do
          step "train_step_$batch" "$python" benchmarks/train_step.py "${flags[@]}" \
            '--sizes=[224]' '--widths=[512, 4096]' --batch_size "$batch" \
            --stock "$([ "$batch" = 16 ] && echo true || echo false)"
        done
        for width in 512 4096; do
          step "inference_$width" "$python" benchmarks/inference.py "${flags[@]}" --size 224 \
            --width "$width" '--batches=[1, 16, 64, 256]'
        done
        # Enough batches for the start of the workers to be a small part.
        step loader "$python" benchmarks/loader.py "${flags[@]}" --rounds 3 --size 224 \
          --batch_size 64 --batches 400 --workers "$workers"
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
        train fer2013_small train-classifier fer2013_small "$work/fer2013" "${size[@]}"
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
          for side in 112 224; do
            train "wild7_detector_$side" train small_cpu "$work/wild7" --init "$init" \
              --model.input_size "${size[1]:-$side}"
          done
        else
          step compose "$python" -m fer_det compose --data "$work/wild7" \
            --out "$work/composed" "${pictures[@]}"
          train wild7_ssdlite train ssdlite_faces "$work/composed" "${size[@]}"
        fi
      else
        echo "$part: left out, FERDET_WILD7 names no folder"
      fi
      ;;
  esac
done
[ -z "${failed:-}" ] || { echo "error: failed:$failed" >&2; exit 1; }

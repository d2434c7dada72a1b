# Two commands for a newcomer: `make demo` and `make test`. Everything else is for people who change the code.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BLENDER := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/commedia/blender
BLENDER_PYTHON ?= python3.11

.PHONY: demo live-demo page test test-slow lint types format chromium blender clean

demo: $(VENV)/.installed
	$(BIN)/commedia demo --output demo-out

# Two portraits in motion, played as a camera would show them; a page opens in the browser.
live-demo: $(VENV)/.installed-live
	$(BIN)/commedia live --demo

# The page of `commedia live` from its TypeScript; what it writes is committed, so that users need no Node.
page: web/node_modules/.installed
	cd web && npm run check && npm run build

test: $(VENV)/.installed-dev node_modules/.installed web/node_modules/.installed
	$(BIN)/ruff check src tests scripts benchmarks examples
	$(BIN)/ruff format --check src tests scripts benchmarks examples
	$(BIN)/python -m pytest -q -n 2 --durations 10

test-slow: $(VENV)/.installed-dev node_modules/.installed web/node_modules/.installed
	$(BIN)/python -m pytest -q -m "slow or not slow"

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check src tests scripts benchmarks examples

types: $(VENV)/.installed-dev
	$(BIN)/pyright

format: $(VENV)/.installed-dev
	$(BIN)/ruff format src tests scripts benchmarks examples
	$(BIN)/ruff check --fix src tests scripts benchmarks examples

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[demo]"
	touch $@

$(VENV)/.installed-live: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[demo,live]"
	touch $@

# torch is installed alone first, so that no other package can ask for a build with gigabytes of CUDA.
$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev,train,label]"
	touch $@ $(VENV)/.installed $(VENV)/.installed-live

# The Khronos validator and three.js judge the GLB files; without npm those tests are skipped and say so.
node_modules/.installed: package.json
	@if command -v npm >/dev/null; then npm install --silent --no-audit --no-fund && touch $@; \
	else mkdir -p node_modules && touch $@ && echo "npm not found: glTF validator tests will be skipped"; fi

# Builds the page of `commedia live`; without npm the test that builds it again is skipped and says so.
web/node_modules/.installed: web/package.json
	@if command -v npm >/dev/null; then cd web && npm install --silent --no-audit --no-fund && touch node_modules/.installed; \
	else mkdir -p web/node_modules && touch $@ && echo "npm not found: the page is not built again"; fi

# In Chromium three.js plays the exported clips and draws them; without it those tests are skipped and say so.
chromium:
	@if command -v chromium || command -v chromium-browser || command -v google-chrome; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update && apt-get install -y --no-install-recommends chromium; \
	else echo "install Chromium or Chrome with your system's package manager, so that 'chromium' is on the PATH"; exit 1; fi

# In Blender the exported files are opened; without it those tests, which are slow ones, are skipped and say so. An
# environment of its own, because bpy is GPL-3.0, 370 MB to load and 1 GB on disk, and wants exactly this Python.
blender: $(BLENDER)/.installed

$(BLENDER)/.installed:
	$(BLENDER_PYTHON) -m venv $(BLENDER)
	$(BLENDER)/bin/pip install --quiet bpy==5.0.1
	$(BLENDER)/bin/python -c "import bpy; print('Blender', bpy.app.version_string)"
	touch $@

clean:
	rm -rf $(VENV) node_modules web/node_modules demo-out build dist

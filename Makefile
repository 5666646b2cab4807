# The commands of the project. On a bare Debian system they install what is missing; later they find it and stay quiet.

PYTHON ?= python3
ARGS ?=
WORKERS ?= 2

export UV_SYSTEM_CERTS ?= true
export UV_PYTHON_DOWNLOADS ?= never

setup := @PYTHON="$(PYTHON)" sh scripts/setup.sh
python := .venv/bin/python
headless := .venv-headless/bin/python
# Real processes on a busy machine: what fails is tried once more, and named at the end.
pytest_options := -n $(WORKERS) --reruns 1 --reruns-delay 1 -r R
compile := .tools/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --custom-compile-command "make lock"

.PHONY: help run test format lock build clean

help:
	@echo "make run     open the terminal (make run ARGS=--help tells its options)"
	@echo "make test    format, lint, types, import rules, all tests; the engine's also without Qt"
	@echo "make format  format the code and mend what the linter can mend"
	@echo "make lock    pin all packages anew, with their hashes"
	@echo "make build   pack the program for people without Python into dist/, and try it"
	@echo "make clean   remove environments, caches and builds"

run:
	$(setup) system display project
	@if [ "$$(uname -s)" = Linux ] && [ -z "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
		echo "No display here: the terminal opens on a virtual one (xvfb)."; \
		exec xvfb-run -a $(python) -m terminal $(ARGS); \
	else \
		exec $(python) -m terminal $(ARGS); \
	fi

# The whole suite comes last, so that its summary closes the output.
test:
	$(setup) system project headless
	$(python) -m ruff format --check .
	$(python) -m ruff check .
	$(python) -m mypy
	.venv/bin/lint-imports --no-logo
	$(headless) -c "import importlib.util as u; assert not u.find_spec('PySide6'), 'Qt is installed'"
	$(headless) -m pytest $(pytest_options) tests/unit/engine
	$(python) -m pytest $(pytest_options)

format:
	$(setup) project
	$(python) -m ruff check --fix .
	$(python) -m ruff format .

lock:
	$(setup) tools
	$(compile) --group dev --output-file requirements.txt pyproject.toml
	$(compile) --group build --constraint requirements.txt --output-file scripts/requirements-build.txt
	echo "uv==$$(.tools/bin/uv --version | cut -d ' ' -f 2)" | $(compile) --output-file scripts/requirements-uv.txt -

build:
	$(setup) system project build
	$(python) -m PyInstaller --noconfirm --log-level WARN build.spec
	FUTURES_TERMINAL_HOME=build/home QT_QPA_PLATFORM=offscreen \
		dist/futures-terminal/terminal --smoke-test build/smoke-test.json

clean:
	rm -rf .tools .venv .venv-headless build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The everyday commands. `make` alone lists them.

VENV  := .venv
BIN   := $(VENV)/bin
PIP   := $(BIN)/python -m pip --disable-pip-version-check
BUNDLED := src/napari_growtrack/core/networks/bundled
SCREEN := xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX"
BY_TWO := -n 2 --dist loadfile --no-loadscope-reorder
CORE_TESTS := $(BY_TWO) --ignore tests/widgets
PANEL_TESTS := $(BY_TWO) tests/widgets
QT_SYSTEM := xvfb xauth libegl1 libgl1-mesa-dri libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxkbcommon-x11-0

# Stamps: an extra is installed again only when pyproject.toml has changed.
INSTALLED := $(VENV)/.installed
TESTING   := $(VENV)/.installed-test
LINTING   := $(VENV)/.installed-dev
WRITING   := $(VENV)/.installed-docs

.DEFAULT_GOAL := help
.PHONY: help demo test test-jax test-torch test-pyside test-lowest mutations panels lint docs package networks ladder pages benchmark clean system-libraries

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(INSTALLED)  ## install into .venv and track a simulated film, into demo/
	@$(BIN)/growtrack demo -o demo

# Panels are tested in processes of their own: on Linux, TensorFlow has to come after OpenGL, as it does in napari.
test: $(TESTING) system-libraries  ## run the tests (with a virtual screen where there is one)
	$(BIN)/python -m pytest $(CORE_TESTS)
	@if command -v xvfb-run >/dev/null 2>&1; then \
	    $(SCREEN) $(BIN)/python -m pytest $(PANEL_TESTS); \
	else \
	    $(BIN)/python -m pytest $(PANEL_TESTS); \
	fi

test-jax: $(TESTING) $(VENV)/.installed-jax  ## run the tests of growing and detecting on JAX instead of TensorFlow
	KERAS_BACKEND=jax $(BIN)/python -m pytest tests/core/growth tests/core/detection/test_detection.py tests/core/networks/test_deeptrack.py tests/core/insight

test-torch: $(TESTING) $(VENV)/.installed-torch  ## run the tests of growing and detecting on PyTorch instead of TensorFlow
	KERAS_BACKEND=torch $(BIN)/python -m pytest tests/core/growth tests/core/detection/test_detection.py tests/core/networks/test_deeptrack.py tests/core/insight

# Another Qt beside the one in .venv, seen only by this target. From 6.12 on, PySide6 loses a reference to None with every event.
test-pyside: $(TESTING) system-libraries  ## run the tests of panels with PySide6 instead of PyQt6
	@$(PIP) install --quiet --upgrade --target $(VENV)/pyside 'PySide6_Essentials>=6.8,<6.12'
	QT_API=pyside6 PYTEST_QT_API=pyside6 PYTHONPATH=$(VENV)/pyside $(SCREEN) $(BIN)/python -m pytest $(PANEL_TESTS)

# In an environment of its own, and without the window: what napari brings is napari's to say.
test-lowest: | $(BIN)/python  ## run the core's tests with the lowest versions that pyproject.toml allows
	@$(PIP) install --quiet uv
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/lowest
	$(BIN)/uv pip install --quiet --python $(VENV)/lowest --resolution lowest-direct -e '.[test]'
	$(VENV)/lowest/bin/python -m pytest $(CORE_TESTS)

mutations: $(TESTING)  ## plant faults in the core and see whether the tests notice (an hour; survivors are printed)
	@$(PIP) install --quiet coverage
	$(BIN)/python tests/sample_mutations.py

lint: $(LINTING)  ## check style, types, the directions of import, and sizes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy src
	$(BIN)/lint-imports
	$(BIN)/python tests/house/sizes.py

docs: $(WRITING)  ## build the documentation into site/
	$(BIN)/mkdocs build --strict

package: $(VENV)/.installed-release  ## build and check wheel and source, and write conda-forge's recipe, into dist/
	@rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/python conda/released.py dist/*.tar.gz dist/recipe.yaml

networks: $(INSTALLED)  ## grow the bundled networks again from their recipes
	@set -e; for recipe in $(BUNDLED)/recipes/*.json; do \
	    [ -e "$$recipe" ] || { echo "No recipe in $(BUNDLED)/recipes."; exit 1; }; \
	    name=$$(basename "$$recipe" .json); \
	    echo "Growing $$name from $$recipe"; \
	    $(BIN)/growtrack grow --recipe "$$recipe" -o "$(BUNDLED)/$$name.growtrack"; \
	done

ladder: $(TESTING)  ## measure docs/ladder.md and docs/world.md again (half an hour; GROWTRACK_DATA adds DeepTrack 1.0)
	@for name in ladder scaling stream world choice; do $(BIN)/growtrack benchmark $$name -o docs/ladder >/dev/null; done

pages: $(INSTALLED)  ## write the pages of docs/reproduction again, of the results that lie there
	@$(BIN)/growtrack benchmark pages -o docs/reproduction

panels: $(TESTING) system-libraries  ## measure the panels, and take the pictures of docs/napari.md (GROWTRACK_DATA adds the Brownian film)
	@rm -rf docs/images/tour
	@GROWTRACK_PICTURES=docs/images/tour $(SCREEN) $(BIN)/python -m pytest -q tests/widgets/test_walk.py -k "saved or cursor"
	@networks=$$(mktemp -d); \
	if [ -n "$$GROWTRACK_DATA" ]; then \
	    GROWTRACK_NETWORKS=$$networks $(SCREEN) $(BIN)/python tests/widgets/newcomer.py "$$GROWTRACK_DATA/deeptrack1/brownian_particles.mp4" docs/images/tour docs/panels; \
	fi; \
	GROWTRACK_NETWORKS=$$networks $(SCREEN) $(BIN)/python tests/widgets/measure_panels.py docs/panels

benchmark: $(INSTALLED)  ## run every benchmark
	$(BIN)/growtrack benchmark all

clean:  ## remove what was built; .venv stays
	rm -rf build dist site demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# A name on the path may be a shim with nothing behind it, so each candidate has to answer.
$(BIN)/python:
	@for python in python3 python3.11 python3.12 python3.13 python3.14; do \
	    if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	        echo "Making $(VENV) with $$("$$python" --version)"; \
	        exec "$$python" -m venv $(VENV); \
	    fi; \
	done; \
	echo "No Python 3.11 or newer with the venv module was found. Install one (Debian, Ubuntu: python3 and python3-venv) and try again."; \
	exit 1

$(INSTALLED): pyproject.toml | $(BIN)/python
	@echo "Installing napari-growtrack into $(VENV) (a few minutes the first time)"
	@$(PIP) install --quiet -e .
	@touch $@

$(VENV)/.installed-%: pyproject.toml | $(BIN)/python
	@echo "Installing napari-growtrack[$*] into $(VENV) (a few minutes the first time)"
	@$(PIP) install --quiet -e '.[$*]'
	@touch $@

# What Qt needs to open a window on a bare Debian or Ubuntu; elsewhere, and where all is there, nothing happens.
system-libraries:
	@command -v apt-get >/dev/null 2>&1 && command -v dpkg >/dev/null 2>&1 || exit 0; \
	missing=; \
	for package in $(QT_SYSTEM); do \
	    dpkg -s "$$package" 2>/dev/null | grep -q '^Status: install ok installed' || missing="$$missing $$package"; \
	done; \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" -eq 0 ]; then sudo=; \
	elif sudo -n true >/dev/null 2>&1; then sudo="sudo -n"; \
	else echo "Missing for the window tests:$$missing (install them with apt-get)"; exit 0; fi; \
	echo "Installing$$missing"; \
	install="$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing"; \
	$$install >/dev/null 2>&1 </dev/null || { \
	    $$sudo apt-get update -qq </dev/null && $$install >/dev/null </dev/null; \
	} || echo "Could not install$$missing; the window tests may fail."

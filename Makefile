# make run: the viewer. make test: the tests. Both make their own .venv with pinned versions.
# make speed: times of the parts that users wait for, compared with the recorded ones; RECORD=NAME adds a version.
# make fuzz MINUTES=60: coverage-guided fuzzing of every reader; TARGETS="png tiff" for some of them.
# make faults: every call that writes a file fails once; processes are killed while they write (Linux, needs cc).
# make docs: the documentation site in build/site. make tutorials: all its commands, by the installed program.
# make bundle: the self-contained program in dist/; on Linux, TORCH_INDEX=URL of PyTorch's builds for the processor.
# make release: checks, packages, hashes and tag, see docs/releasing.md; REHEARSAL=FOLDER builds them there, untagged.
# make soak MINUTES=120: a window at work with random events; memory and handles must not grow.
PYTHON ?= python3
BIN := .venv/bin

MINUTES ?= 5
TARGETS ?=
TORCH_INDEX ?=
REHEARSAL ?=

.PHONY: run test test-all check docs tutorials bundle release fuzz faults soak speed clean

run: .venv/installed
	$(BIN)/nesr-gui $(IMAGE)

# Programs that tests start compile their modules once, whatever the environment says.
test: .venv/installed-test
	PYTHONDONTWRITEBYTECODE= QT_QPA_PLATFORM=offscreen OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto

test-all: .venv/installed-test
	QT_QPA_PLATFORM=offscreen OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto -m ""

check: .venv/installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

speed: .venv/installed-test
	OMP_NUM_THREADS=2 $(BIN)/python -m pytest -q tests/speed/bench_parts.py --benchmark-json=.venv/speed.json
	$(BIN)/python -m tests.speed.history .venv/speed.json $(if $(RECORD),--record $(RECORD))

fuzz: .venv/installed-fuzz
	$(BIN)/python -m tests.fuzz.run --minutes $(MINUTES) $(TARGETS)

faults: .venv/installed-test
	NESR_FAULTS=all OMP_NUM_THREADS=1 QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -n 0 -s tests/faults
	for what in files autosave batch; do \
	 OMP_NUM_THREADS=1 QT_QPA_PLATFORM=offscreen $(BIN)/python -m tests.faults.kill $$what || exit 1; done

soak: .venv/installed-test
	NESR_SOAK_MINUTES=$(MINUTES) OMP_NUM_THREADS=1 QT_QPA_PLATFORM=offscreen \
	 $(BIN)/python -m pytest -n 0 -s tests/gui/test_soak.py

docs: .venv/installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

tutorials: .venv/installed-test
	PATH="$(CURDIR)/$(BIN):$$PATH" NESR_TUTORIALS=shell QT_QPA_PLATFORM=offscreen \
	 $(BIN)/python -m pytest -n 0 tests/documentation

bundle: build/bundle/installed
	build/bundle/bin/python packaging/bundle.py

release: .venv/installed-release
	$(BIN)/python packaging/release.py $(if $(REHEARSAL),rehearse "$(REHEARSAL)",build)

.venv/installed-docs: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@

.venv/installed-release: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[release]'
	touch $@

build/bundle/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv build/bundle
	build/bundle/bin/python -m pip install --quiet --constraint constraints.txt $(if $(TORCH_INDEX),--no-deps --index-url "$(TORCH_INDEX)") torch
	build/bundle/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[bundle]'
	touch $@

.venv/installed-fuzz: .venv/installed-test
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[fuzz]'
	touch $@

.venv/installed: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON); install Python 3.11 or newer." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$$($(PYTHON) --version) is too old;\
	 install Python 3.11 or newer and run, for example: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot create virtual environments;\
	 install its venv module, for example: sudo apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/installed-test: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv build dist nesr-out

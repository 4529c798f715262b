# Two commands do everything: `make run` and `make test`. Each builds .venv from the hashed lock file by itself.
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python -m
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

.PHONY: run test check conformance interop bench bench-detection demo-aws lock clean

run: .venv/runtime
	$(RUN) proxy serve $(ARGS)

test: .venv/dev
	$(RUN) pytest tests -m "not conformance and not interop" -n 2 --dist loadfile $(ARGS)

check: .venv/dev
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) pytest tests/test_architecture.py

conformance: .venv/dev
	$(RUN) pytest tests/conformance -m conformance -s $(ARGS)

interop: .venv/dev
	$(RUN) pytest tests/interop -m interop -s $(ARGS)
	$(RUN) pytest tests/agents tests/deployment -m interop -n 2 --dist loadfile $(ARGS)

bench: .venv/dev
	$(RUN) benchmarks $(ARGS)

# What detection finds, spares and costs, with every target beside its figure.
bench-detection: .venv/dev
	$(RUN) benchmarks.detection $(ARGS)

# The whole story on AgentCore, on loopback, without AWS.
demo-aws: .venv/dev
	$(RUN) tests.agentcore.demo

# Resolved for every platform and Python at once; hashes, and no index address.
lock:
	$(LOCK) pyproject.toml --extra presidio --extra deploy -o requirements.lock
	$(LOCK) pyproject.toml --extra presidio --extra deploy --extra dev -c requirements.lock -o requirements-dev.lock
	$(LOCK) pyproject.toml -c requirements.lock -o requirements-core.lock

.venv/runtime: requirements.lock pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'mcp-policy-proxy needs Python 3.11 or newer; set PYTHON=...')"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(RUN) pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . || $(RUN) pip install --quiet --no-deps --editable .
	touch $@

.venv/dev: requirements-dev.lock .venv/runtime
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

clean:
	rm -rf .venv .build .node .interop .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Bellhop's commands. `make` or `make help` lists them. What they install is kept in .venv and .local, inside the checkout.

.DEFAULT_GOAL := help
.PHONY: help setup run test faults fuzz bench soak compare migrate-soak deploy-faults gamedays simulate queries model mutants emulator-free check lock clean

PY := .venv/bin/python
# The end-to-end tests mostly wait, the others compute: three processes on two cores.
WORKERS := $(shell cores=$$(getconf _NPROCESSORS_ONLN 2>/dev/null | grep -E '^[0-9]+$$' || echo 2); echo $$((cores < 3 ? 3 : cores > 4 ? 4 : cores)))
UV := uv==0.13.9
COMPILE := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock"

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile

setup: ## install what is missing, without starting anything (PYTHON=... names the Python to use)
	@PYTHON="$(PYTHON)" sh infra/local/setup.sh

run: setup ## start the whole system on this machine (PORT=8080, BELLHOP_FAST=1 for short rhythms); Ctrl-C ends it
	@exec $(PY) -m infra.local

test: setup ## run the tests (ARGS="tests/unit -k chat")
	@$(PY) -m infra.local.prerequisites
	@exec $(PY) -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder $(ARGS)

faults: setup ## fail, cut off or kill every outgoing call in turn, and see that nothing is lost (twenty-five minutes)
	@$(PY) -m infra.local.prerequisites
	@exec $(PY) -m pytest -m crash_points tests/faults tests/unit tests/adapters $(ARGS)

bench: setup ## measure what Bellhop costs: ratios to a bare function, and counts (python -m bench --help for each)
	@$(PY) -m infra.local.prerequisites
	@$(PY) -m bench deliver
	@$(PY) -m bench chat || echo "bench: the chat misses what is wanted of it, see above" >&2
	@$(PY) -m bench sweep
	@$(PY) -m bench widget
	@$(PY) -m bench knowledge || echo "bench: the knowledge misses its thresholds, see above" >&2

fuzz: setup ## try the whole HTTP contract against a running system (ten minutes; ARGS="--seconds 60 --seed 7")
	@$(PY) -m infra.local.prerequisites
	@exec $(PY) -m tests.fuzz $(ARGS)

soak: setup ## thousands of alerts while everything breaks, and what became of each (ARGS="--alerts 900 --seed 7")
	@$(PY) -m infra.local.prerequisites
	@exec $(PY) -m bench soak $(ARGS)

compare: setup ## the same job by Celery, Dramatiq and Flask with APScheduler, and Bellhop, in one table (a quarter of an hour)
	@exec $(PY) -m bench.compare $(ARGS)

migrate-soak: setup ## migrate 100,000 documents and import 50,000 old rows, kill both, take back, compare (a quarter of an hour)
	@$(PY) -m infra.local.prerequisites
	@$(PY) -m bench migrate
	@$(PY) -m tests.support.import_soak

model: setup ## search the model of delivery exhaustively (docs/model; needs spin and gcc)
	@exec $(PY) -m tests.support.spin

mutants: setup ## change the code and see whether the unit tests notice: hours (ARGS="shared.domain.delivery*" for a module)
	@.venv/bin/mutmut run $(ARGS)
	@exec $(PY) -m tests.support.mutants

deploy-faults: setup ## fail each request of a deployment in turn, and see that the next one ends in the same state (minutes)
	@exec $(PY) -m pytest -m deploy_faults tests/deploy tests/unit/test_deploy_faults.py $(ARGS)

gamedays: setup ## break the local system and follow each runbook as it stands: what was lost (ten minutes; ARGS="-k breaker")
	@$(PY) -m infra.local.prerequisites
	@exec $(PY) -m pytest -m gamedays tests/gamedays $(ARGS)

simulate: setup ## what 1, 100 and 10,000 chats a second need and cost: the tables of docs/capacity.md
	@$(PY) -m bench.capacity $(ARGS)

queries: setup ## write down the Firestore queries that the tests run, for infra.deploy lint (infra/firestore_queries.json)
	@BELLHOP_RECORD_QUERIES=1 $(PY) -m pytest -q -p no:randomly tests/adapters $(ARGS)

emulator-free: setup ## run the tests that need neither Java nor a browser
	@exec $(PY) -m pytest tests/unit $(ARGS)

check: setup ## formatting, lint, types, layers, secrets and known weaknesses; all of them run, whatever fails
	@failed=; \
	for step in "-m ruff format --check ." "-m ruff check ." "-m mypy" ".venv/bin/lint-imports" \
		"-m infra.audit.code" "-m infra.audit.secrets" "-m infra.audit.packages"; do \
		echo "check: $${step#-m }"; \
		$(PY) $$step || failed="$$failed; $${step#-m }"; \
	done; \
	if [ -n "$$failed" ]; then echo "check failed: $${failed#; }" >&2; exit 1; fi

lock: setup ## pin requirements*.txt anew from requirements*.in, bench/compare's too (ARGS=--upgrade for newer versions)
	@test -x .local/lock/bin/uv || { rm -rf .local/lock && $(PY) -m venv .local/lock; }
	@.local/lock/bin/python -m pip install -qq --disable-pip-version-check $(UV)
	@for name in requirements requirements-dev bench/compare/requirements; do \
		echo "lock: $$name.txt"; \
		.local/lock/bin/uv pip compile $(COMPILE) $(ARGS) --output-file $$name.txt $$name.in || exit 1; \
	done

clean: ## remove everything these commands made: .venv, .local and caches
	@rm -rf .venv .local mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Two commands do everything from a bare clone: `make demo` and `make test`.
# PYTHON picks the interpreter (3.11 or newer); the environment lives in .venv and nothing else is touched.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .setup/ready

.PHONY: demo test check setup browser clean

demo: setup
	@$(BIN)/handeye demo

test: setup
	@$(MAKE) --no-print-directory check

check:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -q

setup: $(STAMP) browser

$(STAMP): pyproject.toml constraints.txt
	@mkdir -p .setup
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "handeye needs Python 3.11 or newer; set PYTHON=..."; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,miniwob,serve,served,transformers,video]'
	@touch $@

browser:
	@$(BIN)/python -m env.browser.find >/dev/null 2>&1 || $(MAKE) --no-print-directory .setup/browser

# A browser that is there, else Playwright's own, else the system's package manager.
.setup/browser:
	@echo "no Chrome or Chromium found: installing one"
	@timeout 600 $(BIN)/playwright install --with-deps chromium >.setup/playwright.log 2>&1 \
	  || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	       chromium fonts-liberation fonts-dejavu-core; } >.setup/apt.log 2>&1 \
	  || { echo "could not install a browser; see .setup/playwright.log and .setup/apt.log"; exit 5; }
	@$(BIN)/python -m env.browser.find

clean:
	rm -rf .venv .setup

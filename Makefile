# Two commands do everything from a bare clone: `make demo` and `make test`.
# PYTHON picks the interpreter (3.11 or newer); the environment lives in .venv and nothing else is touched.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .setup/ready
APT_INSTALL := DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends

.PHONY: demo test check setup browser screen clean

demo: setup
	@$(BIN)/handeye demo

test: setup screen
	@$(MAKE) --no-print-directory check

check:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@# two processes for two cores: each with one thread, since threads of both would wait for each other
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n 2 --dist loadfile

setup: $(STAMP) browser

$(STAMP): pyproject.toml constraints.txt
	@mkdir -p .setup
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "handeye needs Python 3.11 or newer; set PYTHON=..."; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[desktop,dev,ladder,miniwob,ocr,ray,serve,served,train,transformers,video]'
	@touch $@

browser:
	@$(BIN)/python -m env.browser.find >/dev/null 2>&1 || $(MAKE) --no-print-directory .setup/browser

# A browser that is there, else Playwright's own, else the system's package manager: there a full Chromium, for windows,
# and the smaller one that shows none, which starts faster; not every system has that one.
.setup/browser:
	@echo "no Chrome or Chromium found: installing one"
	@timeout 600 $(BIN)/playwright install --with-deps chromium >.setup/playwright.log 2>&1 \
	  || { apt-get update -qq && $(APT_INSTALL) chromium fonts-liberation fonts-dejavu-core \
	       && { $(APT_INSTALL) chromium-headless-shell || true; }; } >.setup/apt.log 2>&1 \
	  || { echo "could not install a browser; see .setup/playwright.log and .setup/apt.log"; exit 5; }
	@$(BIN)/python -m env.browser.find

screen: $(STAMP)
	@{ $(BIN)/python -m env.desktop.find && command -v xterm; } >/dev/null 2>&1 || $(MAKE) --no-print-directory .setup/screen

# An X server that nobody sees, a window manager for it, and a program for the tests to use.
.setup/screen:
	@echo "no Xvfb, jwm or xterm found: installing them"
	@{ apt-get update -qq && $(APT_INSTALL) xvfb jwm xterm fonts-dejavu-core; } >.setup/screen.log 2>&1 \
	  || { echo "could not install them; see .setup/screen.log"; exit 5; }
	@$(BIN)/python -m env.desktop.find

clean:
	rm -rf .venv .setup

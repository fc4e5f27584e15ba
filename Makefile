# What can be done here, each from nothing: `make` lists it.
#
# Needed beforehand: make, git and Python 3.11 or newer. Everything else goes into .venv, .venv-meltano and .meltano, in
# the versions and with the hashes of requirements/. What has been done is not done again until what it depends on changes.

SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

# The Python to use. Unless it is told (make test PYTHON=python3.13), the newest that runs and is new enough.
PYTHON ?=
# Passed on by test and bench: make test ARGUMENTS="-k windows".
ARGUMENTS =

# What page and query read: a DuckDB file, and a schema in it. Only the command line sets them, no variable of that name.
DATABASE = output/ads.duckdb
SCHEMA = main
# A file of examples/queries, without its ending, or the path of another.
QUERY =

STARTED := $(shell date +%s)
BIN := .venv/bin
DEMO := output/demo
DEMO_PLUGINS := tap-adsterra tap-adcloud target-csv target-duckdb

# uv reads other settings than pip: give it the package index and the certificates that the user gave pip. What Meltano
# installs through uv is held to the same versions as everything else.
define as_pip_does
set -euo pipefail; \
index="$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(BIN)/pip config get global.index-url 2>/dev/null || true)}}"; \
certificates="$${SSL_CERT_FILE:-$${PIP_CERT:-$$($(BIN)/pip config get global.cert 2>/dev/null || true)}}"; \
if [ -n "$$index" ]; then export UV_DEFAULT_INDEX="$$index"; fi; \
if [ -n "$$certificates" ]; then export SSL_CERT_FILE="$$certificates"; fi; \
export UV_NO_PROGRESS=1 UV_PYTHON_DOWNLOADS=never
endef
define as_pinned
export UV_CONSTRAINT="$(CURDIR)/requirements/development.txt" UV_BUILD_CONSTRAINT="$(CURDIR)/requirements/development.txt"
endef

.PHONY: help
help: ## list what can be done
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# The demo keeps to its own folder, $(DEMO): rows, state and what Meltano writes while it runs. Only the plugins are shared
# with runs of one's own. It must work whatever is set for those, so it reads neither .env nor the variables of the plugins.
# State without its rows would hide the older days, so both are removed if some of the rows are gone.
.PHONY: demo
demo: $(BIN)/.installed .venv-meltano/.plugins ## read the sandbox into files and DuckDB with Meltano, and show it on a page
	@$(as_pip_does); $(as_pinned); \
	unset $${!TAP_ADSTERRA_@} $${!TAP_ADCLOUD_@} $${!TARGET_CSV_@} $${!TARGET_DUCKDB_@} $${!MELTANO_@}; \
	if [ ! -e $(DEMO)/ads.duckdb ] || [ ! -d $(DEMO)/csv ]; then rm -rf $(DEMO); fi; \
	mkdir -p $(DEMO)/meltano; \
	ln -sfn "$(CURDIR)/.meltano/extractors" "$(CURDIR)/.meltano/loaders" $(DEMO)/meltano/; \
	export MELTANO_SYS_DIR_ROOT="$(CURDIR)/$(DEMO)/meltano" MELTANO_DATABASE_URI=sqlite:///$(DEMO)/meltano/meltano.db; \
	echo "Reading the sandbox into $(DEMO)/ with: meltano run demo (its log: $(DEMO)/demo.log)"; \
	if ! $(BIN)/python -m sandbox --exec bash -c 'TAP_ADSTERRA_API_URL="$$SANDBOX_ADSTERRA_URL" TAP_ADCLOUD_API_URL="$$SANDBOX_ADCLOUD_URL" \
		exec .venv-meltano/bin/meltano --env-file /dev/null --environment sandbox --log-format uncolored run demo' >$(DEMO)/demo.log 2>&1; \
	then tail -n 40 $(DEMO)/demo.log; echo "The demo failed; the end of its log is above."; exit 1; fi; \
	echo; \
	$(BIN)/python -m examples.demo $(DEMO)/demo.log $(DEMO)/ads.duckdb; \
	echo; \
	echo "The rows:          $(DEMO)/ads.duckdb, and what each run has read in $(DEMO)/csv"; \
	echo "Query them:        make query DATABASE=$(DEMO)/ads.duckdb"; \
	echo "Read what is new:  make demo"; \
	echo "Begin again:       make clean demo"; \
	printf "Look at them:      "; \
	$(BIN)/python -m examples.page $(DEMO)/ads.duckdb; \
	echo; \
	echo "Done in $$(($$(date +%s) - $(STARTED))) seconds, from start to end."

.PHONY: page
page: $(BIN)/.installed ## make a page of your own rows, or of another file: make page DATABASE=path/to/ads.duckdb
	@$(BIN)/python -m examples.page --schema "$(SCHEMA)" "$(DATABASE)"

.PHONY: query
query: $(BIN)/.installed ## list the queries; run one on your own rows: make query QUERY=adsterra_daily
	@$(BIN)/python -m examples.query --schema "$(SCHEMA)" --database "$(DATABASE)" $(if $(QUERY),"$(QUERY)")

.PHONY: picture
picture: demo ## take a picture of the demo's page for the README, docs/page.png, where Chromium is installed
	@$(BIN)/python -m examples.picture $(DEMO)/ads.html docs/page.png

.PHONY: test
test: $(BIN)/.installed .venv-meltano/.plugins ## run the tests (some of them: make test ARGUMENTS="-k windows")
	@$(BIN)/pytest $(ARGUMENTS)

# Always a new environment: there is no telling from here whether a newer pre-release has come out.
.PHONY: prerelease
prerelease: $(BIN)/.installed ## run the tests with the newest pre-release of the Singer SDK, in .venv-prerelease
	@echo "Installing the newest pre-release of the Singer SDK into .venv-prerelease"
	@$(as_pip_does); \
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-prerelease; \
	export VIRTUAL_ENV="$(CURDIR)/.venv-prerelease"; \
	$(BIN)/uv pip sync --quiet --require-hashes requirements/development.txt; \
	$(BIN)/uv pip install --quiet --prerelease allow --upgrade-package singer-sdk "singer-sdk[msgspec,testing]>=0.55.0a0"; \
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .; \
	$(BIN)/uv pip list | grep singer-sdk; \
	.venv-prerelease/bin/pytest $(ARGUMENTS)

.PHONY: lint
lint: $(BIN)/.installed ## check style, types and SQL
	@echo "ruff: rules"; $(BIN)/ruff check
	@echo "ruff: format"; $(BIN)/ruff format --check
	@echo "mypy: types"; $(BIN)/mypy
	@echo "sqlfluff: SQL"; $(BIN)/sqlfluff lint --disable-progress-bar examples dbt

.PHONY: format
format: $(BIN)/.installed ## put the source into the project's style
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format
	@$(BIN)/sqlfluff fix --disable-progress-bar examples dbt

.PHONY: reliability
reliability: $(BIN)/.installed .venv-meltano/.plugins ## run all tests, large ones too, and put their figures into docs/reliability.md
	@AD_TAPS_LARGE_TESTS=1 $(BIN)/pytest $(ARGUMENTS)
	@$(BIN)/python -m tests.reliability.coverage_report

.PHONY: bench
bench: $(BIN)/.installed .venv-benchmarks/.tried ## measure how fast the taps are, beside others
	@$(BIN)/python -m benchmarks $(ARGUMENTS)

.PHONY: install
install: $(BIN)/.installed ## make .venv with the taps and what developing them needs
	@echo ".venv is ready: source $(BIN)/activate"

.PHONY: meltano
meltano: .venv-meltano/.plugins ## make .venv/bin/meltano with the taps and loaders of the demo
	@echo "Meltano is ready: $(BIN)/meltano run tap-adsterra target-duckdb"

.PHONY: airflow
airflow: .venv-airflow/.installed ## make .venv-airflow, in which the tests run examples/airflow
	@echo ".venv-airflow is ready: make test ARGUMENTS=tests/test_airflow.py"

.PHONY: airbyte
airbyte: .venv-airbyte/.installed ## make .venv-airbyte, in which the tests run Airbyte's, PyAirbyte and dlt
	@echo ".venv-airbyte is ready: make test ARGUMENTS=tests/airbyte_sources"

.PHONY: plugins
plugins: $(BIN)/.installed ## write the taps' definitions for Meltano's hub, in plugins/
	@$(BIN)/python plugins/generate.py

# Rows that the taps have loaded are read in place; the models get a schema of their own in the same database.
.PHONY: models
models: .venv-dbt/.installed ## build the models of dbt/ from your own rows, or from another file: make models DATABASE=path/to/ads.duckdb
	@AD_TAPS_DUCKDB="$(DATABASE)" DBT_TARGET_PATH="$(CURDIR)/output/dbt" DBT_LOG_PATH="$(CURDIR)/output/dbt" \
		.venv-dbt/bin/dbt build --log-level warn --project-dir dbt --profiles-dir dbt \
		--vars '{adsterra_schema: $(SCHEMA), adcloud_schema: $(SCHEMA)}' $(ARGUMENTS)
	@echo "The models are in the schema reporting, beside the tables"

.PHONY: dbt
dbt: .venv-dbt/.installed ## make .venv-dbt, in which the tests build the models
	@echo ".venv-dbt is ready: make test ARGUMENTS=tests/dbt"

.PHONY: descriptions
descriptions: $(BIN)/.installed ## write the descriptions of the models' columns, and the data dictionary in docs/dbt.md
	@$(BIN)/python dbt/scripts/describe.py

.PHONY: build
build: $(BIN)/.installed ## build the wheel and the source distribution, in dist/
	@rm -rf dist
	@$(BIN)/python -m hatchling build

.PHONY: audit
audit: .venv-audit/.installed ## look for known flaws in the workflows and in all that is pinned
	@echo "zizmor: workflows"; .venv-audit/bin/zizmor --offline --quiet .
	@set -e; for file in requirements/*.txt; do \
		echo "pip-audit: $$file"; \
		.venv-audit/bin/pip-audit --strict --progress-spinner off --disable-pip --require-hashes --requirement "$$file"; \
	done

.PHONY: requirements
requirements: $(BIN)/.uv ## pin the newest versions that pyproject.toml allows, in requirements/
	@$(as_pip_does); cd requirements; \
	pin() { ../$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
		--no-header --no-emit-index-url --no-emit-find-links "$$@" >/dev/null; }; \
	pin --group ../pyproject.toml:bootstrap --output-file bootstrap.txt; \
	pin --group ../pyproject.toml:development ../pyproject.toml --output-file development.txt; \
	pin --group ../pyproject.toml:meltano --output-file meltano.txt; \
	pin --group ../pyproject.toml:benchmarks --output-file benchmarks.txt; \
	pin --group ../pyproject.toml:airflow --output-file airflow.txt; \
	pin --group ../pyproject.toml:airbyte --output-file airbyte.txt; \
	pin --group ../pyproject.toml:dbt --output-file dbt.txt; \
	pin --group ../pyproject.toml:audit --output-file audit.txt; \
	pin ../pyproject.toml --output-file image.txt; \
	grep --count == *.txt

# Rows and state of one's own runs lie in output/ and stay.
.PHONY: clean
clean: ## remove what was made here: environments, caches, and the demo with its state. Your own rows and state stay
	rm -rf .venv .venv-airbyte .venv-airflow .venv-audit .venv-benchmarks .venv-dbt .venv-meltano .venv-prerelease .meltano build dist .cache .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -not -path './output/*' -prune -exec rm -rf {} +
	rm -rf $(DEMO)

# The first step is pip's, which checks that uv is the one expected; uv, far quicker, does the rest.
$(BIN)/.uv: requirements/bootstrap.txt
	@set -euo pipefail; python=; \
	for candidate in $(or $(PYTHON),python3.14 python3.13 python3.12 python3.11 python3 python); do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then python="$$candidate"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Python 3.11 or newer is needed, and $(or $(PYTHON),no such python3) was found. Name yours: make PYTHON=/path/to/python3.13" >&2; \
		exit 1; \
	fi; \
	version="$$("$$python" -c 'import sys; print("python{}.{}".format(*sys.version_info))')"; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$$python has no venv module. On Debian and Ubuntu: apt-get install $$version-venv" >&2; \
		exit 1; \
	fi; \
	echo "Making .venv with $$version"; \
	"$$python" -m venv --clear .venv; \
	$(BIN)/pip -qq --disable-pip-version-check install --require-hashes --requirement requirements/bootstrap.txt
	@touch $@

$(BIN)/.installed: $(BIN)/.uv requirements/development.txt pyproject.toml
	@echo "Installing the taps and what developing them needs into .venv"
	@$(as_pip_does); \
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/development.txt; \
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.venv-meltano/.installed: $(BIN)/.uv requirements/meltano.txt
	@echo "Installing Meltano into .venv-meltano"
	@$(as_pip_does); \
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-meltano; \
	$(BIN)/uv pip sync --quiet --python .venv-meltano/bin/python --require-hashes requirements/meltano.txt; \
	ln -sf ../../.venv-meltano/bin/meltano $(BIN)/meltano
	@touch $@

# What the taps are measured against. Where it cannot be installed, the benchmark does without it and says so.
.venv-benchmarks/.tried: $(BIN)/.uv requirements/benchmarks.txt
	@echo "Installing what the taps are measured against into .venv-benchmarks"
	@$(as_pip_does); \
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-benchmarks; \
	$(BIN)/uv pip sync --quiet --python .venv-benchmarks/bin/python --require-hashes requirements/benchmarks.txt || \
		echo "That has failed; the table will say so. To try again: rm -r .venv-benchmarks"
	@touch $@

.venv-airflow/.installed: $(BIN)/.uv requirements/airflow.txt
	@echo "Installing Airflow into .venv-airflow"
	@$(as_pip_does); \
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-airflow; \
	$(BIN)/uv pip sync --quiet --python .venv-airflow/bin/python --require-hashes requirements/airflow.txt
	@touch $@

.venv-airbyte/.installed: $(BIN)/.uv requirements/airbyte.txt
	@echo "Installing PyAirbyte and dlt into .venv-airbyte"
	@$(as_pip_does); \
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-airbyte; \
	$(BIN)/uv pip sync --quiet --python .venv-airbyte/bin/python --require-hashes requirements/airbyte.txt
	@touch $@

.venv-dbt/.installed: $(BIN)/.uv requirements/dbt.txt
	@echo "Installing dbt into .venv-dbt"
	@$(as_pip_does); \
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-dbt; \
	$(BIN)/uv pip sync --quiet --python .venv-dbt/bin/python --require-hashes requirements/dbt.txt
	@touch $@

.venv-audit/.installed: $(BIN)/.uv requirements/audit.txt
	@echo "Installing what looks for flaws into .venv-audit"
	@$(as_pip_does); \
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-audit; \
	$(BIN)/uv pip sync --quiet --python .venv-audit/bin/python --require-hashes requirements/audit.txt
	@touch $@

# Meltano keeps every plugin in an environment of its own, under .meltano. It installs others when they are first run.
.venv-meltano/.plugins: .venv-meltano/.installed meltano.yml pyproject.toml requirements/development.txt
	@echo "Installing Meltano's plugins $(DEMO_PLUGINS) into .meltano"
	@$(as_pip_does); $(as_pinned); .venv-meltano/bin/meltano --log-level warning install $(DEMO_PLUGINS)
	@touch $@

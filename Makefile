# Two commands: `make run` starts the system, `make test` checks it. `make help` lists the rest.
# Needs GNU make and Python 3.11 or newer; everything else is put into .venv.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: run install test check fmt clean help lint types types-and-pytest pytest setup-dev browser screenshots bundle
.NOTPARALLEL:

python := .venv/bin/python
tests ?=
# Two workers halve the time on two cores; more than four spend theirs on making databases.
workers ?= logical
# For which Python and machine `make bundle` takes wheels; this one if nothing is said.
pythons ?=
platform ?=

run: ## 启动系统 http://127.0.0.1:8000（HOST、PORT、DATABASE_URL 可改）   start the system
	@sh tools/setup run && exec $(python) -m flask --app wsgi start

install: ## 只安装，不启动   install only
	@sh tools/setup run

test: setup-dev lint browser types-and-pytest ## 全部检查与测试（tests=路径 只跑一部分）   every check and test

check: setup-dev lint types ## 只做静态检查   lint, format and types only

fmt: setup-dev ## 整理代码格式   format the code
	@$(python) -m ruff check --fix --quiet . ; $(python) -m ruff format .

screenshots: setup-dev ## 重拍 docs/images 里的图片   take the pictures of the README again
	@$(python) -m tools.screenshots

bundle: setup-dev ## 做离线安装包（pythons="3.11 3.12"、platform=manylinux_2_28_aarch64 可改）   one archive that installs without a network
	@$(python) -m tools.bundle $(addprefix --python ,$(pythons)) $(addprefix --platform ,$(platform))

clean: ## 删除 .venv 与缓存（不动 instance/ 里的数据）   remove .venv and caches, never instance/
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## 本页   this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile

setup-dev:
	@sh tools/setup dev

lint:
	@echo "== lint and format"
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .

types:
	@echo "== types"
	@$(python) -m mypy

browser:
	@sh tools/browser

pytest:
	@echo "== tests: rules, pages, SQLite, PostgreSQL, Chromium"
	@$(python) -m pytest --numprocesses $(workers) --maxprocesses 4 --dist worksteal $(tests)

# The types are looked through beside the tests, which leave a core idle now and then; what mypy says comes last.
# A shell lets what runs in the background outlive Ctrl-C: it is ended by hand.
types-and-pytest:
	@echo "== types, beside the tests"
	@$(python) -m mypy >.venv/types.log 2>&1 & types=$$!; trap "kill $$types" INT TERM; \
	$(MAKE) --no-print-directory pytest; tests=$$?; \
	wait $$types; types=$$?; cat .venv/types.log; rm -f .venv/types.log; exit $$((tests || types))

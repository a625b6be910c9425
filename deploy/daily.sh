#!/bin/sh
# Once a day, by contracts-daily.timer or cron, in the folder of the installation. Fails when a step failed, after all.
set -u
cd "$(dirname "$0")/.."
failed=0
step() { .venv/bin/python -m flask --app wsgi "$@" || { failed=1; printf '没有做成：%s\n' "$*" >&2; }; }

step users dormant --disable
step totals fold
step audit checkpoint
step audit verify
step totals verify
step backup verify
step doctor
exit $failed

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
if [ "$(date +%u)" = 7 ]; then
    step backup verify --all --set-aside # every object once a week; the next backup writes anew what was damaged
else
    step backup verify
fi
step doctor
exit $failed

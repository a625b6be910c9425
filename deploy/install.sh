#!/bin/sh
# Installs or upgrades the system from this bundle. Asks nothing of any network.
#
#   sudo ./install.sh                      into /opt/contracts, data in /var/lib/contracts, as services of systemd
#   ./install.sh --prefix DIR --data DIR   anywhere, without root and without services
#   sudo ./install.sh --rollback           back to the release before, with its database structure
#
# Every step can be repeated. A release is complete or it is not used: the link `current` is moved last.
set -eu
umask 022
here=$(cd "$(dirname "$0")" && pwd -P)

prefix=/opt/contracts
data=/var/lib/contracts
config=/etc/contracts
account=contracts
port=8000
services=yes
task=install
kept=3

say() { printf '%s\n' "$*" >&2; }
stop() {
    say ""
    for line in "$@"; do say "  $line"; done
    say ""
    exit 1
}

while [ $# -gt 0 ]; do
    case $1 in
        --prefix) prefix=$2; services=no; shift 2 ;;
        --data) data=$2; services=no; shift 2 ;;
        --port) port=$2; shift 2 ;;
        --no-services) services=no; shift ;;
        --rollback) task=rollback; shift ;;
        -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) stop "不认识的选项 $1，用 ./install.sh --help 查看。" "Unknown option $1, see ./install.sh --help." ;;
    esac
done
case $prefix in /*) ;; *) prefix=$(pwd -P)/$prefix ;; esac
case $data in /*) ;; *) data=$(pwd -P)/$data ;; esac
if [ "$services" = yes ] && [ "$(id -u)" != 0 ]; then
    stop "装成系统服务要用 root 运行；不装服务：./install.sh --prefix 文件夹 --data 文件夹" \
        "Run it as root to install services; else: ./install.sh --prefix DIR --data DIR"
fi
if [ "$services" = no ]; then
    config=$data
    account=
fi
settings=$config/contracts.env

# Runs a command of a release ($1) as the account of the service, with the installation's settings.
office() {
    of=$1  # every variable of sh is everybody's: not "release"
    shift
    runner='set -a; . "$1"; set +a; cd "$2"; shift 2; umask 077; exec .venv/bin/python -m flask --app wsgi "$@"'
    if [ -n "$account" ] && [ "$(id -u)" = 0 ]; then
        runuser -u "$account" -- /bin/sh -c "$runner" office "$settings" "$of" "$@"
    else
        /bin/sh -c "$runner" office "$settings" "$of" "$@"
    fi
}

has_services() { [ "$services" = yes ] && command -v systemctl >/dev/null 2>&1 && [ -d /run/systemd/system ]; }
stop_serving() { if has_services; then systemctl stop "contracts@*.service" 2>/dev/null || true; fi; }
start_serving() {
    if has_services; then
        systemctl daemon-reload
        systemctl enable --quiet --now contracts-backup.timer contracts-daily.timer
        systemctl enable --quiet "contracts@$port.service"
        systemctl restart "contracts@$port.service"
    fi
}

# The newest migration that the code of a release ($1) knows: the one that no other follows.
newest_migration() {
    sed -n 's/^down_revision[^=]*= *"\([^"]*\)".*/\1/p' "$1"/migrations/versions/*.py | sort >"$1/.followed"
    sed -n 's/^revision[^=]*= *"\([^"]*\)".*/\1/p' "$1"/migrations/versions/*.py | sort | comm -23 - "$1/.followed"
    rm -f "$1/.followed"
}

# The folder of the release that is in use; nothing when none is.
in_use() { if [ -L "$prefix/current" ]; then readlink -f "$prefix/current"; fi; }

# The command line of the installation, with its settings and as its account: /opt/contracts/contracts doctor
write_command() {
    {
        printf '#!/bin/sh\n# Written by install.sh: a command of the system with the settings of this installation.\n'
        printf 'cd "%s/current" || exit 1\n' "$prefix"
        if [ -n "$account" ]; then
            printf 'if [ "$(id -un)" != %s ]; then exec runuser -u %s -- "%s/contracts" "$@"; fi\n' "$account" "$account" "$prefix"
        fi
        printf 'umask 077\nset -a\n. "%s"\nset +a\nexec .venv/bin/python -m flask --app wsgi "$@"\n' "$settings"
    } >"$prefix/contracts.new"
    chmod 755 "$prefix/contracts.new"
    mv "$prefix/contracts.new" "$prefix/contracts"
}

point_to() {
    ln -sfn "$1" "$prefix/current.new"
    mv -T "$prefix/current.new" "$prefix/current"
}

if [ "$task" = rollback ]; then
    now=$(in_use)
    [ -n "$now" ] || stop "$prefix 里没有装过。" "Nothing is installed in $prefix."
    before=$(cat "$now/.before" 2>/dev/null || true)
    [ -n "$before" ] && [ -f "$before/.complete" ] ||
        stop "没有可以退回的版本：$now 是第一个，或前一个已经删除。" "There is no release to go back to."
    say "退回 $(basename "$before")（从 $(basename "$now")）…"
    stop_serving
    office "$now" backup create
    office "$now" migrations to "$(newest_migration "$before")"
    point_to "$before"
    start_serving
    say "已退回。数据都在，退回前另存了一份备份。  Went back; a backup was made before."
    exit 0
fi

say "核对安装包…"
cd "$here"
sha256sum --check --quiet --strict SHA256SUMS >&2 ||
    stop "安装包不完整或被改动过，不能安装。重新取一份，并核对它的 SHA-256。" "The bundle is damaged or was changed. Fetch it again."
edition=$(cat EDITION)

if [ -n "$account" ] && ! id "$account" >/dev/null 2>&1; then
    say "建立系统账号 $account…"
    useradd --system --home-dir "$data" --shell /usr/sbin/nologin "$account"
fi

# The account of the services has to be able to run it too: one in somebody's home folder will not do.
runs() {
    if [ -n "$account" ]; then runuser -u "$account" -- "$1" -c "$2"; else "$1" -c "$2"; fi 2>/dev/null
}
python=
for version in $(cat PYTHONS); do
    for name in ${PYTHON:-} "python$version" "/usr/bin/python$version" "/usr/local/bin/python$version" python3 /usr/bin/python3; do
        found=$(command -v "$name" || true)
        if [ -n "$found" ] && [ "$(runs "$found" 'import sys; print("%d.%d" % sys.version_info[:2])')" = "$version" ]; then
            python=$found
            break 2
        fi
    done
done
[ -n "$python" ] ||
    stop "需要账号 ${account:-$(id -un)} 能运行的 Python $(tr '\n' ' ' <PYTHONS)，没有找到。安装后再运行，或用 PYTHON=/路径 指明；也可以换一份为本机 Python 做的安装包。" \
        "Python $(tr '\n' ' ' <PYTHONS)that ${account:-$(id -un)} may run is needed. Install it, name it with PYTHON=, or make a bundle for another one."

mkdir -p "$prefix/releases"
if [ ! -d "$data" ]; then
    mkdir -p "$data"
    chmod 700 "$data"
fi
mkdir -p "$config"
[ -z "$account" ] || chown "$account:$account" "$data"
if [ ! -f "$settings" ]; then
    (umask 077; sed -e "s|@data@|$data|" -e "s|@port@|$port|" "$here/app/deploy/contracts.env" >"$settings")
    [ -z "$account" ] || chown "root:$account" "$settings"
    chmod 640 "$settings"
fi

release=$prefix/releases/$edition
before=$(in_use)
if [ ! -f "$release/.complete" ]; then
    rm -rf "$release"
    say "装入 $release（$("$python" --version)）…"
    mkdir -p "$release"
    cp -R "$here/app/." "$release/"
    "$python" -m venv --without-pip "$release/.venv"
    "$release/.venv/bin/python" "$(ls "$here"/wheels/pip-*.whl)/pip" install --quiet --no-index --no-deps \
        --disable-pip-version-check --no-cache-dir --find-links "$here/wheels" --require-hashes -r "$here/requirements.lock" ||
        stop "软件包没有装上。" "The packages could not be installed."
    "$release/.venv/bin/python" -m compileall -q "$release/contracts_app" || true
    if [ "$before" != "$release" ]; then printf '%s\n' "$before" >"$release/.before"; fi
    touch "$release/.complete"
fi

if [ "$services" = yes ]; then
    say "写入系统服务…"
    for unit in "$release"/deploy/systemd/*; do
        sed -e "s|@prefix@|$prefix|g" -e "s|@data@|$data|g" -e "s|@settings@|$settings|g" "$unit" >"/etc/systemd/system/$(basename "$unit")"
    done
fi

if [ -n "$before" ] && [ "$before" != "$release" ]; then
    say "升级前备份…"
    office "$before" backup create || stop "备份没有做成，升级停止，原来的版本照常运行。" "The backup failed; nothing was changed."
    stop_serving
fi
say "建立或升级数据库…"
office "$release" init
point_to "$release"
write_command
start_serving

# Releases that nobody goes back to any more; the one in use and the one before it always stay.
ls -1dt "$prefix"/releases/*/ | tail -n +$((kept + 1)) | while read -r old; do
    old=${old%/}
    if [ "$old" != "$release" ] && [ "$old" != "$before" ]; then rm -rf "$old"; fi
done

say ""
say "装好了：$edition，程序在 $prefix/current，数据在 $data，设置在 $settings。"
if has_services; then
    say "正在 http://127.0.0.1:$port 提供服务；对外服务前按 $prefix/current/docs/OPERATIONS.md 配置反向代理和 HTTPS。"
else
    say "启动：$prefix/contracts start --no-demo"
fi
say "查看是否一切正常：$prefix/contracts doctor"

#!/bin/sh
# Makes .venv hold what requirements-dev.txt pins. Says nothing and takes no time when it does already.
#
# .venv/bellhop-stamp names the requirements and the Python that .venv was finished with. It is written last and removed
# first, so a .venv that was left half-made is made anew. PYTHON names the Python to make it with.
set -eu
cd "$(dirname "$0")/../.."
unset PYTHONHOME PYTHONPATH PIP_USER PIP_REQUIRE_VIRTUALENV PIP_TARGET PIP_PREFIX

requirements=requirements-dev.txt
stamp=.venv/bellhop-stamp
lock=.local/setup.lock
log=.local/setup.log

say() { printf 'bellhop: %s\n' "$*"; }
fail() { printf 'bellhop: %s\n' "$@" >&2; exit 1; }

wanted() {  # what the stamp of a finished .venv says; fails where .venv has no Python that runs
    .venv/bin/python -c 'import sys; print(sys.version.split()[0], sys.base_prefix)' 2>/dev/null || return 1
    cksum <"$requirements"
}
finished() { [ -f "$stamp" ] && now=$(wanted) && [ "$now" = "$(cat "$stamp")" ]; }
same_python() { [ -f "$stamp" ] && now=$(wanted) && [ "$(printf '%s\n' "$now" | head -n 1)" = "$(head -n 1 "$stamp")" ]; }

# A program may be on PATH and not run: pyenv and macOS have such ones. So each one there is tried.
usable() {  # usable PATH: sets $chosen if it is a Python we can use, $lacking if it only cannot make a .venv
    [ -x "$1" ] && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || return 1
    if "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; then chosen=$1; else lacking=${lacking:-$1}; return 1; fi
}
search() {  # search NAME: the first usable one on PATH
    saved=$IFS; IFS=:
    set -- "$1" $PATH
    IFS=$saved
    name=$1; shift
    for folder; do
        if usable "${folder:-.}/$name"; then return 0; fi
    done
    return 1
}
choose_python() {
    lacking=
    if [ -n "${PYTHON:-}" ]; then
        case $PYTHON in */*) usable "$PYTHON" && return ;; *) search "$PYTHON" && return ;; esac
    else
        for candidate in python3.11 python3 python3.12 python3.13 python3.14; do
            if search "$candidate"; then return 0; fi
        done
    fi
    if [ -n "$lacking" ]; then
        package=$("$lacking" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        fail "$lacking cannot make virtual environments (it lacks venv or ensurepip). Install them:" \
            "  sudo apt-get install $package   (Debian, Ubuntu)"
    fi
    have=$(python3 --version 2>/dev/null) || have="no python3 works"
    fail "Python 3.11 or newer is needed, and there is none on PATH${PYTHON:+ under the name that PYTHON gives, $PYTHON} ($have). Install it:" \
        "  sudo apt-get install python3.11 python3.11-venv   (Debian, Ubuntu)" \
        "  brew install python@3.11                          (macOS)" \
        "  pyenv install 3.11 && pyenv local 3.11            (anywhere)" \
        "or name one: make setup PYTHON=/path/to/python3.11"
}

install() {  # pip's words go to the log, what it is at to the screen
    say "installing up to $(grep -c '^[A-Za-z0-9]' "$requirements" || :) packages into .venv (a minute or two the first time)"
    {
        .venv/bin/python -m pip install --disable-pip-version-check --no-input --progress-bar off \
            --require-hashes -r "$requirements" 2>&1 || echo bellhop-pip-failed
    } | while IFS= read -r line; do
        printf '%s\n' "$line" >&3
        case $line in
            Collecting\ *) line=${line#Collecting }; printf '  %s\n' "${line%% *}" ;;
            Processing\ *) printf '  %s\n' "${line##*/}" ;;
            Installing\ collected\ *) printf '  (unpacking)\n' ;;
        esac
    done 3>"$log"
    if grep -q '^bellhop-pip-failed$' "$log"; then
        tail -n 15 "$log" >&2
        fail "pip could not install the packages (all it said is in $log); run the same command again once that is mended"
    fi
}

locked() {  # one set-up at a time in this checkout; a link is made with its owner's number in it, or not at all
    mkdir -p .local
    waiting=
    until ln -s $$ "$lock" 2>/dev/null; do
        owner=$(readlink "$lock") || continue
        if ! kill -0 "$owner" 2>/dev/null; then rm -f "$lock"; continue; fi
        [ -n "$waiting" ] || say "waiting for another set-up of this checkout (process $owner)"
        waiting=yes
        sleep 1
    done
    trap 'rm -f "$lock"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

if finished; then exit 0; fi
locked
if finished; then exit 0; fi
if same_python; then
    rm -f "$stamp"
else
    choose_python
    [ ! -e .venv ] || say "making .venv anew (it was left unfinished, or its Python has changed)"
    rm -rf .venv
    say "making .venv with $chosen"
    "$chosen" -m venv .venv
fi
install
wanted >"$stamp.new"
mv "$stamp.new" "$stamp"
say "set up"

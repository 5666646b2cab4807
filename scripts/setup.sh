#!/bin/sh
# Brings a machine to the state that a make target needs, and says nothing where all is there already.
# Arguments, done in their order:
#   system    libraries and fonts that Qt loads (Debian packages; elsewhere it only says what is missing)
#   display   a virtual display where there is no real one
#   tools     uv, in .tools
#   project   the hash-checked packages and this project, in .venv
#   headless  the same without anything of Qt, in .venv-headless
#   build     the packer, in .venv
set -eu
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-python3}
PATH=$PATH:/usr/sbin:/sbin
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}" UV_PYTHON_DOWNLOADS="${UV_PYTHON_DOWNLOADS:-never}"
uv=.tools/bin/uv
qt_packages='pyqtgraph|pyside6-essentials|pytest-qt|qasync|shiboken6'

say() { printf '%s\n' "$*" >&2; }
fail() { say "setup: $*"; exit 1; }

# ------------------------------------------------------------------------------------------ system packages

missing=''
want() { missing="$missing $1"; }

install_missing() {
    [ -n "$missing" ] || return 0
    packages=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')
    missing=''
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        say "Missing on this system, please install (as root: apt-get install ${packages% }): ${packages% }"
        return 0
    fi
    say "Installing system packages: ${packages% }"
    log=$(mktemp)
    if apt-get -q update >"$log" 2>&1 && DEBIAN_FRONTEND=noninteractive \
        apt-get -qy install --no-install-recommends $packages >>"$log" 2>&1; then
        rm -f "$log"
    else
        tail -n 20 "$log" >&2
        rm -f "$log"
        say "These packages could not be installed; going on without them."
    fi
}

# By file, not by package name: Debian renames packages (libglib2.0-0 became virtual), sonames stay.
want_library() { case $libraries in *"$1 "*) ;; *) want "$2" ;; esac; }

has_cjk_font() {
    if command -v fc-list >/dev/null && [ -n "$(fc-list :lang=zh-tw file)" ]; then return 0; fi
    [ -n "$(find /usr/share/fonts /usr/local/share/fonts -iname '*cjk*' 2>/dev/null | head -n 1)" ]
}

system() {
    [ "$(uname -s)" = Linux ] || return 0
    libraries=$(ldconfig -p 2>/dev/null || true)
    want_library libEGL.so.1 libegl1
    want_library libGL.so.1 libgl1
    want_library libglib-2.0.so.0 libglib2.0-0
    want_library libdbus-1.so.3 libdbus-1-3
    want_library libfontconfig.so.1 libfontconfig1
    want_library libxkbcommon.so.0 libxkbcommon0
    want_library libxkbcommon-x11.so.0 libxkbcommon-x11-0
    want_library libxcb-cursor.so.0 libxcb-cursor0
    want_library libxcb-icccm.so.4 libxcb-icccm4
    want_library libxcb-keysyms.so.1 libxcb-keysyms1
    want_library libxcb-shape.so.0 libxcb-shape0
    has_cjk_font || want fonts-noto-cjk
    install_missing
}

display() {
    [ "$(uname -s)" = Linux ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || return 0
    command -v xvfb-run >/dev/null || want xvfb
    command -v xauth >/dev/null || want xauth
    install_missing
}

# ---------------------------------------------------------------------------------------------- environments

fingerprint() { cat "$@" | "$PYTHON" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())'; }

works() { [ -x "$1/bin/python" ] && "$1/bin/python" -c '' 2>/dev/null; }

tools() {
    key=$(fingerprint scripts/requirements-uv.txt) || fail "no $PYTHON here; Python 3.11 or newer is needed"
    works .tools && [ -x $uv ] && [ "$(cat .tools/.installed 2>/dev/null)" = "$key" ] && return 0
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$($PYTHON --version) is too old; Python 3.11 or newer is needed (make PYTHON=python3.12 ...)"
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || want python3-venv
    [ "$(uname -s)" != Linux ] || [ -n "$(find -L /etc/ssl /etc/pki -type f 2>/dev/null | head -n 1)" ] || want ca-certificates
    install_missing
    say "Installing uv into .tools"
    .tools/bin/python -c 'import pip' 2>/dev/null || "$PYTHON" -m venv --clear .tools || fail "no virtual environment could be made (python3-venv missing?)"
    # The certificates of the system, as uv has them: a company's own authority is known there, not to pip.
    bundle=/etc/ssl/certs/ca-certificates.crt
    [ -n "${PIP_CERT:-}" ] || [ ! -f $bundle ] || export PIP_CERT=$bundle
    .tools/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r scripts/requirements-uv.txt
    printf '%s\n' "$key" >.tools/.installed
}

# environment DIRECTORY REQUIREMENTS: the packages, then the project itself without asking for any other
environment() {
    key=$(fingerprint "$2" pyproject.toml)
    works "$1" && [ "$(cat "$1/.installed" 2>/dev/null)" = "$key" ] && return 0
    say "Installing packages into $1"
    works "$1" || $uv venv --quiet --clear --python "$PYTHON" "$1"
    VIRTUAL_ENV=$1 $uv pip install --quiet --require-hashes -r "$2"
    VIRTUAL_ENV=$1 $uv pip install --quiet --no-deps --no-build-isolation --editable .
    printf '%s\n' "$key" >"$1/.installed"
}

project() {
    tools
    environment .venv requirements.txt
}

headless() {
    tools
    works .venv-headless || $uv venv --quiet --clear --python "$PYTHON" .venv-headless
    # A requirement begins at the line's start, its hashes follow indented.
    awk -v qt="^($qt_packages)==" '/^[^ ]/ { skip = $0 ~ qt } !skip' requirements.txt >.venv-headless/requirements.txt
    environment .venv-headless .venv-headless/requirements.txt
}

build() {
    command -v objdump >/dev/null || { [ "$(uname -s)" != Linux ] || want binutils; }
    install_missing
    VIRTUAL_ENV=.venv $uv pip install --quiet --require-hashes -r scripts/requirements-build.txt
}

for step in "$@"; do
    case $step in
    system | display | tools | project | headless | build) "$step" ;;
    *) fail "unknown step: $step" ;;
    esac
done

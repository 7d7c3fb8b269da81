# Sourced by demo, test and check: makes the virtual environment and installs what is asked for.
#
#   environment EXTRA [DEBIAN-PACKAGE...]
#
# Afterwards the environment's programs come first on PATH. KINWATCH_VENV names another folder than .venv,
# PYTHON another Python than the newest of 3.13, 3.12 and 3.11 that is found.

say() { printf '%s\n' "$*" >&2; }

find_python() {
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
            command -v "$candidate"
            return 0
        fi
    done
    say "kinwatch needs Python 3.11, 3.12 or 3.13; none was found (set PYTHON to one)"
    return 1
}

as_root_apt() {
    if [ "$(id -u)" = 0 ]; then
        DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >/dev/null 2>&1
    else
        sudo -n env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >/dev/null 2>&1
    fi
}

# Installs with apt-get as root, or through a sudo that asks nothing. Fails where neither is there.
install_debian() {
    command -v apt-get >/dev/null 2>&1 || return 1
    [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; } || return 1
    say "installing Debian packages: $*"
    as_root_apt update && as_root_apt install -y --no-install-recommends "$@"
}

# Where no broker is installed: mosquitto if we may, else the tests that need it are skipped, and amqtt serves the demo.
want_mosquitto() {
    PATH="$PATH:/usr/sbin:/usr/local/sbin"
    command -v mosquitto >/dev/null 2>&1 && return 0
    install_debian mosquitto && command -v mosquitto >/dev/null 2>&1 && return 0
    say "mosquitto is not installed, and cannot be without root or a sudo without password:"
    say "  what needs a real broker is skipped, the demo runs on amqtt; 'sudo apt install mosquitto' changes that"
}

make_venv() {
    [ -x "$venv/bin/python" ] && "$venv/bin/python" -c 'import pip' 2>/dev/null && return 0
    say "making a virtual environment in $venv"
    "$1" -m venv "$venv" >/dev/null 2>&1 && return 0
    rm -rf "$venv"
    install_debian python3-venv
    "$1" -m venv "$venv" && return 0
    say "no virtual environment could be made: 'sudo apt install python3-venv' helps on Debian"
    return 1
}

environment() {
    extra=$1
    venv=${KINWATCH_VENV:-$PWD/.venv}
    python=$(find_python) || return 1
    make_venv "$python" || return 1
    # Installed once, and again when what the project needs has changed.
    wanted="$extra $(cksum <pyproject.toml)"
    if [ "$(cat "$venv/installed-$extra" 2>/dev/null)" != "$wanted" ]; then
        say "installing kinwatch[$extra]; the first time takes some minutes (about 400 MB)"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --use-pep517 --editable ".[$extra]" || return 1
        printf '%s\n' "$wanted" >"$venv/installed-$extra"
    fi
    PATH="$venv/bin:$PATH"
    export PATH
}

# Where pyenv keeps its Pythons: its own folder, or the one whose shims are on PATH.
pyenv_roots() {
    printf '%s\n' "${PYENV_ROOT:-$HOME/.pyenv}"
    printf '%s\n' "$PATH" | tr ':' '\n' | sed -n 's,/shims$,,p'
}

# A Python that Home Assistant runs on: the newest on PATH, else one of pyenv's.
find_newer_python() {
    for candidate in python3.15 python3.14 python3.13 $(pyenv_roots | sed 's,$,/versions/3.1[3-9].*/bin/python3,'); do
        if "$candidate" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 13))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

# mqtt.js beside the environment, for the examples of docs/ that are JavaScript; KINWATCH_TEST_NODE names another
# node_modules, or is `no`. Without it they are skipped.
want_mqtt_js() {
    if [ "${KINWATCH_TEST_NODE:-}" = no ]; then
        unset KINWATCH_TEST_NODE
        return 0
    fi
    [ -z "${KINWATCH_TEST_NODE:-}" ] || return 0
    command -v npm >/dev/null 2>&1 || return 0
    if [ -d "$venv/node/node_modules/mqtt" ] ||
        npm install --silent --no-audit --no-fund --prefix "$venv/node" mqtt@5 >/dev/null 2>&1; then
        KINWATCH_TEST_NODE="$venv/node/node_modules"
        export KINWATCH_TEST_NODE
    else
        say "mqtt.js could not be installed: the examples in JavaScript are skipped"
    fi
}

# A real Home Assistant in an environment of its own, for the tests that need one; KINWATCH_TEST_HASS names another,
# or is `no`. Without it they are skipped.
want_home_assistant() {
    if [ "${KINWATCH_TEST_HASS:-}" = no ]; then
        unset KINWATCH_TEST_HASS
        return 0
    fi
    [ -z "${KINWATCH_TEST_HASS:-}" ] || return 0
    if ! newer=$(find_newer_python); then
        say "no Python 3.13 or newer: the tests with a real Home Assistant are skipped"
        return 0
    fi
    hass="$venv/home-assistant"
    [ -e "$hass/home-assistant.txt" ] || say "installing Home Assistant for the tests; once, some minutes (700 MB)"
    if "$newer" scripts/home_assistant.py "$hass"; then
        KINWATCH_TEST_HASS="$hass"
        export KINWATCH_TEST_HASS
    else
        say "the tests with a real Home Assistant are skipped; KINWATCH_TEST_HASS=no asks no more"
    fi
}

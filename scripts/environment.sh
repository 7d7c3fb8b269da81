# Sourced by demo, test and check: makes the virtual environment and installs what is asked for.
#
#   want_programs demo|test     the Debian packages of scripts/programs
#   environment EXTRA           .venv with kinwatch[EXTRA]
#
# Afterwards the environment's programs come first on PATH. KINWATCH_VENV names another folder than .venv,
# PYTHON another Python than the first of 3.13, 3.12, 3.11 and 3.14 that is found.

venv=${KINWATCH_VENV:-$PWD/.venv}
apt_wanted=${KINWATCH_APT:-}
# kinwatch takes such variables for settings.
unset KINWATCH_VENV KINWATCH_APT

say() { printf '%s\n' "$*" >&2; }

find_python() {
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3.14 python3}; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then
            command -v "$candidate"
            return 0
        fi
    done
    say "kinwatch needs Python 3.11 to 3.14; none was found: 'sudo apt install python3-venv', or set PYTHON to one"
    return 1
}

# Runs apt-get with a dot for every ten packages; what it complains of is shown as it stands.
apt() {
    if [ "$(id -u)" = 0 ]; then set -- env "$@"; else set -- sudo -n env "$@"; fi
    { "$@" </dev/null 2>&1 && echo "ended 0" || echo "ended 1"; } | dots
}

dots() {
    lines=0
    while IFS= read -r line; do
        case $line in
        Get:* | "Setting up "*)
            lines=$((lines + 1))
            [ $((lines % 10)) != 0 ] || printf . >&2
            ;;
        E:*) printf '\n%s' "$line" >&2 ;;
        "ended "*) ended=${line#ended } ;;
        esac
    done
    [ "$lines" = 0 ] || printf '\n' >&2
    return "${ended:-1}"
}

may_install() {
    [ "$apt_wanted" != no ] && command -v apt-get >/dev/null 2>&1 || return 1
    [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; }
}

# Installs Debian packages as root, or through a sudo that asks nothing. Fails where it may not or cannot. If not all
# can be had, those that can are installed.
install_debian() {
    may_install || return 1
    say "installing Debian packages (KINWATCH_APT=no leaves this out): $*"
    get="DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0"
    # shellcheck disable=SC2086
    apt $get update
    # shellcheck disable=SC2086
    apt $get install --no-install-recommends "$@" && return 0
    [ $# -gt 1 ] || return 1
    for each in "$@"; do
        # shellcheck disable=SC2086
        apt $get install --no-install-recommends "$each" || say "$each could not be installed"
    done
}

# The lines of scripts/programs that `demo` or `test` wants, as "program package"; test wants what demo wants, too.
declared() {
    while read -r program package who _; do
        case "$1 $program $who" in
        *" #"*) ;;
        *" demo" | "test "*" test") printf '%s %s\n' "$program" "$package" ;;
        esac
    done <scripts/programs
}

# The path of the first program that is here, of several separated by |. An ordinary user's PATH has no sbin.
found() {
    for name in $(printf '%s\n' "$1" | tr '|' ' '); do
        PATH="$PATH:/usr/sbin:/sbin:/usr/local/sbin" command -v "$name" && return 0
    done
    return 1
}

missing() {
    declared "$1" | grep -v ' -$' | while read -r program package; do
        found "$program" >/dev/null || printf '%s %s\n' "$program" "$package"
    done
}

# A column of such lines, in one line.
column() {
    printf '%s\n' "$2" | cut -d ' ' -f "$1" | sort -u | tr '\n' ' '
}

# Installs what `demo` or `test` starts and is not here, or says what is left out without it.
want_programs() {
    lacking=$(missing "$1")
    [ -n "$lacking" ] || return 0
    # shellcheck disable=SC2046
    install_debian $(column 2 "$lacking") || true
    lacking=$(missing "$1")
    [ -n "$lacking" ] || return 0
    say "not here, and not installed, which takes root or a sudo without password: $(column 1 "$lacking")"
    case $1 in demo) without="the demo runs on a broker from pip" ;; *) without="what needs them is skipped" ;; esac
    say "  $without; 'sudo apt install $(column 2 "$lacking" | sed 's/ $//')' changes that"
}

# Leaves on PATH nothing but the environment's own programs, those of scripts/programs, and those of Debian's essential
# packages, so that what a test starts and nobody declared is missed here as it is on a new machine.
only_declared() {
    command -v dpkg-query >/dev/null 2>&1 || return 0
    links="$venv/programs"
    rm -rf "$links"
    mkdir "$links"
    { essential_programs && declared_programs; } | while read -r file; do
        [ ! -x "$file" ] || ln -sf "$file" "$links/"
    done
    PATH="$venv/bin:$links"
}

# With those that an alternative or a diversion stands for, which no package lists.
essential_programs() {
    # shellcheck disable=SC2046
    dpkg-query -L $(dpkg-query -W -f '${Essential} ${Package}\n' | sed -n 's/^yes //p') |
        grep -E '^(/usr)?/s?bin/[^/]+$'
    printf '%s\n' /usr/bin/awk /usr/bin/which /bin/sh
}

declared_programs() {
    for program in $(declared test | sed 's/ .*//' | tr '|' ' '); do
        found "$program" || true
    done
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

# The environment's uv, which installs: in the release and with the hash that requirements.lock says, by pip.
want_uv() {
    pin=$(sed -n '/^uv==/,/# via/p' requirements.lock)
    [ "$(cat "$venv/installed-uv" 2>/dev/null)" != "$pin" ] || return 0
    printf '%s\n' "$pin" >"$venv/uv.txt"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$venv/uv.txt" ||
        return 1
    mv "$venv/uv.txt" "$venv/installed-uv"
}

# uv with the certificates that this machine trusts, and the index that pip is told to use.
run_uv() {
    [ ! -e /etc/ssl/certs/ca-certificates.crt ] || export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
    [ -z "${PIP_CERT:-}" ] || export SSL_CERT_FILE="${SSL_CERT_FILE:-$PIP_CERT}"
    told=$("$venv/bin/python" -m pip config get global.index-url 2>/dev/null) || true
    index=${UV_DEFAULT_INDEX:-${PIP_INDEX_URL:-$told}}
    [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
    "$venv/bin/uv" "$@"
}

# Nobody has built these for Python 3.14, and pocketsphinx for 3.12 on arm64 neither; pyproject.toml knows it, too.
say_what_is_left_out() {
    for name in tensorflow pocketsphinx; do
        "$venv/bin/python" -c "import importlib.util as u, sys; sys.exit(not u.find_spec('$name'))" ||
            say "there is no $name for this Python and machine: what needs it is left out, its tests are skipped"
    done
}

install() {
    say "installing kinwatch[$1]; the first time takes some minutes ($2)"
    want_uv &&
        run_uv pip install --python "$venv/bin/python" --constraint requirements.lock \
            --build-constraint requirements.lock --editable ".[$1]"
}

environment() {
    extra=$1
    python=$(find_python) || return 1
    make_venv "$python" || return 1
    # Installed once, and again when what the project needs has changed.
    wanted="$extra $(cat pyproject.toml requirements.lock | cksum)"
    if [ "$(cat "$venv/installed-$extra" 2>/dev/null)" != "$wanted" ]; then
        case $extra in demo) size="400 MB" ;; *) size="3 GB" ;; esac
        install "$extra" "$size" || {
            say "kinwatch[$extra] could not be installed: is this machine online, and is there room in $venv?"
            return 1
        }
        [ "$extra" != dev ] || say_what_is_left_out
        printf '%s\n' "$wanted" >"$venv/installed-$extra"
    fi
    PATH="$venv/bin:$PATH"
    export PATH
}

# The model files of the tests in one folder: those of KINWATCH_MODELS, and the built-in ones, fetched once (136 MB).
want_models() {
    [ -n "${KINWATCH_MODELS:-}" ] || return 0
    mkdir -p "$venv/models"
    find "$venv/models" -type l -exec rm {} +
    if ! KINWATCH_DATA_DIR="$venv" python -m kinwatch models pull built-in >/dev/null; then
        say "the built-in models could not be fetched: is this machine online?"
        return 1
    fi
    for file in "$KINWATCH_MODELS"/*; do
        ln -s "$file" "$venv/models/" 2>/dev/null || true
    done
    KINWATCH_MODELS="$venv/models"
    export KINWATCH_MODELS
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

# In the releases and with the hashes of tests/node/package-lock.json; again when they change.
install_mqtt_js() {
    cmp -s tests/node/package-lock.json "$venv/node/installed" && return 0
    rm -rf "$venv/node"
    mkdir "$venv/node"
    cp tests/node/package.json tests/node/package-lock.json "$venv/node/"
    npm ci --silent --no-audit --no-fund --ignore-scripts --prefix "$venv/node" >/dev/null 2>&1 || return 1
    cp tests/node/package-lock.json "$venv/node/installed"
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
    if install_mqtt_js; then
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

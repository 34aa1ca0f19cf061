#!/usr/bin/env bash
# Builds Muninn and runs what the README names. `./build.sh help` lists the verbs.
set -euo pipefail
cd "$(dirname "$0")"

usage() {
    cat <<'TXT'
./build.sh            build bin/muninn (needs Go and a C compiler)
./build.sh demo       build and run the demo (installs a Vulkan driver if there is none)
./build.sh check      while working: linters, and the short tests of what has changed, on one software driver
./build.sh test       every test on both software drivers, then under -race, with the other binding and under validation
./build.sh lab        every vendor's compiler and the whole engine on GPUs that are not there (Debian, root; tools/lab/README.md);
                      -windows, -arm64: the program and tests under wine and qemu; -lavapipe: on the newest lavapipe
./build.sh release    archives for Linux and Windows in dist/, with checksums and licences (installs cross compilers)
./build.sh shaders    compile the kernels whose source has changed (needs glslc)
./build.sh deps       install what the verbs above need and is missing
./build.sh env        print export lines that make both software drivers visible: eval "$(./build.sh env)"
TXT
}

cache="${MUNINN_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/muninn}"
swiftshader="$cache/swiftshader"

say() { printf '%s\n' "$*" >&2; }

# die prints why the script cannot go on, and ends it. (A function that fails does not: within `a && b`, bash goes on.)
die() {
    say "build.sh: $*"
    exit 1
}

# root_for COMMAND... sets root to what runs a command as root. Where nothing does, it says which command to run, and ends.
root_for() {
    root=()
    [ "$(id -u)" = 0 ] && return
    command -v sudo >/dev/null && sudo -n true 2>/dev/null || die "not root. Run this yourself, then start again:
  sudo $*"
    root=(sudo)
}

missing=()
# need PACKAGES COMMAND... notes Debian packages if COMMAND fails.
need() {
    local packages
    read -ra packages <<<"$1"
    "${@:2}" >/dev/null 2>&1 || missing+=("${packages[@]}")
}

# install gets what is noted.
install() {
    [ ${#missing[@]} = 0 ] && return
    command -v apt-get >/dev/null || die "no apt-get here. Install what these Debian packages hold, by your system's means: ${missing[*]}"
    say "build.sh: installing ${missing[*]}"
    local get=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}")
    root_for apt-get install -y "${missing[@]}"
    missing=()
    "${root[@]}" "${get[@]}" >/dev/null 2>&1 && return
    { "${root[@]}" apt-get update -qq && "${root[@]}" "${get[@]}"; } >/dev/null || die "apt-get failed; see above"
}

tool_chain() {
    local go says
    go=$(sed -n 's/^go //p' go.mod)
    command -v go >/dev/null || die "Go is missing; install Go ${go%.0} or newer from https://go.dev/dl"
    # An older Go fetches the one that go.mod names, unless it is set up not to, as Debian's is.
    says=$(go version 2>&1) || die "$says
Install Go ${go%.0} or newer from https://go.dev/dl, or let this one fetch it: GOTOOLCHAIN=auto ./build.sh"
    need 'gcc libc6-dev' command -v "${CC:-gcc}"
    install
}

# manifests GLOB prints the files of Vulkan drivers or layers that have such a name; it fails if there are none.
manifests() { { find {/usr,/usr/local}/share/vulkan /etc/vulkan -path "*/$1" 2>/dev/null || true; } | grep .; }

loader() { { ldconfig -p || /sbin/ldconfig -p; } 2>/dev/null | grep 'libvulkan\.so\.1'; }

# A Vulkan loader and at least one driver. Mesa's package holds those of AMD and Intel GPUs, and lavapipe, which runs on the CPU.
runtime() {
    need libvulkan1 loader
    need mesa-vulkan-drivers manifests 'icd.d/*.json'
    install
}

shader_tools() {
    need glslc command -v glslc
    need spirv-tools command -v spirv-val
}

# Cross compilers: for Windows on amd64, for Linux on arm64.
mingw() { need gcc-mingw-w64-x86-64 command -v x86_64-w64-mingw32-gcc; }
arm64_tools() { need 'gcc-aarch64-linux-gnu libc6-dev-arm64-cross' command -v aarch64-linux-gnu-gcc; }

# The tests' own needs: lavapipe, the validation layer, a terminal, and what compiles the kernels once more.
test_tools() {
    need libvulkan1 loader
    need mesa-vulkan-drivers manifests 'icd.d/lvp_icd*.json'
    need tmux command -v tmux
    need vulkan-validationlayers manifests 'explicit_layer.d/VkLayer_khronos_validation.json'
    install
}

# What shows the page and tests it: a browser, and Node for its driver; clients of the server's APIs need Node too.
browser() {
    [ -n "${MUNINN_SKIP_BROWSER:-}" ] || need chromium command -v chromium
    [ -n "${MUNINN_SKIP_BROWSER:-}" ] && [ -n "${MUNINN_SKIP_CLIENTS:-}" ] || need 'nodejs npm' command -v npm
    install
}

second_driver() {
    [ -f "$swiftshader/libvk_swiftshader.so" ] && return
    case "${MUNINN_SKIP_DEVICES:-}" in *[Ss]wift[Ss]hader*) return ;; esac
    say "build.sh: fetching SwiftShader, the second software driver: two files of Debian's chromium-common"
    local tmp
    tmp=$(mktemp -d)
    (
        cd "$tmp" && chmod 755 . # apt-get downloads as a user of its own
        get() { apt-get download -qq chromium-common >/dev/null 2>&1; }
        get || { root_for apt-get update && "${root[@]}" apt-get update -qq >/dev/null && get; } &&
            dpkg-deb --fsys-tarfile chromium-common_*.deb | tar x --wildcards '*/libvk_swiftshader.so' '*/vk_swiftshader_icd.json'
    ) || {
        rm -rf "$tmp"
        die "SwiftShader could not be fetched. To go without it: MUNINN_SKIP_DEVICES=SwiftShader ./build.sh $verb"
    }
    mkdir -p "$swiftshader"
    find "$tmp" -name 'vk_swiftshader_icd.json' -exec mv {} "$swiftshader/" \;
    find "$tmp" -name 'libvk_swiftshader.so' -exec mv {} "$swiftshader/" \;
    rm -rf "$tmp"
}

# The software drivers and nothing else, so that tests see the same devices everywhere. Lavapipe's manifest bears the
# processor's name on some systems.
software_drivers() {
    local icds
    icds=$(manifests "icd.d/lvp_icd.$(uname -m).json" || manifests icd.d/lvp_icd.json || true)
    icds=${icds%%$'\n'*}
    [ -f "$swiftshader/vk_swiftshader_icd.json" ] && icds="${icds:+$icds:}$swiftshader/vk_swiftshader_icd.json"
    printf '%s' "$icds"
}

build() {
    tool_chain
    local version
    version=$(git describe --always --dirty 2>/dev/null || echo unknown)
    [ -e bin/muninn ] || say "build.sh: compiling; about two minutes the first time"
    go build -trimpath -ldflags "-X main.commit=$version" -o bin/muninn ./cmd/muninn
}

run_tests() {
    export VK_ICD_FILENAMES VK_DRIVER_FILES
    VK_ICD_FILENAMES=$(software_drivers)
    VK_DRIVER_FILES=$VK_ICD_FILENAMES
    unset VK_INSTANCE_LAYERS VK_LAYER_ENABLES
    exec go run ./tools/test "$@"
}

verb=${1:-build}
[ $# = 0 ] || shift
case "$verb" in
build)
    build
    say "built bin/muninn; try: bin/muninn demo"
    ;;
deps)
    tool_chain
    runtime
    shader_tools
    test_tools
    browser
    second_driver
    ;;
demo)
    tool_chain
    runtime
    build
    exec bin/muninn demo "$@"
    ;;
check)
    tool_chain
    test_tools
    run_tests -check
    ;;
test)
    tool_chain
    shader_tools
    test_tools
    browser
    second_driver
    run_tests
    ;;
lab)
    tool_chain
    case "${1:-}" in -list | --list | -predict | -h | -help | --help) exec go run ./tools/lab "$1" ;; esac
    need debootstrap command -v debootstrap
    need util-linux command -v unshare
    [ "${1:-}" != -windows ] || mingw
    [ "${1:-}" != -arm64 ] || arm64_tools
    install
    tools/lab/root.sh "$cache/lab/root"
    cell=$(mktemp -d "$cache/lab/cell.XXXXXX")
    trap 'rm -rf "$cell"' EXIT # nothing is mounted in it here: what is mounted for a device, that one alone sees
    go build -o "$cell/probe" ./tools/lab
    case "${1:-}" in
    -windows | -arm64 | -lavapipe)
        tools/lab/desktop.sh "$cache/lab/root" "$cell" "${1#-}"
        exit
        ;;
    esac
    tools/lab/enter.sh "$cache/lab/root" "$cell" build
    "$cell/probe" -root "$cache/lab/root" -cell "$cell" "$@"
    ;;
release)
    tool_chain
    need gcc command -v x86_64-linux-gnu-gcc
    mingw
    arm64_tools
    install
    go run ./tools/release -version "$(git describe --tags --always --dirty)" -commit "$(git describe --always --dirty --exclude '*')" -time "$(git log -1 --format=%ct)"
    ;;
shaders)
    tool_chain
    shader_tools
    install
    go run ./tools/glsl
    ;;
env)
    icds=$(software_drivers)
    printf 'export VK_ICD_FILENAMES=%q\nexport VK_DRIVER_FILES=%q\n' "$icds" "$icds"
    ;;
help | -h | --help) usage ;;
*)
    say "build.sh: no verb '$verb'"
    usage >&2
    exit 2
    ;;
esac

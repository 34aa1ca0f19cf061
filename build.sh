#!/usr/bin/env bash
# Builds Muninn and runs what the README names. `./build.sh help` lists the verbs.
set -euo pipefail
cd "$(dirname "$0")"

usage() {
    cat <<'TXT'
./build.sh            build bin/muninn (needs Go and a C compiler)
./build.sh demo       build and run the demo (installs a Vulkan driver if there is none)
./build.sh test       every test on both software drivers, under -race, with the other binding and under validation
./build.sh check      a quicker round while working: vet and the tests once
./build.sh shaders    compile the kernels whose source has changed (needs glslc)
./build.sh deps       install what the verbs above need and is missing
./build.sh env        print export lines that make both software drivers visible: eval "$(./build.sh env)"
TXT
}

cache="${MUNINN_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/muninn}"
swiftshader="$cache/swiftshader"

say() { printf '%s\n' "$*" >&2; }

# as_root runs a command as root, or says which one to run.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo "$@"
    else
        say "build.sh: not root. Run this yourself, then start again:"
        say "  sudo $*"
        return 1
    fi
}

# install PACKAGE... installs Debian packages that are missing.
install() {
    local missing=() p
    for p in "$@"; do dpkg -s "$p" >/dev/null 2>&1 || missing+=("$p"); done
    [ ${#missing[@]} = 0 ] && return
    if ! command -v apt-get >/dev/null; then
        say "build.sh: no apt-get here. Install what these Debian packages hold, by your system's means: ${missing[*]}"
        return 1
    fi
    say "build.sh: installing ${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1 && return
    as_root apt-get update -qq >/dev/null
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

tool_chain() {
    command -v go >/dev/null || { say "build.sh: Go is missing; install Go 1.26 or newer from https://go.dev/dl"; return 1; }
    command -v "${CC:-gcc}" >/dev/null || command -v cc >/dev/null || { say "build.sh: a C compiler is missing:"; install gcc libc6-dev; }
}

# A Vulkan loader and at least one driver. Mesa's package holds those of AMD and Intel GPUs, and lavapipe, which runs on the CPU.
runtime() {
    if ! ldconfig -p 2>/dev/null | grep -q 'libvulkan\.so\.1'; then
        say "build.sh: no Vulkan loader (libvulkan.so.1):"
        install libvulkan1
    fi
    if [ -z "$(find /usr/share/vulkan/icd.d /etc/vulkan/icd.d /usr/local/share/vulkan/icd.d -name '*.json' 2>/dev/null)" ]; then
        say "build.sh: no Vulkan driver:"
        install mesa-vulkan-drivers
    fi
}

# The tests' own needs: both software drivers, the validation layers, the SPIR-V tools, and RADV to compile for AMD GPUs.
test_tools() {
    install libvulkan1 mesa-vulkan-drivers vulkan-validationlayers glslc spirv-tools
    [ -f "$swiftshader/libvk_swiftshader.so" ] && return
    say "build.sh: fetching SwiftShader, the second software driver: two files of Debian's chromium-common"
    local tmp
    tmp=$(mktemp -d)
    (
        cd "$tmp"
        chmod 755 .
        apt-get download -qq chromium-common >/dev/null 2>&1 || { as_root apt-get update -qq >/dev/null && apt-get download -qq chromium-common >/dev/null 2>&1; }
        dpkg-deb --fsys-tarfile chromium-common_*.deb | tar x --wildcards '*/libvk_swiftshader.so' '*/vk_swiftshader_icd.json'
    ) || {
        rm -rf "$tmp"
        say "build.sh: SwiftShader could not be fetched. To test without it: MUNINN_SKIP_DEVICES=SwiftShader ./build.sh test"
        return
    }
    mkdir -p "$swiftshader"
    find "$tmp" -name 'vk_swiftshader_icd.json' -exec mv {} "$swiftshader/" \;
    find "$tmp" -name 'libvk_swiftshader.so' -exec mv {} "$swiftshader/" \;
    rm -rf "$tmp"
}

# Both software drivers and nothing else, so that tests see the same devices everywhere.
software_drivers() {
    local icds
    icds=$(find /usr/share/vulkan/icd.d /etc/vulkan/icd.d /usr/local/share/vulkan/icd.d -name 'lvp_icd*.json' 2>/dev/null | head -n 1)
    [ -f "$swiftshader/vk_swiftshader_icd.json" ] && icds="${icds:+$icds:}$swiftshader/vk_swiftshader_icd.json"
    printf '%s' "$icds"
}

build() {
    tool_chain
    local version
    version=$(git describe --always --dirty 2>/dev/null || echo unknown)
    go build -trimpath -ldflags "-X main.commit=$version" -o bin/muninn ./cmd/muninn
}

run_tests() {
    export VK_ICD_FILENAMES VK_DRIVER_FILES
    VK_ICD_FILENAMES=$(software_drivers)
    VK_DRIVER_FILES=$VK_ICD_FILENAMES
    unset VK_INSTANCE_LAYERS VK_LAYER_ENABLES
    exec go run ./tools/test "$@"
}

case "${1:-build}" in
build) build && say "built bin/muninn; try: bin/muninn demo" ;;
deps) tool_chain && runtime && test_tools ;;
demo) tool_chain && runtime && build && shift && exec bin/muninn demo "$@" ;;
test) tool_chain && test_tools && run_tests ;;
check) tool_chain && test_tools && run_tests --quick ;;
shaders)
    install glslc spirv-tools
    go run ./tools/glsl
    ;;
env)
    icds=$(software_drivers)
    printf 'export VK_ICD_FILENAMES=%q\nexport VK_DRIVER_FILES=%q\n' "$icds" "$icds"
    ;;
help | -h | --help) usage ;;
*)
    say "build.sh: no verb '$1'"
    usage >&2
    exit 2
    ;;
esac

#!/usr/bin/env bash
# desktop.sh ROOT CELL windows|arm64|lavapipe  builds the program and some tests for another system, or for the newest lavapipe, runs them in ROOT and
# prints what passed.
set -euo pipefail
root=$1 cell=$2 system=$3
lab=$(dirname "$(realpath "$0")")
away=("$lab/away.sh" "$root" "$cell" "$system")
export CGO_ENABLED=1

# widths are the bits of lavapipe's vectors, "" as many as the processor has. left is the tests that cannot pass there; README.md says why.
widths=("") left=
case $system in
lavapipe)
    packages=(mesa-vulkan-drivers glslc spirv-tools) widths=(128 256 512)
    demo=(demo) says='^ +num_steps 16( +100){9}$'
    matches=("") tests=(./vk ./shaders/... ./model/engine ./tools/goldens)
    ;;
windows)
    packages=(wine wine64)
    export GOOS=windows GOARCH=amd64 CC=x86_64-w64-mingw32-gcc
    # Sixteen steps follow a chain of any length at once: 100 % nine times.
    demo=(demo) says='^ +num_steps 16( +100){9}$'
    matches=("") tests=(./vk ./shaders ./model/engine ./model/store ./model/checkpoint/...)
    left='TestNoDriver|TestBrokenManifests|TestFailingLayer|TestValidation|TestValidationSeesFaults|TestHubCacheLinks'
    ;;
arm64)
    # Both architectures' libraries must be of one version.
    packages=(qemu-user {libvulkan1,mesa-vulkan-drivers}:{amd64,arm64})
    export GOOS=linux GOARCH=arm64 CC=aarch64-linux-gnu-gcc
    # The whole takes qemu too long, its matrix products above all.
    demo=(run demo -r 8 --stop ';' 'q=r;r=e;e=f;f=i;l=i;i=a;a=m;m=7;r?') says='^7$'
    matches=(gather embed advance rmsnorm addnorm criterion sample scatter initstate) tests=()
    ;;
esac

inside() { nice chroot "$root" env DEBIAN_FRONTEND=noninteractive "$@" >>"$cell/apt.log" 2>&1; }
get() { inside apt-get install -y -qq --no-install-recommends "${packages[@]}"; }
if ! inside dpkg-query -W "${packages[@]}"; then
    printf 'lab: installing %s in %s, once\n' "${packages[*]}" "$root" >&2
    [ "$system" != arm64 ] || inside dpkg --add-architecture arm64
    # A mirror that stands still, as a snapshot does, is as good.
    { [ "$system" != arm64 ] && get; } || { inside apt-get -o Acquire::Check-Valid-Until=false update && get; } || {
        tail -3 "$cell/apt.log" >&2
        exit 1
    }
fi
nice go build -trimpath -o "$cell/muninn" ./cmd/muninn

wrong=0
# row NAME PASSED FAILED COMMAND...  runs a command, and counts the lines of what it prints that match. Where it fails, that is shown.
row() {
    local start=$SECONDS log=$cell/log code=0 passed failed
    timeout 1800 "${@:4}" </dev/null >"$log" 2>&1 || code=$?
    passed=$(grep -cE "$2" "$log" || true) failed=$(grep -cE "$3" "$log" || true)
    [ $code = 0 ] || [ "$failed" != 0 ] || failed=1
    [ "$passed" != 0 ] || [ "$failed" != 0 ] || failed=1
    printf '%-28s %7d %7d %6d s\n' "$1" "$passed" "$failed" $((SECONDS - start))
    [ "$failed" = 0 ] || {
        wrong=1
        # Of tests, those that fail.
        awk '/^=== RUN/ {b = ""} {b = b $0 "\n"} /^ *--- FAIL/ {printf "%s", b; b = ""} END {printf "%s", b}' "$log" | tail -100 >&2
    }
}
printf '%-28s %7s %7s %8s\n' "$system" passed failed time
row version ' (windows/amd64|linux/(arm64|amd64))$' '^muninn: ' "${away[@]}" "$cell/muninn" version
for LAB_WIDTH in "${widths[@]}"; do
    export LAB_WIDTH
    row "devices $LAB_WIDTH" "llvmpipe.*$LAB_WIDTH" '^muninn: ' "${away[@]}" "$cell/muninn" devices
    # It has cooperative matrices with 256 bits, and with 512 a compiler that crashes over them; where a device has them, a test of every kernel runs those for matrix units.
    [ "$system" != lavapipe ] || [ "$LAB_WIDTH" != 256 ] || row "matrix units $LAB_WIDTH" '16bit.*,matrix ' '^muninn: ' "${away[@]}" "$cell/muninn" devices
    row demo "$says" '^muninn: ' "${away[@]}" "$cell/muninn" "${demo[@]}"
    for match in "${matches[@]}"; do
        row "check $match" ' ok ' ' WRONG ' "${away[@]}" "$cell/muninn" check -q --match "$match"
    done
    for package in "${tests[@]}"; do
        row "test $package" '^--- PASS' '^--- FAIL' go test -exec "${away[*]}" -count=1 -p=1 -short -v -skip "^($left)\$" "$package"
    done
done
[ "$left" = "" ] || printf 'left out (tools/lab/README.md says why): %s\n' "${left//|/, }"
exit $wrong

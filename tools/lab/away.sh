#!/bin/sh
# away.sh ROOT CELL windows|arm64|lavapipe PROGRAM ARG...  runs a program for another system in ROOT, on the lavapipe there, in the folder of the repository
# where it is called. CELL is /lab and holds what wine keeps; the repository is /mnt. Mounts and processes are this one's own and go with it.
set -eu
if [ "${LAB_INSIDE:-}" = "" ]; then
    LAB_INSIDE=1 exec nice unshare --mount --pid --fork --kill-child --propagation private "$0" "$@"
fi
root=$1 cell=$2 by=
case $3 in
windows) by=wine ;;
arm64) by=qemu-aarch64 ;;
esac
cp "$4" "$cell/program.exe"
shift 4
top=$(cd "$(dirname "$0")/../.." && pwd -P)
here=$(pwd -P)
mount -t proc lab "$root/proc"
mount --bind "$cell" "$root/lab"
mount --bind "$top" "$root/mnt"
exec chroot "$root" env -i HOME=/lab XDG_RUNTIME_DIR=/lab PATH=/usr/bin:/bin WINEDEBUG=-all MUNINN_SKIP_DEVICES=SwiftShader ${LAB_WIDTH:+LP_NATIVE_VECTOR_WIDTH=$LAB_WIDTH} \
    VK_DRIVER_FILES=/usr/share/vulkan/icd.d/lvp_icd.json sh -c 'cd "/mnt$0" && exec "$@"' "${here#"$top"}" $by /lab/program.exe "$@"

#!/bin/sh
# enter.sh ROOT CELL build                            compiles the stand-ins and the layer into the folder CELL
# enter.sh ROOT CELL KERNEL DRIVER PLACE NAME=VALUE...  runs CELL's probe in ROOT, where Mesa's DRIVER finds a GPU at PLACE
# Everything is mounted in a namespace of this process's own and goes with it: nothing stays, and nothing is removed where something is mounted.
set -eu
if [ "${LAB_INSIDE:-}" = "" ]; then
    LAB_INSIDE=1 exec nice unshare --mount --propagation private "$0" "$@"
fi
root=$1 cell=$2 kernel=$3
shift 3
mount -t proc lab "$root/proc"
mount --bind "$cell" "$root/lab"
mount --bind "$(dirname "$0")" "$root/mnt"
mount -t tmpfs lab "$root/sys"

if [ "$kernel" = build ]; then
    cp "$root"/mnt/layer/*.json "$cell"
    flags='-O1 -Wall -Wextra -Werror -Wno-nonnull-compare -shared -fPIC'
    exec chroot "$root" sh -c "gcc $flags -o /lab/stats.so /mnt/layer/*.c && gcc $flags -o /lab/node.so /mnt/drm/*.c"
fi

# What libdrm and drivers read of a device under /sys.
driver=$1 place=$2
shift 2
id=${place#*:} kind=pci
device=$root/sys/dev/char/226:128/device
mkdir -p "$device/drm/renderD128" "$root/sys/bus/pci" "$root/sys/bus/platform"
case $place in
pci:*)
    printf '0x%s\n' "${id%:*}" | tee "$device/vendor" >"$device/subsystem_vendor"
    printf '0x%s\n' "${id#*:}" | tee "$device/device" >"$device/subsystem_device"
    printf '0x00\n' >"$device/revision"
    printf 'DRIVER=%s\nPCI_CLASS=30000\nPCI_ID=%s\nPCI_SUBSYS_ID=%s\nPCI_SLOT_NAME=0000:03:00.0\n' "$kernel" "$id" "$id" >"$device/uevent"
    ;;
of:*)
    kind=platform
    printf 'DRIVER=%s\nOF_NAME=gpu\nOF_FULLNAME=/soc/gpu@0\nOF_COMPATIBLE_0=%s\nOF_COMPATIBLE_N=1\n' "$kernel" "$id" >"$device/uevent"
    ;;
esac
ln -s /sys/bus/$kind "$device/subsystem"
exec chroot "$root" env -i HOME=/tmp PATH=/usr/bin:/bin "$@" LD_PRELOAD=/lab/node.so MUNINN_LAB_DRIVER="$kernel" MUNINN_LAB_PLACE="$place" MUNINN_LAB_TRACE=1 \
    MUNINN_LAB_STATS=/lab/stats MESA_SHADER_CACHE_DISABLE=1 NVK_I_WANT_A_BROKEN_VULKAN_DRIVER=1 VK_ADD_LAYER_PATH=/lab "VK_DRIVER_FILES=/usr/share/vulkan/icd.d/${driver}_icd.json" /lab/probe -probe

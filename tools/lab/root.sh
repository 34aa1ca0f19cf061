#!/usr/bin/env bash
# root.sh DIR makes a root of Debian's newest suite in DIR, unless it is there: Mesa's Vulkan drivers, the validation layer, a C compiler, headers.
set -euo pipefail
dir=${1:?DIR}
suite=sid
packages=libvulkan1,mesa-vulkan-drivers,vulkan-validationlayers,libvulkan-dev,linux-libc-dev,gcc,libc6-dev

die() {
    printf 'lab: %s\n' "$*" >&2
    exit 1
}

[ -e "$dir/made" ] && exit
[ "$(uname -sm)" = "Linux x86_64" ] || die "wants Linux on x86_64; this is $(uname -sm)"
[ "$(id -u)" = 0 ] || die "wants root, for debootstrap, chroot and mounts of its own"
for command in debootstrap unshare mknod; do
    command -v $command >/dev/null || die "$command is missing (Debian: apt-get install debootstrap util-linux coreutils)"
done
[ -e /usr/share/debootstrap/scripts/$suite ] || die "debootstrap knows no $suite; the lab wants a Debian"

# What an unfinished attempt has left goes, but never through a mount.
new=$dir.new
grep -qF " $(realpath -m "$new")/" /proc/self/mountinfo && die "something is mounted below $new: umount it first"
rm -rf --one-file-system "$new"
mkdir -p "$new"
# The mirror that apt uses here; without one, debootstrap's own.
mirror=$(grep -hE '^(URIs:|deb )' /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list /etc/apt/sources.list 2>/dev/null |
    grep -oE '[a-z]+://[^ ]+/debian/?( |$)' | head -1 || true)
printf 'lab: making a root of Debian %s in %s, once: some minutes, 1 GB\n' $suite "$dir" >&2
log=$dir.log
mkdir -p "$(dirname "$dir")"
nice debootstrap --variant=minbase --include=$packages $suite "$new" $mirror >"$log" 2>&1 ||
    die "debootstrap failed; its log is $log: $(tail -1 "$log")"
mkdir -p "$new/dev/dri" "$new/lab" "$new/mnt"
mknod -m 666 "$new/dev/dri/renderD128" c 226 128
for left in proc sys; do # debootstrap's
    if mountpoint -q "$new/$left"; then umount "$new/$left"; fi
done
touch "$new/made"
mv "$new" "$dir"

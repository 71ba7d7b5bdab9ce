#!/bin/bash
# room.sh FOLDER COMMAND...: runs a command as root in a room where it can do no harm. The room has this machine's
# root file system, and keeps all changes to itself. It has a network with only loopback, and its own processes, which
# end with it. FOLDER is an empty folder outside, for files that exist as long as the command runs.
set -euo pipefail
if [ "${ROOM_PART:-}" != inside ]; then
    cgroup="gangplank-room-$$"
    status=0
    env ROOM_PART=inside "ROOM_CGROUP=/$cgroup" \
        unshare --mount --net --pid --ipc --uts --fork --kill-child "$0" "$@" || status=$?
    # Processes end with the room. The cgroups that an engine made do not.
    find /sys/fs/cgroup -depth -type d -path "*/$cgroup*" -exec rmdir {} + 2> /dev/null || true
    exit "$status"
fi
folder="$1"
shift
mount --make-rprivate /
mkdir -p "$folder/room"
mount -t tmpfs -o mode=0755 room "$folder/room"
cd "$folder/room"
mkdir upper work root
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work room root
cd root
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
for each in run var/lib/docker var/lib/containerd; do
    mkdir -p "$each"
    mount -t tmpfs room "$each"
done
# Folders on other file systems of this machine.
IFS=: read -ra visible <<< "$VISIBLE"
for each in "${visible[@]}"; do
    if [ ! -e "./$each" ] && [ -e "$each" ]; then
        mkdir -p "./$each"
        mount --rbind "$each" "./$each"
    fi
done
printf '127.0.0.1 localhost registry.example.com\n::1 localhost\n' > etc/hosts
ip link set lo up
mkdir -p mnt/outside
pivot_root . mnt/outside
umount -l /mnt/outside
cd /
hostname room
unset ROOM_PART
exec "$@"

#!/bin/bash
# room.sh FOLDER COMMAND...: runs a command as root where it may do what it wants. It has this machine's root file
# system, but keeps what it writes to itself; a network of its own with nothing but loopback; and processes of its own,
# which end with it. FOLDER is an empty folder outside, for what has to last as long as the command.
set -euo pipefail
if [ "${ROOM_PART:-}" != inside ]; then
    cgroup="gangplank-room-$$"
    status=0
    env ROOM_PART=inside "ROOM_CGROUP=/$cgroup" \
        unshare --mount --net --pid --ipc --uts --fork --kill-child "$0" "$@" || status=$?
    # Processes end with the room; the groups that an engine made of them do not.
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
# What lies on other file systems of this machine.
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

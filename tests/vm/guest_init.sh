#!/bin/sh
# The first process of a guest: mounts what programs expect, runs each of the tasks of /guest/tasks with a mark before and
# behind it on the serial line, and turns the machine off. guest.py reads the marks: a guest that did not come to the
# last one has failed, whatever the emulator's exit code says.
export PATH=/opt/conntruth/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C TERM=dumb NO_COLOR=1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /sys/fs/cgroup
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mount -t tmpfs lib /var/lib
mount -t cgroup2 cgroup /sys/fs/cgroup
echo 1 >/proc/sys/kernel/printk
hostname guest
ip link set lo up
for module in veth bridge br_netfilter nf_tables nft_ct nft_nat nft_masq nft_chain_nat nf_conntrack_netlink; do modprobe -q "$module"; done
echo "guest: kernel $(uname -r)"
for task in /guest/tasks/*; do
  echo "guest: begin ${task##*/}"
  sh "$task" 2>&1
  echo "guest: end ${task##*/} $?"
done
echo "guest: done"
poweroff -f

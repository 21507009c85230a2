#!/usr/bin/env bash
#
# Inside the namespace: a host of virtual machines with libvirt's default network (NAT), an isolated one, a routed one and one
# with NAT for both families.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tests/data/firewalls/inside.sh
source inside.sh

links eth0=198.51.100.2/24,2001:db8:1::2/64

mkdir -p /run/dbus
dbus-daemon --system --fork
libvirtd >/tmp/libvirtd.log 2>&1 &
export LIBVIRT_DEFAULT_URI=network:///system
until_true virsh net-list || {
  cat /tmp/libvirtd.log >&2
  exit 1
}

cat >/tmp/isolated.xml <<'XML'
<network>
  <name>isolated</name>
  <bridge name='virbr1'/>
  <ip address='192.168.101.1' netmask='255.255.255.0'>
    <dhcp><range start='192.168.101.2' end='192.168.101.254'/></dhcp>
  </ip>
</network>
XML
cat >/tmp/routed.xml <<'XML'
<network>
  <name>routed</name>
  <bridge name='virbr2'/>
  <forward mode='route' dev='eth0'/>
  <ip address='203.0.113.1' netmask='255.255.255.0'/>
  <ip family='ipv6' address='2001:db8:2::1' prefix='64'/>
</network>
XML
cat >/tmp/both.xml <<'XML'
<network>
  <name>both</name>
  <bridge name='virbr3'/>
  <forward mode='nat' dev='eth0'>
    <nat ipv6='yes'>
      <address start='198.51.100.20' end='198.51.100.29'/>
      <port start='20000' end='30000'/>
    </nat>
  </forward>
  <ip address='192.168.103.1' netmask='255.255.255.0'/>
  <ip family='ipv6' address='fd00:103::1' prefix='64'/>
</network>
XML
virsh net-start default
for network in isolated routed both; do
  virsh net-define "/tmp/$network.xml"
  virsh net-start "$network"
done
virsh net-list --all

dump

#!/usr/bin/env bash
#
# Inside the namespace: a router with three zones, guarded by firewalld with its iptables backend: eth0 is external, eth1
# internal, eth2 the DMZ. What crosses from zone to zone is said by policies.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tests/data/firewalls/inside.sh
source inside.sh

links eth0=198.51.100.2/24,2001:db8:1::2/64 eth1=10.0.2.1/24,2001:db8:2::1/64 eth2=10.0.3.1/24,2001:db8:3::1/64

sed -i 's/^FirewallBackend=.*/FirewallBackend=iptables/' /etc/firewalld/firewalld.conf
mkdir -p /run/dbus
dbus-daemon --system --fork
firewalld --nofork --nopid &
until_true firewall-cmd --state

config() {
  echo "firewall-cmd --permanent $*"
  firewall-cmd --quiet --permanent "$@"
}

config --zone=external --add-interface=eth0
config --zone=external --add-forward-port=port=443:proto=tcp:toaddr=10.0.3.80
config --zone=external --add-forward-port=port=8443:proto=tcp:toport=443:toaddr=10.0.3.81
config --zone=internal --add-interface=eth1
config --zone=dmz --add-interface=eth2
config --zone=drop --add-source=203.0.113.0/24

config --new-ipset=blocked --type=hash:net --option=family=inet
config --ipset=blocked --add-entry=192.0.2.0/24

policy() { # NAME FROM TO TARGET
  config --new-policy="$1"
  config --policy="$1" --add-ingress-zone="$2"
  config --policy="$1" --add-egress-zone="$3"
  config --policy="$1" --set-target="$4"
}

policy out internal external ACCEPT
config --policy=out --add-rich-rule='rule family="ipv4" source address="10.0.2.66" reject'
config --policy=out --add-rich-rule='rule family="ipv4" priority="-10" destination address="192.0.2.25" port port="25" protocol="tcp" accept'
config --policy=out --add-rich-rule='rule port port="25" protocol="tcp" log prefix="smtp " level="info" limit value="3/m" reject'

policy published external dmz CONTINUE
config --policy=published --add-rich-rule='rule source ipset="blocked" drop'
config --policy=published --add-rich-rule='rule family="ipv4" destination address="10.0.3.80" service name="https" accept'
config --policy=published --add-rich-rule='rule family="ipv4" source address="198.51.100.0/24" destination address="10.0.3.53" port port="53" protocol="udp" accept limit value="100/m"'
config --policy=published --add-rich-rule='rule family="ipv6" destination address="2001:db8:3::80" service name="https" accept'
config --policy=published --add-icmp-block=redirect

policy servers internal dmz REJECT
config --policy=servers --add-service=ssh
config --policy=servers --add-service=http
config --policy=servers --add-port=8000-8080/tcp
config --policy=servers --add-protocol=icmp
config --policy=servers --add-source-port=123/udp

config --direct --add-rule ipv4 filter FORWARD 0 -s 10.0.2.0/24 -d 10.0.3.54/32 -p tcp --dport 5432 -j ACCEPT

firewall-cmd --set-log-denied=unicast # this reloads too
firewall-cmd --get-active-policies

dump

#!/usr/bin/env bash
#
# Inside the namespace: a router that ufw guards, eth0 outside and eth1 inside.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tests/data/firewalls/inside.sh
source inside.sh

links eth0=198.51.100.2/24,2001:db8:1::2/64 eth1=10.0.2.1/24,2001:db8:2::1/64

# A router's two edits, as ufw-framework(8) describes them.
sed -i 's,^#\(net/ipv[46]/.*forward.*=1\),\1,' /etc/ufw/sysctl.conf
sed -i '1i *nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -s 10.0.2.0/24 -o eth0 -j MASQUERADE\nCOMMIT' /etc/ufw/before.rules

ufw default deny incoming
ufw default allow outgoing
ufw default deny routed
ufw allow 22/tcp

ufw route allow in on eth0 out on eth1 to 10.0.2.10 port 443 proto tcp comment 'shop'
ufw route allow proto tcp from 10.0.1.0/24 to 10.0.2.0/24 port 80
ufw route allow proto udp from 10.0.1.0/24 to 10.0.2.53 port 53
ufw route allow proto tcp from any to 10.0.2.10 port 80,443,8000:8080
ufw route deny from 10.9.0.0/16
ufw route reject log proto tcp from 10.0.2.0/24 to any port 25
ufw route limit in on eth0 to 10.0.2.20 port 22 proto tcp
ufw route allow in on eth1 out on eth0 from 10.0.2.0/24
ufw route allow in on eth0 out on eth1 to 2001:db8:2::10 port 443 proto tcp
ufw route deny from 2001:db8:9::/48
ufw route allow proto esp from 203.0.113.7 to 10.0.2.7
ufw --force enable
ufw status verbose

dump

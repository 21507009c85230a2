#!/usr/bin/env bash
#
# Inside the namespace: a Docker host with containers on its default bridge, on two networks of the user's and on an internal
# one, and rules of the operator's in DOCKER-USER.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tests/data/firewalls/inside.sh
source inside.sh

links eth0=198.51.100.2/24,2001:db8:1::2/64
ip route add default via 198.51.100.1

dockerd --storage-driver=vfs --experimental --ip6tables --ipv6 --fixed-cidr-v6=2001:db8:d0::/64 >/tmp/dockerd.log 2>&1 &
until_true docker version || {
  cat /tmp/dockerd.log >&2
  exit 1
}

run() { # OPTION...
  echo "docker run $*"
  docker run --detach "$@" busybox /bin/busybox sleep 600
}
tar -C / -c bin/busybox | docker import - busybox
docker network create --subnet 172.20.0.0/16 shop
docker network create --internal --subnet 172.21.0.0/16 database
docker network create --ipv6 --subnet 172.22.0.0/16 --subnet 2001:db8:d1::/64 \
  --opt com.docker.network.bridge.enable_icc=false tenants
run --name old --publish 8080:80
run --name shop --network shop --ip 172.20.0.10 --publish 80:8080 --publish 198.51.100.2:443:8443
run --name dns --network shop --ip 172.20.0.53 --publish 127.0.0.1:5300:53/udp --publish 53:53/udp
run --name database --network database --ip 172.21.0.5
run --name tenant --network tenants --ip 172.22.0.7 --ip6 2001:db8:d1::7 --publish 9000-9001:9000-9001

# As Docker's documentation on packet filtering does it: the newest is first.
iptables -I DOCKER-USER -i eth0 ! -s 192.0.2.0/24 -p tcp -m conntrack --ctorigdstport 8080 --ctdir ORIGINAL -j DROP
iptables -I DOCKER-USER -i eth0 -m iprange --src-range 203.0.113.10-203.0.113.19 -j DROP
iptables -I DOCKER-USER -s 10.9.0.0/16 -d 172.20.0.10/32 -p tcp -m tcp --dport 8443 -j DROP
iptables -I DOCKER-USER -m state --state RELATED,ESTABLISHED -j ACCEPT
user6=DOCKER-USER
ip6tables -n -L "$user6" >/dev/null 2>&1 || user6=FORWARD # Docker 20 makes no DOCKER-USER for IPv6
ip6tables -I "$user6" -s 2001:db8:9::/48 -d 2001:db8:d1::7/128 -p tcp -m tcp --dport 9000 -j DROP

dump

// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/forwarding_lab.hpp"

#include "common/error.hpp"
#include "common/process.hpp"

#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

namespace flowspec::test {

namespace {

constexpr std::array<std::uint8_t, 6> router_mac{2, 0, 0, 0, 0, 1};

int this_namespace() {
  return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

void enter(const Descriptor& net) {
  if (setns(net.number(), CLONE_NEWNET) != 0)
    throw Error(with_errno("enter a network namespace", errno));
}

/// Runs `inside` in `net`.
template <class Inside>
auto within(const Descriptor& net, Inside inside) {
  const Descriptor outside(this_namespace());
  enter(net);
  auto result = inside();
  enter(outside);
  return result;
}

/// A namespace that lives as long as its descriptor.
Descriptor new_namespace() {
  const NetworkNamespace inside;
  return Descriptor(this_namespace());
}

void ip(const std::string& arguments) {
  std::vector<std::string> argv{"ip"};
  std::istringstream words(arguments);
  for (std::string word; words >> word;)
    argv.push_back(word);
  const Finished finished = run(argv);
  if (finished.exit_code != 0)
    throw Error(fmt::format("ip {}: {}", arguments, finished.err));
}

void set_sysctl(const std::string& name, int value) {
  std::ofstream file("/proc/sys/net/" + name);
  if (!(file << value << std::flush))
    throw Error(fmt::format("set net/{} to {}", name, value));
}

struct Wire {
  const char* name;
  int number;
};
constexpr std::array<Wire, 3> wires{{{"entrance", 1}, {"exit", 2}, {"exit-marked", 3}}};

/// Both ends have the same name. The router's end is 02:..:01, the other one 02:..:02, on every wire.
void lay_wires(const Descriptor& ends) {
  const std::string path = fmt::format("/proc/{}/fd/{}", getpid(), ends.number());
  for (const Wire& wire : wires) {
    ip(fmt::format("link add name {0} address 02:00:00:00:00:01 mtu 65535 type veth "
                   "peer name {0} address 02:00:00:00:00:02 mtu 65535 netns {1}",
                   wire.name, path));
    ip(fmt::format("link set {} up", wire.name));
  }
  within(ends, [] {
    for (const char* all : {"all", "default"})
      set_sysctl(fmt::format("ipv6/conf/{}/disable_ipv6", all), 1);
    for (const Wire& wire : wires)
      ip(fmt::format("link set {} up", wire.name));
    return 0;
  });
}

void set_up_forwarding() {
  set_sysctl("ipv4/ip_forward", 1);
  for (const char* each : {"all", "default"}) {
    set_sysctl(fmt::format("ipv4/conf/{}/rp_filter", each), 0);
    set_sysctl(fmt::format("ipv6/conf/{}/forwarding", each), 1);
    set_sysctl(fmt::format("ipv6/conf/{}/accept_dad", each), 0);
  }
  set_sysctl("ipv6/conf/default/addr_gen_mode", 1); // no address of its own, nothing to announce
}

void set_up_routes() {
  for (const Wire& wire : wires) {
    if (wire.number == 1)
      continue;
    const std::string table = wire.number == 2 ? "" : " table 101";
    ip(fmt::format("address add 192.0.2.{}1/31 dev {}", wire.number - 1, wire.name));
    ip(fmt::format("neighbour add 192.0.2.{}0 lladdr 02:00:00:00:00:02 dev {} nud permanent", wire.number - 1,
                   wire.name));
    ip(fmt::format("neighbour add fe80::2 lladdr 02:00:00:00:00:02 dev {} nud permanent", wire.name));
    ip(fmt::format("route add default via 192.0.2.{}0 dev {}{}", wire.number - 1, wire.name, table));
    ip(fmt::format("-6 route add default via fe80::2 dev {}{}", wire.name, table));
  }
  for (const char* family : {"-4", "-6"})
    ip(fmt::format("{} rule add fwmark {} table 101", family, ForwardingLab::mark));
}

/// A socket that sees the IP packets of the ends' interface `name`.
Descriptor packet_socket(const Descriptor& ends, const char* name) {
  return within(ends, [&] {
    Descriptor result(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL)));
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(if_nametoindex(name));
    if (result.number() < 0 ||
        bind(result.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw Error(with_errno(fmt::format("open a packet socket on {}", name), errno));
    return result;
  });
}

bool is_running(const char* name) {
  const Descriptor any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, name);
  return ioctl(any.number(), SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_RUNNING) != 0;
}

} // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0)
    close(fd_);
}
Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

ForwardingLab::ForwardingLab()
    : ends_(new_namespace()),
      sender_((set_up_forwarding(), lay_wires(ends_), set_up_routes(), packet_socket(ends_, "entrance"))),
      default_exit_(packet_socket(ends_, "exit")), marked_exit_(packet_socket(ends_, "exit-marked")),
      entrance_(within(ends_, [] { return if_nametoindex("entrance"); })), buffer_(1U << 17) {
  await_wires();
}

/// An interface forwards a moment after it is up.
void ForwardingLab::await_wires() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  const auto late = [&] {
    if (std::chrono::steady_clock::now() > deadline)
      throw Error("the laboratory's router does not forward");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  for (const Wire& wire : wires)
    while (!is_running(wire.name))
      late();
  for (const char* address : {"10.0.0.1", "2001:db8::1"}) {
    PacketPlan probe;
    probe.source = probe.destination = *parse_address(address);
    probe.protocol = 59;
    do {
      late();
      send(build(probe));
    } while (arrivals(100).empty());
  }
  while (!arrivals(100).empty())
    late();
}

void ForwardingLab::send(const Bytes& packet) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(packet.at(0) >> 4 == 4 ? ETH_P_IP : ETH_P_IPV6);
  address.sll_ifindex = static_cast<int>(entrance_);
  address.sll_halen = router_mac.size();
  std::memcpy(address.sll_addr, router_mac.data(), router_mac.size());
  const ssize_t sent = sendto(sender_.number(), packet.data(), packet.size(), 0,
                              reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (sent != static_cast<ssize_t>(packet.size()))
    throw Error(with_errno(fmt::format("send a packet of {} bytes", packet.size()), errno));
}

std::vector<ForwardingLab::Arrival> ForwardingLab::arrivals(int milliseconds) {
  std::vector<Arrival> result;
  std::array<pollfd, 2> exits{{{default_exit_.number(), POLLIN, 0}, {marked_exit_.number(), POLLIN, 0}}};
  if (poll(exits.data(), exits.size(), milliseconds) <= 0)
    return result;
  for (const pollfd& exit : exits)
    while (true) {
      sockaddr_ll from{};
      socklen_t size = sizeof from;
      const ssize_t length = recvfrom(exit.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT | MSG_TRUNC,
                                      reinterpret_cast<sockaddr*>(&from), &size);
      if (length < 0)
        break;
      if (from.sll_pkttype == PACKET_HOST) // and not the kernel's own multicast
        result.push_back({exit.fd == default_exit_.number() ? Exit::by_default : Exit::by_mark,
                          Bytes(buffer_.begin(), buffer_.begin() + length)});
    }
  return result;
}

} // namespace flowspec::test

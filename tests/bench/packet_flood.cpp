// SPDX-License-Identifier: GPL-2.0-or-later
//
// Sends Ethernet frames as quickly as it can, and tells what a host made of them:
//
//     packet_flood INTERFACE FRAMES SNMP SECONDS CPU
//
// FRAMES is a file of frames of 60 bytes, which go out again and again; SNMP is /proc/PID/net/snmp of a
// process in the network namespace of the host that gets them. On standard output, as JSON: how long it took,
// how many were sent, how many the host's IP layer received, and how many of them it forwarded. It goes
// before the queues of the interface. Exit code 1: it could not, and says why.
#include <fmt/format.h>
#include <linux/if_packet.h>

#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace {

constexpr std::size_t frame_size = 60;
constexpr std::size_t batch = 32;

struct Counts {
  std::uint64_t received = 0;
  std::uint64_t forwarded = 0;
};

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// IP's InReceives, from the two lines "Ip: NAME..." and "Ip: VALUE...".
std::uint64_t ip_received(const std::string& snmp) {
  std::ifstream file(snmp);
  std::string names_line, values_line;
  std::getline(file, names_line);
  std::getline(file, values_line);
  std::istringstream names(names_line), values(values_line);
  for (std::string name, value; names >> name && values >> value;)
    if (name == "InReceives")
      return std::stoull(value);
  throw std::runtime_error(snmp + " does not tell what was received");
}

/// Packets received by an interface, from the line "  NAME: BYTES PACKETS...".
std::uint64_t interface_received(const std::string& dev, const std::string& interface) {
  std::ifstream file(dev);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    std::uint64_t bytes = 0, packets = 0;
    if (words >> name >> bytes >> packets && name == interface + ":")
      return packets;
  }
  throw std::runtime_error(dev + " does not know " + interface);
}

int packet_socket(const char* interface) {
  const int made = socket(AF_PACKET, SOCK_RAW, 0);
  if (made < 0)
    fail("packet socket");
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(if_nametoindex(interface));
  const int one = 1;
  if (address.sll_ifindex == 0 ||
      bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail(interface);
  if (setsockopt(made, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one) != 0)
    fail("PACKET_QDISC_BYPASS");
  return made;
}

void stay_on(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0)
    fail("sched_setaffinity");
}

std::vector<char> read_frames(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> frames{std::istreambuf_iterator<char>(file), {}};
  if (frames.empty() || frames.size() % frame_size != 0)
    throw std::runtime_error(std::string(path) + " is no list of frames");
  return frames;
}

/// Sends until the time is up; how many frames went out.
std::uint64_t flood(int out, std::vector<char>& frames, std::chrono::duration<double> how_long) {
  const std::size_t count = frames.size() / frame_size;
  std::array<iovec, batch> parts{};
  std::array<mmsghdr, batch> messages{};
  std::uint64_t sent = 0;
  std::size_t next = 0;
  const auto end = std::chrono::steady_clock::now() + how_long;
  while (std::chrono::steady_clock::now() < end) {
    for (std::size_t at = 0; at < batch; ++at) {
      parts[at] = {frames.data() + (next + at) % count * frame_size, frame_size};
      messages[at].msg_hdr.msg_iov = &parts[at];
      messages[at].msg_hdr.msg_iovlen = 1;
    }
    const int done = sendmmsg(out, messages.data(), batch, 0);
    if (done < 0 && errno != ENOBUFS && errno != EINTR)
      fail("sendmmsg");
    const auto gone = static_cast<std::size_t>(std::max(done, 0));
    sent += gone;
    next = (next + gone) % count;
  }
  return sent;
}

} // namespace

int main(int argc, char** argv) try {
  if (argc != 8)
    throw std::runtime_error("packet_flood INTERFACE FRAMES SNMP DEV NEXT SECONDS CPU");
  std::vector<char> frames = read_frames(argv[2]);
  const std::chrono::duration<double> how_long{std::stod(argv[6])};
  const int out = packet_socket(argv[1]);
  stay_on(std::stoi(argv[7]));
  const auto counts = [&] { return Counts{ip_received(argv[3]), interface_received(argv[4], argv[5])}; };
  flood(out, frames, how_long / 5); // warms up
  const Counts before = counts();
  const auto start = std::chrono::steady_clock::now();
  const std::uint64_t sent = flood(out, frames, how_long);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const Counts after = counts();
  close(out);
  fmt::print(R"({{"seconds": {:.6f}, "sent": {}, "received": {}, "forwarded": {}}})"
             "\n",
             took.count(), sent, after.received - before.received, after.forwarded - before.forwarded);
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "packet_flood: {}\n", error.what());
  return 1;
}

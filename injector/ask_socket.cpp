// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/ask_socket.hpp"

#include "common/error.hpp"
#include "injector/vty_reply.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace flowspec {

namespace {

/// With its NUL; bgpd's buffer for a command (VTY_BUFSIZ in FRR's lib/vty.h).
constexpr std::size_t longest_request = 4095;

/// FRR's words in one line, not longer than a line can be.
std::string in_one_line(const std::string& text) {
  constexpr std::size_t longest = 200;
  std::string line;
  for (const char character : text) {
    const bool blank = character == ' ' || character == '\n' || character == '\r';
    if (line.size() >= longest)
      return line + "...";
    if (!blank)
      line += character;
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
  }
  while (line.ends_with(' '))
    line.pop_back();
  return line.empty() ? "without a word" : line;
}

/// Those of FRR's lib/command.h that a show command has.
std::string meaning(int code) {
  switch (code) {
  case 1:
    return "1 (warning)"; // also: it has no BGP instance
  case 2:
    return "2 (no such command)";
  default:
    return std::to_string(code);
  }
}

std::string ask(const Converse& converse, const std::string& command, std::size_t largest_answer) {
  if (command.find('\0') != std::string::npos || command.size() >= longest_request)
    throw Error(fmt::format("a command has less than {} bytes, and no NUL among them", longest_request));
  VtyReply reply(largest_answer);
  converse(command + '\0', [&reply](std::string_view piece) { return reply.take(piece); });
  if (!reply.whole())
    throw Error("the answer has no end");
  if (reply.code() != 0)
    throw Error(fmt::format("return code {}: {}", meaning(reply.code()), in_one_line(reply.text())));
  return std::move(reply).text();
}

} // namespace

AskFrr ask_socket(Converse converse, std::size_t largest_answer) {
  return [converse = std::move(converse), largest_answer](const std::string& command) {
    try {
      return ask(converse, command, largest_answer);
    } catch (const Error& error) {
      throw NoAnswer(fmt::format("ask FRR ({}): {}", command, error.what()));
    }
  };
}

std::string bgpd_socket(const std::optional<std::string>& pathspace) {
  return pathspace ? fmt::format("/var/run/frr/{}/bgpd.vty", *pathspace) : "/var/run/frr/bgpd.vty";
}

} // namespace flowspec

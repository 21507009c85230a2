// SPDX-License-Identifier: GPL-2.0-or-later
//
// The options as CLI11 knows them, and their help.
#pragma once

#include "injector/options.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace flowspec {

/// The words of an option and what they mean.
template <class Value>
using Words = std::map<std::string, Value>;

inline const Words<OperatorTable> operator_tables{{"rfc8955", OperatorTable::rfc8955},
                                                  {"draft", OperatorTable::draft}};
inline const Words<Stateful> stateful_words{
    {"default-drop", Stateful::default_drop}, {"never", Stateful::never}, {"always", Stateful::always}};
inline const Words<Verdict> accept_targets{{"ACCEPT", Verdict::accept}, {"RETURN", Verdict::return_}};
inline const Words<Layout> layout_words{
    {"auto", Layout::automatic}, {"linear", Layout::linear}, {"tree", Layout::tree}};
inline const Words<Format> formats{{"text", Format::text},
                                   {"json", Format::json},
                                   {"iptables-restore", Format::iptables_restore},
                                   {"ip6tables-restore", Format::ip6tables_restore}};
inline const Words<Conntrack> conntrack_words{
    {"auto", Conntrack::find_out}, {"on", Conntrack::on}, {"off", Conntrack::off}};
inline const Words<Validate> validate_words{
    {"off", Validate::off}, {"rfc8955", Validate::rfc8955}, {"rfc9117", Validate::rfc9117}};
inline const Words<bool> scope_words{{"all", false}, {"local", true}};
inline const Words<Source> source_words{{"vtysh", Source::vtysh}, {"socket", Source::socket}};
inline const Words<LogFormat> log_formats{{"text", LogFormat::text}, {"json", LogFormat::json}};
inline const Words<Level> log_levels{{"debug", Level::debug},
                                     {"info", Level::info},
                                     {"notice", Level::notice},
                                     {"warning", Level::warning},
                                     {"error", Level::error}};
inline const Words<std::vector<Family>> family_words{
    {"auto", {}}, {"ipv4", {Family::ipv4}}, {"ipv6", {Family::ipv6}}, {"both", {Family::ipv4, Family::ipv6}}};

/// What CLI11 fills in before it is turned into Options.
struct Raw {
  std::string routes, routes6, pathspace, socket, family = "auto", source = "vtysh";
  double timeout = 10;
  double settle = 30;
  double wait = 10;
  std::string sequence = "rt:65535";
  std::string operator_table = "rfc8955";
  std::string stateful = "default-drop";
  std::string accept_target = "ACCEPT";
  std::string layout = "auto";
  std::string format = "text";
  std::string conntrack = "auto";
  std::vector<std::string> redirects; ///< "RT=MARK[/MASK]"
  std::string hold_time = "forever";
  double confirm_after = 10;
  std::vector<std::string> protect;
  std::string policy, segments, untargeted = "all", scope = "all", validate = "off";
  std::vector<std::string> scope_prefixes;
  std::string metrics_file;
  double interval = 2;
  double full_interval = 60;
  double longest_back_off = 60;
  std::string log_format = "text";
  std::string log_level = "info";
  double watch = 2;
  bool json = false;
};

/// "RT=MARK[/MASK]" each. Throws UsageError for a route target that stands there twice.
std::map<std::string, MarkTarget> redirects_of(const std::vector<std::string>& texts);

/// What all commands have in common; CLI11 fills in `options` and `raw`, which must outlive the parsing.
void add_common_options(CLI::App& app, Options& options, Raw& raw);
/// What only plan has.
void add_plan_options(CLI::App& app, Options& options, Raw& raw);
/// What only run has; the group of it.
CLI::App* add_run_options(CLI::App& app, Options& options, Raw& raw);
/// What only status has.
void add_status_options(CLI::App& app, Raw& raw);

/// "forever" (none) or a number of seconds. Throws UsageError.
std::optional<std::chrono::milliseconds> hold_time_of(const std::string& text);
/// Of `option`, each once. Throws UsageError.
std::vector<Prefix> prefixes_of(const char* option, const std::vector<std::string>& texts);

/// "all", "none", or "segment NAME". Throws UsageError.
Untargeted untargeted_of(const std::string& text);

} // namespace flowspec

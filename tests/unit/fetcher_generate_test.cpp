// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "fetcher/generate.hpp"
#include "fetcher/save_text.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

using namespace flowspec;

namespace {

const std::string plain = "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -s 10.0.0.0/8 -j ACCEPT\nCOMMIT\n";
const std::string plain6 = "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -s 2001:db8::/32 -j ACCEPT\nCOMMIT\n";
const std::string mixed =
    "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m mac --mac-source 02:00:00:00:00:01 -j DROP\n"
    "-A FORWARD -s 10.0.0.0/8 -j ACCEPT\nCOMMIT\n";

/// A world of a few files, a kernel and a BIRD.
struct World {
  std::map<std::string, std::string> files{
      {"plain", plain}, {"plain6", plain6}, {"mixed", mixed}, {"cut", plain.substr(0, 40)}};
  LiveRules kernel{{parse_save(mixed, Family::ipv4)}, {}};
  bool disk_full = false;
  Finished birdc{0, "Reconfigured\n", ""};
  std::vector<std::string> ran;
  std::ostringstream out;
  std::ostringstream err;

  std::string read(const std::string& path) const {
    if (!files.contains(path))
      throw Error("open " + path + ": No such file or directory");
    return files.at(path);
  }

  int run(const GenerateOptions& options) { return generate(options, effects(), out, err); }
  int check(const GenerateOptions& options) { return check_policy(options, effects(), out, err); }

  GenerateEffects effects() {
    return {
        .read_file = [this](const std::string& path) { return read(path); },
        .read_kernel = [this](std::optional<Family>) { return kernel; },
        .delivery = {.read_existing =
                         [this](const std::string& path) {
                           return files.contains(path) ? std::optional(files.at(path)) : std::nullopt;
                         },
                     .write_file =
                         [this](const std::string& path, std::string_view content) {
                           if (disk_full)
                             throw Error("write " + path + ": No space left on device");
                           files[path] = content;
                         },
                     .remove_file = [this](const std::string& path) { files.erase(path); },
                     .run =
                         [this](const std::vector<std::string>& argv) {
                           ran.push_back(argv.front());
                           return birdc;
                         },
                     .parse =
                         [this](const std::string& bird, const std::vector<CopiedFile>&) {
                           ran.push_back(bird);
                           return Finished{};
                         },
                     .configuration = {.read_file = [this](const std::string& path) { return read(path); },
                                       .glob = [](const std::string&) { return std::vector<std::string>(); },
                                       .is_directory = [](const std::string&) { return false; },
                                       .real_path = [](const std::string& path) { return path; }},
                     .hold_signals = [] { return std::shared_ptr<void>(); }}};
  }
};

GenerateOptions from(const std::string& rules) {
  GenerateOptions options;
  options.rules = rules;
  return options;
}

/// From `rules` to bird.conf.
GenerateOptions to_file(const std::string& rules) {
  GenerateOptions options = from(rules);
  options.output = "bird.conf";
  return options;
}

const std::string header = "# Written by flowspec-fetcher from firewall rules; the next run replaces it.\n"
                           "# Sequence numbers: rt:65535.\n";
const std::string plain_config =
    header + "\nprotocol static flowspec4 {\n"
             "  flow4 { table flowtab4; };\n"
             "  route flow4 { src 10.0.0.0/8; } { bgp_ext_community.add((rt, 65535, 1)); }; # FORWARD 1: "
             "-s 10.0.0.0/8 -j ACCEPT\n"
             "  route flow4 { dst 0.0.0.0/0; src 0.0.0.0/0; } { bgp_ext_community.add((generic, "
             "0x80060000, 0x0)); }; # policy DROP\n"
             "}\n";

} // namespace

TEST_CASE("generate prints the configuration") {
  World world;
  CHECK(world.run(from("plain")) == exit_code::done);
  CHECK(world.out.str() == plain_config);
  CHECK(world.err.str().empty());
}

TEST_CASE("generate puts both families into one file") {
  World world;
  GenerateOptions options = from("plain");
  options.rules6 = "plain6";
  CHECK(world.run(options) == exit_code::done);
  CHECK_THAT(
      world.out.str(),
      Catch::StartsWith(plain_config) &&
          Catch::Contains("protocol static flowspec6 {\n  flow6 { table flowtab6; };\n  route flow6 { src "
                          "2001:db8::/32; }") &&
          Catch::Contains("# FORWARD 1: -s 2001:db8::/32 -j ACCEPT\n"));
  World alone;
  options.rules.reset();
  CHECK(alone.run(options) == exit_code::done);
  CHECK_THAT(alone.out.str(), !Catch::Contains("flow4 {") && Catch::Contains("flow6 { table"));
}

TEST_CASE("generate reads the kernel's rules, and says what there is to say of them") {
  World world;
  world.kernel = {{parse_save(plain, Family::ipv4), parse_save(plain6, Family::ipv6)},
                  {"a word", "two\nlines"}};
  CHECK(world.run({}) == exit_code::done);
  CHECK(world.err.str() == "a word\ntwo\\x0alines\n");
  CHECK_THAT(world.out.str(), Catch::Contains("# FORWARD 1: -s 10.0.0.0/8 -j ACCEPT\n") &&
                                  Catch::Contains("# FORWARD 1: -s 2001:db8::/32 -j ACCEPT\n"));
}

TEST_CASE("a firewall that translates addresses sees no fragments: no route asks for any") {
  const std::string fragments = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -f -j DROP\nCOMMIT\n";
  const std::string nat = "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o eth1 -j MASQUERADE\nCOMMIT\n";
  World world;
  world.files["f"] = fragments;
  world.files["with-nat"] = nat + fragments;
  world.kernel = {{parse_save(fragments, Family::ipv4)}, {}};
  const auto asks_for_fragments = [&world](const GenerateOptions& options) {
    world.out.str("");
    CHECK(world.run(options) == 0);
    return world.out.str().find("is_fragment") != std::string::npos;
  };
  GenerateOptions options;
  options.rules = "f";
  CHECK(asks_for_fragments(options));
  options.rules = "with-nat";
  CHECK_FALSE(asks_for_fragments(options));
  CHECK(asks_for_fragments({}));
  world.kernel.tracked = {Family::ipv4};
  CHECK_FALSE(asks_for_fragments({}));
}

TEST_CASE("what iptables-save says it does not show is said; of the filter table it is an error") {
  World world;
  const std::string table = "# Table `raw' is incompatible, use 'nft' tool.\n";
  world.files["text"] = "# Warning: iptables-legacy tables present, use iptables-legacy-save to see them\n" +
                        plain + table + "# Completed\n";
  CHECK(world.run(from("text")) == exit_code::done);
  CHECK(world.out.str() == plain_config);
  CHECK(world.err.str() ==
        "text: Warning: iptables-legacy tables present, use iptables-legacy-save to see them\n"
        "text: Table `raw' is incompatible, use 'nft' tool.\n");
  world.files["hidden"] = "# Table `filter' is incompatible, use 'nft' tool.\n";
  CHECK_THROWS_WITH(world.run(from("hidden")), "hidden: not all of the filter table is in the text: Table "
                                               "`filter' is incompatible, use 'nft' tool.");
  world.files["part"] =
      "# Table `filter' contains incompatible base-chains, use 'nft' tool to list them.\n" + plain;
  CHECK_THROWS_AS(world.run(from("part")), Error);
  World quoted; // a comment is none
  quoted.files["text"] =
      "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -s 10.0.0.0/8 -m comment --comment \"\n# Table "
      "`filter' is\n\" -j ACCEPT\nCOMMIT\n";
  CHECK(quoted.run(from("text")) == exit_code::done);
  CHECK(quoted.err.str().empty());
}

TEST_CASE("generate writes a file, and says whether it changed") {
  World world;
  const GenerateOptions options = to_file("plain");
  CHECK(world.run(options) == exit_code::done);
  CHECK(world.files.at("bird.conf") == plain_config);
  CHECK(world.run(options) == exit_code::done);
  CHECK(world.out.str().empty());
  CHECK(world.err.str() == "bird.conf: written, 2 routes\nbird.conf: unchanged, 2 routes\n");
  CHECK(world.ran.empty());
}

TEST_CASE("IPv6 routes are not withdrawn because nobody uses ip6tables yet") {
  World world;
  world.kernel = {{parse_save(plain, Family::ipv4), parse_save(plain6, Family::ipv6)}, {}};
  GenerateOptions options;
  options.output = "out";
  CHECK(world.run(options) == exit_code::done);
  const std::string both = world.files.at("out");
  world.kernel = {{parse_save(plain, Family::ipv4)}, {}};
  CHECK_THROWS_WITH(world.run(options),
                    "nobody uses ip6tables-legacy here, and out has IPv6 routes, which would be "
                    "withdrawn; --family ipv4 does that");
  CHECK(world.files.at("out") == both);
  options.family = Family::ipv4;
  CHECK(world.run(options) == exit_code::done);
  CHECK(world.files.at("out") != both);
  options.family.reset();
  CHECK(world.run(options) == exit_code::done); // there are none any more
}

TEST_CASE("generate has BIRD look at the file and use it") {
  World world;
  GenerateOptions options = to_file("plain");
  options.delivery = {.validate = true, .reload = true, .bird = "b", .bird_config = "main", .birdc = "c"};
  options.output = "/bird.conf";
  world.files["main"] = "# include \"/bird.conf\";\n";
  CHECK_THROWS_WITH(world.run(options), Catch::Contains("main does not include /bird.conf"));
  world.files["main"] = "include \"/bird.conf\";\n";
  CHECK(world.run(options) == exit_code::done);
  CHECK(world.ran == std::vector<std::string>{"b", "c"});
  CHECK(world.err.str() == "/bird.conf: written, BIRD has it, 2 routes\n");
  world.files["/bird.conf"] = "mine\n";
  world.birdc = {1, "no\n", ""};
  CHECK_THROWS_WITH(world.run(options), "c configure: no; /bird.conf is as it was");
  CHECK(world.files.at("/bird.conf") == "mine\n");
}

TEST_CASE("option --check prints the difference and tells by the exit code") {
  World world;
  GenerateOptions options = to_file("plain");
  options.delivery.check = true;
  CHECK(world.run(options) == exit_code::would_change);
  CHECK_FALSE(world.files.contains("bird.conf"));
  CHECK_THAT(world.out.str(), Catch::StartsWith("--- /dev/null\n+++ bird.conf\n@@ -0,0 +1,8 @@\n+# Written"));
  CHECK(world.err.str() == "bird.conf: would change, 2 routes\n");
  World same;
  same.files["bird.conf"] = plain_config;
  CHECK(same.run(options) == exit_code::done);
  CHECK(same.out.str().empty());
}

TEST_CASE("with a rule that cannot be published nothing is written") {
  World world;
  GenerateOptions options = to_file("mixed");
  CHECK(world.run(options) == exit_code::failed);
  CHECK_FALSE(world.files.contains("bird.conf"));
  CHECK_THAT(world.err.str(),
             Catch::Contains("FORWARD 1, line 3: -A FORWARD -m mac") &&
                 Catch::EndsWith("nothing written: 1 of the rules of FORWARD cannot be published; "
                                 "--skip-unsupported leaves them out\n"));
  options.delivery.check = true;
  CHECK(world.run(options) == exit_code::failed);
  options = from("mixed");
  CHECK(world.run(options) == exit_code::failed);
  CHECK(world.out.str().empty());
}

TEST_CASE("option --skip-unsupported publishes the rest, --strict tells by the exit code") {
  World world;
  GenerateOptions options; // the kernel's rules: mixed
  options.skip_unsupported = true;
  CHECK(world.run(options) == exit_code::done);
  CHECK_THAT(world.err.str(), Catch::Contains("FORWARD 1: -m [mac"));
  CHECK_THAT(world.out.str(), Catch::Contains("(rt, 65535, 2)"));
  options.strict = true;
  CHECK(world.run(options) == exit_code::left_out);
  options.output = "bird.conf";
  options.delivery.check = true;
  CHECK(world.run(options) == exit_code::left_out); // what is missing matters more than what would change
  options.rules = "plain";
  CHECK(world.run(options) == exit_code::would_change);
}

TEST_CASE("option --report says of every rule what became of it") {
  World world;
  GenerateOptions options = from("plain");
  options.report_every = true;
  CHECK(world.run(options) == exit_code::done);
  options.rules.reset();
  options.rules6 = "plain6";
  CHECK(world.run(options) == exit_code::done);
  CHECK_THAT(world.err.str(),
             Catch::Contains("  FORWARD 1, line 3: -A FORWARD -s 10.0.0.0/8 -j ACCEPT\n") &&
                 Catch::Contains("  IPv6 FORWARD 1, line 3: -A FORWARD -s 2001:db8::/32 -j ACCEPT\n"));
  CHECK_THAT(world.out.str(), Catch::StartsWith(plain_config));
}

TEST_CASE("option --json prints entries and rules, the configuration goes to the file only") {
  World world;
  GenerateOptions options = from("mixed");
  options.json = true;
  CHECK(world.run(options) == exit_code::failed);
  const auto json = nlohmann::json::parse(world.out.str());
  REQUIRE(json.at("entries").size() == 2);
  CHECK(json["entries"][0]["match"] == nlohmann::json{{"source", "10.0.0.0/8"}});
  CHECK(json["entries"][0]["sequence"] == 2);
  CHECK(json["entries"][1]["actions"]["rate"] == 0);
  REQUIRE(json.at("rules").size() == 2);
  CHECK(json["rules"][0]["grade"] == "unsupported");
  CHECK(json["rules"][0]["gap"] == "hole");
  CHECK(json["rules"][1]["grade"] == "exact");

  World second;
  options.skip_unsupported = true;
  options.output = "bird.conf";
  CHECK(second.run(options) == exit_code::done);
  CHECK(nlohmann::json::parse(second.out.str()) == json);
  CHECK_THAT(second.files.at("bird.conf"), Catch::Contains("route flow4"));
}

TEST_CASE("option --sequence none says what is lost") {
  World world;
  GenerateOptions options = from("plain");
  options.sequence.kind = SequenceCarrier::Kind::none;
  CHECK(world.run(options) == exit_code::done);
  CHECK(world.err.str() == "--sequence none: rules that overlap may decide in another order than here\n");
}

TEST_CASE("a bad environment is an error that names it, and changes nothing") {
  World world;
  CHECK_THROWS_WITH(world.run(from("missing")), "open missing: No such file or directory");
  CHECK_THROWS_WITH(world.run(from("cut")), "cut: line 3: the text ends inside table filter, without COMMIT");
  world.files["six"] = "# Generated by ip6tables-save v1.8.9\n" + plain6;
  CHECK_THROWS_WITH(world.run(from("six")), Catch::StartsWith("six: these are the IPv6 rules"));
  GenerateOptions options;
  options.rules6 = "four";
  world.files["four"] = "# Generated by iptables-nft-save v1.8.9 (nf_tables)\n" + plain;
  CHECK_THROWS_WITH(world.run(options), Catch::StartsWith("four: these are the IPv4 rules"));
  world.files["three"] = "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -s 10.0.0.0/8 -j ACCEPT\n"
                         "-A FORWARD -s 11.0.0.0/8 -j DROP\n-A FORWARD -s 12.0.0.0/8 -j ACCEPT\nCOMMIT\n";
  options = from("three");
  options.publish.max_routes = 1;
  CHECK_THROWS_WITH(world.run(options), Catch::StartsWith("three: "));
  world.disk_full = true;
  CHECK_THROWS_WITH(world.run(to_file("plain")), "write bird.conf: No space left on device");
  CHECK_FALSE(world.files.contains("bird.conf"));
  world.out.setstate(std::ios::badbit);
  CHECK_THROWS_WITH(world.run(from("plain")), "standard output: cannot write");
}

TEST_CASE("rules that are cut anywhere, or are no text, are one error and write nothing") {
  World world;
  std::string bytes(256, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(i);
  std::vector<std::string> texts{"",
                                 "\n",
                                 bytes,
                                 "\x7f"
                                 "ELF\x02\x01\x01",
                                 "<html>\n",
                                 mixed + "\xff\xfe",
                                 plain + plain};
  for (std::size_t length = 0; length + 1 < plain.size(); ++length)
    texts.push_back(plain.substr(0, length));
  for (const std::string& text : texts) {
    INFO(text);
    world.files["rules"] = text;
    CHECK_THROWS_AS(world.run(to_file("rules")), Error);
  }
  CHECK_FALSE(world.files.contains("bird.conf"));
  CHECK(world.out.str().empty());
}

TEST_CASE("more rules than --sequence marking can number are refused") {
  World world;
  std::string text = "*filter\n:FORWARD DROP [0:0]\n";
  for (int i = 0; i < 256; ++i)
    text += "-A FORWARD -s 10.0.0." + std::to_string(i) + "/32 -j ACCEPT\n";
  world.files["many"] = text + "COMMIT\n";
  GenerateOptions options = to_file("many");
  CHECK(world.run(options) == exit_code::done);
  options.sequence.kind = SequenceCarrier::Kind::marking;
  options.output = "other.conf";
  CHECK_THROWS_WITH(world.run(options),
                    "sequence number 256 is over 255, the largest that --sequence marking carries");
  CHECK_FALSE(world.files.contains("other.conf"));
}

// Each tests/data/rules/NAME.save, as an iptables-save printed it, and NAME.save6 of ip6tables-save, with the
// configuration and the words they give. FLOWSPEC_BLESS=1 writes them anew.
TEST_CASE("rules that iptables-save printed give the configuration beside them") {
  namespace fs = std::filesystem;
  const auto content = [](const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  for (const auto& file : fs::directory_iterator(fs::path(FLOWSPEC_TEST_DATA) / "rules")) {
    if (file.path().extension() != ".save")
      continue;
    INFO(file.path());
    World world;
    world.files["rules"] = content(file.path());
    GenerateOptions options = from("rules");
    if (const fs::path ipv6 = fs::path(file.path()).replace_extension(".save6"); fs::exists(ipv6)) {
      world.files["rules6"] = content(ipv6);
      options.rules6 = "rules6";
    }
    options.skip_unsupported = true;
    CHECK(world.run(options) == exit_code::done);
    for (const auto& [extension, text] :
         {std::pair{".conf", world.out.str()}, {".report", world.err.str()}}) {
      const fs::path golden = fs::path(file.path()).replace_extension(extension);
      if (std::getenv("FLOWSPEC_BLESS") != nullptr)
        std::ofstream(golden, std::ios::binary) << text;
      CHECK(content(golden) == text);
    }
  }
}

TEST_CASE("check says what the policy asks for, in words or in JSON") {
  World world;
  world.files["policy"] =
      R"({"protect": [{"source": {"within": ["10.0.0.0/8"]}}],
          "terms": [{"name": "all", "then": "accept"}, {"name": "late", "then": "reject"}], "default": "accept"})";
  GenerateOptions options;
  options.policy = "policy";
  CHECK(world.check(options) == exit_code::done);
  CHECK_THAT(world.out.str(), Catch::StartsWith("policy policy\n") && Catch::Contains("late"));
  CHECK_THAT(world.err.str(), Catch::StartsWith("warning: policy: "));
  world.out.str("");
  options.json = true;
  CHECK(world.check(options) == exit_code::done);
  const auto document = nlohmann::json::parse(world.out.str());
  CHECK(document["terms"] == nlohmann::json{"all", "late"});
  REQUIRE(document["warnings"].size() == 1);
  CHECK_THAT(document["warnings"][0].get<std::string>(), Catch::StartsWith("policy: "));
  options.strict = true;
  CHECK(world.check(options) == exit_code::left_out);
  world.out.str("");
  options.policy.reset();
  CHECK(world.check(options) == exit_code::done);
  CHECK(nlohmann::json::parse(world.out.str()) ==
        nlohmann::json{{"terms", nlohmann::json::array()}, {"warnings", nlohmann::json::array()}});
}

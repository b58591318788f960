// Every vector of tests/vectors, whose README describes the format, on corsac.hpp.
//
//     vectors FOLDER
#include <corsac.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Keys stay in the order written.
using json = nlohmann::ordered_json;
using std::string;
using std::string_view;

namespace {

// What is wrong with the case at hand.
std::vector<string> differences;

void compare(const string &what, const json &expected, const json &seen) {
  if (expected != seen)
    differences.push_back(what + ": expected " + expected.dump(-1, ' ', true, json::error_handler_t::replace) +
                          ", seen " + seen.dump(-1, ' ', true, json::error_handler_t::replace));
}

// A string, a string that is repeated, or several of them one after the other.
string generated(const json &value) {
  if (value.is_string())
    return value.get<string>();
  string text;
  if (value.is_array())
    for (const json &part : value)
      text += generated(part);
  else
    for (std::size_t i = 0; i < value.at("times"); i++)
      text += value.at("repeat").get_ref<const string &>();
  return text;
}

// A byte for each character, all of which are U+0000 to U+00FF.
string bytes(string_view utf8) {
  string out;
  for (std::size_t i = 0; i < utf8.size(); i++) {
    const unsigned char lead = static_cast<unsigned char>(utf8[i]);
    if (lead < 0x80) {
      out += utf8[i];
    } else if ((lead == 0xc2 || lead == 0xc3) && i + 1 < utf8.size()) {
      out += static_cast<char>((lead & 0x03) << 6 | (static_cast<unsigned char>(utf8[++i]) & 0x3f));
    } else {
      std::cerr << "vectors hold bytes\n";
      std::exit(1);
    }
  }
  return out;
}

// The other way, for comparing.
string characters(string_view text) {
  string out;
  for (const char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) {
      out += static_cast<char>(0xc0 | byte >> 6);
      out += static_cast<char>(0x80 | (byte & 0x3f));
    } else {
      out += c;
    }
  }
  return out;
}

json optional(std::optional<string_view> text) { return text ? json(string(*text)) : json(nullptr); }

json position(std::uint32_t number) { return number ? json(number) : json(nullptr); }

void compare_problems(const string &what, const json &expected, const corsac::problems &seen, bool is_text) {
  json codes = json::array(), seen_codes = json::array();
  for (const json &problem : expected)
    codes.push_back(problem.at("code"));
  for (const corsac::problem &problem : seen)
    seen_codes.push_back(string(problem.code));
  compare(what, codes, seen_codes);
  if (codes != seen_codes)
    return;
  std::size_t index = 0;
  for (const corsac::problem &problem : seen) {
    const json &wanted = expected[index++];
    const std::pair<const char *, json> keys[] = {{"path", string(problem.path)},
                                                  {"value", optional(problem.value)},
                                                  {"suggestion", optional(problem.suggestion)},
                                                  {"line", position(problem.line)},
                                                  {"column", position(problem.column)}};
    for (const auto &[key, value] : keys) {
      const bool is_position = key == string_view("line") || key == string_view("column");
      if (wanted.contains(key) && (is_text || !is_position))
        compare(what + " " + string(problem.code) + " " + key, wanted[key], value);
    }
    compare(what + " has a message", true, !problem.message.empty());
  }
}

json as_json(const corsac::decision &decision) {
  json headers = json::array();
  for (auto [op, name, value] : decision.headers())
    headers.push_back({string(corsac::name(op)), string(name), characters(value)});
  return {{"made", decision.made() && decision.outcome() == corsac::status::ok},
          {"kind", string(corsac::name(decision.kind()))},
          {"action", string(corsac::name(decision.action()))},
          {"status", decision.status()},
          {"allowed", decision.allowed()},
          {"reason", string(corsac::name(decision.reason()))},
          {"rule", decision.rule() ? json(*decision.rule()) : json(nullptr)},
          {"rule_name", optional(decision.rule_name())},
          {"headers", headers}};
}

using header_lines = std::vector<std::pair<string, string>>;

header_lines lines_of(const json &asked) {
  header_lines lines;
  for (const json &entry : asked.at("headers")) {
    const bool is_repeated = entry.is_object();
    const json &header = is_repeated ? entry.at("lines") : entry;
    const std::size_t times = is_repeated ? entry.at("times").get<std::size_t>() : 1;
    for (std::size_t i = 0; i < times; i++)
      lines.emplace_back(header[0], bytes(generated(header[1])));
  }
  return lines;
}

// The request and the server that bodies of S3 tell of.
const corsac::s3_body_options s3_options = {"R1", "H1"};

void check_s3(const corsac::decision &decision, const json &vector) {
  json headers = json::array();
  const auto lines = decision.s3_headers();
  string_view rest = lines->view();
  while (!rest.empty()) {
    const std::size_t end = rest.find("\r\n"), colon = rest.find(": ");
    headers.push_back({string(rest.substr(0, colon)), characters(rest.substr(colon + 2, end - colon - 2))});
    rest.remove_prefix(end + 2);
  }
  compare("s3_headers", vector.at("s3_headers"), headers);
  const json expected = vector.value("s3_error", json());
  const auto body = decision.s3_body(s3_options);
  compare("s3_error", expected,
          decision.s3_code() ? json{{"code", string(*decision.s3_code())}, {"body", body->str()}} : json());
  compare("a body of S3", !expected.is_null(), !body->view().empty());
}

void check_decision(const corsac::policy &policy, const json &vector, json expected, const json *line) {
  const json &asked = vector.at("request");
  const string method = bytes(asked.at("method").get<string>());
  const header_lines lines = lines_of(asked);
  corsac::request request(method);
  for (const auto &[name, value] : lines)
    request.header(name, value);

  // C, and so C++, has a flag in place of removals.
  const json removals = expected.at("remove");
  expected.erase("remove");
  for (json &header : expected.at("headers"))
    header[2] = generated(header[2]);
  json wanted = {{"made", true}};
  wanted.update(expected);

  corsac::decision decision;
  for (int i = 0; i < 2; i++) {
    policy.evaluate(request, decision);
    compare(i ? "the same again" : "decision", wanted, as_json(decision));
  }
  if (vector.contains("s3"))
    check_s3(decision, vector);
  if (decision.action() == corsac::action::forward) {
    const bool sets_origin =
        std::any_of(wanted["headers"].begin(), wanted["headers"].end(),
                    [](const json &header) { return header[1] == "Access-Control-Allow-Origin"; });
    if (!sets_origin)
      compare("foreign headers are removed", removals != "none", decision.removes_foreign_headers());
  }
  const string seen = decision.line();
  if (line)
    compare("line", *line, seen);
  compare("the line is escaped", true,
          std::all_of(seen.begin(), seen.end(), [](char c) { return c >= ' ' && c <= '~'; }));
}

void check(const json &vector, const json &policies) {
  const bool is_text = vector.contains("text");
  string document;
  if (is_text)
    document = generated(vector["text"]);
  else if (vector.contains("document"))
    document = vector["document"].dump();
  else if (vector.at("policy").is_string())
    document = policies.at(vector["policy"].get<string>()).dump();
  else
    document = vector["policy"].dump();

  const bool is_s3 = vector.contains("s3");
  const auto build = [&](const string &text) {
    if (!is_s3)
      return corsac::policy::from_json(text);
    return corsac::policy::from_s3(text, vector["s3"].at("dialect").get<string>(), vector["s3"].at("strict"));
  };
  const auto result = build(document);
  if (vector.contains("problems")) {
    compare("is refused", true, !result && !*result && result.error().status() == corsac::status::config);
    const auto code = result.error().s3_code();
    compare("s3_error", vector.value("s3_error", json()),
            code ? json{{"code", string(*code)}, {"body", (*result.error().s3_body(s3_options)).str()}} : json());
    compare_problems("problems", vector["problems"], result.error(), is_text);
    return;
  }
  if (!result) {
    compare_problems("no policy was built", json::array(), result.error(), is_text);
    return;
  }
  const corsac::policy &policy = *result;
  if (vector.contains("decision"))
    check_decision(policy, vector, vector["decision"], vector.contains("line") ? &vector["line"] : nullptr);
  if (vector.contains("canonical")) {
    const string canonical = (*policy.document()).str();
    compare("canonical", vector["canonical"], canonical);
    const auto again = build(canonical);
    compare("canonical of canonical", canonical, (*again->document()).str());
  }
  if (vector.contains("s3_xml"))
    compare("s3_xml", vector["s3_xml"], (*policy.s3_xml()).str());
  if (vector.contains("warnings"))
    compare_problems("warnings", vector["warnings"], *policy.warnings(), is_text);
  if (vector.contains("allows_origin"))
    for (const json &row : vector["allows_origin"]) {
      const string origin = row[0].is_null() ? "" : bytes(row[0].get<string>());
      compare("allows_origin " + row.dump(), row[2], policy.allows_origin(origin, row[1]));
    }
}

// What S3 answers about a bucket.
void check_bucket(const json &vector) {
  const std::pair<const char *, corsac::s3_answer> answers[] = {
      {"bucket-missing", corsac::s3_answer::bucket_missing},
      {"cors-not-enabled", corsac::s3_answer::cors_not_enabled},
      {"no-configuration", corsac::s3_answer::no_configuration},
      {"bad-digest", corsac::s3_answer::bad_digest}};
  const header_lines lines = vector.contains("request") ? lines_of(vector["request"]) : header_lines();
  corsac::request request("OPTIONS");
  for (const auto &[name, value] : lines)
    request.header(name, value);
  corsac::s3_body_options options = s3_options;
  options.is_bucket = vector.at("is_bucket");
  bool is_known = false;
  for (const auto &[name, answer] : answers)
    if (vector.at("error") == name) {
      is_known = true;
      const auto error = corsac::s3_error::about(answer, request, vector.at("dialect").get<string>(), options);
      compare("answer", json{{"status", vector.at("status")}, {"code", vector.at("code")}, {"body", vector.at("body")}},
              json{{"status", error->status}, {"code", string(error->code)}, {"body", error->body.str()}});
    }
  compare("the answer has a name", true, is_known);
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  std::vector<std::filesystem::path> files;
  for (const auto &entry : std::filesystem::directory_iterator(argv[1]))
    if (entry.path().extension() == ".json")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  files.push_back(std::filesystem::path(argv[1]) / "s3" / "buckets.json");
  int passed = 0, failed = 0;
  for (const auto &file : files) {
    std::ifstream stream(file);
    const json content = json::parse(stream);
    const json policies = content.value("policies", json::object());
    for (const json &vector : content.at("cases")) {
      const string name = file.stem().string() + "/" + vector.at("name").get<string>();
      // A C++ host applies the headers to a response of its own.
      if (vector.contains("applied"))
        continue;
      if (vector.contains("skip") && vector["skip"].contains("c")) {
        std::cout << "skip " << name << '\n';
        continue;
      }
      differences.clear();
      if (vector.contains("error"))
        check_bucket(vector);
      else
        check(vector, policies);
      std::cout << (differences.empty() ? "ok " : "not ok ") << name << '\n';
      for (const string &difference : differences)
        std::cout << "#   " << difference << '\n';
      (differences.empty() ? passed : failed)++;
    }
  }
  if (passed < 2000) {
    std::cout << "not ok there are vectors\n";
    return 1;
  }
  return failed != 0;
}

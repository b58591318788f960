// What corsac.hpp promises beyond corsac.h: who owns, what is lent, and what the compiler refuses.
#include <corsac.hpp>
#include <corsac.hpp>

#include "../c/claims.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

// Of the other translation unit.
std::size_t count_of_headers(const corsac::decision &decision);
corsac::policy policy_from_elsewhere();

using namespace std::string_view_literals;

// --- What the compiler refuses -----------------------------------------------------------------

template <class Policy, class Request, class = void> constexpr bool evaluates = false;
template <class Policy, class Request>
constexpr bool evaluates<Policy, Request,
                         std::void_t<decltype(std::declval<Policy>().evaluate(std::declval<Request>()))>> = true;
template <class Policy, class Request, class = void> constexpr bool evaluates_again = false;
template <class Policy, class Request>
constexpr bool evaluates_again<Policy, Request,
                               std::void_t<decltype(std::declval<Policy>().evaluate(
                                   std::declval<Request>(), std::declval<corsac::decision &>()))>> = true;

// A decision borrows its policy and its request.
static_assert(evaluates<corsac::policy &, corsac::request &>);
static_assert(evaluates<const corsac::policy &, const corsac::request &>);
static_assert(!evaluates<corsac::policy, corsac::request &>);
static_assert(!evaluates<const corsac::policy, corsac::request &>);
static_assert(!evaluates<corsac::policy &, corsac::request>);
static_assert(evaluates_again<const corsac::policy &, const corsac::request &>);
static_assert(!evaluates_again<corsac::policy, corsac::request &>);
static_assert(!evaluates_again<const corsac::policy, corsac::request &>);
static_assert(!evaluates_again<corsac::policy &, corsac::request>);

template <class Value, class = void> constexpr bool is_shown = false;
template <class Value>
constexpr bool is_shown<Value, std::void_t<decltype(std::declval<corsac::request &>().header(
                                   "Origin", std::declval<Value>()))>> = true;

// A request borrows its strings.
static_assert(is_shown<std::string &> && is_shown<const std::string &>);
static_assert(is_shown<std::string_view> && is_shown<const char *> && is_shown<const char (&)[4]>);
static_assert(!is_shown<std::string> && !is_shown<const std::string>);
static_assert(std::is_constructible_v<corsac::request, std::string &>);
static_assert(std::is_constructible_v<corsac::request, const char *>);
static_assert(!std::is_constructible_v<corsac::request, std::string>);
static_assert(!std::is_convertible_v<const char *, corsac::request>);

// What is lent and what lends stay where they are.
static_assert(!std::is_copy_constructible_v<corsac::request> && !std::is_move_constructible_v<corsac::request>);
static_assert(!std::is_copy_constructible_v<corsac::decision> && !std::is_move_constructible_v<corsac::decision>);
static_assert(!std::is_copy_assignable_v<corsac::request> && !std::is_move_assignable_v<corsac::decision>);

// What has one owner has one.
template <class Owner>
constexpr bool is_moved_only = !std::is_copy_constructible_v<Owner> && !std::is_copy_assignable_v<Owner> &&
                               std::is_nothrow_move_constructible_v<Owner> &&
                               std::is_nothrow_move_assignable_v<Owner>;
static_assert(is_moved_only<corsac::builder> && is_moved_only<corsac::cell> && is_moved_only<corsac::text>);
static_assert(is_moved_only<corsac::problems> && is_moved_only<corsac::error>);
static_assert(std::is_nothrow_copy_constructible_v<corsac::policy> && std::is_nothrow_copy_assignable_v<corsac::policy>);
static_assert(std::is_nothrow_move_constructible_v<corsac::policy> && std::is_nothrow_move_assignable_v<corsac::policy>);
static_assert(sizeof(corsac::policy) == sizeof(void *) && sizeof(corsac::problems) == sizeof(void *));

template <class Value, class = void> constexpr bool is_credentials = false;
template <class Value>
constexpr bool is_credentials<Value, std::void_t<decltype(std::declval<corsac::builder &>().allow_credentials(
                                         std::declval<Value>()))>> = true;
static_assert(is_credentials<bool> && !is_credentials<const char *> && !is_credentials<int>);

template <class Result, class = void> constexpr bool points = false;
template <class Result>
constexpr bool points<Result, std::void_t<decltype(std::declval<Result>().operator->()->get())>> = true;
static_assert(points<corsac::result<corsac::policy> &> && !points<corsac::result<corsac::policy>>);

// A decision that was not made is neither true nor false.
static_assert(!std::is_constructible_v<bool, corsac::decision &>);

// --- Policies ----------------------------------------------------------------------------------

static const std::string_view document = R"({"allow_origins":["https://app.example.com"],"allow_methods":["put"],)"
                                         R"("allow_headers":["content-type"],"name":"app"})";

static std::string text_of(const corsac::policy &policy) { return (*policy.document()).str(); }

static void a_copy_of_a_policy_is_another_reference_to_it(void) {
  auto copy = std::make_unique<corsac::policy>();
  CHECK(!*copy);
  {
    auto result = corsac::policy::from_json(document);
    CHECK(result && result->get() && result.error().empty() && result.error().status() == corsac::status::ok);
    *copy = *result;
    CHECK(copy->get() == result->get());
    const corsac::policy another(*copy);
    CHECK(another.get() == copy->get());
  }
  CHECK(copy->allows_origin("https://app.example.com", false));
  CHECK(!copy->allows_origin("https://app.example.com"));
  const corsac::policy &same = *copy;
  *copy = same;
  CHECK(copy->allows_origin("https://app.example.com", false));
}

static void a_moved_policy_leaves_none_behind(void) {
  corsac::policy first = *corsac::policy::from_json(document);
  const corsac_policy *handle = first.get();
  corsac::policy second = std::move(first);
  CHECK(second.get() == handle && first.get() == nullptr && !first);
  first = std::move(second);
  CHECK(first.get() == handle && !second);
  std::vector<corsac::policy> policies;
  for (int i = 0; i < 9; i++)
    policies.push_back(first);
  policies.erase(policies.begin(), policies.begin() + 8);
  CHECK(policies[0].get() == handle);
}

static void a_policy_keeps_nothing_of_its_document(void) {
  std::string text(document);
  const corsac::policy policy = *corsac::policy::from_json(text);
  std::fill(text.begin(), text.end(), 'x');
  CHECK((*policy.document()).str() != text);
  const auto canonical = policy.document();
  CHECK(canonical && canonical->str().find("\"allow_methods\":[\"PUT\"]") != std::string::npos);
  CHECK(canonical->size() == canonical->view().size());
  CHECK(text_of(*corsac::policy::from_json(canonical->view())) == canonical->view());
}

static void handles_pass_to_and_from_c(void) {
  corsac::policy policy(policy_of("{\"allow_origins\":\"*\"}"));
  CHECK(text_of(policy) == "{\"allow_origins\":\"*\"}");
  CHECK(text_of(policy_from_elsewhere()) == "{\"allow_origins\":\"*\"}");
}

// --- Errors ------------------------------------------------------------------------------------

static void every_problem_is_a_value(void) {
  const auto result = corsac::policy::from_json("{\"allow_origins\":[\"https://app.example.com/\"],\n \"max_age\":-1}");
  CHECK(!result && !result.has_value() && !*result);
  CHECK(result.error().status() == corsac::status::config && result.error().size() == 2);
  CHECK(result.error().unreported() == 0);
  std::string seen;
  for (const corsac::problem &problem : result.error())
    seen += std::to_string(problem.line) + ":" + std::to_string(problem.column) + " " + std::string(problem.code) + " " +
            std::string(problem.path) + " " + std::string(problem.value.value_or("none")) + " " +
            std::string(problem.suggestion.value_or("none")) + "\n";
  CHECK(seen == "1:19 origin-with-trailing-slash allow_origins[0] https://app.example.com/ https://app.example.com\n"
                "2:12 max-age-out-of-range max_age -1 0\n");
  CHECK(!result.error()[0].message.empty());
  const corsac::problem beyond = result.error()[2];
  CHECK(beyond.code.empty() && !beyond.value && !beyond.suggestion && beyond.line == 0);
}

static void problems_outlive_the_expression_that_they_are_looked_at_in(void) {
  std::size_t count = 0;
  for (const corsac::problem &problem : corsac::policy::from_json("{").error())
    count += problem.code == "invalid-json" || !problem.code.empty();
  CHECK(count == 1);
  const corsac::error error = corsac::policy::from_json("").error();
  CHECK(error.size() == 1 && error.begin()->line == 1);
}

static void lists_of_problems_work_with_algorithms(void) {
  const auto result = corsac::policy::from_json("{\"allow_origins\":[\"https://a.example/\"],\"max_age\":-1,\"max_ages\":0}");
  const corsac::error &error = result.error();
  const auto found = std::find_if(error.begin(), error.end(),
                                  [](const corsac::problem &problem) { return problem.path == "max_age"; });
  CHECK(found != error.end() && found->code == "max-age-out-of-range" && (*found).line == 1);
  CHECK(std::distance(error.begin(), error.end()) == 3);
  auto at = error.begin();
  CHECK((at++)->path == error[0].path && at->path == error[1].path);
}

static void warnings_are_lists_too(void) {
  const corsac::policy policy = *corsac::policy::from_json(document);
  std::size_t count = 0;
  for (const corsac::problem &warning : *policy.warnings()) {
    CHECK(warning.code == "made-canonical" && warning.value == "put"sv && warning.suggestion == "PUT"sv);
    count++;
  }
  CHECK(count == 1);
}

static void what_is_moved_from_fails_and_grants_nothing(void) {
  corsac::policy policy = *corsac::policy::from_json(document);
  corsac::builder builder;
  corsac::cell cell(policy);
  const corsac::policy other = std::move(policy);
  const corsac::builder other_builder = std::move(builder);
  const corsac::cell other_cell = std::move(cell);
  CHECK(!policy.allows_origin("https://app.example.com", false));
  CHECK(policy.document().error().status() == corsac::status::null_pointer && (*policy.document()).size() == 0);
  CHECK(policy.warnings().error().status() == corsac::status::null_pointer && (*policy.warnings()).empty());
  builder.allow_origin("*");
  CHECK(builder.build().error().status() == corsac::status::null_pointer);
  CHECK(!cell && !cell.load() && cell.generation() == 0);
  cell.store(other);
  CHECK(!corsac::cell(policy));
  other_cell.store(policy);
  const corsac::policy loaded = other_cell.load();
  CHECK(other_cell.generation() == 1 && loaded.get() == other.get());

  corsac::request request("GET");
  request.header("Origin", "https://app.example.com");
  const corsac::decision decision = policy.evaluate(request);
  CHECK(!decision.made() && decision.outcome() == corsac::status::null_pointer);
  CHECK(!decision.allowed() && decision.headers().empty() && decision.removes_foreign_headers());
  CHECK(decision.kind() == corsac::kind::none && decision.action() == corsac::action::none);
  CHECK(!decision.rule() && !decision.rule_name() && decision.status() == 0);
  CHECK(decision.line() == "no decision");

  CHECK(policy.s3_xml().error().status() == corsac::status::null_pointer && (*policy.s3_xml()).size() == 0);
  CHECK(!decision.s3_code() && (*decision.s3_body()).size() == 0 && (*decision.s3_headers()).size() == 0);
  CHECK(decision.s3_body().error().status() == corsac::status::null_pointer);
  CHECK(decision.s3_headers().error().status() == corsac::status::null_pointer);
  corsac::error error = corsac::policy::from_s3("").error();
  CHECK(error.s3_code() == "MissingRequestBodyError"sv);
  const corsac::error taken = std::move(error);
  CHECK(taken.s3_code() && !error.s3_code() && error.s3_body().error().status() == corsac::status::null_pointer);
}

// --- The builder -------------------------------------------------------------------------------

static void every_setter_of_the_builder_is_one_of_c(void) {
  corsac::builder builder;
  builder.allow_origin("https://a.example").allow_origin("http://b.example").allow_method("PUT").allow_header("x-token");
  builder.expose_header("etag").allow_credentials(true).max_age(600).timing_allow_origin("true");
  builder.dangerously_allow("insecure-origins").name("first").description("of two");
  builder.refused_requests("forbid").own_origin("https://api.example").foreign_headers("keep").preflight_status(200);
  builder.expect_allow("https://a.example").expect_refuse("https://c.example").acknowledge("json-will-not-get-through");
  builder.next_rule().allow_origin("https://d.example").name("second");
  const auto built = builder.build();
  CHECK(built);
  const char *expected =
      R"({"rules":[{"allow_origins":["https://a.example","http://b.example"],"allow_methods":["PUT"],)"
      R"("allow_headers":["x-token"],"expose_headers":["etag"],"allow_credentials":true,"max_age":600,)"
      R"("timing_allow_origin":true,"dangerously_allow":["insecure-origins"],"name":"first","description":"of two"},)"
      R"({"allow_origins":["https://d.example"],"name":"second"}],"preflight_status":200,)"
      R"("refused_requests":"forbid","own_origins":["https://api.example"],"foreign_headers":"keep",)"
      R"("expect":{"allow":["https://a.example"],"refuse":["https://c.example"]},)"
      R"("acknowledge":["json-will-not-get-through"]})";
  CHECK(text_of(*built) == expected);
  // It can be used further.
  CHECK((*builder.allow_origin("https://e.example").build()).allows_origin("https://e.example", false));
}

static void the_builder_tells_every_problem(void) {
  const auto built = corsac::builder().allow_origin("https://a.example/").allow_method("TRACE").max_age(-1).build();
  CHECK(!built && built.error().status() == corsac::status::config && built.error().size() == 3);
  CHECK(built.error()[0].line == 0 && built.error()[0].path == "allow_origins[0]");
  CHECK(!corsac::builder().build());
}

// --- Requests and decisions --------------------------------------------------------------------

static void a_decision_tells_everything(void) {
  const corsac::policy policy = *corsac::policy::from_json(document);
  const std::string method = "OPTIONS";
  std::string asked = "PUT";
  corsac::request request(method);
  request.header("Origin", "https://app.example.com").header("access-control-request-method", asked);
  const corsac::decision decision = policy.evaluate(request);
  CHECK(decision.made() && decision.outcome() == corsac::status::ok && decision.allowed());
  CHECK(decision.kind() == corsac::kind::preflight && decision.action() == corsac::action::respond);
  CHECK(decision.reason() == corsac::reason::allowed && decision.status() == 204);
  CHECK(decision.rule() == 0U && decision.rule_name() == "app"sv);
  CHECK(decision.removes_foreign_headers() && decision.get().kind == CORSAC_KIND_PREFLIGHT);
  std::string lines;
  for (auto [op, name, value] : decision.headers())
    lines.append(corsac::name(op)).append(" ").append(name).append(": ").append(value).append("\n");
  CHECK(lines == "vary Vary: Origin\n"
                 "set Access-Control-Allow-Origin: https://app.example.com\n"
                 "set Access-Control-Allow-Methods: GET,HEAD,POST,PUT\n"
                 "set Access-Control-Allow-Headers: content-type\n");
  CHECK(decision.headers().size() == 4 && count_of_headers(decision) == 4 && decision.headers()[0].value == "Origin");
  const corsac::headers headers = decision.headers();
  CHECK(std::any_of(headers.begin(), headers.end(), [](const corsac::header &header) {
    return header.name == "Access-Control-Allow-Methods" && header.op == corsac::op::set;
  }));
  CHECK(decision.line() == "preflight allowed allowed rule=0 name=\"app\" origin=\"https://app.example.com\" "
                           "method=\"PUT\" headers=\"\"");
  char start[10];
  CHECK(decision.format(start, sizeof start) == decision.line().size() && start == "preflight"sv);
}

static void a_decision_can_be_made_again(void) {
  const corsac::policy policy = *corsac::policy::from_json(document);
  const corsac::policy none;
  corsac::request request("GET");
  corsac::decision decision;
  CHECK(!decision.made() && decision.outcome() == corsac::status::ok && decision.headers().empty());
  for (int i = 0; i < 3; i++) {
    request.start("GET");
    policy.evaluate(request, decision);
    CHECK(decision.kind() == corsac::kind::not_cors && decision.allowed() && !decision.rule());
    request.header("Origin", "https://evil.example");
    policy.evaluate(request, decision);
    CHECK(decision.reason() == corsac::reason::origin_not_allowed && !decision.allowed());
    none.evaluate(request, decision);
    CHECK(!decision.made() && decision.outcome() == corsac::status::null_pointer);
  }
}

static void an_empty_view_is_an_empty_string_and_not_null(void) {
  const corsac::policy policy = *corsac::policy::from_json(document);
  const std::string_view empty;
  corsac::request request(empty);
  CHECK(request.get().method.data != nullptr && request.get().method.len == 0);
  request.start({});
  CHECK(request.get().method.data != nullptr);
  request.header("Origin", empty);
  CHECK(request.get().origin_lines == 1 && request.get().origin.data != nullptr && request.get().origin.len == 0);
  const corsac::decision decision = policy.evaluate(request);
  CHECK(decision.reason() == corsac::reason::malformed_origin);
  request.header(empty, empty);
  CHECK(policy.evaluate(request).outcome() == corsac::status::ok);
  CHECK(!policy.allows_origin(empty, false));
  CHECK(!corsac::policy::from_json(empty));
  CHECK(corsac::builder().allow_origin(empty).build().error().size() == 1);
}

static void views_need_no_nul_and_may_hold_one(void) {
  const corsac::policy policy = *corsac::policy::from_json(document);
  const std::string_view line = "Origin: https://app.example.com, and more";
  corsac::request request("GETTING"sv.substr(0, 3));
  request.header(line.substr(0, 6), line.substr(8, 23));
  CHECK(policy.evaluate(request).allowed());
  request.start("GET");
  request.header("Origin", "https://app.example.com\0"sv);
  CHECK(policy.evaluate(request).reason() == corsac::reason::malformed_origin);
}

static void a_policy_may_be_moved_while_its_decision_is_used(void) {
  corsac::policy policy = *corsac::policy::from_json(document);
  corsac::request request("GET");
  request.header("Origin", "https://app.example.com");
  const corsac::decision decision = policy.evaluate(request);
  const corsac::policy elsewhere = std::move(policy);
  CHECK(decision.headers().size() == 2 && decision.rule_name() == "app"sv);
}

// --- S3 ----------------------------------------------------------------------------------------

static void a_bucket_s_configuration_is_a_policy(void) {
  const auto refused = corsac::policy::from_s3("<CORSConfiguration/>", "aws");
  CHECK(!refused && refused.error().s3_code() == "MalformedXML"sv && refused.error().size() == 1);
  CHECK((*refused.error().s3_body({"R", "H"})).str().find("<HostId>H</HostId>") != std::string::npos);
  const auto none = corsac::policy::from_s3("<CORSConfiguration/>", "ceph");
  CHECK(none.error().status() == corsac::status::config && !none.error().s3_code() && none.error()[0].path == "dialect");
  CHECK(none.error().s3_body() && (*none.error().s3_body()).str().empty());

  const auto policy = corsac::policy::from_s3("[{\"AllowedOrigins\":[\"https://a.example\"],\"AllowedMethods\":[\"PUT\"]}]");
  CHECK(policy && (*policy->s3_xml()).str().find("<AllowedMethod>PUT</AllowedMethod>") != std::string_view::npos);
  corsac::request request("OPTIONS");
  corsac::decision decision;
  policy->evaluate(request, decision);
  CHECK(decision.status() == 400 && decision.s3_code() == "BadRequest"sv);
  CHECK((*decision.s3_body()).str().find("Origin request header needed") != std::string_view::npos);
  request.header("Origin", "https://a.example").header("Access-Control-Request-Method", "PUT");
  policy->evaluate(request, decision);
  CHECK(decision.status() == 200 && !decision.s3_code() && (*decision.s3_body()).str().empty());
  CHECK((*decision.s3_headers()).str().find("access-control-allow-methods: PUT\r\n") == 0);

  const corsac::policy native = *corsac::policy::from_json(document);
  CHECK(native.s3_xml() && (*native.s3_xml()).str().empty());
}

static void answers_about_buckets_are_values(void) {
  const corsac::request request("GET");
  const auto error = corsac::s3_error::about(corsac::s3_answer::no_configuration, request);
  CHECK(error && error->status == 404 && error->code == "NoSuchCORSConfiguration");
  CHECK(error->body.view().find("<Code>NoSuchCORSConfiguration</Code>") != std::string_view::npos);
  const auto none = corsac::s3_error::about(corsac::s3_answer::bad_digest, request, "ceph");
  CHECK(none.error().status() == corsac::status::config && none->status == 0 && none->body.view().empty());
  CHECK(!corsac::s3_error::about(corsac::s3_answer{99}, request));

  const auto digest = corsac::s3_error::about(corsac::s3_answer::bad_digest, "aws", {"R", "H", true});
  CHECK(digest->code == "BadDigest" && digest->body.str().find("<HostId>H</HostId>") != std::string::npos);
  const auto asked = corsac::s3_error::about(corsac::s3_answer::bucket_missing);
  CHECK(asked.error().status() == corsac::status::null_pointer && asked->code.empty());
}

// --- Cells -------------------------------------------------------------------------------------

static void a_cell_gives_the_policy_that_was_stored_last(void) {
  const corsac::policy first = *corsac::policy::from_json(document);
  corsac::policy loaded;
  {
    const corsac::cell cell(first);
    std::uint64_t generation = 0;
    loaded = cell.load(generation);
    CHECK(cell && loaded.get() == first.get() && generation == 1);
    cell.store(*corsac::policy::from_json("{\"allow_origins\":\"*\"}"));
    CHECK(cell.generation() == 2);
    loaded = cell.load(generation);
    CHECK(generation == 2);
    CHECK(first.allows_origin("https://app.example.com", false));
  }
  CHECK(text_of(loaded) == "{\"allow_origins\":\"*\"}");
}

// --- Names -------------------------------------------------------------------------------------

static void names_are_those_of_every_language(void) {
  static_assert(corsac::name(corsac::kind::not_cors) == "not-cors");
  static_assert(corsac::name(corsac::action::forward) == "forward");
  static_assert(corsac::name(corsac::op::vary) == "vary");
  CHECK(corsac::name(corsac::status::null_pointer) == "null-pointer" && corsac::name(corsac::status::ok) == "ok");
  CHECK(corsac::name(corsac::reason::header_not_allowed) == "header-not-allowed");
  CHECK(corsac::name(corsac::reason::none) == "none" && corsac::name(corsac::kind::none) == "none");
  // Numbers of a later library.
  CHECK(corsac::name(corsac::reason{999}) == "unknown" && corsac::name(corsac::status{999}) == "unknown");
  CHECK(corsac::name(corsac::kind{999}) == "unknown" && corsac::name(corsac::action{999}) == "unknown");
  CHECK(corsac::name(corsac::op{999}) == "unknown");
  CHECK(std::size(corsac::foreign_headers) == 7 && corsac::foreign_headers[0] == "Access-Control-Allow-Origin");
}

static void the_library_has_the_version_of_the_header(void) {
  CHECK(corsac::version() == CORSAC_VERSION && corsac::abi_version() == CORSAC_ABI_VERSION);
  CHECK(corsac::public_suffix_list().substr(0, 4) == "psl ");
}

int main() {
  CLAIM(a_copy_of_a_policy_is_another_reference_to_it);
  CLAIM(a_moved_policy_leaves_none_behind);
  CLAIM(a_policy_keeps_nothing_of_its_document);
  CLAIM(handles_pass_to_and_from_c);
  CLAIM(every_problem_is_a_value);
  CLAIM(problems_outlive_the_expression_that_they_are_looked_at_in);
  CLAIM(lists_of_problems_work_with_algorithms);
  CLAIM(warnings_are_lists_too);
  CLAIM(what_is_moved_from_fails_and_grants_nothing);
  CLAIM(every_setter_of_the_builder_is_one_of_c);
  CLAIM(the_builder_tells_every_problem);
  CLAIM(a_decision_tells_everything);
  CLAIM(a_decision_can_be_made_again);
  CLAIM(an_empty_view_is_an_empty_string_and_not_null);
  CLAIM(views_need_no_nul_and_may_hold_one);
  CLAIM(a_policy_may_be_moved_while_its_decision_is_used);
  CLAIM(a_bucket_s_configuration_is_a_policy);
  CLAIM(answers_about_buckets_are_values);
  CLAIM(a_cell_gives_the_policy_that_was_stored_last);
  CLAIM(names_are_those_of_every_language);
  CLAIM(the_library_has_the_version_of_the_header);
  DONE();
}

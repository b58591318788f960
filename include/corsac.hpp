// corsac.hpp: corsac.h for C++17 and later. Header-only; needs neither exceptions nor RTTI.
//
//     auto policy = corsac::policy::from_json(document);
//     if (!policy)
//       for (const corsac::problem &problem : policy.error())
//         std::cerr << problem.line << ": " << problem.message << '\n';
//
//     corsac::request request(method);
//     for (each header line of the request)
//       request.header(name, value);
//     corsac::decision decision = policy->evaluate(request);
//     for (auto [op, name, value] : decision.headers())
//       ...
//
// What corsac.h says of ownership, threads and borrowing holds here too, and three rules more:
//
// 1. Failure is a value. No function throws, but for those that return a std::string, which throw what
//    std::string throws. A result holds a value either way: where there is an error it is the empty
//    one, such as a policy that is none, and everything done with that fails in turn or grants nothing.
//    The same goes for what was moved from.
// 2. A decision borrows its policy, its request and the strings shown to the request. Temporaries of
//    these are refused by the compiler, a request and a decision stay where they were made, and a
//    policy may be moved, copied or kept in a cell meanwhile, as long as one of its owners remains.
// 3. Numbers are open: an enumeration can hold one that has no name here, because the library is later
//    than the header. Treat a reason that you don't know as refused.

#ifndef CORSAC_HPP
#define CORSAC_HPP

#include "corsac.h"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#if defined(__has_cpp_attribute)
#if __has_cpp_attribute(clang::lifetimebound)
#define CORSAC_LIFETIMEBOUND [[clang::lifetimebound]]
#endif
#endif
#ifndef CORSAC_LIFETIMEBOUND
#define CORSAC_LIFETIMEBOUND
#endif

namespace corsac {

class cell;
class decision;
class policy;
class request;

// --- Names -------------------------------------------------------------------------------------

// How a call went.
enum class status : std::int32_t {
  ok = CORSAC_STATUS_OK,
  null_pointer = CORSAC_STATUS_NULL_POINTER,
  struct_size = CORSAC_STATUS_STRUCT_SIZE,
  config = CORSAC_STATUS_CONFIG,
  panic = CORSAC_STATUS_PANIC,
  length = CORSAC_STATUS_LENGTH,
};

// Which request it was.
enum class kind : std::uint32_t {
  none = CORSAC_KIND_NONE,
  not_cors = CORSAC_KIND_NOT_CORS,
  actual = CORSAC_KIND_ACTUAL,
  preflight = CORSAC_KIND_PREFLIGHT,
};

// What to do.
enum class action : std::uint32_t {
  none = CORSAC_ACTION_NONE,
  // Let the application respond and apply the headers to its response.
  forward = CORSAC_ACTION_FORWARD,
  // Respond at once with the status, the headers and no body.
  respond = CORSAC_ACTION_RESPOND,
};

// Why.
enum class reason : std::uint32_t {
  none = CORSAC_REASON_NONE,
  allowed = CORSAC_REASON_ALLOWED,
  not_cors = CORSAC_REASON_NOT_CORS,
  same_origin = CORSAC_REASON_SAME_ORIGIN,
  malformed_origin = CORSAC_REASON_MALFORMED_ORIGIN,
  null_origin_not_allowed = CORSAC_REASON_NULL_ORIGIN_NOT_ALLOWED,
  origin_not_allowed = CORSAC_REASON_ORIGIN_NOT_ALLOWED,
  malformed_request_method = CORSAC_REASON_MALFORMED_REQUEST_METHOD,
  method_not_allowed = CORSAC_REASON_METHOD_NOT_ALLOWED,
  request_headers_too_large = CORSAC_REASON_REQUEST_HEADERS_TOO_LARGE,
  malformed_request_headers = CORSAC_REASON_MALFORMED_REQUEST_HEADERS,
  header_not_allowed = CORSAC_REASON_HEADER_NOT_ALLOWED,
  s3_no_rule_matches = CORSAC_REASON_S3_NO_RULE_MATCHES,
  s3_origin_missing = CORSAC_REASON_S3_ORIGIN_MISSING,
  s3_invalid_request_method = CORSAC_REASON_S3_INVALID_REQUEST_METHOD,
  s3_invalid_request_headers = CORSAC_REASON_S3_INVALID_REQUEST_HEADERS,
};

// What S3 answers about a bucket, without asking its rules.
enum class s3_answer : std::uint32_t {
  // To a preflight for a bucket that does not exist.
  bucket_missing = CORSAC_S3_BUCKET_MISSING,
  // To a preflight for a bucket without configuration.
  cors_not_enabled = CORSAC_S3_CORS_NOT_ENABLED,
  // To a request for the configuration of a bucket that has none.
  no_configuration = CORSAC_S3_NO_CONFIGURATION,
  // To a configuration that came with a wrong digest, or without one.
  bad_digest = CORSAC_S3_BAD_DIGEST,
};

// How a header changes.
enum class op : std::uint32_t {
  // Replace all lines of this name by one with the value.
  set = CORSAC_OP_SET,
  // Add a line.
  add = CORSAC_OP_ADD,
  // Merge the value, a header name, into Vary, unless it is there in any case of letters, or `*` is.
  vary = CORSAC_OP_VARY,
};

// The name of a status, such as "null-pointer"; "unknown" for a number without one.
inline std::string_view name(corsac::status status) noexcept {
  return corsac_status_name(static_cast<corsac_status>(status));
}

// The name of a kind: "none", "not-cors", "actual" or "preflight".
constexpr std::string_view name(corsac::kind kind) noexcept {
  switch (kind) {
  case kind::none:
    return "none";
  case kind::not_cors:
    return "not-cors";
  case kind::actual:
    return "actual";
  case kind::preflight:
    return "preflight";
  }
  return "unknown";
}

// The name of an action: "none", "forward" or "respond".
constexpr std::string_view name(corsac::action action) noexcept {
  switch (action) {
  case action::none:
    return "none";
  case action::forward:
    return "forward";
  case action::respond:
    return "respond";
  }
  return "unknown";
}

// The name of a reason, such as "origin-not-allowed", the same in every language.
inline std::string_view name(corsac::reason reason) noexcept {
  return corsac_reason_name(static_cast<std::uint32_t>(reason));
}

// The name of an op: "set", "add" or "vary".
constexpr std::string_view name(corsac::op op) noexcept {
  switch (op) {
  case op::set:
    return "set";
  case op::add:
    return "add";
  case op::vary:
    return "vary";
  }
  return "unknown";
}

// The version of the library, such as "0.1.0". CORSAC_VERSION is this header's.
inline std::string_view version() noexcept { return corsac_version(); }

// The CORSAC_ABI_VERSION of the library.
inline std::uint32_t abi_version() noexcept { return corsac_abi_version(); }

// The version of the Public Suffix List that the library knows, such as "psl 2.1.247".
inline std::string_view public_suffix_list() noexcept { return corsac_public_suffix_list(); }

// The seven headers that only a policy should set: see decision::removes_foreign_headers.
inline constexpr std::string_view foreign_headers[] = {CORSAC_FOREIGN_HEADERS};

// --- What the rest is made of ------------------------------------------------------------------

namespace detail {

// Never NULL, which a C function may take for something that is missing.
inline corsac_str lend(std::string_view text) noexcept {
  return corsac_str_n(text.data() ? text.data() : "", text.size());
}

inline std::string_view read(corsac_str text) noexcept {
  return text.data ? std::string_view(text.data, text.len) : std::string_view();
}

inline std::optional<std::string_view> read_optional(corsac_str text) noexcept {
  return text.data ? std::optional<std::string_view>(read(text)) : std::nullopt;
}

// A string that goes at the end of the expression: an rvalue that owns its characters.
template <class Text>
inline constexpr bool is_temporary = !std::is_reference_v<Text> && !std::is_trivially_destructible_v<Text> &&
                                     std::is_convertible_v<const Text &, std::string_view>;

// The only owner of a handle, which frees it.
template <class Handle, void (*Free)(Handle *)> class owner {
public:
  constexpr owner() noexcept = default;
  explicit owner(Handle *handle) noexcept : handle_(handle) {}
  owner(const owner &) = delete;
  owner &operator=(const owner &) = delete;
  owner(owner &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  owner &operator=(owner &&other) noexcept {
    owner old(std::move(other));
    std::swap(handle_, old.handle_);
    return *this;
  }
  ~owner() { Free(handle_); }

  Handle *get() const noexcept { return handle_; }

private:
  Handle *handle_ = nullptr;
};

// Goes over the values of a list, which are made when they are looked at.
template <class List, class Value> class iterator {
public:
  using iterator_category = std::input_iterator_tag;
  using value_type = Value;
  using difference_type = std::ptrdiff_t;
  using reference = Value;
  // Lends a value to `->` for as long as the expression lasts.
  struct pointer {
    Value value;
    const Value *operator->() const noexcept { return &value; }
  };

  iterator() noexcept = default;
  iterator(const List *list, std::size_t index) noexcept : list_(list), index_(index) {}
  Value operator*() const noexcept { return (*list_)[index_]; }
  pointer operator->() const noexcept { return {**this}; }
  iterator &operator++() noexcept {
    ++index_;
    return *this;
  }
  iterator operator++(int) noexcept {
    iterator before = *this;
    ++index_;
    return before;
  }
  friend bool operator==(const iterator &a, const iterator &b) noexcept { return a.index_ == b.index_; }
  friend bool operator!=(const iterator &a, const iterator &b) noexcept { return a.index_ != b.index_; }

private:
  const List *list_ = nullptr;
  std::size_t index_ = 0;
};

} // namespace detail

// A text that you own.
class text {
public:
  text() noexcept = default;
  // Takes a text of a C function over.
  explicit text(corsac_text *owned) noexcept : text_(owned) {}

  // The characters, which live as long as the text.
  std::string_view view() const &noexcept CORSAC_LIFETIMEBOUND {
    const char *data = corsac_text_data(text_.get());
    return data ? std::string_view(data, corsac_text_len(text_.get())) : std::string_view();
  }
  std::string_view view() const && = delete;
  // A copy of them.
  std::string str() const { return std::string(view()); }
  std::size_t size() const noexcept { return corsac_text_len(text_.get()); }

private:
  detail::owner<corsac_text, corsac_text_free> text_;
};

template <class Value> class result;

// What the body of an error of S3 says beside the error.
struct s3_body_options {
  std::string_view request_id = {};
  // The server, which AWS tells.
  std::string_view host_id = {};
  // Whether the request was about a bucket and not an object, which AWS tells. Last, since g++ takes a string
  // for a bool.
  bool is_bucket = false;
};

// One problem of a configuration, or one warning. Its strings live as long as the list it came from.
struct problem {
  // The stable name of the kind of problem, such as origin-with-trailing-slash.
  std::string_view code;
  // Where it is, such as allow_origins[3]; empty for the document as a whole.
  std::string_view path;
  // The offending value, a string as it is, anything else as JSON text.
  std::optional<std::string_view> value;
  // One sentence: what is wrong and what to write instead.
  std::string_view message;
  // What to write instead, as in value.
  std::optional<std::string_view> suggestion;
  // The line in the document, from 1; 0 if the configuration was no document.
  std::uint32_t line;
  // The column, from 1, in Unicode scalar values; 0 if the configuration was no document.
  std::uint32_t column;
};

// The problems of a configuration, or the warnings of a policy, in the order of the document.
class problems {
public:
  using value_type = problem;
  using iterator = detail::iterator<problems, problem>;
  using const_iterator = iterator;

  problems() noexcept = default;
  // Takes a list of a C function over.
  explicit problems(corsac_error *owned) noexcept : list_(owned) {}

  // How many there are, at most 1,000.
  std::size_t size() const noexcept { return corsac_error_len(list_.get()); }
  bool empty() const noexcept { return size() == 0; }
  // How many further ones were counted but are not listed.
  std::size_t unreported() const noexcept { return corsac_error_unreported(list_.get()); }
  // Beyond the last one, a problem without any text.
  problem operator[](std::size_t index) const &noexcept CORSAC_LIFETIMEBOUND {
    const corsac_error *list = list_.get();
    return {detail::read(corsac_error_code(list, index)),
            detail::read(corsac_error_path(list, index)),
            detail::read_optional(corsac_error_value(list, index)),
            detail::read(corsac_error_message(list, index)),
            detail::read_optional(corsac_error_suggestion(list, index)),
            corsac_error_line(list, index),
            corsac_error_column(list, index)};
  }
  problem operator[](std::size_t index) const && = delete;
  iterator begin() const noexcept CORSAC_LIFETIMEBOUND { return {this, 0}; }
  iterator end() const noexcept CORSAC_LIFETIMEBOUND { return {this, size()}; }

  // The S3 error code that refuses the configuration of a bucket, such as MalformedXML; none for any other.
  std::optional<std::string_view> s3_code() const &noexcept CORSAC_LIFETIMEBOUND {
    return detail::read_optional(corsac_error_s3_code(list_.get()));
  }
  std::optional<std::string_view> s3_code() const && = delete;
  // The body in which S3 refuses it, with status 400: XML. Empty if no rule of S3 refused it.
  result<text> s3_body(const s3_body_options &options = {}) const noexcept;

private:
  detail::owner<corsac_error, corsac_error_free> list_;
};

// Why there is no value: a status and, if that is status::config, all problems.
class error : public problems {
public:
  error() noexcept = default;
  error(corsac::status status, corsac::problems list) noexcept
      : corsac::problems(std::move(list)), status_(status) {}

  corsac::status status() const noexcept { return status_; }

private:
  corsac::status status_ = corsac::status::ok;
};

// A value, or the error that prevented it and an empty value.
template <class Value> class [[nodiscard]] result {
public:
  result(Value value, corsac::error error) noexcept : value_(std::move(value)), error_(std::move(error)) {}

  // Whether there is a value.
  explicit operator bool() const noexcept { return has_value(); }
  bool has_value() const noexcept { return error_.status() == corsac::status::ok; }

  Value &operator*() &noexcept CORSAC_LIFETIMEBOUND { return value_; }
  const Value &operator*() const &noexcept CORSAC_LIFETIMEBOUND { return value_; }
  // By value, so that `for (auto problem : *policy.warnings())` keeps what it goes over.
  Value operator*() &&noexcept { return std::move(value_); }
  Value *operator->() &noexcept CORSAC_LIFETIMEBOUND { return &value_; }
  const Value *operator->() const &noexcept CORSAC_LIFETIMEBOUND { return &value_; }
  // What is reached through a result would end with it: write (*policy.document()).str().
  void operator->() && = delete;

  // Of status::ok and without problems if there is a value.
  const corsac::error &error() const &noexcept CORSAC_LIFETIMEBOUND { return error_; }
  corsac::error error() &&noexcept { return std::move(error_); }

private:
  Value value_;
  corsac::error error_;
};

inline result<text> problems::s3_body(const s3_body_options &options) const noexcept {
  corsac_text *body = nullptr;
  const corsac_status status = corsac_error_s3_body(list_.get(), detail::lend(options.request_id),
                                                    detail::lend(options.host_id), &body);
  return {text(body), {corsac::status{status}, problems()}};
}

// --- Policies ----------------------------------------------------------------------------------

// A compiled policy, immutable: any number of threads may use one. Copies are references to the same.
class policy {
public:
  // No policy: what it evaluates fails, and no origin is allowed.
  policy() noexcept = default;
  // Takes a reference of a C function over.
  explicit policy(const corsac_policy *owned) noexcept : handle_(owned) {}
  policy(const policy &other) noexcept : handle_(corsac_policy_clone(other.handle_)) {}
  policy(policy &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  policy &operator=(policy other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~policy() { corsac_policy_free(handle_); }

  // Reads a policy document: one JSON object in UTF-8. Costs time linear in the text.
  static result<policy> from_json(std::string_view document) noexcept {
    const corsac_policy *handle = nullptr;
    corsac_error *problems = nullptr;
    const corsac_status status = corsac_policy_from_json(detail::lend(document), &handle, &problems);
    return {policy(handle), {corsac::status{status}, corsac::problems(problems)}};
  }

  // Reads the CORS configuration of an S3 bucket: a CORSConfiguration in XML, or one of the JSON forms of AWS.
  // The dialect is zenko, as is the empty string, or aws. Without strict, the Vary that S3 forgets is sent and
  // the grammar of Origin is checked first. The error has the first problem in the order of S3, and its s3_code.
  //
  // Such a policy answers every OPTIONS, as S3 does.
  static result<policy> from_s3(std::string_view configuration, std::string_view dialect = {},
                                bool strict = false) noexcept {
    const corsac_policy *handle = nullptr;
    corsac_error *problems = nullptr;
    const corsac_status status = corsac_policy_from_s3(detail::lend(configuration), detail::lend(dialect),
                                                       strict, &handle, &problems);
    return {policy(handle), {corsac::status{status}, corsac::problems(problems)}};
  }

  // Whether there is one.
  explicit operator bool() const noexcept { return handle_ != nullptr; }

  // Decides a request. See decision::made for what to do if that fails.
  //
  // Neither allocates nor locks; takes time linear in the facts, however many origins there are. The
  // decision is to be used while the policy and the request live.
  decision evaluate(const request &request CORSAC_LIFETIMEBOUND) const &noexcept CORSAC_LIFETIMEBOUND;
  // Makes a decision again, in the same memory.
  void evaluate(const request &request, decision &decision) const &noexcept;
  decision evaluate(request &&request) const & = delete;
  void evaluate(request &&request, decision &decision) const & = delete;
  decision evaluate(const request &request) const && = delete;
  void evaluate(const request &request, decision &decision) const && = delete;

  // Whether an origin may read responses: for WebSocket handshakes and CSRF checks. With
  // credentials, which is right whenever cookies decide who somebody is, only if the policy allows
  // them. False for an origin that is empty, as an absent one is, or malformed.
  bool allows_origin(std::string_view origin, bool credentials = true) const noexcept {
    return corsac_policy_allows_origin(handle_, detail::lend(origin), credentials);
  }

  // The canonical document: JSON without white space. A policy made from it is equal and has the same.
  result<text> document() const noexcept {
    corsac_text *document = nullptr;
    const corsac_status status = corsac_policy_document(handle_, &document);
    return {text(document), {corsac::status{status}, problems()}};
  }

  // The configuration of a policy of from_s3, as XML; empty for any other policy.
  result<text> s3_xml() const noexcept {
    corsac_text *xml = nullptr;
    const corsac_status status = corsac_policy_s3_xml(handle_, &xml);
    return {text(xml), {corsac::status{status}, problems()}};
  }

  // What is worth a look in the configuration but stopped nothing.
  result<problems> warnings() const noexcept {
    corsac_error *warnings = nullptr;
    const corsac_status status = corsac_policy_warnings(handle_, &warnings);
    return {problems(warnings), {corsac::status{status}, problems()}};
  }

  // The handle, for C functions; it stays the policy's.
  const corsac_policy *get() const &noexcept CORSAC_LIFETIMEBOUND { return handle_; }
  const corsac_policy *get() const && = delete;

private:
  const corsac_policy *handle_ = nullptr;
};

// A policy being configured. Setters take values in any order and cannot fail: build tells every problem.
class builder {
public:
  builder() noexcept : handle_(corsac_builder_new()) {}

  // Who may read responses: an origin, a pattern such as https://*.example.com, or * for everyone.
  // Call it again for the next.
  builder &allow_origin(std::string_view origin) noexcept {
    corsac_builder_allow_origin(handle_.get(), detail::lend(origin));
    return *this;
  }
  // A method beyond GET, HEAD and POST, which are always allowed; * for every method.
  builder &allow_method(std::string_view method) noexcept {
    corsac_builder_allow_method(handle_.get(), detail::lend(method));
    return *this;
  }
  // A request header beyond the safelisted ones; * for every header, authorization too.
  builder &allow_header(std::string_view name) noexcept {
    corsac_builder_allow_header(handle_.get(), detail::lend(name));
    return *this;
  }
  // A response header that scripts may read; * for every header.
  builder &expose_header(std::string_view name) noexcept {
    corsac_builder_expose_header(handle_.get(), detail::lend(name));
    return *this;
  }
  // Whether cookies, TLS client certificates and HTTP authentication may be sent. Not unless asked for.
  builder &allow_credentials(bool allow) noexcept {
    corsac_builder_allow_credentials(handle_.get(), allow);
    return *this;
  }
  // A text that says no would be true.
  template <class Other> builder &allow_credentials(Other) = delete;
  // How long a browser may keep the answer to a preflight, in seconds, 0 to 86400. Without it
  // browsers keep it for 5 seconds; 0 turns their cache off.
  builder &max_age(std::int64_t seconds) noexcept {
    corsac_builder_max_age(handle_.get(), seconds);
    return *this;
  }
  // Who may see the timing of responses (Timing-Allow-Origin): true for those who may read them, * for
  // everyone, false, the default, for nobody.
  builder &timing_allow_origin(std::string_view value) noexcept {
    corsac_builder_timing_allow_origin(handle_.get(), detail::lend(value));
    return *this;
  }
  // Takes responsibility for what is refused otherwise: insecure-origins, public-suffixes, null-origin.
  builder &dangerously_allow(std::string_view danger) noexcept {
    corsac_builder_dangerously_allow(handle_.get(), detail::lend(danger));
    return *this;
  }
  // The name of the rule, for people and logs.
  builder &name(std::string_view name) noexcept {
    corsac_builder_name(handle_.get(), detail::lend(name));
    return *this;
  }
  // The description of the rule, for people.
  builder &description(std::string_view text) noexcept {
    corsac_builder_description(handle_.get(), detail::lend(text));
    return *this;
  }
  // What becomes of refused requests that are no preflights: forward, the default, or forbid, which
  // answers 403.
  builder &refused_requests(std::string_view value) noexcept {
    corsac_builder_refused_requests(handle_.get(), detail::lend(value));
    return *this;
  }
  // One of the server's own origins, where Host does not tell.
  builder &own_origin(std::string_view origin) noexcept {
    corsac_builder_own_origin(handle_.get(), detail::lend(origin));
    return *this;
  }
  // What becomes of CORS headers that the application sets: remove, the default, or keep.
  builder &foreign_headers(std::string_view value) noexcept {
    corsac_builder_foreign_headers(handle_.get(), detail::lend(value));
    return *this;
  }
  // An origin that a rule has to match, or nothing is built.
  builder &expect_allow(std::string_view origin) noexcept {
    corsac_builder_expect_allow(handle_.get(), detail::lend(origin));
    return *this;
  }
  // An origin that no rule may match, or nothing is built.
  builder &expect_refuse(std::string_view origin) noexcept {
    corsac_builder_expect_refuse(handle_.get(), detail::lend(origin));
    return *this;
  }
  // The code of a warning that is known and not to be reported again.
  builder &acknowledge(std::string_view code) noexcept {
    corsac_builder_acknowledge(handle_.get(), detail::lend(code));
    return *this;
  }
  // The status of an answered preflight: 204, the default, or 200.
  builder &preflight_status(std::int64_t status) noexcept {
    corsac_builder_preflight_status(handle_.get(), status);
    return *this;
  }
  // Begins the next rule: what is set from here on is its own, but for what belongs to the whole policy.
  // The first rule that matches an origin decides alone.
  builder &next_rule() noexcept {
    corsac_builder_next_rule(handle_.get());
    return *this;
  }

  // Builds a policy from the values so far; the builder can be used further.
  result<policy> build() const noexcept {
    const corsac_policy *handle = nullptr;
    corsac_error *problems = nullptr;
    const corsac_status status = corsac_builder_build(handle_.get(), &handle, &problems);
    return {policy(handle), {corsac::status{status}, corsac::problems(problems)}};
  }

private:
  detail::owner<corsac_builder, corsac_builder_free> handle_;
};

// A policy that can be replaced while any number of threads use it. All functions may be called by all
// threads at once, but for moving and destroying it.
class cell {
public:
  // Of no policy, a cell of none.
  explicit cell(const policy &first) noexcept : handle_(corsac_cell_new(first.get())) {}

  // Whether there is one.
  explicit operator bool() const noexcept { return handle_.get() != nullptr; }

  // Replaces the policy. Loads that begin after this returned give the new policy or a later one. Who
  // loaded the old one keeps it. Nothing changes if there is no policy in what is stored.
  void store(const policy &policy) const noexcept { corsac_cell_store(handle_.get(), policy.get()); }

  // The policy as it is now. Keep it while you use a decision of it.
  policy load() const noexcept { return policy(corsac_cell_load(handle_.get(), nullptr)); }
  // The policy and its number, which belong together: 1 for the first, each stored one has the next.
  policy load(std::uint64_t &generation) const noexcept {
    return policy(corsac_cell_load(handle_.get(), &generation));
  }
  // The number of the policy as it is now: one atomic load, with acquire ordering.
  std::uint64_t generation() const noexcept { return corsac_cell_generation(handle_.get()); }

private:
  detail::owner<corsac_cell, corsac_cell_free> handle_;
};

// --- Requests and decisions --------------------------------------------------------------------

// One HTTP request, as far as CORS sees it. Stays where it was made, since decisions borrow it.
class request {
public:
  // Begins with this method and no header yet. The string has to live as long as a decision.
  explicit request(std::string_view method CORSAC_LIFETIMEBOUND) noexcept {
    corsac_request_start(&facts_, detail::lend(method));
  }
  template <class Method, std::enable_if_t<detail::is_temporary<Method>, int> = 0>
  explicit request(Method &&method) = delete;
  request(const request &) = delete;
  request &operator=(const request &) = delete;

  // Begins again, in the same memory.
  void start(std::string_view method) noexcept { corsac_request_start(&facts_, detail::lend(method)); }
  template <class Method, std::enable_if_t<detail::is_temporary<Method>, int> = 0>
  void start(Method &&method) = delete;

  // Shows one header line: show every line there is, in order, repeated ones too. It keeps what CORS
  // needs. Names in any case of letters; the value as it came, which has to live as long as a decision.
  // HTTP/2 and later: show :authority too.
  request &header(std::string_view name, std::string_view value) noexcept {
    corsac_request_header(&facts_, detail::lend(name), detail::lend(value));
    return *this;
  }
  template <class Value, std::enable_if_t<detail::is_temporary<Value>, int> = 0>
  request &header(std::string_view name, Value &&value) = delete;

  // The struct, for C functions.
  const corsac_request &get() const &noexcept CORSAC_LIFETIMEBOUND { return facts_; }
  const corsac_request &get() const && = delete;

private:
  corsac_request facts_;
};

// One change to the headers of the response. Its strings live as long as what the decision borrows.
struct header {
  corsac::op op;
  // The name, as corsac spells it; to be compared in any case of letters.
  std::string_view name;
  std::string_view value;
};

// The changes to the headers of the response, in the order in which they apply.
class headers {
public:
  using value_type = header;
  using iterator = detail::iterator<headers, header>;
  using const_iterator = iterator;

  explicit headers(const corsac_decision &decision) noexcept
      : size_(corsac_decision_headers(&decision, headers_, CORSAC_MAX_HEADERS)) {}

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  // Only for an index below size.
  header operator[](std::size_t index) const noexcept {
    const corsac_header &header = headers_[index];
    return {corsac::op{header.op}, detail::read(header.name), detail::read(header.value)};
  }
  iterator begin() const noexcept CORSAC_LIFETIMEBOUND { return {this, 0}; }
  iterator end() const noexcept CORSAC_LIFETIMEBOUND { return {this, size_}; }

private:
  // Written as far as size_, so left as it is beyond.
  corsac_header headers_[CORSAC_MAX_HEADERS];
  std::size_t size_;
};

// The answer to one request. Borrows the policy, the request and its strings, so it stays where it was
// made: keep it beside them.
class decision {
public:
  // One that grants nothing, to be made by policy::evaluate.
  decision() noexcept { corsac_decision_start(&answer_); }
  decision(const decision &) = delete;
  decision &operator=(const decision &) = delete;

  // Whether a decision was made. If not, which is a defect, it grants nothing: remove foreign_headers
  // from the response, and answer OPTIONS requests 500.
  bool made() const noexcept { return answer_.kind != CORSAC_KIND_NONE; }
  // How the evaluation went; status::ok before there was one.
  corsac::status outcome() const noexcept { return outcome_; }

  corsac::kind kind() const noexcept { return corsac::kind{answer_.kind}; }
  corsac::action action() const noexcept { return corsac::action{answer_.action}; }
  // The status to respond with; 0 where the application responds.
  unsigned status() const noexcept { return answer_.status; }
  // Whether the request is allowed. One that is not CORS is.
  bool allowed() const noexcept { return answer_.allowed != 0; }
  corsac::reason reason() const noexcept { return corsac::reason{answer_.reason}; }
  // The index of the rule that decided, if one did.
  std::optional<std::uint32_t> rule() const noexcept {
    return answer_.rule == CORSAC_NO_RULE ? std::nullopt : std::optional<std::uint32_t>(answer_.rule);
  }
  // Its name, if it has one; the policy's string.
  std::optional<std::string_view> rule_name() const noexcept {
    return detail::read_optional(corsac_decision_rule_name(&answer_));
  }

  // Whether to remove foreign_headers from a forwarded response before the headers are applied. If not,
  // the application's own CORS headers are kept where the decision sets none.
  bool removes_foreign_headers() const noexcept {
    return (answer_.flags & CORSAC_FLAG_FOREIGN_HEADERS_KEPT) == 0;
  }
  // How the headers of the response change. Applying them twice changes nothing.
  //
  // Apply them to every final response, errors, redirects, HEAD and 304 included, never to 1xx.
  corsac::headers headers() const noexcept { return corsac::headers(answer_); }

  // The S3 error code of a preflight that S3 rules refused, such as AccessForbidden; none for any other decision.
  std::optional<std::string_view> s3_code() const noexcept {
    return detail::read_optional(corsac_decision_s3_code(&answer_));
  }
  // The body in which S3 refuses a preflight, to be sent with the status: XML. Empty for any other decision.
  result<text> s3_body(const s3_body_options &options = {}) const noexcept {
    corsac_text *body = nullptr;
    const corsac_status status =
        corsac_decision_s3_body(&answer_, options.is_bucket, detail::lend(options.request_id),
                                detail::lend(options.host_id), &body);
    return {text(body), {corsac::status{status}, problems()}};
  }
  // The CORS headers as S3 spells and orders them, each as name, colon, space, value, CR and LF. For hosts that
  // answer as S3 does to the byte; others use headers.
  result<text> s3_headers() const noexcept {
    corsac_text *lines = nullptr;
    const corsac_status status = corsac_decision_s3_headers(&answer_, &lines);
    return {text(lines), {corsac::status{status}, problems()}};
  }

  // One line for a log, escaped and capped whatever the request holds.
  std::string line() const {
    char line[CORSAC_MAX_LINE];
    return std::string(line, format(line, sizeof line));
  }
  // Writes that line, at most cap bytes, the last of them NUL. Returns the length of the whole line,
  // which is below CORSAC_MAX_LINE, without the NUL.
  std::size_t format(char *out, std::size_t cap) const noexcept {
    return corsac_decision_format(&answer_, out, cap);
  }

  // The struct, for C functions.
  const corsac_decision &get() const &noexcept CORSAC_LIFETIMEBOUND { return answer_; }
  const corsac_decision &get() const && = delete;

private:
  friend class policy;
  decision(const policy &policy, const request &request) noexcept : decision() {
    policy.evaluate(request, *this);
  }

  corsac_decision answer_;
  corsac::status outcome_ = corsac::status::ok;
};

inline decision policy::evaluate(const request &request) const &noexcept { return decision(*this, request); }

inline void policy::evaluate(const request &request, decision &decision) const &noexcept {
  decision.outcome_ = corsac::status{corsac_policy_evaluate(handle_, &request.get(), &decision.answer_)};
}

// An error as S3 answers it.
struct s3_error {
  // The status of the response.
  unsigned status = 0;
  // The S3 error code, such as NoSuchBucket. Never ends.
  std::string_view code;
  // The body of the response: XML.
  text body;

  // What is answered about a bucket by this dialect: zenko, as is the empty string, or aws. The request is the
  // one that is answered; bucket_missing and cors_not_enabled look first at what is wrong with it. status::config
  // if there is no such dialect.
  static result<s3_error> about(s3_answer answer, const request &request, std::string_view dialect = {},
                                const s3_body_options &options = {}) noexcept {
    return made(answer, &request.get(), dialect, options);
  }
  // Without a request, for no_configuration and bad_digest; status::null_pointer for the others.
  static result<s3_error> about(s3_answer answer, std::string_view dialect = {},
                                const s3_body_options &options = {}) noexcept {
    return made(answer, nullptr, dialect, options);
  }

private:
  static result<s3_error> made(s3_answer answer, const corsac_request *request, std::string_view dialect,
                               const s3_body_options &options) noexcept {
    s3_error error;
    std::uint32_t http_status = 0;
    corsac_str code = {nullptr, 0};
    corsac_text *body = nullptr;
    const corsac_status status =
        corsac_s3_error(static_cast<std::uint32_t>(answer), detail::lend(dialect), request,
                        options.is_bucket, detail::lend(options.request_id), detail::lend(options.host_id),
                        &http_status, &code, &body);
    error.status = http_status;
    error.code = detail::read(code);
    error.body = text(body);
    return {std::move(error), {corsac::status{status}, problems()}};
  }
};

} // namespace corsac

#undef CORSAC_LIFETIMEBOUND

#endif

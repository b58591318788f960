// corsac.h: one CORS policy, compiled once, answered identically everywhere.
//
// Generated from ffi/src by the test `header` of corsac-ffi; edits here are lost.
//
//     corsac_request request;
//     corsac_decision decision;
//     corsac_header headers[CORSAC_MAX_HEADERS];
//     corsac_request_start(&request, corsac_str_z("OPTIONS"));
//     corsac_decision_start(&decision);
//     for (each header line of the request)
//         corsac_request_header(&request, name, value);
//     status = corsac_policy_evaluate(policy, &request, &decision);
//     if (status == CORSAC_STATUS_OK)
//         n = corsac_decision_headers(&decision, headers, CORSAC_MAX_HEADERS);
//
// Five rules, from which everything else follows:
//
// 1. Ownership. What _new, _build, _from_json, _from_s3, _clone, _load and the functions that fill a corsac_text
//    or a corsac_error give you is yours: call the _free of its type once. _free ends your reference
//    and no other; an owner who wants one of its own clones it. Nothing else takes or gives ownership.
//    _free(NULL) does nothing.
// 2. Threads. A pointer to const may be used by any number of threads at once, any other pointer by
//    one thread at a time.
// 3. Borrowing. A corsac_str is not copied and not owned. What you pass is read during the call and
//    no longer, with one exception: a decision borrows its policy, and its request with the strings
//    you showed it. Keep all three, unchanged, for as long as you use the decision or a
//    corsac_header read from it.
// 4. Results. Out-parameters are always written: the result, or NULL, or a decision that grants
//    nothing. A corsac_error ** and the generation of corsac_cell_load may be NULL if you don't want
//    to know. NULL anywhere else is an error that is reported, not a crash, and functions without a
//    status then return nothing: 0, NULL or false.
// 5. Conduct. No function unwinds, exits, prints or keeps state of a thread, whatever happens inside.
//    corsac_policy_evaluate and corsac_decision_headers neither allocate nor lock. One exception: a
//    process that runs out of memory is aborted.
//
// kind, action and reason 0 mean that no decision was made. Numbers are never reused, and structs
// grow only at their end: struct_size tells the library which one you compiled, so a program keeps
// working with a later library of the same CORSAC_ABI_VERSION.

#ifndef CORSAC_H
#define CORSAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The version of this header; corsac_version tells the library's.
#define CORSAC_VERSION "0.1.0"
#define CORSAC_VERSION_MAJOR 0
#define CORSAC_VERSION_MINOR 1
#define CORSAC_VERSION_PATCH 0

// The seven headers that only a policy should set, as strings: see CORSAC_FLAG_FOREIGN_HEADERS_KEPT.
#define CORSAC_FOREIGN_HEADERS \
  "Access-Control-Allow-Origin", \
  "Access-Control-Allow-Credentials", \
  "Access-Control-Allow-Methods", \
  "Access-Control-Allow-Headers", \
  "Access-Control-Max-Age", \
  "Access-Control-Expose-Headers", \
  "Access-Control-Allow-Private-Network"

// It went well.
#define CORSAC_STATUS_OK 0

// A pointer is NULL that must not be, or a string has a length but no bytes.
#define CORSAC_STATUS_NULL_POINTER 1

// A struct_size is smaller than the struct ever was: it was not initialized.
#define CORSAC_STATUS_STRUCT_SIZE 2

// The configuration has problems: the corsac_error has them all.
#define CORSAC_STATUS_CONFIG 3

// A defect of the library, contained. The call did nothing.
#define CORSAC_STATUS_PANIC 4

// A length is above PTRDIFF_MAX.
#define CORSAC_STATUS_LENGTH 5

// kind: no decision was made. So for action and reason.
#define CORSAC_KIND_NONE 0

// kind: the request has no Origin.
#define CORSAC_KIND_NOT_CORS 1

// kind: the request reaches the application.
#define CORSAC_KIND_ACTUAL 2

// kind: the browser asks first: OPTIONS with Origin and Access-Control-Request-Method.
#define CORSAC_KIND_PREFLIGHT 3

// action: no decision was made.
#define CORSAC_ACTION_NONE 0

// action: let the application respond and apply the headers to its response.
#define CORSAC_ACTION_FORWARD 1

// action: respond at once with status, the headers and no body.
#define CORSAC_ACTION_RESPOND 2

// reason: no decision was made.
#define CORSAC_REASON_NONE 0

// reason: the policy allows the request.
#define CORSAC_REASON_ALLOWED 1

// reason: the request has no Origin, so CORS has no say in it. It is allowed.
#define CORSAC_REASON_NOT_CORS 2

// reason: no rule matches, but the request comes from the server's own pages. It is allowed.
#define CORSAC_REASON_SAME_ORIGIN 3

// reason: more than one Origin, or a value that no browser sends.
#define CORSAC_REASON_MALFORMED_ORIGIN 4

// reason: the origin is null and no rule allows it.
#define CORSAC_REASON_NULL_ORIGIN_NOT_ALLOWED 5

// reason: no rule matches the origin.
#define CORSAC_REASON_ORIGIN_NOT_ALLOWED 6

// reason: Access-Control-Request-Method came more than once, or is no method.
#define CORSAC_REASON_MALFORMED_REQUEST_METHOD 7

// reason: the rule does not allow the method.
#define CORSAC_REASON_METHOD_NOT_ALLOWED 8

// reason: Access-Control-Request-Headers is larger than the limits.
#define CORSAC_REASON_REQUEST_HEADERS_TOO_LARGE 9

// reason: Access-Control-Request-Headers holds something that is no header name.
#define CORSAC_REASON_MALFORMED_REQUEST_HEADERS 10

// reason: the rule does not allow a requested header.
#define CORSAC_REASON_HEADER_NOT_ALLOWED 11

// reason: S3 rules: none matches origin, method and headers together.
#define CORSAC_REASON_S3_NO_RULE_MATCHES 12

// reason: S3 rules: OPTIONS without Origin.
#define CORSAC_REASON_S3_ORIGIN_MISSING 13

// reason: S3 rules: Access-Control-Request-Method is missing, or no method of S3.
#define CORSAC_REASON_S3_INVALID_REQUEST_METHOD 14

// reason: S3 rules of AWS: Access-Control-Request-Headers holds something that is no header name.
#define CORSAC_REASON_S3_INVALID_REQUEST_HEADERS 15

// corsac_s3_error: the answer to a preflight for a bucket that does not exist.
#define CORSAC_S3_BUCKET_MISSING 1

// corsac_s3_error: the answer to a preflight for a bucket without configuration.
#define CORSAC_S3_CORS_NOT_ENABLED 2

// corsac_s3_error: the answer to a request for the configuration of a bucket that has none.
#define CORSAC_S3_NO_CONFIGURATION 3

// corsac_s3_error: the answer to a configuration that came with a wrong digest, or without one.
#define CORSAC_S3_BAD_DIGEST 4

// op: replace all lines of this name by one with the value.
#define CORSAC_OP_SET 1

// op: add a line.
#define CORSAC_OP_ADD 2

// op: merge the value, a header name, into Vary, unless it is there in any case of letters, or `*` is.
#define CORSAC_OP_VARY 3

// rule: no rule decided.
#define CORSAC_NO_RULE 4294967295u

// flags: the application's own CORS headers are kept where the decision sets none. Without this
// bit remove CORSAC_FOREIGN_HEADERS from every forwarded response, before the headers are applied.
#define CORSAC_FLAG_FOREIGN_HEADERS_KEPT 1

// No decision has more headers than this, in any version with this CORSAC_ABI_VERSION.
#define CORSAC_MAX_HEADERS 24

// No line of corsac_decision_format has as many bytes.
#define CORSAC_MAX_LINE 4096

// The number in the name libcorsac.so.0: it changes when programs built before would break.
#define CORSAC_ABI_VERSION 0

// How many lines of Access-Control-Request-Headers a request keeps.
#define CORSAC_REQUEST_HEADERS_LINES 8

// A policy being configured.
typedef struct corsac_builder corsac_builder;

// A policy that can be replaced while any number of threads use it.
//
// Its policies are numbered: the generation of the first is 1, and each stored one has the next
// number, so 0 is none. Every function but corsac_cell_free takes a pointer to const, so all threads may
// store and load at once. A thread that wants to pay one atomic load while nothing changes keeps a
// policy of its own:
//
//   // At first policy is NULL and generation 0; at the end the thread frees policy.
//   if (generation != corsac_cell_generation(cell)) {
//     corsac_policy_free(policy);
//     policy = corsac_cell_load(cell, &generation);
//   }
typedef struct corsac_cell corsac_cell;

// The problems of a configuration, or the warnings of a policy, in the order of the document.
typedef struct corsac_error corsac_error;

// A compiled policy. Immutable, so always const; counted, so that every owner has a reference.
typedef struct corsac_policy corsac_policy;

// A text that you own.
typedef struct corsac_text corsac_text;

// How a call went: one of CORSAC_STATUS_*. More may come: treat what you don't know as a failure.
typedef int32_t corsac_status;

// A borrowed string: bytes and their number, without a final NUL. NULL with 0 is the empty string.
typedef struct {
  // The bytes.
  const char *data;
  // Their number.
  size_t len;
} corsac_str;

// One HTTP request, as far as CORS sees it. Yours: on the stack, in a pool, or reused.
//
// Read what you like, for a log for example, but let corsac_request_init and
// corsac_request_header write it. The strings are those that you passed, not copies. A value is
// set where there is one line or more: it is the first line's.
typedef struct {
  // The size of this struct, as you compiled it.
  size_t struct_size;
  // What went wrong with a call; comes out of corsac_policy_evaluate.
  corsac_status status;
  // Lines of Origin.
  uint32_t origin_lines;
  // Lines of Access-Control-Request-Method.
  uint32_t request_method_lines;
  // Lines of Host.
  uint32_t host_lines;
  // Lines of :authority, which replaces Host.
  uint32_t authority_lines;
  // Lines of Sec-Fetch-Site.
  uint32_t fetch_site_lines;
  // Lines of Access-Control-Request-Headers that are kept: the first ones that are not blank.
  uint32_t request_headers_kept;
  // Blank lines of it behind the last that is kept.
  uint32_t request_headers_blank_after;
  // The method.
  corsac_str method;
  // Origin.
  corsac_str origin;
  // Access-Control-Request-Method.
  corsac_str request_method;
  // Host.
  corsac_str host;
  // :authority.
  corsac_str authority;
  // Sec-Fetch-Site.
  corsac_str fetch_site;
  // Access-Control-Request-Headers: the kept lines.
  corsac_str request_headers[CORSAC_REQUEST_HEADERS_LINES];
  // For each kept line, the blank ones directly before it.
  uint32_t request_headers_blank[CORSAC_REQUEST_HEADERS_LINES];
  // The bytes of all its lines, joined by ", ".
  size_t request_headers_len;
  // Not 0 if there were more lines that are not blank than are kept.
  uint32_t request_headers_overflow;
  // 0.
  uint32_t reserved;
} corsac_request;

// The answer to one request. Yours: on the stack, in a pool, or reused.
typedef struct {
  // The size of this struct, as you compiled it.
  size_t struct_size;
  // One of CORSAC_KIND_*.
  uint32_t kind;
  // One of CORSAC_ACTION_*.
  uint32_t action;
  // The status to respond with; 0 where the application responds.
  uint32_t status;
  // 1 if the request is allowed, else 0. A request that is not CORS is.
  uint32_t allowed;
  // One of CORSAC_REASON_*: treat one that you don't know as refused.
  uint32_t reason;
  // The index of the rule that decided, or CORSAC_NO_RULE.
  uint32_t rule;
  // How many headers change: see corsac_decision_headers.
  uint32_t headers_len;
  // CORSAC_FLAG_*, or-ed.
  uint32_t flags;
  // The library's own.
  uintptr_t internal[8];
} corsac_decision;

// One change to the headers of the response.
typedef struct {
  // The name, as corsac spells it; to be compared in any case of letters.
  corsac_str name;
  // The value.
  corsac_str value;
  // One of CORSAC_OP_*.
  uint32_t op;
  // 0.
  uint32_t reserved;
} corsac_header;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Reads a policy document: one JSON object in UTF-8. policy gets the policy, yours to free, or
// NULL; error gets every problem at once, each with line and column and yours to free, or NULL.
//
// Costs time linear in the text. Returns CORSAC_STATUS_CONFIG if the document has problems.
corsac_status corsac_policy_from_json(corsac_str document,
                                      const corsac_policy **policy,
                                      corsac_error **error);

// Another reference to the same policy, for another owner. NULL for NULL.
const corsac_policy *corsac_policy_clone(const corsac_policy *policy);

// Ends your reference. The policy goes with the last one.
void corsac_policy_free(const corsac_policy *policy);

// Whether an origin may read responses: for WebSocket handshakes and CSRF checks. With
// credentials, which is right whenever cookies decide who somebody is, only if the policy allows
// them. False for an origin that is absent, empty or malformed, even where everybody may read: a
// handshake carries cookies whatever the policy says.
bool corsac_policy_allows_origin(const corsac_policy *policy, corsac_str origin, bool credentials);

// The canonical document of a policy, into text, yours to free: JSON without white space. A policy
// made from it is equal and has the same text. Of a policy from corsac_policy_from_s3 the configuration in the
// JSON of the AWS command line, which that function reads.
corsac_status corsac_policy_document(const corsac_policy *policy,
                                     corsac_text **text);

// What is worth a look in the configuration of a policy but stopped nothing, into warnings, yours
// to free. Of length 0 if there is none.
corsac_status corsac_policy_warnings(const corsac_policy *policy, corsac_error **warnings);

// The bytes of a text, which live as long as it, with a final NUL that is not counted. NULL for NULL.
const char *corsac_text_data(const corsac_text *text);

// The number of bytes of a text.
size_t corsac_text_len(const corsac_text *text);

// Frees a text.
void corsac_text_free(corsac_text *text);

// A builder without any value, yours to free. NULL only if the library is defective.
//
// Setters take values in any order and cannot fail: corsac_builder_build tells every problem.
corsac_builder *corsac_builder_new(void);

// Who may read responses: an origin, a pattern such as https://*.example.com, or * for everyone.
// Call it again for the next.
void corsac_builder_allow_origin(corsac_builder *builder, corsac_str origin);

// A method beyond GET, HEAD and POST, which are always allowed; * for every method.
void corsac_builder_allow_method(corsac_builder *builder, corsac_str method);

// A request header beyond the safelisted ones; * for every header, authorization too.
void corsac_builder_allow_header(corsac_builder *builder, corsac_str name);

// A response header that scripts may read; * for every header.
void corsac_builder_expose_header(corsac_builder *builder, corsac_str name);

// Whether cookies, TLS client certificates and HTTP authentication may be sent. Not unless asked for.
void corsac_builder_allow_credentials(corsac_builder *builder,
                                      bool allow);

// How long a browser may keep the answer to a preflight, in seconds, 0 to 86400. Without it
// browsers keep it for 5 seconds; 0 turns their cache off.
void corsac_builder_max_age(corsac_builder *builder, int64_t seconds);

// Who may see the timing of responses (Timing-Allow-Origin): true for those who may read them, * for
// everyone, false, the default, for nobody.
void corsac_builder_timing_allow_origin(corsac_builder *builder,
                                        corsac_str value);

// Takes responsibility for what is refused otherwise: insecure-origins, public-suffixes, null-origin.
void corsac_builder_dangerously_allow(corsac_builder *builder,
                                      corsac_str danger);

// The name of the rule, for people and logs.
void corsac_builder_name(corsac_builder *builder, corsac_str name);

// The description of the rule, for people.
void corsac_builder_description(corsac_builder *builder, corsac_str text);

// What becomes of refused requests that are no preflights: forward, the default, or forbid, which
// answers 403.
void corsac_builder_refused_requests(corsac_builder *builder, corsac_str value);

// One of the server's own origins, where Host does not tell.
void corsac_builder_own_origin(corsac_builder *builder, corsac_str origin);

// What becomes of CORS headers that the application sets: remove, the default, or keep.
void corsac_builder_foreign_headers(corsac_builder *builder, corsac_str value);

// An origin that a rule has to match, or nothing is built.
void corsac_builder_expect_allow(corsac_builder *builder, corsac_str origin);

// An origin that no rule may match, or nothing is built.
void corsac_builder_expect_refuse(corsac_builder *builder, corsac_str origin);

// The code of a warning that is known and not to be reported again.
void corsac_builder_acknowledge(corsac_builder *builder, corsac_str code);

// The status of an answered preflight: 204, the default, or 200.
void corsac_builder_preflight_status(corsac_builder *builder, int64_t status);

// Begins the next rule: what is set from here on is its own, but for what belongs to the whole policy. The
// first rule that matches an origin decides alone.
void corsac_builder_next_rule(corsac_builder *builder);

// Builds a policy from the values so far; the builder can be used further. policy gets the policy,
// yours to free, or NULL; error gets every problem of every value, yours to free, or NULL.
//
// Returns CORSAC_STATUS_CONFIG if there are problems, and what was wrong with an earlier call, such as
// CORSAC_STATUS_NULL_POINTER.
corsac_status corsac_builder_build(const corsac_builder *builder,
                                   const corsac_policy **policy,
                                   corsac_error **error);

// Frees a builder.
void corsac_builder_free(corsac_builder *builder);

// Begins a request with this method and no header yet; corsac_request_start passes the size.
//
// size is sizeof(corsac_request). Call it again to reuse the memory.
void corsac_request_init(void *request, size_t size, corsac_str method);

// Shows one header line of the request: show it every line there is, in order, repeated ones too. It
// keeps what CORS needs. Names in any case of letters; the value as it came, present and empty if
// NULL. HTTP/2 and later: show :authority too.
void corsac_request_header(corsac_request *request,
                           corsac_str name,
                           corsac_str value);

// Begins a decision that grants nothing; corsac_decision_start passes the size.
//
// size is sizeof(corsac_decision). Once is enough for any number of decisions in the same memory.
void corsac_decision_init(void *decision, size_t size);

// Decides a request by a policy. On any status but CORSAC_STATUS_OK the decision grants nothing: remove
// CORSAC_FOREIGN_HEADERS from the response, and answer OPTIONS requests 500.
//
// Neither allocates nor locks; takes time linear in the facts, however many origins there are. The
// decision borrows the policy and the request, and is to be used while both live unchanged.
corsac_status corsac_policy_evaluate(const corsac_policy *policy,
                                     const corsac_request *request,
                                     corsac_decision *decision);

// Writes the headers of a decision, at most cap, in the order in which they apply, and returns how
// many there are: headers_len, at most CORSAC_MAX_HEADERS. Applying them twice changes nothing.
//
// Apply them to every final response, errors, redirects, HEAD and 304 included, never to 1xx. The
// strings borrow from the library, the policy and the request.
size_t corsac_decision_headers(const corsac_decision *decision, corsac_header *out, size_t cap);

// The name of the rule that decided; data is NULL if no rule did, or it has no name.
//
// The string borrows from the policy.
corsac_str corsac_decision_rule_name(const corsac_decision *decision);

// Writes a decision as one line for a log, escaped and capped whatever the request holds: at most cap bytes,
// the last of them NUL. Returns the length of the whole line, which is below CORSAC_MAX_LINE, without the NUL.
size_t corsac_decision_format(const corsac_decision *decision,
                              char *out,
                              size_t cap);

// Reads the CORS configuration of an S3 bucket: a CORSConfiguration in XML, or one of the JSON forms of
// AWS. dialect is zenko, as is the empty string, or aws. Without strict, the Vary that S3 forgets is sent
// and the grammar of Origin is checked first. policy gets the policy, yours to free, or NULL; error gets
// the first problem in the order of S3, yours to free, or NULL: see corsac_error_s3_code.
//
// Such a policy answers every OPTIONS, as S3 does. Returns CORSAC_STATUS_CONFIG if S3 refuses the
// configuration, or dialect is none.
corsac_status corsac_policy_from_s3(corsac_str text,
                                    corsac_str dialect,
                                    bool strict,
                                    const corsac_policy **policy,
                                    corsac_error **error);

// The S3 error code that refuses a configuration, such as MalformedXML; data is NULL if no rule of S3
// refused it. The string lives as long as the handle.
corsac_str corsac_error_s3_code(const corsac_error *error);

// The body in which S3 refuses a configuration, with status 400, into body, yours to free: XML. NULL if no
// rule of S3 refused it. Zenko tells no host_id.
corsac_status corsac_error_s3_body(const corsac_error *error,
                                   corsac_str request_id,
                                   corsac_str host_id,
                                   corsac_text **body);

// The configuration of a policy that was read by corsac_policy_from_s3, as XML, into text, yours to free.
// NULL for any other policy.
corsac_status corsac_policy_s3_xml(const corsac_policy *policy,
                                   corsac_text **text);

// The S3 error code of a preflight that S3 rules refused, such as AccessForbidden; data is NULL for any other
// decision. Never freed.
corsac_str corsac_decision_s3_code(const corsac_decision *decision);

// The body in which S3 refuses a preflight, to be sent with the decision's status, into body, yours to free:
// XML. NULL for any other decision. AWS tells whether the request was about a bucket or an object, and host_id.
// Allocates: for hosts that answer as S3 does.
corsac_status corsac_decision_s3_body(const corsac_decision *decision,
                                      bool is_bucket,
                                      corsac_str request_id,
                                      corsac_str host_id,
                                      corsac_text **body);

// The CORS headers of a decision as S3 spells and orders them, each as name, colon, space, value, CR and LF,
// into lines, yours to free. Empty where S3 sends none. Allocates: for hosts that answer as S3 does to the
// byte; others use corsac_decision_headers.
corsac_status corsac_decision_s3_headers(const corsac_decision *decision,
                                         corsac_text **lines);

// What S3 answers about a bucket and not by its rules: which is one of CORSAC_S3_*. request is the one that is
// answered; of CORSAC_S3_NO_CONFIGURATION and CORSAC_S3_BAD_DIGEST it may be NULL. dialect is zenko, as is the empty
// string, or aws. Into http_status, into code, such as NoSuchBucket, never freed, and into body, yours to free: XML.
// AWS tells whether the request was about a bucket or an object, and host_id. Allocates.
//
// Returns CORSAC_STATUS_CONFIG if there is no such dialect, or nothing of that number.
corsac_status corsac_s3_error(uint32_t which,
                              corsac_str dialect,
                              const corsac_request *request,
                              bool is_bucket,
                              corsac_str request_id,
                              corsac_str host_id,
                              uint32_t *http_status,
                              corsac_str *code,
                              corsac_text **body);

// A cell with its first policy, yours to free. It has a reference of its own to the policy; yours
// stays yours. NULL for NULL.
corsac_cell *corsac_cell_new(const corsac_policy *policy);

// Replaces the policy of a cell, which has a reference of its own to the new one; yours stays
// yours. If either is NULL, nothing changes.
//
// Loads that begin after this returned give the new policy or a later one. Who loaded the old one
// keeps it. Locks for as long as it takes to exchange a pointer.
void corsac_cell_store(const corsac_cell *cell, const corsac_policy *policy);

// The policy of a cell as it is now, yours to free; generation gets its number. The two belong
// together. NULL and 0 for NULL. generation may be NULL if you don't want to know.
//
// The policy outlives its replacement, and the cell. Takes a read lock for as long as it takes to
// count a reference.
const corsac_policy *corsac_cell_load(const corsac_cell *cell, uint64_t *generation);

// The generation of a cell as it is now: one atomic load, with acquire ordering. 0 for NULL.
uint64_t corsac_cell_generation(const corsac_cell *cell);

// Frees a cell, once no other thread uses it. Policies that were loaded live on.
void corsac_cell_free(corsac_cell *cell);

// How many problems there are, at most 1,000.
size_t corsac_error_len(const corsac_error *error);

// How many further problems were counted but are not listed.
size_t corsac_error_unreported(const corsac_error *error);

// The stable name of a kind of problem, such as origin-with-trailing-slash. The strings of this
// and the next functions live as long as the handle; beyond the last problem they are NULL.
corsac_str corsac_error_code(const corsac_error *error, size_t index);

// Where it is, such as allow_origins[3]; empty for the document as a whole.
corsac_str corsac_error_path(const corsac_error *error, size_t index);

// The offending value, a string as it is, anything else as JSON text; data is NULL if there is none.
corsac_str corsac_error_value(const corsac_error *error,
                              size_t index);

// One sentence: what is wrong and what to write instead.
corsac_str corsac_error_message(const corsac_error *error, size_t index);

// What to write instead, as in corsac_error_value; data is NULL if there is no such value.
corsac_str corsac_error_suggestion(const corsac_error *error, size_t index);

// The line in the document, from 1; 0 if the configuration was no document.
uint32_t corsac_error_line(const corsac_error *error, size_t index);

// The column, from 1, in Unicode scalar values; 0 if the configuration was no document.
uint32_t corsac_error_column(const corsac_error *error, size_t index);

// Frees a list of problems.
void corsac_error_free(corsac_error *error);

// The version of the library, such as "0.1.0". Never freed, like all strings of this and the next functions.
const char *corsac_version(void);

// The CORSAC_ABI_VERSION of the library.
uint32_t corsac_abi_version(void);

// The version of the Public Suffix List that the library knows, such as "psl 2.1.247": the crate it comes from.
const char *corsac_public_suffix_list(void);

// The name of a CORSAC_STATUS_*, such as "null-pointer"; "unknown" for any other number.
const char *corsac_status_name(corsac_status status);

// The name of a CORSAC_REASON_*, such as "origin-not-allowed", the same in every language; "none"
// for 0, "unknown" for any other number.
const char *corsac_reason_name(uint32_t reason);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#ifdef __cplusplus
extern "C" {
#endif

// The string of so many bytes.
static inline corsac_str corsac_str_n(const char *data, size_t len) {
  corsac_str string;
  string.data = data;
  string.len = len;
  return string;
}

// The string that ends at a NUL; the empty one for NULL.
static inline corsac_str corsac_str_z(const char *text) {
  size_t len = 0;
  while (text && text[len])
    len++;
  return corsac_str_n(text, len);
}

// corsac_request_init with the size that you compile.
static inline void corsac_request_start(corsac_request *request, corsac_str method) {
  corsac_request_init(request, sizeof *request, method);
}

// corsac_decision_init with the size that you compile.
static inline void corsac_decision_start(corsac_decision *decision) {
  corsac_decision_init(decision, sizeof *decision);
}

#ifdef __cplusplus
}
#endif

#endif

// Decisions, and the headers that come with them.
#include "claims.h"

static corsac_decision decide(const corsac_policy *policy, corsac_request *request,
                              const char *method, const char *const headers[][2]) {
  corsac_decision decision;
  corsac_request_start(request, z(method));
  for (size_t i = 0; headers[i][0]; i++)
    corsac_request_header(request, z(headers[i][0]), z(headers[i][1]));
  corsac_decision_start(&decision);
  CHECK(corsac_policy_evaluate(policy, request, &decision) == CORSAC_STATUS_OK);
  return decision;
}

#define HEADERS(...) (const char *const[][2]){__VA_ARGS__, {NULL, NULL}}

static const char *const document =
    "{\"allow_origins\":[\"https://app.example.com\"],\"allow_methods\":[\"PUT\"],"
    "\"allow_headers\":[\"X-Token\"],\"expose_headers\":[\"ETag\"],\"allow_credentials\":true,"
    "\"max_age\":600}";

static void an_allowed_origin_reads_the_response(void) {
  const corsac_policy *policy = policy_of(document);
  corsac_request request;
  corsac_decision decision =
      decide(policy, &request, "GET", HEADERS({"Host", "x"}, {"oRiGiN", "https://app.example.com"}));
  CHECK(decision.kind == CORSAC_KIND_ACTUAL && decision.action == CORSAC_ACTION_FORWARD);
  CHECK(decision.status == 0 && decision.allowed == 1 && decision.rule == 0 && decision.flags == 0);
  CHECK(decision.reason == CORSAC_REASON_ALLOWED);
  CHECK(has_headers(&decision, "vary Vary: Origin\n"
                               "set Access-Control-Allow-Origin: https://app.example.com\n"
                               "set Access-Control-Allow-Credentials: true\n"
                               "set Access-Control-Expose-Headers: etag\n"));
  corsac_policy_free(policy);
}

static void a_refused_origin_learns_nothing_of_the_policy(void) {
  const corsac_policy *policy = policy_of(document);
  corsac_request request;
  corsac_decision decision =
      decide(policy, &request, "GET", HEADERS({"Origin", "https://app.example.com.evil.example"}));
  CHECK(decision.kind == CORSAC_KIND_ACTUAL && decision.action == CORSAC_ACTION_FORWARD);
  CHECK(decision.allowed == 0 && decision.rule == CORSAC_NO_RULE);
  CHECK(decision.reason == CORSAC_REASON_ORIGIN_NOT_ALLOWED);
  CHECK(has_headers(&decision, "vary Vary: Origin\n"));
  decision = decide(policy, &request, "OPTIONS",
                    HEADERS({"Origin", "https://evil.example"}, {"Access-Control-Request-Method", "PUT"}));
  CHECK(decision.kind == CORSAC_KIND_PREFLIGHT && decision.action == CORSAC_ACTION_RESPOND);
  CHECK(decision.status == 403 && decision.allowed == 0);
  CHECK(has_headers(&decision, "vary Vary: Origin\n"));
  corsac_policy_free(policy);
}

static void a_request_without_origin_is_not_cors(void) {
  const corsac_policy *policy = policy_of(document);
  corsac_request request;
  corsac_decision decision = decide(policy, &request, "OPTIONS", HEADERS({"Host", "x"}));
  CHECK(decision.kind == CORSAC_KIND_NOT_CORS && decision.action == CORSAC_ACTION_FORWARD);
  CHECK(decision.allowed == 1 && decision.reason == CORSAC_REASON_NOT_CORS);
  CHECK(decision.rule == CORSAC_NO_RULE);
  CHECK(has_headers(&decision, "vary Vary: Origin\n"));
  corsac_policy_free(policy);
}

static void a_request_of_the_same_origin_is_forwarded(void) {
  const corsac_policy *policy = policy_of(document);
  corsac_request request;
  corsac_decision decision = decide(policy, &request, "POST",
                                    HEADERS({"Origin", "https://api.example.com"},
                                            {"Sec-Fetch-Site", "same-origin"}));
  CHECK(decision.reason == CORSAC_REASON_SAME_ORIGIN && decision.allowed == 1);
  decision = decide(policy, &request, "POST",
                    HEADERS({"Origin", "https://api.example.com"}, {"Host", "API.example.com:443"}));
  CHECK(decision.reason == CORSAC_REASON_SAME_ORIGIN);
  // :authority replaces Host, wherever it stands.
  decision = decide(policy, &request, "POST",
                    HEADERS({"Host", "api.example.com"}, {"Origin", "https://api.example.com"},
                            {":authority", "other.example.com"}));
  CHECK(decision.reason == CORSAC_REASON_ORIGIN_NOT_ALLOWED && decision.allowed == 0);
  corsac_policy_free(policy);
}

static void two_origins_are_none(void) {
  const corsac_policy *policy = policy_of(document);
  corsac_request request;
  corsac_decision decision = decide(
      policy, &request, "GET",
      HEADERS({"Origin", "https://app.example.com"}, {"Origin", "https://app.example.com"}));
  CHECK(decision.reason == CORSAC_REASON_MALFORMED_ORIGIN && decision.allowed == 0);
  CHECK(request.origin_lines == 2 && is(request.origin, "https://app.example.com"));
  CHECK(has_headers(&decision, "vary Vary: Origin\n"));
  corsac_policy_free(policy);
}

static void a_preflight_is_answered(void) {
  const corsac_policy *policy = policy_of(document);
  corsac_request request;
  corsac_decision decision = decide(policy, &request, "OPTIONS",
                                    HEADERS({"Origin", "https://app.example.com"},
                                            {"Access-Control-Request-Method", "PUT"},
                                            {"Access-Control-Request-Headers", "x-token"}));
  CHECK(decision.kind == CORSAC_KIND_PREFLIGHT && decision.action == CORSAC_ACTION_RESPOND);
  CHECK(decision.status == 204 && decision.allowed == 1);
  const char *headers = "vary Vary: Origin\n"
                        "set Access-Control-Allow-Origin: https://app.example.com\n"
                        "set Access-Control-Allow-Credentials: true\n"
                        "set Access-Control-Allow-Methods: GET,HEAD,POST,PUT\n"
                        "set Access-Control-Allow-Headers: x-token\n"
                        "set Access-Control-Max-Age: 600\n";
  CHECK(has_headers(&decision, headers));
  decision = decide(policy, &request, "OPTIONS",
                    HEADERS({"Origin", "https://app.example.com"},
                            {"Access-Control-Request-Method", "DELETE"}));
  CHECK(decision.reason == CORSAC_REASON_METHOD_NOT_ALLOWED && decision.allowed == 0);
  CHECK(decision.status == 204 && decision.rule == 0);
  CHECK(has_headers(&decision, headers));
  corsac_policy_free(policy);
}

static void what_is_requested_is_sent_back_with_credentials_and_a_wildcard(void) {
  const corsac_policy *policy =
      policy_of("{\"allow_origins\":[\"https://app.example.com\"],\"allow_methods\":\"*\","
                "\"allow_headers\":\"*\",\"allow_credentials\":true}");
  corsac_request request;
  corsac_decision decision = decide(policy, &request, "OPTIONS",
                                    HEADERS({"Origin", "https://app.example.com"},
                                            {"Access-Control-Request-Headers", ""},
                                            {"Access-Control-Request-Method", "PATCH"},
                                            {"Access-Control-Request-Headers", "x-a,X-B"},
                                            {"Access-Control-Request-Headers", " \t"},
                                            {"Access-Control-Request-Headers", "x-c"}));
  CHECK(decision.allowed == 1);
  CHECK(has_headers(&decision, "vary Vary: Origin\n"
                               "vary Vary: Access-Control-Request-Method\n"
                               "vary Vary: Access-Control-Request-Headers\n"
                               "set Access-Control-Allow-Origin: https://app.example.com\n"
                               "set Access-Control-Allow-Credentials: true\n"
                               "set Access-Control-Allow-Methods: GET,HEAD,POST\n"
                               "add Access-Control-Allow-Methods: PATCH\n"
                               "set Access-Control-Allow-Headers: x-a,X-B\n"
                               "add Access-Control-Allow-Headers: x-c\n"));
  CHECK(request.request_headers_kept == 2 && request.request_headers_blank_after == 0);
  CHECK(request.request_headers_blank[0] == 1 && request.request_headers_blank[1] == 1);
  CHECK(request.request_headers_len == strlen(", x-a,X-B,  \t, x-c"));

  // Fewer places than headers: the first ones, and the number of all.
  corsac_header headers[4];
  headers[3].op = 99;
  CHECK(corsac_decision_headers(&decision, headers, 3) == 9);
  CHECK(is(headers[2].value, "Access-Control-Request-Headers") && headers[3].op == 99);
  corsac_policy_free(policy);
}

static void the_worst_preflight_fits(void) {
  const corsac_policy *policy =
      policy_of("{\"allow_origins\":[\"https://app.example.com\"],\"allow_methods\":\"*\","
                "\"allow_headers\":\"*\",\"allow_credentials\":true,\"max_age\":5}");
  corsac_request request;
  corsac_decision decision;
  corsac_request_start(&request, z("OPTIONS"));
  corsac_request_header(&request, z("Origin"), z("https://app.example.com"));
  corsac_request_header(&request, z("Access-Control-Request-Method"), z("PUT"));
  for (int i = 0; i < 8; i++)
    corsac_request_header(&request, z("Access-Control-Request-Headers"), z("x-a"));
  corsac_decision_start(&decision);
  CHECK(corsac_policy_evaluate(policy, &request, &decision) == CORSAC_STATUS_OK);
  CHECK(decision.allowed == 1 && decision.headers_len == 16);
  CHECK(decision.headers_len <= CORSAC_MAX_HEADERS);
  corsac_request_header(&request, z("Access-Control-Request-Headers"), z("x-a"));
  CHECK(corsac_policy_evaluate(policy, &request, &decision) == CORSAC_STATUS_OK);
  CHECK(request.request_headers_overflow);
  CHECK(decision.reason == CORSAC_REASON_REQUEST_HEADERS_TOO_LARGE && decision.status == 403);
  corsac_policy_free(policy);
}

static void everyone_gets_the_same_answer_from_an_open_policy(void) {
  const corsac_policy *policy = policy_of("{\"allow_origins\":\"*\"}");
  corsac_request request;
  const char *headers = "set Access-Control-Allow-Origin: *\n";
  corsac_decision decision = decide(policy, &request, "GET", HEADERS({"Host", "x"}));
  CHECK(decision.kind == CORSAC_KIND_NOT_CORS && has_headers(&decision, headers));
  decision = decide(policy, &request, "GET", HEADERS({"Origin", "\xff\r\n"}));
  CHECK(decision.kind == CORSAC_KIND_ACTUAL && decision.rule == 0 && has_headers(&decision, headers));
  corsac_policy_free(policy);
}

static void a_handshake_asks_for_an_origin_alone(void) {
  const corsac_policy *policy = policy_of("{\"allow_origins\":[\"https://*.example.com\"]}");
  CHECK(corsac_policy_allows_origin(policy, z("https://app.example.com"), false));
  CHECK(!corsac_policy_allows_origin(policy, z("https://app.example.com"), true));
  CHECK(!corsac_policy_allows_origin(policy, z("https://example.com"), false));
  corsac_policy_free(policy);
}

int main(void) {
  CLAIM(an_allowed_origin_reads_the_response);
  CLAIM(a_refused_origin_learns_nothing_of_the_policy);
  CLAIM(a_request_without_origin_is_not_cors);
  CLAIM(a_request_of_the_same_origin_is_forwarded);
  CLAIM(two_origins_are_none);
  CLAIM(a_preflight_is_answered);
  CLAIM(what_is_requested_is_sent_back_with_credentials_and_a_wildcard);
  CLAIM(the_worst_preflight_fits);
  CLAIM(everyone_gets_the_same_answer_from_an_open_policy);
  CLAIM(a_handshake_asks_for_an_origin_alone);
  DONE();
}

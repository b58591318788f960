// A program of the time of corsac.h 0.1, which stands beside it. It calls every function and has to keep
// running with every library of CORSAC_ABI_VERSION 0: neither file changes any more, whatever the header in
// include/ becomes. They go when that number changes.
#include "corsac.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      printf("client.c:%d: %s\n", __LINE__, #condition);                                           \
      failures++;                                                                                  \
    }                                                                                              \
  } while (0)

static corsac_str z(const char *text) { return corsac_str_z(text); }

static bool is(corsac_str string, const char *text) {
  return string.data && string.len == strlen(text) && memcmp(string.data, text, string.len) == 0;
}

static const char *const document = "{\"rules\":[{\"allow_origins\":[\"https://app.example.com\"],\"allow_methods\":[\"PUT\"],"
                                    "\"allow_headers\":[\"content-type\"],\"allow_credentials\":true,\"max_age\":600,"
                                    "\"name\":\"app\"},{\"allow_origins\":\"*\"}]}";

static void documents(void) {
  const corsac_policy *policy = NULL;
  corsac_error *error = NULL;
  CHECK(corsac_policy_from_json(z(document), &policy, &error) == CORSAC_STATUS_OK);
  CHECK(policy && !error);

  corsac_text *text = NULL;
  CHECK(corsac_policy_document(policy, &text) == CORSAC_STATUS_OK);
  CHECK(corsac_text_len(text) == strlen(document));
  CHECK(strcmp(corsac_text_data(text), document) == 0);
  corsac_text_free(text);

  corsac_error *warnings = NULL;
  CHECK(corsac_policy_warnings(policy, &warnings) == CORSAC_STATUS_OK);
  CHECK(corsac_error_unreported(warnings) == 0);
  corsac_error_free(warnings);

  const corsac_policy *clone = corsac_policy_clone(policy);
  corsac_policy_free(policy);
  CHECK(corsac_policy_allows_origin(clone, z("https://app.example.com"), true));
  CHECK(!corsac_policy_allows_origin(clone, z("https://other.example.com"), true));
  CHECK(corsac_policy_allows_origin(clone, z("https://other.example.com"), false));
  corsac_policy_free(clone);
}

static void problems(void) {
  const corsac_policy *policy = NULL;
  corsac_error *error = NULL;
  CHECK(corsac_policy_from_json(z("{\"allow_origins\":[\"https://app.example.com/\"]}"), &policy, &error) ==
        CORSAC_STATUS_CONFIG);
  CHECK(!policy && corsac_error_len(error) == 1);
  CHECK(is(corsac_error_code(error, 0), "origin-with-trailing-slash"));
  CHECK(is(corsac_error_path(error, 0), "allow_origins[0]"));
  CHECK(is(corsac_error_value(error, 0), "https://app.example.com/"));
  CHECK(is(corsac_error_suggestion(error, 0), "https://app.example.com"));
  CHECK(corsac_error_message(error, 0).len > 0);
  CHECK(corsac_error_line(error, 0) == 1 && corsac_error_column(error, 0) == 19);
  CHECK(!corsac_error_code(error, 1).data);
  corsac_error_free(error);
}

static void built(void) {
  corsac_builder *builder = corsac_builder_new();
  corsac_builder_allow_origin(builder, z("https://a.example"));
  corsac_builder_allow_origin(builder, z("http://b.example"));
  corsac_builder_allow_method(builder, z("PUT"));
  corsac_builder_allow_header(builder, z("x-token"));
  corsac_builder_expose_header(builder, z("etag"));
  corsac_builder_allow_credentials(builder, true);
  corsac_builder_max_age(builder, 600);
  corsac_builder_timing_allow_origin(builder, z("true"));
  corsac_builder_dangerously_allow(builder, z("insecure-origins"));
  corsac_builder_name(builder, z("first"));
  corsac_builder_description(builder, z("of two"));
  corsac_builder_next_rule(builder);
  corsac_builder_allow_origin(builder, z("https://d.example"));
  corsac_builder_refused_requests(builder, z("forbid"));
  corsac_builder_own_origin(builder, z("https://api.example"));
  corsac_builder_foreign_headers(builder, z("keep"));
  corsac_builder_preflight_status(builder, 200);
  corsac_builder_expect_allow(builder, z("https://a.example"));
  corsac_builder_expect_refuse(builder, z("https://c.example"));
  corsac_builder_acknowledge(builder, z("json-will-not-get-through"));
  const corsac_policy *policy = NULL;
  CHECK(corsac_builder_build(builder, &policy, NULL) == CORSAC_STATUS_OK);
  corsac_builder_free(builder);
  corsac_text *text = NULL;
  CHECK(corsac_policy_document(policy, &text) == CORSAC_STATUS_OK);
  CHECK(strcmp(corsac_text_data(text),
               "{\"rules\":[{\"allow_origins\":[\"https://a.example\",\"http://b.example\"],\"allow_methods\":[\"PUT\"],"
               "\"allow_headers\":[\"x-token\"],\"expose_headers\":[\"etag\"],\"allow_credentials\":true,\"max_age\":600,"
               "\"timing_allow_origin\":true,\"dangerously_allow\":[\"insecure-origins\"],\"name\":\"first\","
               "\"description\":\"of two\"},{\"allow_origins\":[\"https://d.example\"]}],\"preflight_status\":200,"
               "\"refused_requests\":\"forbid\",\"own_origins\":[\"https://api.example\"],\"foreign_headers\":\"keep\","
               "\"expect\":{\"allow\":[\"https://a.example\"],\"refuse\":[\"https://c.example\"]},"
               "\"acknowledge\":[\"json-will-not-get-through\"]}") == 0);
  corsac_text_free(text);
  corsac_policy_free(policy);
}

static void decisions(void) {
  const corsac_policy *policy = NULL;
  CHECK(corsac_policy_from_json(z(document), &policy, NULL) == CORSAC_STATUS_OK);
  // Of their size in 0.1, on the heap, so that a write behind them is seen.
  corsac_request *request = malloc(sizeof *request);
  corsac_decision *decision = malloc(sizeof *decision);
  corsac_request_start(request, z("OPTIONS"));
  corsac_request_header(request, z("Host"), z("api.example.com"));
  corsac_request_header(request, z("Origin"), z("https://app.example.com"));
  corsac_request_header(request, z("Access-Control-Request-Method"), z("PUT"));
  corsac_request_header(request, z("Access-Control-Request-Headers"), z("content-type"));
  CHECK(request->origin_lines == 1 && is(request->origin, "https://app.example.com"));
  CHECK(request->request_headers_kept == 1 && is(request->request_headers[0], "content-type"));
  corsac_decision_start(decision);
  CHECK(corsac_policy_evaluate(policy, request, decision) == CORSAC_STATUS_OK);
  CHECK(decision->struct_size == sizeof *decision && decision->kind == CORSAC_KIND_PREFLIGHT);
  CHECK(decision->action == CORSAC_ACTION_RESPOND && decision->status == 204 && decision->allowed == 1);
  CHECK(decision->reason == CORSAC_REASON_ALLOWED && decision->rule == 0 && decision->flags == 0);
  CHECK(is(corsac_decision_rule_name(decision), "app"));

  static const char *const expected[][2] = {
      {"Vary", "Origin"},
      {"Access-Control-Allow-Origin", "https://app.example.com"},
      {"Access-Control-Allow-Credentials", "true"},
      {"Access-Control-Allow-Methods", "GET,HEAD,POST,PUT"},
      {"Access-Control-Allow-Headers", "content-type"},
      {"Access-Control-Max-Age", "600"},
  };
  corsac_header headers[CORSAC_MAX_HEADERS];
  CHECK(corsac_decision_headers(decision, headers, CORSAC_MAX_HEADERS) == 6 && decision->headers_len == 6);
  for (size_t i = 0; i < 6; i++) {
    CHECK(headers[i].op == (i ? CORSAC_OP_SET : CORSAC_OP_VARY));
    CHECK(is(headers[i].name, expected[i][0]) && is(headers[i].value, expected[i][1]));
  }
  char line[CORSAC_MAX_LINE];
  size_t len = corsac_decision_format(decision, line, sizeof line);
  CHECK(len == strlen(line) && strncmp(line, "preflight allowed allowed rule=0", 32) == 0);

  corsac_request_start(request, z("GET"));
  CHECK(corsac_policy_evaluate(policy, request, decision) == CORSAC_STATUS_OK);
  CHECK(decision->kind == CORSAC_KIND_NOT_CORS && decision->rule == CORSAC_NO_RULE);
  CHECK(corsac_policy_evaluate(NULL, request, decision) == CORSAC_STATUS_NULL_POINTER);
  CHECK(decision->kind == CORSAC_KIND_NONE && decision->allowed == 0);
  free(request);
  free(decision);
  corsac_policy_free(policy);
}

static void cells(void) {
  const corsac_policy *policy = NULL;
  CHECK(corsac_policy_from_json(z(document), &policy, NULL) == CORSAC_STATUS_OK);
  corsac_cell *cell = corsac_cell_new(policy);
  corsac_cell_store(cell, policy);
  corsac_policy_free(policy);
  uint64_t generation = 0;
  policy = corsac_cell_load(cell, &generation);
  CHECK(policy && generation == 2 && corsac_cell_generation(cell) == 2);
  corsac_cell_free(cell);
  CHECK(corsac_policy_allows_origin(policy, z("https://app.example.com"), true));
  corsac_policy_free(policy);
}

static void names(void) {
  CHECK(corsac_abi_version() == CORSAC_ABI_VERSION);
  CHECK(strlen(corsac_version()) >= 5);
  CHECK(strncmp(corsac_public_suffix_list(), "psl ", 4) == 0);
  CHECK(strcmp(corsac_status_name(CORSAC_STATUS_STRUCT_SIZE), "struct-size") == 0);
  CHECK(strcmp(corsac_reason_name(CORSAC_REASON_HEADER_NOT_ALLOWED), "header-not-allowed") == 0);
}

int main(void) {
  documents();
  problems();
  built();
  decisions();
  cells();
  names();
  return failures != 0;
}

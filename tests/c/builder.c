// Policies that are configured by calls.
#include "claims.h"

static void calls_make_the_policy_of_a_document(void) {
  corsac_builder *builder = corsac_builder_new();
  corsac_builder_max_age(builder, 600);
  corsac_builder_allow_credentials(builder, true);
  corsac_builder_expose_header(builder, z("ETag"));
  corsac_builder_allow_header(builder, z("X-Token"));
  corsac_builder_allow_method(builder, z("PUT"));
  corsac_builder_allow_origin(builder, z("https://app.example.com"));
  const corsac_policy *policy = NULL;
  corsac_error *error = NULL;
  corsac_text *text = NULL;
  CHECK(corsac_builder_build(builder, &policy, &error) == CORSAC_STATUS_OK);
  CHECK(policy != NULL && error == NULL);
  CHECK(corsac_policy_document(policy, &text) == CORSAC_STATUS_OK);
  CHECK(strcmp(corsac_text_data(text),
               "{\"allow_origins\":[\"https://app.example.com\"],\"allow_methods\":[\"PUT\"],"
               "\"allow_headers\":[\"x-token\"],\"expose_headers\":[\"etag\"],"
               "\"allow_credentials\":true,\"max_age\":600}") == 0);
  corsac_text_free(text);
  corsac_policy_free(policy);
  corsac_builder_free(builder);
}

static void calls_make_every_part_of_a_document(void) {
  corsac_builder *builder = corsac_builder_new();
  corsac_builder_name(builder, z("partners"));
  corsac_builder_description(builder, z("Those with a contract."));
  corsac_builder_allow_origin(builder, z("http://partner.example"));
  corsac_builder_allow_credentials(builder, true);
  corsac_builder_dangerously_allow(builder, z("insecure-origins"));
  corsac_builder_timing_allow_origin(builder, z("true"));
  corsac_builder_next_rule(builder);
  corsac_builder_allow_origin(builder, z("*"));
  corsac_builder_preflight_status(builder, 200);
  corsac_builder_refused_requests(builder, z("forbid"));
  corsac_builder_own_origin(builder, z("https://api.example"));
  corsac_builder_foreign_headers(builder, z("keep"));
  corsac_builder_expect_allow(builder, z("http://partner.example"));
  corsac_builder_expect_refuse(builder, z("http://partner.example/"));
  corsac_builder_acknowledge(builder, z("forbids-nobody"));
  const corsac_policy *policy = NULL;
  corsac_error *error = NULL, *warnings = NULL;
  corsac_text *text = NULL;
  CHECK(corsac_builder_build(builder, &policy, &error) == CORSAC_STATUS_OK);
  CHECK(corsac_policy_document(policy, &text) == CORSAC_STATUS_OK);
  CHECK(strcmp(corsac_text_data(text),
               "{\"rules\":[{\"allow_origins\":[\"http://partner.example\"],\"allow_credentials\":true,"
               "\"timing_allow_origin\":true,\"dangerously_allow\":[\"insecure-origins\"],"
               "\"name\":\"partners\",\"description\":\"Those with a contract.\"},"
               "{\"allow_origins\":\"*\"}],\"preflight_status\":200,\"refused_requests\":\"forbid\","
               "\"own_origins\":[\"https://api.example\"],\"foreign_headers\":\"keep\","
               "\"expect\":{\"allow\":[\"http://partner.example\"],\"refuse\":[\"http://partner.example/\"]},"
               "\"acknowledge\":[\"forbids-nobody\"]}") == 0);
  CHECK(corsac_policy_warnings(policy, &warnings) == CORSAC_STATUS_OK);
  CHECK(corsac_error_len(warnings) == 0 && corsac_error_unreported(warnings) == 0);

  corsac_request request;
  corsac_decision decision;
  char line[CORSAC_MAX_LINE], start[5];
  corsac_request_start(&request, z("GET"));
  corsac_request_header(&request, z("Origin"), z("http://partner.example"));
  corsac_decision_start(&decision);
  CHECK(corsac_policy_evaluate(policy, &request, &decision) == CORSAC_STATUS_OK && decision.rule == 0);
  CHECK(is(corsac_decision_rule_name(&decision), "partners"));
  size_t len = corsac_decision_format(&decision, line, sizeof line);
  CHECK(len == strlen(line));
  CHECK(strcmp(line, "actual allowed allowed rule=0 name=\"partners\" origin=\"http://partner.example\"") == 0);
  CHECK(corsac_decision_format(&decision, start, sizeof start) == len && strcmp(start, "actu") == 0);
  // The second rule has no name, and grants nobody's own headers a place.
  corsac_request_start(&request, z("GET"));
  corsac_request_header(&request, z("Origin"), z("https://other.example"));
  CHECK(corsac_policy_evaluate(policy, &request, &decision) == CORSAC_STATUS_OK && decision.rule == 1);
  CHECK(corsac_decision_rule_name(&decision).data == NULL && decision.flags == 0);
  corsac_request_start(&request, z("GET"));
  CHECK(corsac_policy_evaluate(policy, &request, &decision) == CORSAC_STATUS_OK);
  CHECK(decision.rule == CORSAC_NO_RULE && decision.flags == CORSAC_FLAG_FOREIGN_HEADERS_KEPT);
  corsac_error_free(warnings);
  corsac_text_free(text);
  corsac_policy_free(policy);
  corsac_builder_free(builder);
}

static void every_problem_is_told_at_once(void) {
  corsac_builder *builder = corsac_builder_new();
  corsac_builder_max_age(builder, -1);
  corsac_builder_allow_method(builder, z("TRACE"));
  corsac_builder_allow_origin(builder, z("https://app.example.com/"));
  corsac_builder_allow_origin(builder, z("https://fine.example.com"));
  corsac_builder_allow_origin(builder, z("*"));
  const corsac_policy *policy = NULL;
  corsac_error *error = NULL;
  CHECK(corsac_builder_build(builder, &policy, &error) == CORSAC_STATUS_CONFIG);
  static const char *const expected[][2] = {{"origin-with-trailing-slash", "allow_origins[0]"},
                                            {"any-origin-not-alone", "allow_origins[2]"},
                                            {"forbidden-method", "allow_methods[0]"},
                                            {"max-age-out-of-range", "max_age"}};
  CHECK(policy == NULL && corsac_error_len(error) == 4 && corsac_error_unreported(error) == 0);
  for (size_t i = 0; i < 4; i++) {
    CHECK(is(corsac_error_code(error, i), expected[i][0]));
    CHECK(is(corsac_error_path(error, i), expected[i][1]));
    CHECK(corsac_error_message(error, i).len > 0);
    CHECK(corsac_error_line(error, i) == 0 && corsac_error_column(error, i) == 0);
  }
  CHECK(is(corsac_error_value(error, 0), "https://app.example.com/"));
  CHECK(is(corsac_error_suggestion(error, 0), "https://app.example.com"));
  CHECK(is(corsac_error_suggestion(error, 3), "0"));
  corsac_error_free(error);
  corsac_builder_free(builder);
}

static void a_document_tells_line_and_column(void) {
  const corsac_policy *policy = NULL;
  corsac_error *error = NULL;
  CHECK(corsac_policy_from_json(z("{\n  \"allow_origins\": [\"\xc3\xa4\", \"app.example.com\"],\n  \"x\": 1}"),
                                &policy, &error) == CORSAC_STATUS_CONFIG);
  CHECK(corsac_error_len(error) == 3);
  CHECK(corsac_error_line(error, 1) == 2 && corsac_error_column(error, 1) == 26);
  CHECK(is(corsac_error_code(error, 2), "unknown-key"));
  CHECK(corsac_error_line(error, 2) == 3 && corsac_error_column(error, 2) == 3);
  corsac_error_free(error);
}

static void problems_are_counted_beyond_a_thousand(void) {
  corsac_builder *builder = corsac_builder_new();
  for (int i = 0; i < 1100; i++)
    corsac_builder_allow_origin(builder, z("x"));
  const corsac_policy *policy = NULL;
  corsac_error *error = NULL;
  CHECK(corsac_builder_build(builder, &policy, &error) == CORSAC_STATUS_CONFIG);
  CHECK(corsac_error_len(error) == 1000 && corsac_error_unreported(error) == 100);
  corsac_error_free(error);
  corsac_builder_free(builder);
}

static void a_builder_can_be_used_further(void) {
  corsac_builder *builder = corsac_builder_new();
  const corsac_policy *first = NULL, *second = NULL;
  CHECK(corsac_builder_build(builder, &first, NULL) == CORSAC_STATUS_CONFIG);
  corsac_builder_allow_origin(builder, z("https://a.example"));
  CHECK(corsac_builder_build(builder, &first, NULL) == CORSAC_STATUS_OK);
  corsac_builder_allow_origin(builder, z("https://b.example"));
  CHECK(corsac_builder_build(builder, &second, NULL) == CORSAC_STATUS_OK);
  corsac_builder_free(builder);
  CHECK(!corsac_policy_allows_origin(first, z("https://b.example"), false));
  CHECK(corsac_policy_allows_origin(second, z("https://b.example"), false));
  corsac_policy_free(first);
  corsac_policy_free(second);
}

int main(void) {
  CLAIM(calls_make_the_policy_of_a_document);
  CLAIM(calls_make_every_part_of_a_document);
  CLAIM(every_problem_is_told_at_once);
  CLAIM(a_document_tells_line_and_column);
  CLAIM(problems_are_counted_beyond_a_thousand);
  CLAIM(a_builder_can_be_used_further);
  DONE();
}
